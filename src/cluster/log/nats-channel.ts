/**
 * Sends messages between nodes over core NATS, without JetStream. No server stores these messages, and each arrives at
 * most once. Each node subscribes to a subject of its own. If a subject has no subscriber, the NATS server reports that
 * to the sender at once.
 *
 * If a node's NATS user may not subscribe, the node receives no messages. Senders then get the report that a message
 * has no receiver. The nodes also work without these messages. Runs in the writer thread.
 */
import type { Msg, NatsConnection, PermissionViolationError } from "@nats-io/transport-node";
import type { NodeChannel } from "./ordered-log.js";

const NO_RESPONDERS = 503;

export interface NatsChannelOptions {
  readonly connection: NatsConnection;
  /** The name of the cluster. */
  readonly name: string;
  readonly generation: string;
  readonly bytesMax: number;
  /**
   * The prefix of the reply subjects of messages. This connection subscribes to all subjects with this prefix. If a
   * message has no receiver, the server reports that to the message's reply subject.
   */
  readonly reply: string;
  /**
   * Runs the body of a callback. If it throws, the exception is thrown again outside of the library, because the
   * library would swallow it.
   */
  readonly guard: (take: () => void) => void;
}

export class NatsChannel implements NodeChannel {
  readonly bytesMax: number;
  readonly #options: NatsChannelOptions;
  #sent = 0;
  /** Called once if the newest message has no receiver. Null before the first message, and again after the call. */
  #undelivered: (() => void) | null = null;
  /** The subject that this node is subscribed to; "" if there is none. */
  #subject = "";
  /** Whether the server forbids this node to send messages. */
  #isDenied = false;

  constructor(options: NatsChannelOptions) {
    this.#options = options;
    this.bytesMax = options.bytesMax;
  }

  listen(node: string, take: (bytes: Uint8Array) => void): void {
    const { connection, guard } = this.#options;
    if (connection.isClosed()) return;
    this.#subject = this.#subjectOf(node);
    connection.subscribe(this.#subject, {
      callback: (error, message) => {
        // An error means that this node may not subscribe, or that the connection has ended. Other code reports both
        // cases.
        if (error === null) guard(() => take(message.data));
      },
    });
  }

  send(node: string, bytes: Uint8Array, undelivered: () => void): void {
    const { connection, reply } = this.#options;
    if (connection.isClosed()) return;
    if (this.#isDenied) {
      setImmediate(undelivered);
      return;
    }
    this.#undelivered = undelivered;
    this.#sent += 1;
    connection.publish(this.#subjectOf(node), bytes, { reply: `${reply}${this.#sent}` });
  }

  /** Handles a message to a reply subject. Returns false if the message does not belong to this channel. */
  takeReply({ subject, headers }: Msg): boolean {
    const { reply } = this.#options;
    if (!subject.startsWith(reply)) return false;
    // Ignore the replies to earlier messages.
    if (headers?.code === NO_RESPONDERS && subject === `${reply}${this.#sent}`) this.#fail();
    return true;
  }

  /**
   * Whether an error says that this node may not subscribe or send. The caller can ignore such an error, because the
   * node works without the channel.
   */
  takeViolation({ operation, subject }: PermissionViolationError): boolean {
    if (operation === "subscription") return subject === this.#subject;
    if (!subject.startsWith(this.#subjectOf(""))) return false;
    this.#isDenied = true;
    this.#fail();
    return true;
  }

  #fail(): void {
    const undelivered = this.#undelivered;
    this.#undelivered = null;
    undelivered?.();
  }

  /** Returns the subject of a node. NATS splits a subject at its dots, so dots in the node's name are replaced. */
  #subjectOf(node: string): string {
    const { name, generation } = this.#options;
    return `koor.${name}.node.${generation}.${node.replaceAll(".", "%")}`;
  }
}
