/**
 * Group commit: the calls that wait become one transaction, whose commit is one fsync; replies leave after it. Runs in
 * the writer.
 *
 * What fails in a transaction refuses a call, nothing else: the transaction is rolled back and each of its
 * calls is tried alone. So a small write is not refused for a large one beside it that the disk does not
 * take, and a method that throws (a bug) fails its own call and leaves nothing behind.
 */
import { BATCH_BYTES_MAX } from "../../schemas/limits.js";
import { must } from "../base/assert.js";
import type { Clock } from "../base/clock.js";
import { traceOf } from "../base/reason.js";
import { Failure } from "../base/result.js";
import type { RpcServer, ServerCall } from "../rpc/server.js";
import { writeFailure } from "../store/open.js";
import { BUG } from "./push-messages.js";
import { Transaction, type TransactionOptions } from "./transaction.js";
import type { WriterMethod } from "./writer-method.js";

export interface BatchOptions extends TransactionOptions {
  /** Never goes back. */
  readonly clock: Clock;
  /** Its first element is set to the id of the last call of each commit, before replies leave. */
  readonly committed: BigInt64Array;
}

export class Batch {
  readonly #transaction: Transaction;
  readonly #clock: Clock;
  readonly #committed: BigInt64Array;

  /** @param transaction where somebody else uses it, too */
  constructor({ clock, committed, ...options }: BatchOptions, transaction = new Transaction(options)) {
    this.#transaction = transaction;
    this.#clock = clock;
    this.#committed = committed;
  }

  /** Carries out calls in order, in as few transactions as their size allows. */
  execute(calls: readonly ServerCall<WriterMethod>[], server: RpcServer<WriterMethod>): void {
    for (const group of groupsOf(calls)) this.#transact(group, server);
  }

  #transact(calls: readonly ServerCall<WriterMethod>[], server: RpcServer<WriterMethod>): void {
    const started = performance.now();
    const transaction = this.#transaction;
    const replies: unknown[] = [];
    let begun = false;
    try {
      transaction.begin();
      begun = true;
      // A restore moves it ahead of the clock, where the snapshot's times are.
      transaction.now_ms = Math.max(transaction.now_ms, this.#clock.now());
      for (const call of calls) replies.push(transaction.run(call));
      transaction.commit();
    } catch (error) {
      transaction.rollBack(error);
      // Where nobody may begin, nobody may begin alone: each of many would wait for a lock as long as all of them did.
      if (begun && calls.length > 1) for (const call of calls) this.#transact([call], server);
      else for (const call of calls) this.#refuse(call, error, server);
      return;
    }
    Atomics.store(this.#committed, 0, BigInt(must(calls[calls.length - 1], "a transaction has calls").id));
    transaction.publish(calls, replies, started, server);
    answer(calls, replies, server);
    server.flush();
  }

  /** A call of a transaction that was rolled back. */
  #refuse(call: ServerCall<WriterMethod>, error: unknown, server: RpcServer<WriterMethod>): void {
    const failure = writeFailure(error);
    if (failure === undefined) server.push(BUG, { method: call.method.name, error: traceOf(error) });
    server.fail(call, failure ?? new Failure("INTERNAL", "internal error"));
  }
}

/** Calls in their order, in groups that are no larger than a batch may be. */
export function groupsOf(calls: readonly ServerCall<WriterMethod>[]): ServerCall<WriterMethod>[][] {
  const groups: ServerCall<WriterMethod>[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const call of calls) {
    if (bytes + call.weight > BATCH_BYTES_MAX) {
      groups.push([]);
      bytes = 0;
    }
    must(groups[groups.length - 1], "a group was begun").push(call);
    bytes += call.weight;
  }
  return groups;
}

/** Answers calls, in their order. */
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
