/**
 * Entries of a log, each the calls of one node's batch, carried out as every node carries them out: an entry whole or
 * not at all, several in one transaction where they come together. What they do is a function of the database, the
 * calls and their times, however they are grouped. Runs in the writer of a node.
 *
 * A method that throws (a bug) fails its own call everywhere alike: the entry is carried out alone, and then without
 * the calls that were found to throw. A disk that is full refuses nothing: what is in the log was acknowledged, or may
 * have been, so the entries wait until they can be carried out.
 */
import { must } from "../base/assert.js";
import { traceOf } from "../base/reason.js";
import { Failure } from "../base/result.js";
import type { RpcServer, ServerCall } from "../rpc/server.js";
import { writeFailure } from "../store/open.js";
import { answer } from "./batch.js";
import { COPIED_KINDS } from "./changes.js";
import type { RemoteWriteCounter } from "./remote-write-counter.js";
import { BUG, REMOTE_CHANGES, type RemoteChanges } from "./push-messages.js";
import type { Served, Transaction } from "./transaction.js";
import type { WriterMethod } from "./writer-method.js";

/** One entry. */
export interface BatchEntry {
  /** Its time. */
  readonly now_ms: number;
  readonly calls: readonly Served[];
  /** Why a call is not carried out, by its position, whatever it asks. */
  readonly refusals: ReadonlyMap<number, Failure>;
  /** Who called, where the entry is this node's own: they are answered. */
  readonly callers: readonly ServerCall<WriterMethod>[] | null;
  /** Position of the first call that is theirs; 0 where it is left out. */
  readonly callersFrom?: number;
}

/** What the calls of an entry were answered. */
export type Answers = readonly unknown[];

/** The disk takes nothing, or somebody else holds the database: nothing was carried out, and all of it can be again. */
export class NotStored extends Error {
  override readonly name = "NotStored";

  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

const COPIED: ReadonlySet<string> = new Set(COPIED_KINDS);
const BROKEN = new Failure("INTERNAL", "internal error");

type Server = RpcServer<WriterMethod>;
/** Who keeps account of what was carried out. */
export interface Account<Kept extends BatchEntry> {
  /** Within the transaction, behind what it carries out: writes what else belongs to it. */
  seal(entries: readonly Kept[], answers: readonly Answers[]): void;
  /** What was sealed last is on disk; nobody was told of it yet. */
  committed(): void;
}

/** Ends a transaction that is not to be committed. */
class Undone extends Error {
  override readonly name = "Undone";
}

export class Entries<Kept extends BatchEntry> {
  readonly #transaction: Transaction;
  readonly #remoteWrites: RemoteWriteCounter;
  readonly #server: Server;
  readonly #account: Account<Kept>;

  constructor(transaction: Transaction, remoteWrites: RemoteWriteCounter, server: Server, account: Account<Kept>) {
    this.#transaction = transaction;
    this.#remoteWrites = remoteWrites;
    this.#server = server;
    this.#account = account;
  }

  /**
   * Carries out entries, one behind the other, and tells of them. Where one throws each has a transaction of its own.
   * @throws NotStored: those that were committed before are carried out and told of
   */
  apply(entries: readonly Kept[]): void {
    const started = performance.now();
    const answers = this.#attempt(entries);
    if (answers !== null) this.#tell(entries, answers, started);
    // With which others it shares a transaction must not matter to what becomes of it.
    else if (entries.length > 1) for (const entry of entries) this.apply([entry]);
    else for (const entry of entries) this.#applyBroken(entry);
  }

  /** The answers of each entry; null where a method threw, and nothing was carried out. */
  #attempt(entries: readonly Kept[]): Answers[] | null {
    const transaction = this.#transaction;
    let raised: number | null = null;
    try {
      // What nobody here is told of as done is in the log: a power cut only has it carried out again.
      transaction.begin(entries.some(({ callers }) => callers !== null));
      const answers = entries.map(({ now_ms, calls, refusals }) => {
        transaction.now_ms = now_ms;
        return calls.map((call, at) => refusals.get(at) ?? transaction.run(call));
      });
      transaction.write();
      this.#account.seal(entries, answers);
      const changes = remoteChanges(entries, answers);
      if (changes.length > 0) raised = this.#remoteWrites.raise();
      transaction.commit();
      if (raised !== null) this.#server.push(REMOTE_CHANGES, { count: raised, changes });
      this.#account.committed();
      return answers;
    } catch (error) {
      // Nothing has changed: the front may show its copies again.
      if (raised !== null) this.#server.push(REMOTE_CHANGES, { count: raised, changes: [] });
      transaction.rollBack(error);
      throwWhereNotStored(error);
      return null;
    }
  }

  /** An entry in which a method throws: without the calls that do, and where it throws all the same, without any. */
  #applyBroken(entry: Kept): void {
    const started = performance.now();
    const broken = this.#findBroken(entry);
    const whole = new Map(entry.calls.map((_, at) => [at, BROKEN]));
    for (const refusals of [new Map([...entry.refusals, ...broken]), whole]) {
      const rest = [{ ...entry, refusals }];
      const answers = this.#attempt(rest);
      if (answers === null) continue;
      this.#tell(rest, answers, started);
      return;
    }
    throw new Error("an entry can be carried out without its calls");
  }

  /** Which calls of an entry throw, each tried behind those that do not, and what they are answered. */
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

  /** The first that throws beside those that are known to. Nothing is carried out. */
  #firstThrown(
    { now_ms, calls, refusals }: Kept,
    broken: ReadonlyMap<number, Failure>,
  ): { readonly at: number; readonly error: unknown } | null {
    const transaction = this.#transaction;
    let running = 0;
    try {
      transaction.begin();
      transaction.now_ms = now_ms;
      for (const [at, call] of calls.entries()) {
        if (refusals.has(at) || broken.has(at)) continue;
        running = at;
        transaction.run(call);
        // Now, so that what it has put off fails as its own.
        transaction.write();
      }
      throw new Undone();
    } catch (error) {
      transaction.rollBack(error);
      if (error instanceof Undone) return null;
      throwWhereNotStored(error);
      return { at: running, error };
    }
  }

  #tell(entries: readonly Kept[], answers: readonly Answers[], started: number): void {
    const calls = entries.flatMap((entry) => entry.calls);
    this.#transaction.publish(calls, answers.flat(), started, this.#server);
    for (const [at, { callers, callersFrom = 0 }] of entries.entries()) {
      if (callers === null) continue;
      const all = must(answers[at], "an entry has answers");
      answer(callers, all.slice(callersFrom, callersFrom + callers.length), this.#server);
    }
    this.#server.flush();
  }
}

/** @throws NotStored where it is the disk that refuses, and no call */
function throwWhereNotStored(error: unknown): void {
  const failure = writeFailure(error);
  if (failure !== undefined && failure.status !== "INVALID_ARGUMENT") throw new NotStored(failure);
}

/** What others' calls have changed of which the front keeps copies. */
function remoteChanges(entries: readonly BatchEntry[], answers: readonly Answers[]): RemoteChanges["changes"] {
  const changed = new Map<string, Set<string> | null>();
  for (const [index, { calls, callers, callersFrom = 0 }] of entries.entries()) {
    const ownEnd = callers === null ? 0 : callersFrom + callers.length;
    for (const [at, { method, request }] of calls.entries()) {
      if (at >= callersFrom && at < ownEnd) continue;
      const reply = answers[index]?.[at];
      if (reply instanceof Failure) continue;
      for (const rule of method.changes) {
        if (!COPIED.has(rule.kind)) continue;
        const keys = rule.changedKeys(request, reply);
        const known = changed.get(rule.kind);
        if (keys === null) changed.set(rule.kind, null);
        else if (known === undefined) changed.set(rule.kind, new Set(keys));
        else for (const key of keys) known?.add(key);
      }
    }
  }
  return COPIED_KINDS.flatMap((kind) => {
    const keys = changed.get(kind);
    return keys === undefined ? [] : [{ kind, keys: keys === null ? null : [...keys] }];
  });
}
