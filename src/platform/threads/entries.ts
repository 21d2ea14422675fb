/**
 * Applies entries of the cluster's log, in the same way on every node. An entry is a batch of calls that is applied as
 * a whole or not at all. Runs in the writer thread of a node. Entries that arrive together share a transaction. But the
 * effect of an entry depends only on the database, the entry's calls and their times, and not on the other entries. A
 * method that throws has a bug: its call fails on every node. The entry is then applied in its own transaction, without
 * the calls that throw. A full disk fails no call, because other nodes may have applied the entry and acknowledged its
 * calls. The entry waits until this node can apply it too.
 */
import { must } from "../../base/assert.js";
import { traceOf } from "../../base/reason.js";
import { Failure } from "../../base/result.js";
import type { RpcServer, ServerCall } from "../rpc/server.js";
import { writeFailure } from "../store/open.js";
import { answer } from "./batch.js";
import { BUG } from "./push-messages.js";
import type { Transaction } from "./transaction.js";
import type { Served, WriterMethod } from "./writer-method.js";

/** One entry of the log. */
export interface BatchEntry {
  /** The time in ms at which the calls of the entry are executed. */
  readonly nowMs: number;
  readonly calls: readonly Served[];
  /** The failures of the calls that are not executed, by the index of the call in `calls`. */
  readonly refusals: ReadonlyMap<number, Failure>;
  /** The calls of this node's own clients, which this node must answer; null if another node made the entry. */
  readonly callers: readonly ServerCall<WriterMethod>[] | null;
  /** The index in `calls` of the first call of `callers`; 0 by default. */
  readonly callersFrom?: number;
}

/** The replies to the calls of one entry, in the order of the calls. */
export type Answers = readonly unknown[];

/**
 * Thrown if entries could not be stored, because the disk is full or another program holds the database. The whole
 * transaction was rolled back, so all of its entries can be applied later.
 */
export class NotStored extends Error {
  override readonly name = "NotStored";

  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

const BROKEN = new Failure("INTERNAL", "internal error");

type Server = RpcServer<WriterMethod>;
/** Stores data about the applied entries, for example the applied position, in the same transaction as the entries. */
export interface Account<Kept extends BatchEntry> {
  /** Writes this data, after the entries were applied and before their transaction commits. */
  seal(entries: readonly Kept[], answers: readonly Answers[]): void;
  /** Called after the transaction has been committed, and before its callers are answered. */
  committed(): void;
}

/** An error that is thrown inside a transaction to roll it back. */
class RolledBack extends Error {
  override readonly name = "RolledBack";
}

export class Entries<Kept extends BatchEntry> {
  readonly #transaction: Transaction;
  readonly #server: Server;
  readonly #account: Account<Kept>;

  constructor(transaction: Transaction, server: Server, account: Account<Kept>) {
    this.#transaction = transaction;
    this.#server = server;
    this.#account = account;
  }

  /**
   * Applies entries in order, and sends their replies and push messages. If a call throws, each entry is applied in its
   * own transaction.
   * @throws NotStored if some entries cannot be applied now. The entries before them may already be committed and
   * published
   */
  apply(entries: readonly Kept[]): void {
    const started = performance.now();
    const answers = this.#attempt(entries);
    if (answers !== null) this.#publish(entries, answers, started);
    // Apply each entry in its own transaction, because its result must not depend on the other entries.
    else if (entries.length > 1) for (const entry of entries) this.apply([entry]);
    else for (const entry of entries) this.#applyBroken(entry);
  }

  /**
   * Applies entries in one transaction, and returns the replies of each entry. If a method throws, applies nothing and
   * returns null.
   */
  #attempt(entries: readonly Kept[]): Answers[] | null {
    const transaction = this.#transaction;
    try {
      // Sync the transaction only if a client of this node waits for it. After a power cut, entries of other nodes can
      // be applied again from the log.
      transaction.begin(entries.some(({ callers }) => callers !== null));
      const answers = entries.map(({ nowMs, calls, refusals, callers, callersFrom = 0 }) => {
        transaction.nowMs = nowMs;
        const ownEnd = callers === null ? 0 : callersFrom + callers.length;
        return calls.map((call, at) => refusals.get(at) ?? transaction.run(call, at < callersFrom || at >= ownEnd));
      });
      transaction.write();
      this.#account.seal(entries, answers);
      transaction.commit();
      this.#account.committed();
      return answers;
    } catch (error) {
      transaction.rollBack(error, this.#server);
      throwWhereNotStored(error);
      return null;
    }
  }

  /**
   * Applies an entry in which a method throws, without the calls that throw. If this fails too, applies the entry
   * without any of its calls.
   */
  #applyBroken(entry: Kept): void {
    const started = performance.now();
    const broken = this.#findBroken(entry);
    const whole = new Map(entry.calls.map((_, at) => [at, BROKEN]));
    for (const refusals of [new Map([...entry.refusals, ...broken]), whole]) {
      const rest = [{ ...entry, refusals }];
      const answers = this.#attempt(rest);
      if (answers === null) continue;
      this.#publish(rest, answers, started);
      return;
    }
    throw new Error("an entry can be applied without its calls");
  }

  /** Finds the calls of an entry that throw. Returns the failures of these calls, by the index of the call. */
  #findBroken(entry: Kept): ReadonlyMap<number, Failure> {
    const broken = new Map<number, Failure>();
    for (;;) {
      const thrown = this.#firstThrown(entry, broken);
      if (thrown === null) return broken;
      const refusal = writeFailure(thrown.error);
      const { method } = must(entry.calls[thrown.at], "a call of the entry");
      if (refusal === undefined) this.#server.push(BUG, { method: method.name, error: traceOf(thrown.error) });
      broken.set(thrown.at, refusal ?? BROKEN);
    }
  }

  /**
   * Executes the calls of an entry until one throws, and returns that call. Skips the calls in `broken`, which are
   * known to throw. Rolls all changes back.
   */
  #firstThrown(
    { nowMs, calls, refusals }: Kept,
    broken: ReadonlyMap<number, Failure>,
  ): { readonly at: number; readonly error: unknown } | null {
    const transaction = this.#transaction;
    let running = 0;
    try {
      transaction.begin();
      transaction.nowMs = nowMs;
      for (const [at, call] of calls.entries()) {
        if (refusals.has(at) || broken.has(at)) continue;
        running = at;
        transaction.run(call);
        // Write the buffered rows now, so that an error of this write counts as an error of this call.
        transaction.write();
      }
      throw new RolledBack();
    } catch (error) {
      transaction.rollBack(error, this.#server);
      if (error instanceof RolledBack) return null;
      throwWhereNotStored(error);
      return { at: running, error };
    }
  }

  #publish(entries: readonly Kept[], answers: readonly Answers[], started: number): void {
    const calls = entries.reduce((sum, entry) => sum + entry.calls.length, 0);
    this.#transaction.publish(calls, started, this.#server);
    for (const [at, { callers, callersFrom = 0 }] of entries.entries()) {
      if (callers === null) continue;
      const all = must(answers[at], "an entry has answers");
      answer(callers, all.slice(callersFrom, callersFrom + callers.length), this.#server);
    }
    this.#server.flush();
  }
}

/**
 * Throws NotStored if the disk is full or another program holds the database. Does nothing for any other error, which
 * the call itself has caused.
 */
function throwWhereNotStored(error: unknown): void {
  const failure = writeFailure(error);
  if (failure !== undefined && failure.status !== "INVALID_ARGUMENT") throw new NotStored(failure);
}
