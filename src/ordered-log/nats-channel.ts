/**
 * Messages from node to node over NATS's core, without JetStream: nothing is stored, a message arrives at most once. Each
 * node subscribes to a subject of its own; a server says at once where nobody is subscribed.
 *
 * A user of NATS may lack the right to subscribe. Then this node receives nothing, other nodes learn that it does not
 * listen, and nothing else changes. Runs in the writer's thread.
 */
import type { Msg, NatsConnection, PermissionViolationError } from "@nats-io/transport-node";
import type { NodeChannel } from "./ordered-log.js";

const NO_RESPONDERS = 503;

export interface NatsChannelOptions {
  readonly connection: NatsConnection;
  /** Of the cluster. */
  readonly name: string;
  readonly generation: string;
  readonly bytesMax: number;
  /** A subject that this connection is subscribed to, where a server says that nobody listens. */
  readonly reply: string;
  /** Runs what the library calls: it swallows what is thrown. */
  readonly guard: (take: () => void) => void;
}

export class NatsChannel implements NodeChannel {
  readonly bytesMax: number;
  readonly #options: NatsChannelOptions;
  #sent = 0;
  /** Of the newest message that was sent. */
  #undelivered: (() => void) | null = null;
  /** What this node is subscribed to. */
  #subject = "";
  /** This node may not send. */
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
        // The right is missing, or the connection has ended: its own end is told elsewhere.
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

  /** Takes what came to the reply's subject; false where it is none of this channel's. */
  takeReply({ subject, headers }: Msg): boolean {
    const { reply } = this.#options;
    if (!subject.startsWith(reply)) return false;
    // Of one that was sent before it is of no interest any more.
    if (headers?.code === NO_RESPONDERS && subject === `${reply}${this.#sent}`) this.#fail();
    return true;
  }

  /** Whether an error says that this node may not listen or send: it can do without. */
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

  /** A node's name may have dots, which separate the tokens of a subject. */
  #subjectOf(node: string): string {
    const { name, generation } = this.#options;
    return `koor.${name}.node.${generation}.${node.replaceAll(".", "%")}`;
  }
}
