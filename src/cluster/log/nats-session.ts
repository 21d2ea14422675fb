/**
 * Implements a session with a log in a NATS stream. The session reads the stream through a push consumer of its own;
 * nats-appends.ts appends entries. The consumer numbers its deliveries, so the session notices a missing one. Any error
 * ends the session; the session does not try to recover. Runs in the writer thread.
 *
 * Timeouts are counted in ticks of one timer. While this thread is busy, no ticks occur. Afterwards only one tick
 * occurs, and the data that arrived meanwhile is read before the next tick. So the session never gives up a server only
 * because this thread was busy.
 */
import type { StoredMsg } from "@nats-io/jetstream";
import { createInbox, PermissionViolationError, type Msg } from "@nats-io/transport-node";
import { LOG_ANSWER_MS_MAX, LOG_HEARTBEAT_MS, LOG_HEARTBEATS_MISSED_MAX } from "../../../schemas/limits/ordered-log.js";
import { assert } from "../../base/assert.js";
import { reasonOf } from "../../base/reason.js";
import { NatsAppends } from "./nats-appends.js";
import { toLogError, type NatsServer } from "./nats-connection.js";
import { NatsChannel } from "./nats-channel.js";
import { Delivery } from "./nats-delivery.js";
import { PieceJoiner, pieceOf } from "./nats-pieces.js";
import { generationOf, logSubject, streamName, warnOfCopies, type FoundLog } from "./nats-stream.js";
import { LogError, type Appended, type LogListener, type LogSession, type LogStatus } from "./ordered-log.js";

const ANSWER_TICKS_MAX = LOG_ANSWER_MS_MAX / LOG_HEARTBEAT_MS;

/**
 * The position of a delivered message. The server writes it into the message's reply subject, to which a client would
 * send its acknowledgement.
 */
interface DeliveryInfo {
  readonly sequence: number;
  /** The message's number among the consumer's deliveries, from 1. */
  readonly delivery: number;
  /** The number of stored messages after this message. */
  readonly pending: number;
}

/**
 * The position of the stream sequence in a reply subject. A reply subject consists of tokens with dots between them.
 * The key is the number of tokens, and the value is the index of the token with the sequence. Newer servers put the
 * domain and the account before the stream's name.
 */
const DELIVERY_INFO_TOKENS: Readonly<Record<number, number>> = { 9: 5, 11: 7, 12: 7 };

function readDeliveryInfo(reply: string | undefined): DeliveryInfo | null {
  const tokens = (reply ?? "").split(".");
  const at = DELIVERY_INFO_TOKENS[tokens.length];
  if (at === undefined || tokens[1] !== "ACK") return null;
  return { sequence: Number(tokens[at]), delivery: Number(tokens[at + 1]), pending: Number(tokens[at + 3]) };
}

/**
 * Opens a session, and finds the first complete entry of the log.
 * @param found the stream and its settings, which were checked
 * @throws any error of the library
 */
export async function openSession(
  server: NatsServer,
  name: string,
  found: FoundLog,
  listener: LogListener,
): Promise<LogSession> {
  const { first_sequence, last, generation, warnings, message_bytes_max } = found;
  let first = first_sequence;
  // After a manual purge, the oldest message may be a piece in the middle of an entry. Skip the remaining pieces of
  // that entry.
  for (let whole = false; !whole && first <= last; ) {
    const piece = pieceOf((await readMessage(server, name, first))?.header);
    whole = piece === null || piece.at === 1;
    if (piece !== null && !whole) first += piece.of - piece.at + 1;
  }
  return new NatsSession(
    server,
    name,
    { generation, warnings, last, first },
    { message_bytes_max, first_sequence },
    listener,
  );
}

/** Reads a message from the stream's leader. Another server may not have the message yet. */
function readMessage({ manager }: NatsServer, name: string, sequence: number): Promise<StoredMsg | null> {
  return manager.streams.getMessage(streamName(name), { seq: sequence });
}

type StreamBounds = Pick<FoundLog, "message_bytes_max" | "first_sequence">;

class NatsSession implements LogSession {
  readonly status: LogStatus;
  readonly channel: NatsChannel;
  readonly #server: NatsServer;
  readonly #name: string;
  readonly #bounds: StreamBounds;
  readonly #listener: LogListener;
  readonly #subject: string;
  readonly #timer: NodeJS.Timeout;
  readonly #appends: NatsAppends;
  readonly #joiner = new PieceJoiner();
  /** The servers that lacked a part of the log at the last check. */
  #lacking: ReadonlySet<string> = new Set();
  /** The running delivery; null while the session is paused or before `follow` is called. */
  #delivery: Delivery | null = null;
  /** The number of ticks since the last message of the consumer. */
  #silent = 0;
  /**
   * The sequence of the newest delivered message, which may be a piece of an entry. `#delivered` is the id of the
   * newest delivered entry.
   */
  #sequence = 0;
  #delivered = 0;
  #deliveries = 0;
  #last: number;
  /**
   * The sequence of the newest message that this session has appended and the server has stored. `#overdue` counts the
   * ticks for which its delivery has been missing.
   */
  #stored = 0;
  #overdue = 0;
  #ended = false;
  #closed = false;

  constructor(server: NatsServer, name: string, status: LogStatus, bounds: StreamBounds, listener: LogListener) {
    this.status = status;
    this.#server = server;
    this.#name = name;
    this.#bounds = bounds;
    this.#listener = listener;
    this.#last = status.last;
    this.#subject = logSubject(name, status.generation);
    const answers = createInbox();
    this.channel = new NatsChannel({
      connection: server.connection,
      name,
      generation: status.generation,
      bytesMax: bounds.message_bytes_max,
      reply: `${answers}.n`,
      guard: (take) => this.#guard(null, take),
    });
    this.#appends = new NatsAppends({
      connection: server.connection,
      shown: server.shown,
      stream: streamName(name),
      subject: this.#subject,
      reply: `${answers}.`,
      messageBytesMax: bounds.message_bytes_max,
      stored: (sequence) => {
        this.#stored = Math.max(this.#stored, sequence);
        this.#last = Math.max(this.#last, sequence);
      },
      lose: (what) => this.#lose(what),
      end: (error) => this.#end(error),
    });
    server.connection.subscribe(`${answers}.*`, {
      callback: (error, message) =>
        this.#guard(error, () => {
          if (!this.channel.takeReply(message)) this.#appends.take(message);
        }),
    });
    this.#timer = setInterval(() => this.#tick(), LOG_HEARTBEAT_MS);
    void this.#watchViolations();
    void server.connection.closed().then((error) => this.#lose("the connection has ended", error ?? undefined));
  }

  async read(id: number): Promise<Uint8Array | null> {
    try {
      const newest = id < 1 ? null : await readMessage(this.#server, this.#name, id);
      // If the log was created again, its stream has the same name but another subject.
      if (newest === null || newest.subject !== this.#subject) return null;
      const piece = pieceOf(newest.header);
      if (piece === null) return newest.data;
      if (piece.at < piece.of) return null;
      const joiner = new PieceJoiner();
      for (let sequence = id - piece.of + 1; sequence <= id; sequence++) {
        const message = sequence === id ? newest : await readMessage(this.#server, this.#name, sequence);
        const part = message === null ? null : pieceOf(message.header);
        // A missing piece means that the log was trimmed or purged meanwhile.
        if (message === null || part === null) return null;
        const joined = joiner.add(part, message.data);
        if (joined !== null) return joined === "broken" ? null : joined;
      }
      return null;
    } catch (error) {
      throw toLogError(error, this.#server.shown);
    }
  }

  follow(after: number): void {
    assert(this.#delivery === null, "a session follows once");
    if (this.#ended) return;
    if (after + 1 < this.#bounds.first_sequence) {
      this.#lose(`entry ${after + 1} is no longer in the log`);
      return;
    }
    this.#delivered = after;
    this.#startDelivery();
  }

  pause(): void {
    this.#delivery?.end();
    this.#delivery = null;
  }

  resume(): void {
    if (this.#delivery === null && !this.#ended) this.#startDelivery();
  }

  /** Starts the delivery with the message that follows the newest complete entry. */
  #startDelivery(): void {
    this.#sequence = this.#delivered;
    this.#deliveries = 0;
    this.#silent = 0;
    this.#overdue = 0;
    this.#joiner.clear();
    this.#delivery = new Delivery(this.#server, streamName(this.#name), this.#delivered + 1, {
      message: (error, message) => this.#guard(error, () => this.#onMessage(message)),
      failed: (error) => this.#end(toLogError(error, this.#server.shown)),
    });
  }

  append(bytes: Uint8Array, done: (outcome: Appended) => void): void {
    this.#appends.append(bytes, done);
  }

  async check(): Promise<readonly string[]> {
    try {
      const { lacking, warnings } = warnOfCopies(
        await this.#server.manager.streams.info(streamName(this.#name)),
        this.#lacking,
      );
      this.#lacking = lacking;
      return [...this.status.warnings, ...warnings];
    } catch (error) {
      throw toLogError(error, this.#server.shown);
    }
  }

  async trim(through: number): Promise<void> {
    const stream = streamName(this.#name);
    const { manager, shown } = this.#server;
    try {
      const info = await manager.streams.info(stream);
      if (generationOf(info) !== this.status.generation)
        throw new LogError("unreachable", `the log at ${shown} was created again`);
      const { state } = info;
      const newest = Math.min(through, state.last_seq);
      if (state.messages === 0 || newest < state.first_seq) return;
      const message = await readMessage(this.#server, this.#name, newest);
      if (message === null) return;
      const piece = pieceOf(message.header);
      // If `newest` is a piece in the middle of an entry, keep that entry. Its id is the sequence of its last piece,
      // which is after `through`.
      const keep = piece === null || piece.at === piece.of ? newest + 1 : newest - piece.at + 1;
      if (keep > state.first_seq) await manager.streams.purge(stream, { seq: keep });
    } catch (error) {
      throw toLogError(error, shown);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stop();
    await this.#server.connection.close();
  }

  /**
   * Runs the body of a callback of the library. An exception is a bug, and must end the thread. The library would
   * swallow it and stop reading, so it is thrown again outside of the library.
   */
  #guard(error: Error | null, take: () => void): void {
    if (this.#ended) return;
    if (error !== null) {
      this.#end(toLogError(error, this.#server.shown));
      return;
    }
    try {
      take();
    } catch (bug) {
      this.#stop();
      queueMicrotask(() => {
        throw bug;
      });
    }
  }

  /**
   * Watches for permission errors. If this node lacks the right to send a message, the server drops the message without
   * an answer. It reports the error only here.
   */
  async #watchViolations(): Promise<void> {
    for await (const status of this.#server.connection.status())
      if (
        status.type === "error" &&
        status.error instanceof PermissionViolationError &&
        !this.channel.takeViolation(status.error)
      )
        this.#end(toLogError(status.error, this.#server.shown));
  }

  #onMessage(message: Msg): void {
    this.#silent = 0;
    const info = readDeliveryInfo(message.reply);
    // A message with a status header is a control message, unless it has delivery info. Check the delivery info first,
    // because a stored message can have such a header too.
    if (info === null && message.headers !== undefined && message.headers.code !== 0) {
      this.#onControlMessage(message);
      return;
    }
    if (info === null) {
      this.#lose("a message that is not an entry was delivered");
      return;
    }
    const { sequence, delivery, pending } = info;
    if (delivery !== this.#deliveries + 1 || sequence !== this.#sequence + 1) {
      this.#lose(`entry ${sequence} came where ${this.#sequence + 1} was the next`);
      return;
    }
    this.#deliveries = delivery;
    this.#sequence = sequence;
    this.#overdue = 0;
    this.#last = Math.max(this.#last, sequence + pending);
    const piece = pieceOf(message.headers);
    // A batch is stored as a whole, so an entry of Koor is never incomplete. Pieces of an incomplete entry must be from
    // another program. Deliver them as one foreign message.
    if (this.#joiner.isOpen && (piece === null || !this.#joiner.continues(piece)))
      this.#emit(sequence - 1, this.#joiner.takeIncomplete());
    if (piece === null) {
      this.#emit(sequence, message.data);
      return;
    }
    // Skip the remaining pieces of an entry whose first pieces were purged.
    if (!this.#joiner.isOpen && piece.at > 1 && sequence - piece.at + 1 < this.#bounds.first_sequence) return;
    if (!this.#joiner.continues(piece)) {
      this.#emit(sequence, message.data);
      return;
    }
    const entry = this.#joiner.add(piece, message.data);
    if (entry !== null && entry !== "broken") this.#emit(sequence, entry);
  }

  #emit(id: number, bytes: Uint8Array): void {
    this.#delivered = id;
    this.#listener.entry(id, bytes, this.#last);
  }

  /** Handles heartbeats and flow control requests. */
  #onControlMessage({ headers: found, reply }: Msg): void {
    if (found?.code !== 100) {
      this.#lose(`it delivers no more: ${found?.description}`);
      return;
    }
    const { connection } = this.#server;
    const stalled = found.get("Nats-Consumer-Stalled");
    if (reply !== undefined && reply !== "") connection.publish(reply);
    else if (stalled !== "") connection.publish(stalled);
    // A heartbeat follows all earlier deliveries. If the counts differ, a delivery was lost.
    const delivered = found.get("Nats-Last-Consumer");
    if (delivered !== "" && Number(delivered) !== this.#deliveries)
      this.#lose(`only ${this.#deliveries} of ${delivered} deliveries came`);
  }

  #tick(): void {
    if (!this.#appends.tick() || this.#delivery === null) return;
    this.#silent += 1;
    if (this.#silent > LOG_HEARTBEATS_MISSED_MAX) {
      this.#lose(`no sign of life for ${LOG_HEARTBEATS_MISSED_MAX * LOG_HEARTBEAT_MS} ms`);
      return;
    }
    // Heartbeats do not prove that the server works: a server that is partitioned from its peers may still send them.
    // So check that the session's own messages are delivered.
    this.#overdue = this.#stored > this.#sequence ? this.#overdue + 1 : 0;
    if (this.#overdue > ANSWER_TICKS_MAX) this.#lose(`entry ${this.#stored} is stored, but was not delivered`);
  }

  /** @param what the reason for the loss. It follows the log's address in the error message */
  #lose(what: string, error?: Error): void {
    const why = error === undefined ? what : `${what}: ${reasonOf(error)}`;
    this.#end(new LogError("unreachable", `lost the log at ${this.#server.shown}: ${why}`, error));
  }

  #end(error: LogError): void {
    if (this.#ended) return;
    this.#stop();
    void this.#server.connection.close();
    // Report the loss later, because `open` may not have resolved yet.
    setImmediate(() => {
      if (!this.#closed) this.#listener.lost(error);
    });
  }

  #stop(): void {
    this.#ended = true;
    clearInterval(this.#timer);
    this.#delivery?.end();
    this.#appends.end();
  }
}
