/**
 * Defines the rules that say which things a call of a writer method changes. Each method declares its rules. The front
 * uses the rules before and after each of its own calls, so that its caches drop stale copies (writer.ts). The writer
 * uses the rules after the commit, for two kinds of messages to the front: which cached copies calls from other nodes
 * have made stale, and which changes clients must be notified of (dirty-set.ts). Pure.
 */
import type { ChangeKind } from "../../../schemas/changes.js";
import type { Failure } from "../../base/result.js";

/**
 * A changed thing, as clients are notified of it. `key` is the thing's name in the audit log; null if anything of the
 * kind may have changed.
 */
export interface ReportedChange {
  readonly key: string | null;
  /** The new version; null if things of this kind have no versions, or if the thing was deleted. */
  readonly version: number | null;
}

/**
 * Returns the things that a call has changed, so that clients are notified of them. Returns null if there are too many
 * to name each of them.
 */
export type ReportOf<Request, Reply> = (request: Request, reply: Reply) => readonly ReportedChange[] | null;

/** Finds the copies in the front's caches that a call makes stale. */
export interface StaleKeys<Request, Reply> {
  /** Returns the keys that a call may change, if its request contains them; else null. */
  requestKeys(request: Request): readonly string[] | null;
  /** Returns the keys that a call has changed; null if it may have changed any key. */
  changedKeys(request: Request, reply: Reply): readonly string[] | null;
}

export interface ChangeRule<Request, Reply> extends StaleKeys<Request, Reply> {
  readonly kind: ChangeKind;
  report(request: Request, reply: Reply): ReturnType<ReportOf<Request, Reply>>;
}

/** Returns a function that reports one changed thing: its name and, if it has one, its version. */
export function reportByName<Request, Reply = unknown>(
  name: (request: Request, reply: Reply) => string,
  version: (reply: Reply) => number | null = () => null,
): ReportOf<Request, Reply> {
  return (request, reply) => [{ key: name(request, reply), version: version(reply) }];
}

/** Reports changed things that have no versions, by their names. */
export function reportKeys(keys: readonly string[]): readonly ReportedChange[] {
  return keys.map((key) => ({ key, version: null }));
}

const ANY: readonly ReportedChange[] = [{ key: null, version: null }];
const NOTHING: readonly ReportedChange[] = [];

/** Reports that anything of the kind may have changed, without naming a thing. */
export function reportAny(): readonly ReportedChange[] {
  return ANY;
}

/** Reports that too many things have changed to name each of them. */
export function reportTooMany(): null {
  return null;
}

const ANY_KEY: StaleKeys<unknown, unknown> = { requestKeys: () => null, changedKeys: () => null };

/** Returns the rule for calls whose request contains the changed keys. */
export function inRequest<Request>(keys: (request: Request) => readonly string[]): StaleKeys<Request, unknown> {
  return { requestKeys: keys, changedKeys: keys };
}

/** Returns the rule for calls whose reply contains the changed keys. Used if the request does not contain them. */
export function inReply<Reply>(keys: (reply: Reply) => readonly string[]): StaleKeys<unknown, Reply> {
  return { requestKeys: () => null, changedKeys: (_request, reply) => keys(reply) };
}

/**
 * Returns the rule for a method that changes things of one kind.
 * @param report returns the changes of which clients are notified
 * @param keys finds the stale copies if the front caches this kind (COPIED_KINDS). By default every copy of the kind is
 * stale
 */
export function changes<Request, Reply>(
  kind: ChangeKind,
  report: ReportOf<Request, Reply>,
  keys: StaleKeys<Request, Reply> = ANY_KEY,
): ChangeRule<Request, Reply> {
  return { ...keys, kind, report };
}

/**
 * Returns the rule for a kind whose changes a model publishes itself (`afterCommit`). Its methods then need not report
 * them.
 */
export function changesByModel(kind: ChangeKind): ChangeRule<unknown, unknown> {
  return changes(kind, () => NOTHING);
}

/** The kinds of things that the front caches. The writer tells the front about every remote change of these kinds. */
export const COPIED_KINDS = ["state", "spec", "rule"] as const satisfies readonly ChangeKind[];

/**
 * Implemented by a cache that keeps copies of things of one kind. Its methods are called before and after each change.
 * If the keys are null, anything of the kind may change.
 */
export interface ChangeListener {
  /**
   * Called before the front sends a call that may change these keys. From now on the database may be newer than the
   * copies.
   */
  begin(requestKeys: readonly string[] | null): void;
  /**
   * Called when a call has ended. `changedKeys` are the keys that the call has changed, or the Failure of the call. If
   * a call times out, the writer may still execute it. This method is then called only when the writer can no longer
   * execute the call.
   */
  end(requestKeys: readonly string[] | null, changedKeys: readonly string[] | null | Failure): void;
}

/** The listeners to changes, by the kind of the changed things. */
export class ChangeFeed {
  readonly #listeners = new Map<ChangeKind, ChangeListener[]>();

  /** Adds a listener, and returns the function that removes it. A listener must not add listeners. */
  listen(kind: ChangeKind, listener: ChangeListener): () => void {
    const listeners = this.#listeners.get(kind) ?? [];
    this.#listeners.set(kind, listeners);
    listeners.push(listener);
    return () => {
      const at = listeners.indexOf(listener);
      if (at >= 0) listeners.splice(at, 1);
    };
  }

  of(kind: ChangeKind): readonly ChangeListener[] | undefined {
    return this.#listeners.get(kind);
  }
}
