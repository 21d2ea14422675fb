/**
 * The calling side of the RPC: ids, deadlines, cancellation, bounds on what is in flight, streams with
 * credit. Runs on the front (for the writer and, one a stream, for the pool). Replies are handed over
 * in the order in which the other side sent them, through callbacks and not promises, so that what
 * hangs on an order (the fan-out of events) keeps it.
 */
import { FRAME, type CallContext, type Frame } from "../../schemas/rpc.js";
import { MAILBOX_BYTES_MAX, MAILBOX_CALLS_MAX, STREAM_CREDIT_CHUNKS, VERDICT_GRACE_MS } from "../../schemas/limits.js";
import { METHODS, METHOD_NAMES, type MethodName, type ReplyOf, type RequestOf } from "../../schemas/methods.js";
import { assert } from "../base/assert.js";
import type { Clock } from "../base/clock.js";
import { Failure, RemoteFailure } from "../base/result.js";
import { Port, type Endpoint } from "./port.js";

interface PendingCall {
  readonly deadline_ms: number;
  readonly bytes: number;
  readonly done: (reply: unknown) => void;
  /** Where chunks of a stream go; null for a unary call. */
  readonly chunk: ((text: string) => void) | null;
  overdue: boolean;
}

export interface RpcClientOptions {
  readonly clock: Clock;
  readonly calls_max?: number;
  readonly bytes_max?: number;
  readonly onNotice?: (name: string, payload: unknown) => void;
}

const METHOD_INDEXES = new Map<string, number>(METHOD_NAMES.map((name, index) => [name, index]));

export class RpcClient {
  readonly #clock: Clock;
  readonly #calls_max: number;
  readonly #bytes_max: number;
  readonly #onNotice: (name: string, payload: unknown) => void;
  readonly #pending = new Map<number, PendingCall>();
  #port: Port | null = null;
  #next_id = 1;
  #bytes = 0;

  constructor(options: RpcClientOptions) {
    this.#clock = options.clock;
    this.#calls_max = options.calls_max ?? MAILBOX_CALLS_MAX;
    this.#bytes_max = options.bytes_max ?? MAILBOX_BYTES_MAX;
    this.#onNotice = options.onNotice ?? (() => undefined);
  }

  /** Calls in flight. */
  get depth(): number {
    return this.#pending.size;
  }

  get attached(): boolean {
    return this.#port !== null;
  }

  /** Connects to the serving side. */
  attach(endpoint: Endpoint): void {
    assert(this.#port === null, "an RPC client has one port at a time");
    this.#port = new Port(endpoint, (frames) => {
      for (const frame of frames) this.#take(frame);
    });
  }

  /**
   * The serving side is gone: every call in flight fails with `reason`.
   * @param committed_id calls up to this id may have been carried out although no reply came; their
   *   failures are marked `outcome_unknown`.
   */
  detach(reason: Failure, committed_id = 0): void {
    this.#port?.close();
    this.#port = null;
    const lost = [...this.#pending];
    this.#pending.clear();
    this.#bytes = 0;
    for (const [id, call] of lost) {
      call.done(id <= committed_id ? new Failure(reason.status, reason.message, reason.members, true) : reason);
    }
  }

  /**
   * Calls a unary method.
   * @param bytes what the request weighs in the mailbox beside its frame
   * @param done gets the reply, or a Failure: what the method refused, RESOURCE_EXHAUSTED (mailbox
   *   full), UNAVAILABLE (nobody serves), DEADLINE_EXCEEDED
   * @returns the call's id for `cancel`; 0 where it was refused at once
   */
  call<Name extends MethodName>(
    name: Name, request: RequestOf<Name>, context: CallContext, bytes: number,
    done: (reply: ReplyOf<Name> | Failure) => void, deadline_ms?: number,
  ): number {
    return this.#start(name, request, context, bytes, done as (reply: unknown) => void, null, deadline_ms);
  }

  /** As `call`, as a promise. */
  request<Name extends MethodName>(
    name: Name, request: RequestOf<Name>, context: CallContext, bytes = 0, deadline_ms?: number,
  ): Promise<ReplyOf<Name> | Failure> {
    return new Promise((resolve) => {
      this.call(name, request, context, bytes, resolve, deadline_ms);
    });
  }

  /**
   * Calls a stream method. Yields its chunks; ends after the last; a Failure is yielded as the last
   * item. Leaving the loop early cancels the call.
   */
  async *stream<Name extends MethodName>(
    name: Name, request: RequestOf<Name>, context: CallContext, deadline_ms?: number,
  ): AsyncGenerator<string | Failure, void, undefined> {
    const chunks: string[] = [];
    let outcome: unknown;
    let ended = false;
    let wake: (() => void) | null = null;
    const notify = (): void => {
      wake?.();
      wake = null;
    };
    const id = this.#start(name, request, context, 0, (reply) => {
      ended = true;
      outcome = reply;
      notify();
    }, (text) => {
      chunks.push(text);
      notify();
    }, deadline_ms);
    try {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk !== undefined) {
          this.#port?.send([FRAME.CREDIT, id, 1]);
          yield chunk;
        } else if (ended) {
          if (outcome instanceof Failure) yield outcome;
          return;
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

  /** Tells the other side that nobody waits for this call any more; its callback is not called. */
  cancel(id: number): void {
    const call = this.#pending.get(id);
    if (call === undefined) return;
    this.#forget(id, call);
    this.#port?.send([FRAME.CANCEL, id]);
  }

  /**
   * Ends calls whose deadline has passed. The serving side is told, and has a grace to say whether it
   * had carried the call out; without its word the outcome is unknown.
   */
  tick(now_ms: number): void {
    for (const [id, call] of this.#pending) {
      if (now_ms < call.deadline_ms) continue;
      if (!call.overdue) {
        call.overdue = true;
        this.#port?.send([FRAME.CANCEL, id]);
      }
      if (now_ms < call.deadline_ms + VERDICT_GRACE_MS) continue;
      this.#forget(id, call);
      call.done(new Failure("DEADLINE_EXCEEDED", "deadline exceeded", null, true));
    }
  }

  #start(
    name: MethodName, request: unknown, context: CallContext, bytes: number,
    done: (reply: unknown) => void, chunk: ((text: string) => void) | null, deadline_ms: number | undefined,
  ): number {
    if (this.#port === null) {
      done(new Failure("UNAVAILABLE", "the server is not ready, try again"));
      return 0;
    }
    if (this.#pending.size >= this.#calls_max || this.#bytes + bytes > this.#bytes_max) {
      done(new Failure("RESOURCE_EXHAUSTED", "the server is busy, try again"));
      return 0;
    }
    const id = this.#next_id++;
    const index = METHOD_INDEXES.get(name);
    assert(index !== undefined, `method ${name} is in the table`);
    const deadline = this.#clock.now() + (deadline_ms ?? METHODS[name].deadline_ms);
    this.#pending.set(id, { deadline_ms: deadline, bytes, done, chunk, overdue: false });
    this.#bytes += bytes;
    this.#port.send([FRAME.CALL, id, index, deadline, context.actor, context.trace, request]);
    if (chunk !== null) this.#port.send([FRAME.CREDIT, id, STREAM_CREDIT_CHUNKS]);
    return id;
  }

  #take(frame: Frame): void {
    switch (frame[0]) {
      case FRAME.REPLY:
        this.#settle(frame[1], frame[2]);
        break;
      case FRAME.FAILURE:
        this.#settle(frame[1], new RemoteFailure(frame[2], frame[3], frame[4]));
        break;
      case FRAME.CHUNK:
        this.#pending.get(frame[1])?.chunk?.(frame[2]);
        break;
      case FRAME.NOTICE:
        this.#onNotice((frame)[1], (frame)[2]);
        break;
      default:
        assert(false, `a client takes no frame of kind ${frame[0]}`);
    }
  }

  #settle(id: number, reply: unknown): void {
    const call = this.#pending.get(id);
    if (call === undefined) return; // cancelled, or past its grace
    this.#forget(id, call);
    call.done(reply);
  }

  #forget(id: number, call: PendingCall): void {
    this.#pending.delete(id);
    this.#bytes -= call.bytes;
  }
}
