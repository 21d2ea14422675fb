/**
 * What the writer's methods change, by kind and key: said in the methods' rows. It is told on the front while a
 * call is on its way, so that whoever keeps a copy of such things (the hot caches) is right whichever method it
 * was; and by the writer after the commit, by the names that clients know (change-set.ts). Pure.
 */
import type { ChangeKind } from "../../schemas/changes.js";
import type { Failure } from "../base/result.js";

/** A thing that was changed, as clients are told of it: named as the audit log names it, null for any of its kind. */
export interface ReportedChange {
  readonly key: string | null;
  /** Null where it has none, or none any more. */
  readonly version: number | null;
}

/** What clients are told of a call once it is committed; null where that is more than can be named. */
export type ReportOf<Request, Reply> = (request: Request, reply: Reply) => readonly ReportedChange[] | null;

export interface ChangeRule<Request, Reply> {
  readonly kind: ChangeKind;
  /** The keys that a call may change, as its request says them; null where only the reply does. */
  requestKeys(request: Request): readonly string[] | null;
  /** The keys that a call has changed; null where that may be all there are. */
  changedKeys(request: Request, reply: Reply): readonly string[] | null;
  report(request: Request, reply: Reply): ReturnType<ReportOf<Request, Reply>>;
}

/** Tells of one thing, by its name and perhaps its version. */
export function reportByName<Request, Reply = unknown>(
  name: (request: Request, reply: Reply) => string,
  version: (reply: Reply) => number | null = () => null,
): ReportOf<Request, Reply> {
  return (request, reply) => [{ key: name(request, reply), version: version(reply) }];
}

const ANY: readonly ReportedChange[] = [{ key: null, version: null }];
const NOTHING: readonly ReportedChange[] = [];

/** Tells that anything of the kind may be another now. */
export function reportAny(): readonly ReportedChange[] {
  return ANY;
}

/** Tells that more may be another than can be named. */
export function reportTooMany(): null {
  return null;
}

/** A change of what the request names. */
export function changes<Request, Reply = unknown>(
  kind: ChangeKind,
  keys: (request: Request) => readonly string[],
  report: ReportOf<Request, Reply>,
): ChangeRule<Request, Reply> {
  return { kind, requestKeys: keys, changedKeys: keys, report: report };
}

/** A change of what only the reply names. */
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

/** A change of what neither names: anything of the kind may be another now. */
export function changesAny<Request, Reply>(
  kind: ChangeKind,
  report: ReportOf<Request, Reply>,
): ChangeRule<Request, Reply> {
  return { kind, requestKeys: () => null, changedKeys: () => null, report: report };
}

/** A change that clients are told of by the model that makes it (`tellChanges`), whichever method has it made. */
export function changesByModel(kind: ChangeKind): ChangeRule<unknown, unknown> {
  return { kind, requestKeys: () => null, changedKeys: () => null, report: () => NOTHING };
}

/** The kinds of which the front keeps copies: of what others' calls change of these it is told. */
export const COPIED_KINDS = ["state", "spec", "rule"] as const satisfies readonly ChangeKind[];

/** Who keeps copies of things of a kind. Null for keys means any. */
export interface ChangeListener {
  /** A call that may change these is about to be sent: the database may be ahead of the copies from now on. */
  begin(requestKeys: readonly string[] | null): void;
  /**
   * It was answered: with what it changed, or with why it was refused. Of a call that was given up the end is told
   * when it cannot be carried out any more.
   */
  end(requestKeys: readonly string[] | null, changedKeys: readonly string[] | null | Failure): void;
}

/** Who listens to which kind. */
export class ChangeFeed {
  readonly #listeners = new Map<ChangeKind, ChangeListener[]>();

  /** Until the function that is returned is called; not from within a listener. */
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
