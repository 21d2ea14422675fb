/**
 * Defines the rules that say which kinds of things and which keys a writer method changes. Each method declares its
 * rules. The front evaluates them while a call is in flight, so that its caches stay correct whichever method was
 * called. The writer evaluates them after the commit, and reports the changes by the names that clients use
 * (change-set.ts). Pure.
 */
import type { ChangeKind } from "../../schemas/changes.js";
import type { Failure } from "../base/result.js";

/**
 * A changed thing, as it is reported to clients. The key is the name that the audit log uses. A null key means that
 * anything of the kind may have changed.
 */
export interface ReportedChange {
  readonly key: string | null;
  /** The new version; null if things of this kind have no version, or if the thing was deleted. */
  readonly version: number | null;
}

/** Returns the changes to report to clients after the commit; null if there are too many to name them. */
export type ReportOf<Request, Reply> = (request: Request, reply: Reply) => readonly ReportedChange[] | null;

export interface ChangeRule<Request, Reply> {
  readonly kind: ChangeKind;
  /** Returns the keys that a call may change, read from its request; null if only the reply has them. */
  requestKeys(request: Request): readonly string[] | null;
  /** Returns the keys that a call has changed; null if it may have changed any key. */
  changedKeys(request: Request, reply: Reply): readonly string[] | null;
  report(request: Request, reply: Reply): ReturnType<ReportOf<Request, Reply>>;
}

/** Returns a rule that reports one thing by its name, and by its version if it has one. */
export function reportByName<Request, Reply = unknown>(
  name: (request: Request, reply: Reply) => string,
  version: (reply: Reply) => number | null = () => null,
): ReportOf<Request, Reply> {
  return (request, reply) => [{ key: name(request, reply), version: version(reply) }];
}

const ANY: readonly ReportedChange[] = [{ key: null, version: null }];
const NOTHING: readonly ReportedChange[] = [];

/** Reports that anything of the kind may have changed, without naming a thing. */
export function reportAny(): readonly ReportedChange[] {
  return ANY;
}

/** Reports that too many things may have changed to name them. */
export function reportTooMany(): null {
  return null;
}

/** Returns the rule for a method whose request contains the changed keys. */
export function changes<Request, Reply = unknown>(
  kind: ChangeKind,
  keys: (request: Request) => readonly string[],
  report: ReportOf<Request, Reply>,
): ChangeRule<Request, Reply> {
  return { kind, requestKeys: keys, changedKeys: keys, report: report };
}

/** Returns the rule for a method where only the reply contains the changed keys. */
export function changesByReply<Reply>(
  kind: ChangeKind,
  keys: (reply: Reply) => readonly string[],
  report: (reply: Reply) => readonly ReportedChange[],
): ChangeRule<unknown, Reply> {
  return {
    kind,
    requestKeys: () => null,
    changedKeys: (_request, reply) => keys(reply),
    report: (_request, reply) => report(reply),
  };
}

/**
 * Returns the rule for a method where neither the request nor the reply contains the changed keys, so that anything of
 * the kind may have changed.
 */
export function changesAny<Request, Reply>(
  kind: ChangeKind,
  report: ReportOf<Request, Reply>,
): ChangeRule<Request, Reply> {
  return { kind, requestKeys: () => null, changedKeys: () => null, report: report };
}

/** Returns the rule for changes that the model reports itself (`afterCommit`), whichever method has made them. */
export function changesByModel(kind: ChangeKind): ChangeRule<unknown, unknown> {
  return { kind, requestKeys: () => null, changedKeys: () => null, report: () => NOTHING };
}

/** The kinds of which the front keeps copies. The writer sends the front every remote change of these kinds. */
export const COPIED_KINDS = ["state", "spec", "rule"] as const satisfies readonly ChangeKind[];

/** The interface of a cache that keeps copies of things of one kind. If keys are null, any key may be meant. */
export interface ChangeListener {
  /** Called before a call is sent that may change these keys. From now on the database may be newer than the copies. */
  begin(requestKeys: readonly string[] | null): void;
  /**
   * Called when the call has ended, with the keys that it changed or with its failure. For a call that has timed out,
   * this is called only when the call can no longer be executed.
   */
  end(requestKeys: readonly string[] | null, changedKeys: readonly string[] | null | Failure): void;
}

/** The listeners, by kind of change. */
export class ChangeFeed {
  readonly #listeners = new Map<ChangeKind, ChangeListener[]>();

  /** Adds a listener. It is removed by calling the returned function. Must not be called by a listener. */
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
