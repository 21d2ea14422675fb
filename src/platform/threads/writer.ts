/**
 * Sends the front's calls to the writer thread by RPC. Notifies the front's caches before and after each call that
 * changes cached data. Runs on the front.
 */
import { MAILBOX_BYTES_MAX } from "../../../schemas/limits/rpc.js";
import {
  LARGE_WRITE_BYTES_MIN,
  LARGE_WRITE_ROWS_MIN,
  LARGE_WRITE_WAIT_MS_MAX,
  LARGE_WRITES_WAITING_MAX,
  LARGE_WRITES_WAITING_OF_CALLER_MAX,
} from "../../../schemas/limits/writer.js";
import { BUSY, Failure, RemoteFailure } from "../../base/result.js";
import type { SharedCounter } from "../../base/shared-counter.js";
import type { RpcClient } from "../rpc/client.js";
import { type CallContext, callerOf } from "../rpc/frames.js";
import type { ReplyOf, RequestOf } from "../rpc/method.js";
import { ChangeFeed, COPIED_KINDS } from "./changes.js";
import type { RemoteChanges } from "./push-messages.js";
import { Semaphore } from "./semaphore.js";
import { UnawaitedCalls } from "./unawaited-calls.js";
import type { WriterMethod } from "./writer-method.js";

/** A call that was answered with a timeout, although the writer may still execute it. */
interface TimedOutCall {
  /** The number of the call. Calls are numbered in the order in which they are sent. */
  readonly sent: number;
  readonly method: WriterMethod;
  readonly request: unknown;
  readonly failure: Failure;
}

export class Writer {
  readonly #client: RpcClient;
  #sent = 0;
  #timedOut: TimedOutCall[] = [];
  readonly #remoteWrites: SharedCounter;
  #remoteWritesSeen = 0;
  #held: Failure | null = null;
  #check: () => Failure | null = () => null;
  readonly #largeWrites = new Semaphore({
    permits: 1,
    waitingMax: LARGE_WRITES_WAITING_MAX,
    waitingOfCallerMax: LARGE_WRITES_WAITING_OF_CALLER_MAX,
    waitMsMax: LARGE_WRITE_WAIT_MS_MAX,
  });
  /** The total size in bytes of the large writes that wait to be sent. */
  #waitingBytes = 0;
  /** The listeners to changes. */
  readonly changes = new ChangeFeed();
  /** The calls of `callUnawaited` that are not answered yet. */
  readonly #unawaited = new UnawaitedCalls();

  constructor(client: RpcClient, remoteWrites: SharedCounter) {
    this.#client = client;
    this.#remoteWrites = remoteWrites;
    this.#remoteWritesSeen = remoteWrites.value;
  }

  /**
   * Whether the front's copies may be older than the database. They are older if a call from another node has changed
   * something, and the message about the change has not arrived yet.
   */
  get hasUnseenRemoteWrites(): boolean {
    return this.#remoteWrites.value !== this.#remoteWritesSeen;
  }

  /** Handles the message about changes by calls from other nodes. */
  accept({ count, changes }: RemoteChanges): void {
    this.#remoteWritesSeen = count;
    for (const { kind, keys } of changes) {
      for (const listener of this.changes.of(kind) ?? []) {
        listener.begin(keys);
        listener.end(keys, keys);
      }
    }
  }

  /**
   * Makes every call fail with this failure, until `hold(null)` is called. Used while the database cannot store data
   * durably.
   */
  hold(refusal: Failure | null): void {
    this.#held = refusal;
  }

  /**
   * Sets a check that runs before every call. If the check returns a failure, the call fails with it. Used while the
   * front has no room for the reports that calls would cause.
   */
  refuseBy(check: () => Failure | null): void {
    this.#check = check;
  }

  /** The number of calls that are not answered yet. */
  get depth(): number {
    return this.#client.depth + this.#largeWrites.waiting;
  }

  /** Whether the writer thread can receive calls; false while it restarts. */
  get attached(): boolean {
    return this.#client.attached;
  }

  /**
   * Calls a method of the writer. Replies arrive in the order of the commits. The front's caches are notified of a
   * change before `done` is called.
   * @param done called with the reply or a Failure. The method may return any Failure. This function itself fails with
   * RESOURCE_EXHAUSTED, UNAVAILABLE or DEADLINE_EXCEEDED. `outcomeUnknown` is set if the call may have been executed
   * @param isCostly whether the call takes the writer long because of the data that it reads. It then counts as a large
   * write, although its request is small
   */
  call<Row extends WriterMethod>(
    method: Row,
    request: RequestOf<Row>,
    context: CallContext,
    done: (reply: ReplyOf<Row> | Failure) => void,
    isCostly = false,
  ): void {
    const refusal = this.#held ?? this.#check();
    if (refusal !== null) {
      done(refusal);
      return;
    }
    const bytes = method.weight(request);
    const rows = method.rows?.(request) ?? 1;
    if (!isCostly && bytes <= LARGE_WRITE_BYTES_MIN && rows <= LARGE_WRITE_ROWS_MIN)
      this.#send(method, request, context, done, bytes);
    else void this.#sendLarge(method, request, context, done, bytes);
  }

  /**
   * Sends a large write. Waits first until the writer has answered the previous large write. If several callers have
   * large writes waiting, they are served in turn.
   */
  async #sendLarge<Row extends WriterMethod>(
    method: Row,
    request: RequestOf<Row>,
    context: CallContext,
    done: (reply: ReplyOf<Row> | Failure) => void,
    bytes: number,
  ): Promise<void> {
    if (this.#client.bytes + this.#waitingBytes + bytes > MAILBOX_BYTES_MAX) {
      done(BUSY);
      return;
    }
    this.#waitingBytes += bytes;
    const release = await this.#largeWrites.take(callerOf(context));
    this.#waitingBytes -= bytes;
    if (release === null || this.#held !== null) {
      release?.();
      done(this.#held ?? BUSY);
      return;
    }
    const releaseFirst = (reply: ReplyOf<Row> | Failure): void => {
      release();
      done(reply);
    };
    this.#send(method, request, context, releaseFirst, bytes);
  }

  #send<Row extends WriterMethod>(
    method: Row,
    request: RequestOf<Row>,
    context: CallContext,
    done: (reply: ReplyOf<Row> | Failure) => void,
    bytes: number,
  ): void {
    const sent = ++this.#sent;
    this.#begin(method, request);
    const answered = (reply: ReplyOf<Row> | Failure): void => {
      if (reply instanceof Failure && reply.outcomeUnknown && reply.status === "DEADLINE_EXCEEDED") {
        this.#timedOut.push({ sent, method, request, failure: reply });
      } else {
        if (this.#timedOut.length > 0 && !(reply instanceof Failure)) this.#settle(sent);
        this.#end(method, request, reply);
      }
      if (reply instanceof RemoteFailure && method.audit !== null)
        reply.resource = method.audit.resource(request, null);
      done(reply);
    };
    this.#client.call(method, request, context, answered, method.deadlineMs, bytes);
  }

  /**
   * Notifies the caches that anything may have changed. Called when the writer serves again after a crash. Before the
   * crash, the writer may have committed changes by other nodes without sending the message about them.
   */
  restarted(): void {
    this.accept({ count: this.#remoteWrites.value, changes: COPIED_KINDS.map((kind) => ({ kind, keys: null })) });
  }

  /** Like `call`, but returns the reply as a promise. */
  request<Row extends WriterMethod>(
    method: Row,
    request: RequestOf<Row>,
    context: CallContext,
    isCostly = false,
  ): Promise<ReplyOf<Row> | Failure> {
    return new Promise((resolve) => {
      this.call(method, request, context, resolve, isCostly);
    });
  }

  /**
   * Like `call`, for a caller that does not wait for the reply. A read that should see the effect of such calls waits
   * for `settled` first.
   */
  callUnawaited<Row extends WriterMethod>(method: Row, request: RequestOf<Row>, context: CallContext): void {
    this.call(method, request, context, this.#unawaited.begin());
  }

  /** Resolves when all calls of `callUnawaited` made so far are answered. Returns null if they are answered already. */
  settled(): Promise<void> | null {
    return this.#unawaited.settled();
  }

  /** Ends the calls whose deadline has passed. */
  tick(nowMs: number): void {
    this.#client.tick(nowMs);
  }

  #begin(method: WriterMethod, request: unknown): void {
    for (const rule of method.changes) {
      const listeners = this.changes.of(rule.kind);
      if (listeners === undefined) continue;
      const requestKeys = rule.requestKeys(request);
      for (const listener of listeners) listener.begin(requestKeys);
    }
  }

  /**
   * Ends each timed-out call that was sent before the call `answered`. The writer executes calls in order, so it has
   * either executed such a call already, or will never execute it.
   */
  #settle(answered: number): void {
    for (const { sent, method, request, failure } of this.#timedOut)
      if (sent < answered) this.#end(method, request, failure);
    this.#timedOut = this.#timedOut.filter(({ sent }) => sent > answered);
  }

  #end(method: WriterMethod, request: unknown, reply: unknown): void {
    for (const rule of method.changes) {
      const listeners = this.changes.of(rule.kind);
      if (listeners === undefined) continue;
      const changedKeys = reply instanceof Failure ? reply : rule.changedKeys(request, reply);
      const requestKeys = rule.requestKeys(request);
      for (const listener of listeners) listener.end(requestKeys, changedKeys);
    }
  }
}
