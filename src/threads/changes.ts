/**
 * Declares which kinds and keys a writer method changes; each method's row has its rules. The front evaluates them
 * while a call is in flight, so that the holders of copies (the hot caches) stay correct whichever method was called.
 * The writer evaluates them after the commit, and reports the changes by the names that clients know (change-set.ts).
 * Pure.
 */
import type { ChangeKind } from "../../schemas/changes.js";
import type { Failure } from "../base/result.js";

/**
 * A changed thing, as it is reported to clients. The key is the name that the audit log uses; null means any of the
 * kind.
 */
export interface ReportedChange {
  readonly key: string | null;
  /** Null if the thing has no version, or no longer has one. */
  readonly version: number | null;
}

/** Returns the changes that are reported to clients after the commit; null for more changes than can be named. */
export type ReportOf<Request, Reply> = (request: Request, reply: Reply) => readonly ReportedChange[] | null;

export interface ChangeRule<Request, Reply> {
  readonly kind: ChangeKind;
  /** The keys that a call may change, read from its request; null if only the reply has them. */
  requestKeys(request: Request): readonly string[] | null;
  /** The keys that a call has changed; null if it may be all of them. */
  changedKeys(request: Request, reply: Reply): readonly string[] | null;
  report(request: Request, reply: Reply): ReturnType<ReportOf<Request, Reply>>;
}

/** Reports one thing by its name and, where it has one, its version. */
export function reportByName<Request, Reply = unknown>(
  name: (request: Request, reply: Reply) => string,
  version: (reply: Reply) => number | null = () => null,
): ReportOf<Request, Reply> {
  return (request, reply) => [{ key: name(request, reply), version: version(reply) }];
}

const ANY: readonly ReportedChange[] = [{ key: null, version: null }];
const NOTHING: readonly ReportedChange[] = [];

/** Reports that anything of the kind may have changed. */
export function reportAny(): readonly ReportedChange[] {
  return ANY;
}

/** Reports that more things may have changed than can be named. */
export function reportTooMany(): null {
  return null;
}

/** The rule for a method whose request names the changed keys. */
export function changes<Request, Reply = unknown>(
  kind: ChangeKind,
  keys: (request: Request) => readonly string[],
  report: ReportOf<Request, Reply>,
): ChangeRule<Request, Reply> {
  return { kind, requestKeys: keys, changedKeys: keys, report: report };
}

/** The rule for a method whose reply alone names the changed keys. */
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
 * The rule for a method where neither request nor reply names the changed keys: anything of the kind may have changed.
 */
export function changesAny<Request, Reply>(
  kind: ChangeKind,
  report: ReportOf<Request, Reply>,
): ChangeRule<Request, Reply> {
  return { kind, requestKeys: () => null, changedKeys: () => null, report: report };
}

/** The rule for a change that the model reports (`afterCommit`), whichever method causes it. */
export function changesByModel(kind: ChangeKind): ChangeRule<unknown, unknown> {
  return { kind, requestKeys: () => null, changedKeys: () => null, report: () => NOTHING };
}

/** The kinds that the front keeps copies of. Remote changes of these kinds are sent to it. */
export const COPIED_KINDS = ["state", "spec", "rule"] as const satisfies readonly ChangeKind[];

/** Keeps copies of things of a kind. Null for keys means any key. */
export interface ChangeListener {
  /** A call that may change these keys is about to be sent. From now on the database may be newer than the copies. */
  begin(requestKeys: readonly string[] | null): void;
  /**
   * The call has ended, with the keys that it changed or with the failure. The end of a timed-out call is reported once
   * it can no longer be executed.
   */
  end(requestKeys: readonly string[] | null, changedKeys: readonly string[] | null | Failure): void;
}

/** The listeners, by kind of change. */
export class ChangeFeed {
  readonly #listeners = new Map<ChangeKind, ChangeListener[]>();

  /** Adds a listener until the returned function is called. Must not be called from within a listener. */
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
