/**
 * What the writer's methods change, by kind and key: said in the methods' rows, told on the front while a call
 * is on its way, so that whoever keeps a copy of such things (the hot caches) is right whichever method it
 * was. Runs on the front.
 */
import type { Failure } from "../base/result.js";

/** Kinds of things that are written. A key is what names one of them: of a spec `specKey`, of rules the project. */
export const CHANGE_KINDS = [
  "state",
  "spec",
  "rules",
  "template",
  "webhook",
  "instance",
  "event",
  "usage",
  "agent_metric",
  "compliance_run",
  "audit",
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

export interface ChangeRule<Request, Reply> {
  readonly kind: ChangeKind;
  /** The keys that a call may change, as its request says them; null where only the reply does. */
  asked(request: Request): readonly string[] | null;
  /** The keys that a call has changed; null where that may be all there are. */
  made(request: Request, reply: Reply): readonly string[] | null;
}

/** A change of what the request names. */
export function changes<Request>(
  kind: ChangeKind,
  keys: (request: Request) => readonly string[],
): ChangeRule<Request, unknown> {
  return { kind, asked: keys, made: keys };
}

/** A change of what only the reply names. */
export function changesByReply<Reply>(
  kind: ChangeKind,
  keys: (reply: Reply) => readonly string[],
): ChangeRule<unknown, Reply> {
  return { kind, asked: () => null, made: (_request, reply) => keys(reply) };
}

/** A change of what neither names: anything of the kind may be another now. */
export function changesAny(kind: ChangeKind): ChangeRule<unknown, unknown> {
  return { kind, asked: () => null, made: () => null };
}

/** Who keeps copies of things of a kind. Null for keys means any. */
export interface ChangeListener {
  /** A call that may change these is about to be sent: the database may be ahead of the copies from now on. */
  begin(asked: readonly string[] | null): void;
  /**
   * It was answered: with what it changed, or with why it was refused. Of a call that was given up the end is told
   * when it cannot be carried out any more.
   */
  end(asked: readonly string[] | null, made: readonly string[] | null | Failure): void;
}

/** Who listens to which kind. */
export class ChangeFeed {
  readonly #listeners = new Map<ChangeKind, ChangeListener[]>();

  listen(kind: ChangeKind, listener: ChangeListener): void {
    const listeners = this.#listeners.get(kind);
    if (listeners === undefined) this.#listeners.set(kind, [listener]);
    else listeners.push(listener);
  }

  of(kind: ChangeKind): readonly ChangeListener[] | undefined {
    return this.#listeners.get(kind);
  }
}
