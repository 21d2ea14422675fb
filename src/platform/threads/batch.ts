/**
 * Implements group commit: executes all waiting calls in one transaction, because its commit then needs only one fsync
 * for all of them. Sends the replies after the commit. Runs in the writer thread. An error fails only the call that
 * causes it. The shared transaction is rolled back, and each of its calls is executed again in its own transaction. So
 * a small write does not fail because a large write of the same batch does not fit on the disk. A method that throws
 * has a bug: its call fails and changes nothing.
 */
import { BATCH_BYTES_MAX } from "../../../schemas/limits/writer.js";
import { must } from "../../base/assert.js";
import type { Clock } from "../../base/clock.js";
import { traceOf } from "../../base/reason.js";
import { Failure } from "../../base/result.js";
import type { SharedCounter } from "../../base/shared-counter.js";
import type { RpcServer, ServerCall } from "../rpc/server.js";
import { writeFailure } from "../store/open.js";
import { BUG } from "./push-messages.js";
import { Transaction, type TransactionOptions } from "./transaction.js";
import type { WriterMethod } from "./writer-method.js";

export interface BatchOptions extends TransactionOptions {
  /** The clock of the writer, which never goes back. */
  readonly clock: Clock;
  /**
   * The id of the last committed call. It is set before the replies are sent. The front reads it after a crash of the
   * writer.
   */
  readonly committed: SharedCounter;
}

export class Batch {
  readonly #transaction: Transaction;
  readonly #clock: Clock;
  readonly #committed: SharedCounter;

  /** @param transaction a transaction object that the caller also uses elsewhere; a new one by default */
  constructor({ clock, committed, ...options }: BatchOptions, transaction = new Transaction(options)) {
    this.#transaction = transaction;
    this.#clock = clock;
    this.#committed = committed;
  }

  /** Executes calls in order, in as few transactions as BATCH_BYTES_MAX allows. */
  execute(calls: readonly ServerCall<WriterMethod>[], server: RpcServer<WriterMethod>): void {
    for (const group of groupsOf(calls)) this.#transact(group, server);
  }

  #transact(calls: readonly ServerCall<WriterMethod>[], server: RpcServer<WriterMethod>): void {
    const started = performance.now();
    const transaction = this.#transaction;
    const replies: unknown[] = [];
    let hasBegun = false;
    try {
      transaction.begin();
      hasBegun = true;
      // Never use an earlier time than the last transaction. After a restore, that time may be ahead of the clock.
      transaction.nowMs = Math.max(transaction.nowMs, this.#clock.now());
      for (const call of calls) replies.push(transaction.run(call));
      transaction.commit();
    } catch (error) {
      transaction.rollBack(error, server);
      // Retry the calls one by one, but only if BEGIN has succeeded. If BEGIN has failed, it has waited in vain for the
      // database lock, and each call would wait as long and fail too.
      if (hasBegun && calls.length > 1) for (const call of calls) this.#transact([call], server);
      else for (const call of calls) this.#refuse(call, error, server);
      return;
    }
    this.#committed.set(must(calls[calls.length - 1], "a transaction has calls").id);
    transaction.publish(calls.length, started, server);
    answer(calls, replies, server);
    server.flush();
  }

  /** Replies with a failure to a call whose transaction was rolled back. */
  #refuse(call: ServerCall<WriterMethod>, error: unknown, server: RpcServer<WriterMethod>): void {
    const failure = writeFailure(error);
    if (failure === undefined) server.push(BUG, { method: call.method.name, error: traceOf(error) });
    server.fail(call, failure ?? new Failure("INTERNAL", "internal error"));
  }
}

/** Splits calls, in order, into groups of at most BATCH_BYTES_MAX bytes. A larger call gets its own group. */
export function groupsOf(calls: readonly ServerCall<WriterMethod>[]): ServerCall<WriterMethod>[][] {
  const groups: ServerCall<WriterMethod>[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const call of calls) {
    if (bytes + call.weight > BATCH_BYTES_MAX) {
      groups.push([]);
      bytes = 0;
    }
    must(groups[groups.length - 1], "a group has been started").push(call);
    bytes += call.weight;
  }
  return groups;
}

/** Sends the replies to calls, in the order of the calls. */
export function answer(
  calls: readonly ServerCall<WriterMethod>[],
  replies: readonly unknown[],
  server: RpcServer<WriterMethod>,
): void {
  for (const [at, call] of calls.entries()) {
    const reply = replies[at];
    if (reply instanceof Failure) server.fail(call, reply);
    else server.reply(call, reply);
  }
}
