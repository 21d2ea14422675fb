/**
 * Sends messages between nodes over core NATS, without JetStream: nothing is stored, and a message arrives at most
 * once. Each node subscribes to a subject of its own. If a subject has no subscriber, the NATS server reports that to
 * the sender at once.
 *
 * The NATS user of a node may lack the right to subscribe. Then the node receives no messages, and the other nodes
 * learn that it does not listen. The node works without them. Runs in the writer thread.
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
   * This connection is subscribed to all reply subjects that begin with this. If a message has no receiver, the server
   * reports that to the message's reply subject.
   */
  readonly reply: string;
  /** Runs the body of a callback. Needed because the library swallows the exceptions of callbacks. */
  readonly guard: (take: () => void) => void;
}

export class NatsChannel implements NodeChannel {
  readonly bytesMax: number;
  readonly #options: NatsChannelOptions;
  #sent = 0;
  /** The callback that is called if the newest message reaches no node; null if there is none. */
  #undelivered: (() => void) | null = null;
  /** The subject to which this node is subscribed; "" if it is not. */
  #subject = "";
  /** Whether the server does not allow this node to send. */
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
        // An error means that the right to subscribe is missing, or that the connection has ended. Both are reported
        // elsewhere.
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
    // Replies to earlier messages are ignored.
    if (headers?.code === NO_RESPONDERS && subject === `${reply}${this.#sent}`) this.#fail();
    return true;
  }

  /**
   * Whether an error says that this node may not listen or send. The error is then handled, because the node works
   * without that right.
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

  /**
   * Returns the subject of a node. Dots in the node's name are replaced, because a dot separates the tokens of a
   * subject.
   */
  #subjectOf(node: string): string {
    const { name, generation } = this.#options;
    return `koor.${name}.node.${generation}.${node.replaceAll(".", "%")}`;
  }
}
