/**
 * Appends entries to a log in a NATS stream. A large entry is a batch of messages, which the server stores as a whole.
 * Counts the time until the server's answer in ticks of the session's timer. Runs in the writer thread.
 */
import { nuid, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { ENTRY_BYTES_MAX } from "../../../schemas/limits/cluster.js";
import {
  LOG_ANSWER_BYTES_PER_S_MIN,
  LOG_ANSWER_MS_MAX,
  LOG_HEARTBEAT_MS,
  LOG_PIECE_HEADER_BYTES,
  LOG_PIECES_MAX,
} from "../../../schemas/limits/ordered-log.js";
import { assert } from "../../base/assert.js";
import { NATS_ERROR } from "./nats-connection.js";
import { pieceHeaders } from "./nats-pieces.js";
import { LogError, type Appended } from "./ordered-log.js";

/**
 * The outcomes of rejected appends, by JetStream error code. After these errors, the entry was not stored, and a retry
 * would be rejected too.
 */
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

/** The server's answer to an append. */
interface Answer {
  readonly stream?: string;
  readonly seq?: number;
  readonly error?: { readonly err_code: number; readonly description: string };
}

interface Append {
  readonly done: (outcome: Appended) => void;
  /** The server must send its next acknowledgement within this number of ticks. */
  ticksLeft: number;
  readonly ticksMax: number;
}

export interface NatsAppendsOptions {
  readonly connection: NatsConnection;
  /** The address of the log, as messages show it. */
  readonly shown: string;
  /** The name of the stream. */
  readonly stream: string;
  /** The subject of the log's entries. */
  readonly subject: string;
  /** The prefix of the reply subjects. The session passes their messages to `take`. */
  readonly reply: string;
  readonly messageBytesMax: number;
  /** Called when the server has stored an entry, before the entry's `done`. */
  stored(sequence: number): void;
  /** Called when the session cannot continue, with the reason. */
  lose(what: string): void;
  /** Called when the stream belongs to another program. */
  end(error: LogError): void;
}

export class NatsAppends {
  readonly #options: NatsAppendsOptions;
  readonly #waiting = new Map<number, Append>();
  #appended = 0;
  #ended = false;

  constructor(options: NatsAppendsOptions) {
    this.#options = options;
  }

  /** Appends an entry. `done` is not called after the end of the session. */
  append(bytes: Uint8Array, done: (outcome: Appended) => void): void {
    assert(bytes.byteLength <= ENTRY_BYTES_MAX, "an entry is no larger than ENTRY_BYTES_MAX");
    const { connection, subject, reply: prefix, messageBytesMax } = this.#options;
    if (this.#ended || connection.isClosed()) return;
    const number = ++this.#appended;
    const reply = `${prefix}${number}`;
    const msMax = LOG_ANSWER_MS_MAX + (bytes.byteLength / LOG_ANSWER_BYTES_PER_S_MIN) * 1_000;
    const ticksMax = Math.round(msMax / LOG_HEARTBEAT_MS);
    const append = { done, ticksLeft: ticksMax, ticksMax };
    if (bytes.byteLength <= messageBytesMax) {
      this.#waiting.set(number, append);
      connection.publish(subject, bytes, { reply });
      return;
    }
    const partBytes = messageBytesMax - LOG_PIECE_HEADER_BYTES;
    const of = Math.ceil(bytes.byteLength / partBytes);
    if (of > LOG_PIECES_MAX) {
      setImmediate(() => {
        if (!this.#ended) done("too_large");
      });
      return;
    }
    this.#waiting.set(number, append);
    const batch = nuid.next();
    // Request an answer for every piece. If the server rejects a piece, only the answer to that piece has the reason.
    // The answer to the last piece does not have it.
    for (let at = 1; at <= of; at++) {
      const part = bytes.subarray((at - 1) * partBytes, at * partBytes);
      connection.publish(subject, part, { reply, headers: pieceHeaders({ batch, at, of }) });
    }
  }

  /** Handles the server's answer to an append. */
  take(message: Msg): void {
    const { reply, shown, stream: expected } = this.#options;
    const number = Number(message.subject.slice(reply.length));
    const append = this.#waiting.get(number);
    // An error for an earlier piece has already given the append its outcome.
    if (append === undefined) return;
    append.ticksLeft = append.ticksMax;
    if (message.headers !== undefined && message.headers.code !== 0) {
      this.#waiting.delete(number);
      append.done("unknown");
      this.#options.lose("no stream takes its entries");
      return;
    }
    // The server acknowledges every piece except the last by an empty answer.
    if (message.data.byteLength === 0) return;
    this.#waiting.delete(number);
    const { error, stream, seq = 0 } = message.json<Answer>();
    if (error !== undefined) {
      const outcome = REFUSALS[error.err_code] ?? "unknown";
      append.done(outcome);
      if (outcome === "unknown") this.#options.lose(`it does not take an entry: ${error.description}`);
      return;
    }
    if (stream !== expected) {
      append.done("unknown");
      this.#options.end(
        new LogError("foreign", `the stream ${stream} at ${shown} stores messages of the log's subjects`),
      );
      return;
    }
    this.#options.stored(seq);
    append.done("stored");
  }

  /** Loses the session if the server has not answered an append in time. Returns whether the session continues. */
  tick(): boolean {
    for (const [number, append] of this.#waiting) {
      append.ticksLeft -= 1;
      if (append.ticksLeft >= 0) continue;
      this.#waiting.delete(number);
      append.done("unknown");
      this.#options.lose(
        `it did not confirm an entry within ${append.ticksMax * LOG_HEARTBEAT_MS} ms: it is blocked, or its disk is full`,
      );
      return false;
    }
    return true;
  }

  /** Drops the appends that have no outcome. */
  end(): void {
    this.#ended = true;
    this.#waiting.clear();
  }
}
