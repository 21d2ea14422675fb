/**
 * Implements the calling side of the RPC: ids, deadlines, cancellation, limits on the calls in flight, and streams with
 * credit. Replies are delivered in the order in which the serving side sent them. The fan-out of events depends on this
 * order, so callbacks and not promises deliver the replies. Deadlines are checked by ticks and not by a `WaitQueue`,
 * because an overdue call stays in flight until the serving side reports its outcome. Runs on the front, with one
 * client for the writer and one for each worker of the pool.
 */
import {
  CALLS_TOGETHER_MAX,
  MAILBOX_BYTES_MAX,
  MAILBOX_CALLS_MAX,
  STREAM_CREDIT_CHUNKS,
  OUTCOME_GRACE_MS,
} from "../../../schemas/limits/rpc.js";
import { assert, must } from "../../base/assert.js";
import type { Clock } from "../../base/clock.js";
import { BUSY, Failure, RemoteFailure } from "../../base/result.js";
import {
  addCall,
  type CallContext,
  type FailureFrame,
  FRAME,
  type Frame,
  type PushFrame,
  payloadOf,
  type ReplyFrame,
  replyOf,
} from "./frames.js";
import type { Method, MethodTable, PushMessage, ReplyOf, RequestOf } from "./method.js";
import { type Packing, packingOf } from "./packing.js";
import { Port, type Endpoint } from "./port.js";

/**
 * The number of slots for calls in flight. It is larger than the maximum number of calls, so that a free slot is found
 * quickly.
 */
const PENDING_SLOTS = 2 * MAILBOX_CALLS_MAX;

interface PendingCall {
  readonly id: number;
  readonly deadlineMs: number;
  readonly weight: number;
  /** Unpacks the call's reply (packing.ts). */
  readonly packing: Packing;
  readonly done: (reply: unknown) => void;
  /** Called with each chunk of a stream; null for a unary call. */
  readonly chunk: ((text: string) => void) | null;
  overdue: boolean;
}

export interface RpcClientOptions {
  readonly methods: MethodTable;
  readonly clock: Clock;
  readonly callsMax?: number;
  readonly bytesMax?: number;
  /** The push messages that the serving side may send; none by default. */
  readonly pushMessages?: readonly PushMessage[];
  readonly onPush?: (name: string, payload: unknown) => void;
}

/**
 * Stores the calls in flight in a ring of slots, by their ids. A Map would slow down garbage collection. When a Map
 * grows, V8 replaces its table. Discarded tables in the old generation keep each other and their calls alive. Under
 * load, a third of all garbage got into the old generation in this way, and a collection took 5 ms instead of 0.1 ms.
 */
class PendingCalls {
  readonly #slots: (PendingCall | null)[] = new Array<PendingCall | null>(PENDING_SLOTS).fill(null);
  #nextId = 1;
  size = 0;

  /**
   * Returns the next id whose slot is free. Each id is larger than the previous one. At least one slot must be free.
   */
  nextId(): number {
    while (this.#slots[this.#nextId % PENDING_SLOTS] !== null) this.#nextId += 1;
    return this.#nextId++;
  }

  add(call: PendingCall): void {
    this.#slots[call.id % PENDING_SLOTS] = call;
    this.size += 1;
  }

  get(id: number): PendingCall | undefined {
    const call = this.#slots[id % PENDING_SLOTS];
    return call?.id === id ? call : undefined;
  }

  delete(call: PendingCall): void {
    this.#slots[call.id % PENDING_SLOTS] = null;
    this.size -= 1;
  }

  /** Returns the calls in flight, sorted by id. */
  all(): PendingCall[] {
    if (this.size === 0) return [];
    return this.#slots.filter((call) => call !== null).sort((a, b) => a.id - b.id);
  }

  /** Removes all calls from the ring, and returns them. */
  takeAll(): PendingCall[] {
    const calls = this.all();
    this.#slots.fill(null);
    this.size = 0;
    return calls;
  }
}

export class RpcClient {
  readonly #methods: MethodTable;
  readonly #clock: Clock;
  readonly #callsMax: number;
  readonly #bytesMax: number;
  readonly #pushPackings: ReadonlyMap<string, Packing>;
  readonly #onPush: (name: string, payload: unknown) => void;
  readonly #pending = new PendingCalls();
  #port: Port | null = null;
  #bytes = 0;

  constructor(options: RpcClientOptions) {
    this.#methods = options.methods;
    this.#clock = options.clock;
    this.#callsMax = options.callsMax ?? MAILBOX_CALLS_MAX;
    assert(this.#callsMax < PENDING_SLOTS, "every call in flight has a slot");
    this.#bytesMax = options.bytesMax ?? MAILBOX_BYTES_MAX;
    const { pushMessages = [] } = options;
    this.#pushPackings = new Map(pushMessages.map(({ name, payload }) => [name, packingOf(payload)]));
    this.#onPush = options.onPush ?? (() => undefined);
  }

  /** The number of calls in flight. */
  get depth(): number {
    return this.#pending.size;
  }

  /** The total weight of the calls in flight, in bytes. Each method defines the weight of its requests. */
  get bytes(): number {
    return this.#bytes;
  }

  get attached(): boolean {
    return this.#port !== null;
  }

  /** Connects to the serving side. */
  attach(endpoint: Endpoint): void {
    assert(this.#port === null, "an RPC client has one port at a time");
    this.#port = new Port(endpoint, (frame) => this.#take(frame), CALLS_TOGETHER_MAX);
  }

  /**
   * Disconnects from a serving side that has ended. Every call in flight fails with `reason`.
   * @param committedId the id of the last call that the serving side has reported as committed. Calls up to this id may
   * have been executed without an answer, so their failures are marked `outcomeUnknown`
   */
  detach(reason: Failure, committedId = 0): void {
    this.#port?.close();
    this.#port = null;
    const lost = this.#pending.takeAll();
    this.#bytes = 0;
    for (const call of lost) {
      call.done(call.id <= committedId ? new Failure(reason.status, reason.message, reason.members, true) : reason);
    }
  }

  /**
   * Calls a unary method.
   * @param done called with the reply or a Failure. The method may return any Failure. The client itself fails with
   * RESOURCE_EXHAUSTED (the mailbox is full), UNAVAILABLE (no thread serves) or DEADLINE_EXCEEDED
   * @param weight the weight of the request in bytes, if the caller has computed it already
   * @returns the call's id for `cancel`; 0 if the call was refused at once
   */
  call<Row extends Method>(
    method: Row,
    request: RequestOf<Row>,
    context: CallContext,
    done: (reply: ReplyOf<Row> | Failure) => void,
    deadlineMs?: number,
    weight?: number,
  ): number {
    return this.#start(method, request, context, done as (reply: unknown) => void, null, deadlineMs, weight);
  }

  /** Like `call`, but returns the reply as a promise. */
  request<Row extends Method>(
    method: Row,
    request: RequestOf<Row>,
    context: CallContext,
    deadlineMs?: number,
  ): Promise<ReplyOf<Row> | Failure> {
    return new Promise((resolve) => {
      this.call(method, request, context, resolve, deadlineMs);
    });
  }

  /**
   * Calls a stream method. Yields the chunks, and returns the reply. If the call fails, its Failure is yielded as the
   * last item, and also returned. A reader that leaves the loop early cancels the call.
   */
  async *stream<Row extends Method>(
    method: Row,
    request: RequestOf<Row>,
    context: CallContext,
    deadlineMs?: number,
  ): AsyncGenerator<string | Failure, ReplyOf<Row> | Failure, undefined> {
    const chunks: string[] = [];
    let outcome: unknown;
    let ended = false;
    let wake: (() => void) | null = null;
    const notify = (): void => {
      wake?.();
      wake = null;
    };
    const id = this.#start(
      method,
      request,
      context,
      (reply) => {
        ended = true;
        outcome = reply;
        notify();
      },
      (text) => {
        chunks.push(text);
        notify();
      },
      deadlineMs,
    );
    try {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk !== undefined) {
          this.#port?.send([FRAME.CREDIT, id, 1]);
          yield chunk;
        } else if (ended) {
          if (outcome instanceof Failure) yield outcome;
          return outcome as ReplyOf<Row> | Failure;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      if (!ended) this.cancel(id);
    }
  }

  /** Cancels a call, and notifies the serving side. The callback is not called. */
  cancel(id: number): void {
    const call = this.#pending.get(id);
    if (call === undefined) return;
    this.#forget(call);
    this.#port?.send([FRAME.CANCEL, id]);
  }

  /**
   * Ends the calls whose deadline has passed. First notifies the serving side. It has OUTCOME_GRACE_MS to report
   * whether it has executed the call. Without a report, the outcome of the call is unknown.
   */
  tick(nowMs: number): void {
    for (const call of this.#pending.all()) {
      if (nowMs < call.deadlineMs) continue;
      if (!call.overdue) {
        call.overdue = true;
        this.#port?.send([FRAME.CANCEL, call.id]);
      }
      if (nowMs < call.deadlineMs + OUTCOME_GRACE_MS) continue;
      this.#forget(call);
      call.done(new Failure("DEADLINE_EXCEEDED", "deadline exceeded", null, true));
    }
  }

  #start(
    method: Method,
    request: unknown,
    context: CallContext,
    done: (reply: unknown) => void,
    chunk: ((text: string) => void) | null,
    deadlineMs: number | undefined,
    weight = method.weight(request),
  ): number {
    if (this.#port === null) {
      done(new Failure("UNAVAILABLE", "the server is not ready, try again"));
      return 0;
    }
    if (this.#pending.size >= this.#callsMax || this.#bytes + weight > this.#bytesMax) {
      done(BUSY);
      return 0;
    }
    const id = this.#pending.nextId();
    const position = this.#methods.positionOf(method);
    const deadline = this.#clock.now() + (deadlineMs ?? method.deadlineMs);
    const packings = this.#methods.packingsAt(position);
    this.#pending.add({ id, deadlineMs: deadline, weight, packing: packings.reply, done, chunk, overdue: false });
    this.#bytes += weight;
    addCall(this.#port.outbox, id, position, deadline, weight, context, packings.request, request);
    this.#port.queued();
    if (chunk !== null) this.#port.send([FRAME.CREDIT, id, STREAM_CREDIT_CHUNKS]);
    return id;
  }

  #take(frame: Frame): void {
    switch (frame[0]) {
      case FRAME.REPLY:
      case FRAME.FAILURE:
        this.#settle(frame);
        break;
      case FRAME.CHUNK:
        this.#pending.get(frame[1])?.chunk?.(frame[2]);
        break;
      case FRAME.PUSH:
        this.#notify(frame);
        break;
      default:
        assert(false, `a client takes no frame of kind ${frame[0]}`);
    }
  }

  #notify(frame: PushFrame): void {
    const [, name] = frame;
    this.#onPush(name, payloadOf(frame, must(this.#pushPackings.get(name), `the push message ${name} is known`)));
  }

  #settle(frame: ReplyFrame | FailureFrame): void {
    const call = this.#pending.get(frame[1]);
    if (call === undefined) return; // cancelled, or past its grace period
    this.#forget(call);
    call.done(
      frame[0] === FRAME.REPLY ? replyOf(frame, call.packing) : new RemoteFailure(frame[2], frame[3], frame[4]),
    );
  }

  #forget(call: PendingCall): void {
    this.#pending.delete(call);
    this.#bytes -= call.weight;
  }
}
