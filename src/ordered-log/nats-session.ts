/**
 * A connection to a log in a NATS stream: appends, and follows by a push consumer of its own, whose deliveries are
 * numbered, so that one that is missing shows. Whatever goes wrong ends the session; nothing is mended here. Runs in
 * the writer's thread.
 *
 * Time is counted in ticks of one timer. When the thread was held up a tick comes once for all of that time, and what
 * has arrived meanwhile is read before the next: no server is given up for what this thread did not look at.
 */
import type { StoredMsg } from "@nats-io/jetstream";
import { createInbox, nuid, PermissionViolationError, type Msg } from "@nats-io/transport-node";
import {
  ENTRY_BYTES_MAX,
  LOG_ANSWER_BYTES_PER_S_MIN,
  LOG_ANSWER_MS_MAX,
  LOG_HEARTBEAT_MS,
  LOG_HEARTBEATS_MISSED_MAX,
  LOG_PIECE_HEADER_BYTES,
  LOG_PIECES_MAX,
} from "../../schemas/limits.js";
import { assert } from "../base/assert.js";
import { reasonOf } from "../base/reason.js";
import { explainFault, NATS_ERROR, type NatsServer } from "./nats-connection.js";
import { NatsChannel } from "./nats-channel.js";
import { Delivery } from "./nats-delivery.js";
import { pieceHeaders, PieceJoiner, pieceOf } from "./nats-pieces.js";
import { generationOf, logSubject, streamName, warnOfCopies, type FoundLog } from "./nats-stream.js";
import { LogError, type Appended, type LogListener, type LogSession, type LogStatus } from "./ordered-log.js";

/** What refusals of an append mean: each says that it was not stored, and why that would be so again. */
const REFUSALS: Readonly<Record<number, Appended>> = {
  [NATS_ERROR.store_failed]: "full",
  [NATS_ERROR.insufficient_resources]: "full",
  [NATS_ERROR.storage_resources]: "full",
  [NATS_ERROR.memory_resources]: "full",
  [NATS_ERROR.account_resources]: "full",
  [NATS_ERROR.message_too_large]: "too_large",
  [NATS_ERROR.header_too_large]: "too_large",
  [NATS_ERROR.batch_too_large]: "too_large",
};

const ANSWER_TICKS_MAX = LOG_ANSWER_MS_MAX / LOG_HEARTBEAT_MS;

/** What the server answers to an append. */
interface Answer {
  readonly stream?: string;
  readonly seq?: number;
  readonly error?: { readonly err_code: number; readonly description: string };
}

interface Append {
  readonly done: (outcome: Appended) => void;
  /** How many more may go by without a sign that the server works at it. */
  ticks_left: number;
  readonly ticks_max: number;
}

/** Where a message is, by the subject that its acknowledgement would go to. */
interface Place {
  readonly sequence: number;
  /** Its number among the consumer's deliveries, from 1 on. */
  readonly delivery: number;
  /** How many messages are behind it. */
  readonly pending: number;
}

/** Servers have two forms of that subject: the newer has the domain and the account before the stream's name. */
const PLACE_TOKENS: Readonly<Record<number, number>> = { 9: 5, 11: 7, 12: 7 };

function readPlace(reply: string | undefined): Place | null {
  const tokens = (reply ?? "").split(".");
  const at = PLACE_TOKENS[tokens.length];
  if (at === undefined || tokens[1] !== "ACK") return null;
  return { sequence: Number(tokens[at]), delivery: Number(tokens[at + 1]), pending: Number(tokens[at + 3]) };
}

/**
 * Looks at the log's ends.
 * @param found what the stream was found to be
 * @throws what the library throws
 */
export async function openSession(
  server: NatsServer,
  name: string,
  found: FoundLog,
  listener: LogListener,
): Promise<LogSession> {
  const { first_sequence, last, generation, warnings, message_bytes_max } = found;
  let first = first_sequence;
  // The oldest message may be what somebody's purge has left of an entry: that is not there any more.
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

/** Asks the stream's leader: another server may not have it yet. */
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
  readonly #answers = createInbox();
  readonly #timer: NodeJS.Timeout;
  readonly #appends = new Map<number, Append>();
  readonly #joiner = new PieceJoiner();
  /** Servers that lacked a part of the log when it was looked last. */
  #lacking: ReadonlySet<string> = new Set();
  #appended = 0;
  /** Null before it follows. */
  #delivery: Delivery | null = null;
  /** Ticks since the consumer was heard of. */
  #silent = 0;
  /** Of the newest message that was delivered, and of the newest that ended an entry. */
  #sequence = 0;
  #delivered = 0;
  #deliveries = 0;
  #last: number;
  /** Of the newest own append that was stored, and ticks that it was not delivered while nothing else was. */
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
    this.channel = new NatsChannel({
      connection: server.connection,
      name,
      generation: status.generation,
      bytesMax: bounds.message_bytes_max,
      reply: `${this.#answers}.n`,
      guard: (take) => this.#hear(null, take),
    });
    server.connection.subscribe(`${this.#answers}.*`, {
      callback: (error, message) => this.#hear(error, () => this.#answer(message)),
    });
    this.#timer = setInterval(() => this.#tick(), LOG_HEARTBEAT_MS);
    void this.#heedViolations();
    void server.connection.closed().then((error) => this.#lose("the connection has ended", error ?? undefined));
  }

  async read(id: number): Promise<Uint8Array | null> {
    try {
      const newest = id < 1 ? null : await readMessage(this.#server, this.#name, id);
      // A log that was made anew has the same stream's name, and another subject.
      if (newest === null || newest.subject !== this.#subject) return null;
      const piece = pieceOf(newest.header);
      if (piece === null) return newest.data;
      if (piece.at < piece.of) return null;
      const joiner = new PieceJoiner();
      for (let sequence = id - piece.of + 1; sequence <= id; sequence++) {
        const message = sequence === id ? newest : await readMessage(this.#server, this.#name, sequence);
        const part = message === null ? null : pieceOf(message.header);
        // Trimmed meanwhile, or cut by somebody's purge.
        if (message === null || part === null) return null;
        const joined = joiner.add(part, message.data);
        if (joined !== null) return joined === "broken" ? null : joined;
      }
      return null;
    } catch (error) {
      throw explainFault(error, this.#server.shown);
    }
  }

  follow(after: number): void {
    assert(this.#delivery === null, "a session follows once");
    if (this.#ended) return;
    if (after + 1 < this.#bounds.first_sequence) {
      this.#lose(`entry ${after + 1} is not there any more`);
      return;
    }
    this.#delivered = after;
    this.#deliver();
  }

  pause(): void {
    this.#delivery?.end();
    this.#delivery = null;
  }

  resume(): void {
    if (this.#delivery === null && !this.#ended) this.#deliver();
  }

  /** Has delivered what follows the last whole entry. */
  #deliver(): void {
    this.#sequence = this.#delivered;
    this.#deliveries = 0;
    this.#silent = 0;
    this.#overdue = 0;
    this.#joiner.clear();
    this.#delivery = new Delivery(this.#server, streamName(this.#name), this.#delivered + 1, {
      hear: (error, message) => this.#hear(error, () => this.#take(message)),
      failed: (error) => this.#end(explainFault(error, this.#server.shown)),
    });
  }

  append(bytes: Uint8Array, done: (outcome: Appended) => void): void {
    assert(bytes.byteLength <= ENTRY_BYTES_MAX, "an entry is no larger than ENTRY_BYTES_MAX");
    const { connection } = this.#server;
    if (this.#ended || connection.isClosed()) return;
    const { message_bytes_max } = this.#bounds;
    const number = ++this.#appended;
    const reply = `${this.#answers}.${number}`;
    const ms_max = LOG_ANSWER_MS_MAX + (bytes.byteLength / LOG_ANSWER_BYTES_PER_S_MIN) * 1_000;
    const ticks_max = Math.round(ms_max / LOG_HEARTBEAT_MS);
    const append = { done, ticks_left: ticks_max, ticks_max };
    if (bytes.byteLength <= message_bytes_max) {
      this.#appends.set(number, append);
      connection.publish(this.#subject, bytes, { reply });
      return;
    }
    const part_bytes = message_bytes_max - LOG_PIECE_HEADER_BYTES;
    const of = Math.ceil(bytes.byteLength / part_bytes);
    if (of > LOG_PIECES_MAX) {
      setImmediate(() => {
        if (!this.#ended) done("too_large");
      });
      return;
    }
    this.#appends.set(number, append);
    const batch = nuid.next();
    // Each piece is answered: that of one that was refused says why, where the last could only say that it was.
    for (let at = 1; at <= of; at++) {
      const part = bytes.subarray((at - 1) * part_bytes, at * part_bytes);
      connection.publish(this.#subject, part, { reply, headers: pieceHeaders({ batch, at, of }) });
    }
  }

  async look(): Promise<readonly string[]> {
    try {
      const { lacking, warnings } = warnOfCopies(
        await this.#server.manager.streams.info(streamName(this.#name)),
        this.#lacking,
      );
      this.#lacking = lacking;
      return [...this.status.warnings, ...warnings];
    } catch (error) {
      throw explainFault(error, this.#server.shown);
    }
  }

  async trim(through: number): Promise<void> {
    const stream = streamName(this.#name);
    const { manager, shown } = this.#server;
    try {
      const info = await manager.streams.info(stream);
      if (generationOf(info) !== this.status.generation)
        throw new LogError("unreachable", `the log at ${shown} was made anew`);
      const { state } = info;
      const newest = Math.min(through, state.last_seq);
      if (state.messages === 0 || newest < state.first_seq) return;
      const message = await readMessage(this.#server, this.#name, newest);
      if (message === null) return;
      const piece = pieceOf(message.header);
      // Where the id is in the middle of an entry, that entry has a higher one and stays.
      const keep = piece === null || piece.at === piece.of ? newest + 1 : newest - piece.at + 1;
      if (keep > state.first_seq) await manager.streams.purge(stream, { seq: keep });
    } catch (error) {
      throw explainFault(error, shown);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stop();
    await this.#server.connection.close();
  }

  /**
   * What the library calls. It swallows what is thrown in there, and reads no further: a bug is to end this thread,
   * not its ears.
   */
  #hear(error: Error | null, take: () => void): void {
    if (this.#ended) return;
    if (error !== null) {
      this.#end(explainFault(error, this.#server.shown));
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

  /** What the server does not allow it says beside the answers: a publish that it drops has none. */
  async #heedViolations(): Promise<void> {
    for await (const status of this.#server.connection.status())
      if (
        status.type === "error" &&
        status.error instanceof PermissionViolationError &&
        !this.channel.takeViolation(status.error)
      )
        this.#end(explainFault(status.error, this.#server.shown));
  }

  #answer(message: Msg): void {
    if (this.channel.takeReply(message)) return;
    const number = Number(message.subject.slice(this.#answers.length + 1));
    const append = this.#appends.get(number);
    // Of an entry whose first refusal was its answer.
    if (append === undefined) return;
    append.ticks_left = append.ticks_max;
    if (message.headers !== undefined && message.headers.code !== 0) {
      this.#appends.delete(number);
      append.done("unknown");
      this.#lose("no stream takes its entries");
      return;
    }
    // A piece has arrived, and is not the last.
    if (message.data.byteLength === 0) return;
    this.#appends.delete(number);
    const { error, stream, seq = 0 } = message.json<Answer>();
    if (error !== undefined) {
      const outcome = REFUSALS[error.err_code] ?? "unknown";
      append.done(outcome);
      if (outcome === "unknown") this.#lose(`it does not take an entry: ${error.description}`);
      return;
    }
    if (stream !== streamName(this.#name)) {
      append.done("unknown");
      this.#end(new LogError("foreign", `the stream ${stream} at ${this.#server.shown} takes what is the log's`));
      return;
    }
    this.#stored = Math.max(this.#stored, seq);
    this.#last = Math.max(this.#last, seq);
    append.done("stored");
  }

  #take(message: Msg): void {
    this.#silent = 0;
    const place = readPlace(message.reply);
    // What somebody has stored may have a status in its headers, too.
    if (place === null && message.headers !== undefined && message.headers.code !== 0) {
      this.#takeSignal(message);
      return;
    }
    if (place === null) {
      this.#lose("something else than an entry was delivered");
      return;
    }
    const { sequence, delivery, pending } = place;
    if (delivery !== this.#deliveries + 1 || sequence !== this.#sequence + 1) {
      this.#lose(`entry ${sequence} came where ${this.#sequence + 1} was the next`);
      return;
    }
    this.#deliveries = delivery;
    this.#sequence = sequence;
    this.#overdue = 0;
    this.#last = Math.max(this.#last, sequence + pending);
    const piece = pieceOf(message.headers);
    // The server stores a batch in one go: what begins and does not go on is somebody else's. It is no entry, and told as
    // a message like any other.
    if (this.#joiner.open && (piece === null || !this.#joiner.takes(piece)))
      this.#tell(sequence - 1, this.#joiner.takeOpen());
    if (piece === null) {
      this.#tell(sequence, message.data);
      return;
    }
    // What a purge has left of an entry is none.
    if (!this.#joiner.open && piece.at > 1 && sequence - piece.at + 1 < this.#bounds.first_sequence) return;
    if (!this.#joiner.takes(piece)) {
      this.#tell(sequence, message.data);
      return;
    }
    const entry = this.#joiner.add(piece, message.data);
    if (entry !== null && entry !== "broken") this.#tell(sequence, entry);
  }

  #tell(id: number, bytes: Uint8Array): void {
    this.#delivered = id;
    this.#listener.entry(id, bytes, this.#last);
  }

  /** Signs of life, and requests to say that what was sent was taken. */
  #takeSignal({ headers: found, reply }: Msg): void {
    if (found?.code !== 100) {
      this.#lose(`it delivers no more: ${found?.description}`);
      return;
    }
    const { connection } = this.#server;
    const stalled = found.get("Nats-Consumer-Stalled");
    if (reply !== undefined && reply !== "") connection.publish(reply);
    else if (stalled !== "") connection.publish(stalled);
    // All that was delivered before a sign of life has arrived before it.
    const delivered = found.get("Nats-Last-Consumer");
    if (delivered !== "" && Number(delivered) !== this.#deliveries)
      this.#lose(`only ${this.#deliveries} of ${delivered} deliveries came`);
  }

  #tick(): void {
    for (const [number, append] of this.#appends) {
      append.ticks_left -= 1;
      if (append.ticks_left >= 0) continue;
      this.#appends.delete(number);
      append.done("unknown");
      this.#lose(
        `it did not say within ${append.ticks_max * LOG_HEARTBEAT_MS} ms whether it has stored an entry: it is held up, or its disk is full`,
      );
      return;
    }
    if (this.#delivery === null) return;
    this.#silent += 1;
    if (this.#silent > LOG_HEARTBEATS_MISSED_MAX) {
      this.#lose(`no sign of life for ${LOG_HEARTBEATS_MISSED_MAX * LOG_HEARTBEAT_MS} ms`);
      return;
    }
    // A server that was cut off from the others may go on giving signs of life.
    this.#overdue = this.#stored > this.#sequence ? this.#overdue + 1 : 0;
    if (this.#overdue > ANSWER_TICKS_MAX) this.#lose(`entry ${this.#stored} is stored and does not come`);
  }

  /** @param what after the log's address and a colon */
  #lose(what: string, error?: Error): void {
    const why = error === undefined ? what : `${what}: ${reasonOf(error)}`;
    this.#end(new LogError("unreachable", `lost the log at ${this.#server.shown}: ${why}`, error));
  }

  #end(error: LogError): void {
    if (this.#ended) return;
    this.#stop();
    void this.#server.connection.close();
    // Later, since it may be that `open` has not resolved yet.
    setImmediate(() => {
      if (!this.#closed) this.#listener.lost(error);
    });
  }

  #stop(): void {
    this.#ended = true;
    clearInterval(this.#timer);
    this.#delivery?.end();
    this.#appends.clear();
  }
}
