/**
 * Implements the serving side of the RPC: a bounded mailbox, deadlines, cancellation, and streams that wait for credit.
 * In each event-loop tick it takes a group of calls from the mailbox, in order, and passes the group to `execute`. Runs
 * in the writer and in the workers of the pool.
 */
import { MAILBOX_CALLS_MAX, STREAM_PIECE_CHARACTERS_MAX } from "../../../schemas/limits/rpc.js";
import { BATCH_CALLS_MAX } from "../../../schemas/limits/writer.js";
import type { Clock } from "../../base/clock.js";
import { Failure } from "../../base/result.js";
import { addPush, addReply, FRAME, requestOf, type CallFrame, type Frame } from "./frames.js";
import type { Method, MethodTable, PushMessage, PayloadOf } from "./method.js";
import { type Packing, packingOf } from "./packing.js";
import { Port, type Endpoint } from "./port.js";

/** A call from the mailbox, as `execute` receives it. */
export interface ServerCall<Row extends Method = Method> {
  readonly id: number;
  readonly method: Row;
  /** Packs the reply (packing.ts). */
  readonly packing: Packing;
  /** The weight of the request in bytes, as the calling side has computed it. */
  readonly weight: number;
  readonly actor: string;
  readonly trace: string;
  readonly request: unknown;
}

export interface RpcServerOptions<Row extends Method = Method> {
  readonly methods: MethodTable<Row>;
  readonly clock: Clock;
  /** Executes a group of calls in order. It must answer each call by `reply`, `fail` or `stream`. */
  readonly execute: (calls: readonly ServerCall<Row>[], server: RpcServer<Row>) => void;
  readonly mailboxMax?: number;
  readonly batchMax?: number;
}

interface OpenStream {
  readonly packing: Packing;
  readonly chunks: Iterator<string | Failure, unknown>;
  /** The unsent rest of a chunk that is too long for one piece; "" if there is none. */
  rest: string;
  credit: number;
}

export class RpcServer<Row extends Method = Method> {
  readonly #methods: MethodTable<Row>;
  readonly #clock: Clock;
  readonly #execute: RpcServerOptions<Row>["execute"];
  readonly #mailboxMax: number;
  readonly #batchMax: number;
  readonly #port: Port;
  #mailbox: CallFrame[] = [];
  /** The ids of cancelled calls that are still in the mailbox. */
  readonly #cancelled = new Set<number>();
  readonly #streams = new Map<number, OpenStream>();
  /** The packings for the payloads of push messages, by the name of the message. */
  readonly #pushPackings = new Map<string, Packing>();
  /**
   * The credit (how many pieces the reader can take) that arrived before its stream was opened, by the id of the call.
   */
  readonly #earlyCredit = new Map<number, number>();
  #scheduled = false;
  #paused = false;

  constructor(endpoint: Endpoint, options: RpcServerOptions<Row>) {
    this.#methods = options.methods;
    this.#clock = options.clock;
    this.#execute = options.execute;
    this.#mailboxMax = options.mailboxMax ?? MAILBOX_CALLS_MAX;
    this.#batchMax = options.batchMax ?? BATCH_CALLS_MAX;
    this.#port = new Port(endpoint, (frame) => this.#take(frame));
  }

  /** The number of calls in the mailbox. */
  get depth(): number {
    return this.#mailbox.length;
  }

  reply(call: ServerCall, reply: unknown): void {
    this.#reply(call.id, call.packing, reply);
  }

  fail(call: ServerCall, failure: Failure): void {
    this.#port.send([FRAME.FAILURE, call.id, failure.status, failure.message, failure.members]);
  }

  /**
   * Answers a call with the chunks of an iterator, and then with the iterator's return value. A Failure among the
   * chunks ends the stream. Long chunks are split into pieces, and the reader must give credit for each piece.
   */
  stream(call: ServerCall, chunks: Iterable<string | Failure, unknown>): void {
    const credit = this.#earlyCredit.get(call.id) ?? 0;
    this.#earlyCredit.delete(call.id);
    const open: OpenStream = { packing: call.packing, chunks: chunks[Symbol.iterator](), rest: "", credit };
    this.#streams.set(call.id, open);
    this.#pump(call.id, open);
  }

  /** Sends a push message. */
  push<Message extends PushMessage>(message: Message, payload: PayloadOf<Message>): void {
    let packing = this.#pushPackings.get(message.name);
    if (packing === undefined) {
      packing = packingOf(message.payload);
      this.#pushPackings.set(message.name, packing);
    }
    addPush(this.#port.outbox, message.name, packing, payload);
    this.#port.queued();
  }

  /**
   * Sends the queued frames now. The clients of committed calls then get their answers before the next calls are
   * executed.
   */
  flush(): void {
    this.#port.flush();
  }

  /** Stops taking calls from the mailbox until `resume`. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  close(): void {
    for (const open of this.#streams.values()) open.chunks.return?.();
    this.#streams.clear();
    this.#port.close();
  }

  #take(frame: Frame): void {
    switch (frame[0]) {
      case FRAME.CALL:
        if (this.#mailbox.length >= this.#mailboxMax) {
          this.#port.send([FRAME.FAILURE, frame[1], "RESOURCE_EXHAUSTED", "the server is busy, try again", null]);
        } else {
          this.#mailbox.push(frame);
          this.#schedule();
        }
        break;
      case FRAME.CANCEL:
        this.#cancel(frame[1]);
        break;
      case FRAME.CREDIT: {
        const open = this.#streams.get(frame[1]);
        if (open === undefined) {
          if (this.#waits(frame[1])) this.#earlyCredit.set(frame[1], (this.#earlyCredit.get(frame[1]) ?? 0) + frame[2]);
        } else {
          open.credit += frame[2];
          this.#pump(frame[1], open);
        }
        break;
      }
      default:
        throw new Error(`a server takes no frame of kind ${frame[0]}`);
    }
  }

  #reply(id: number, packing: Packing, reply: unknown): void {
    addReply(this.#port.outbox, id, packing, reply);
    this.#port.queued();
  }

  #waits(id: number): boolean {
    return this.#mailbox.some((call) => call[1] === id);
  }

  #cancel(id: number): void {
    const open = this.#streams.get(id);
    if (open !== undefined) {
      this.#streams.delete(id);
      open.chunks.return?.();
      this.#port.send([FRAME.FAILURE, id, "CANCELLED", "cancelled", null]);
    } else if (this.#waits(id)) {
      this.#cancelled.add(id);
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#paused || this.#mailbox.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#drain();
    });
  }

  #drain(): void {
    if (this.#paused) return;
    const taken = this.#mailbox.length <= this.#batchMax ? this.#mailbox : this.#mailbox.slice(0, this.#batchMax);
    this.#mailbox = taken === this.#mailbox ? [] : this.#mailbox.slice(this.#batchMax);
    const now = this.#clock.now();
    const calls: ServerCall<Row>[] = [];
    for (const frame of taken) {
      const [, id, position, deadlineMs, weight, actor, trace] = frame;
      if (now > deadlineMs || this.#cancelled.delete(id)) {
        this.#earlyCredit.delete(id);
        this.#port.send([FRAME.FAILURE, id, "DEADLINE_EXCEEDED", "deadline exceeded", null]);
      } else {
        const packings = this.#methods.packingsAt(position);
        const request = requestOf(frame, packings.request);
        calls.push({ id, method: this.#methods.at(position), packing: packings.reply, weight, actor, trace, request });
      }
    }
    if (calls.length > 0) this.#execute(calls, this);
    this.#schedule();
  }

  /**
   * Sends the first piece of a text, which uses up one credit. The length of a piece is limited, so that a long chunk
   * does not fill the reader's memory.
   */
  #sendPiece(id: number, open: OpenStream, text: string): void {
    open.credit -= 1;
    open.rest = text.slice(STREAM_PIECE_CHARACTERS_MAX);
    this.#port.send([FRAME.CHUNK, id, text.slice(0, STREAM_PIECE_CHARACTERS_MAX)]);
  }

  #pump(id: number, open: OpenStream): void {
    while (open.credit > 0) {
      if (open.rest !== "") {
        this.#sendPiece(id, open, open.rest);
        continue;
      }
      const next = open.chunks.next();
      if (next.done !== true && !(next.value instanceof Failure)) {
        this.#sendPiece(id, open, next.value);
        continue;
      }
      this.#streams.delete(id);
      // The iterator has not ended yet, so make it clean up now. It may have to close a snapshot or to free a worker.
      if (next.done !== true) open.chunks.return?.();
      const end: unknown = next.value;
      if (end instanceof Failure) this.#port.send([FRAME.FAILURE, id, end.status, end.message, end.members]);
      else this.#reply(id, open.packing, end ?? null);
      return;
    }
  }
}
