/**
 * Defines the rules that say which things a writer method changes. A method's rules are the only place that says so, and
 * three readers follow them. The front reads them before and after its own call, to keep its copies correct (writer.ts).
 * The writer reads them after the commit, to tell the front about remote calls and clients about all calls
 * (dirty-set.ts). Pure.
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

/** Says which of the front's copies a call may have made stale. */
export interface StaleKeys<Request, Reply> {
  /** Returns the keys that a call may change, read from its request; null if the request does not have them. */
  requestKeys(request: Request): readonly string[] | null;
  /** Returns the keys that a call has changed; null if it may have changed any key. */
  changedKeys(request: Request, reply: Reply): readonly string[] | null;
}

export interface ChangeRule<Request, Reply> extends StaleKeys<Request, Reply> {
  readonly kind: ChangeKind;
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

const ANY_KEY: StaleKeys<unknown, unknown> = { requestKeys: () => null, changedKeys: () => null };

/** The changed keys are in the request. */
export function inRequest<Request>(keys: (request: Request) => readonly string[]): StaleKeys<Request, unknown> {
  return { requestKeys: keys, changedKeys: keys };
}

/** Only the reply has the changed keys. */
export function inReply<Reply>(keys: (reply: Reply) => readonly string[]): StaleKeys<unknown, Reply> {
  return { requestKeys: () => null, changedKeys: (_request, reply) => keys(reply) };
}

/**
 * Returns the rule for a method that changes things of a kind.
 * @param report what clients are told
 * @param keys the keys of the front's copies of this kind (COPIED_KINDS). By default any copy may be stale.
 */
export function changes<Request, Reply>(
  kind: ChangeKind,
  report: ReportOf<Request, Reply>,
  keys: StaleKeys<Request, Reply> = ANY_KEY,
): ChangeRule<Request, Reply> {
  return { ...keys, kind, report };
}

/** Returns the rule for changes that the model reports itself (`afterCommit`), whichever method has made them. */
export function changesByModel(kind: ChangeKind): ChangeRule<unknown, unknown> {
  return changes(kind, () => NOTHING);
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
