/**
 * What the writer's methods change, by kind and key: said in the methods' rows. It is told on the front while a
 * call is on its way, so that whoever keeps a copy of such things (the hot caches) is right whichever method it
 * was; and by the writer after the commit, by the names that clients know (change-set.ts). Pure.
 */
import type { ChangeKind } from "../../schemas/changes.js";
import type { Failure } from "../base/result.js";

/** A thing that was changed, as clients are told of it: named as the audit log names it, null for any of its kind. */
export interface ToldChange {
  readonly key: string | null;
  /** Null where it has none, or none any more. */
  readonly version: number | null;
}

/** What clients are told of a call once it is committed; null where that is more than can be named. */
export type ToldOf<Request, Reply> = (request: Request, reply: Reply) => readonly ToldChange[] | null;

export interface ChangeRule<Request, Reply> {
  readonly kind: ChangeKind;
  /** The keys that a call may change, as its request says them; null where only the reply does. */
  asked(request: Request): readonly string[] | null;
  /** The keys that a call has changed; null where that may be all there are. */
  made(request: Request, reply: Reply): readonly string[] | null;
  told(request: Request, reply: Reply): ReturnType<ToldOf<Request, Reply>>;
}

/** Tells of one thing, by its name and perhaps its version. */
export function named<Request, Reply = unknown>(
  name: (request: Request, reply: Reply) => string,
  version: (reply: Reply) => number | null = () => null,
): ToldOf<Request, Reply> {
  return (request, reply) => [{ key: name(request, reply), version: version(reply) }];
}

const ANY: readonly ToldChange[] = [{ key: null, version: null }];
const NOTHING: readonly ToldChange[] = [];

/** Tells that anything of the kind may be another now. */
export function anyOfThem(): readonly ToldChange[] {
  return ANY;
}

/** Tells that more may be another than can be named. */
export function allThereIs(): null {
  return null;
}

/** A change of what the request names. */
export function changes<Request, Reply = unknown>(
  kind: ChangeKind,
  keys: (request: Request) => readonly string[],
  told: ToldOf<Request, Reply>,
): ChangeRule<Request, Reply> {
  return { kind, asked: keys, made: keys, told };
}

/** A change of what only the reply names. */
export function changesByReply<Reply>(
  kind: ChangeKind,
  keys: (reply: Reply) => readonly string[],
  told: (reply: Reply) => readonly ToldChange[],
): ChangeRule<unknown, Reply> {
  return {
    kind,
    asked: () => null,
    made: (_request, reply) => keys(reply),
    told: (_request, reply) => told(reply),
  };
}

/** A change of what neither names: anything of the kind may be another now. */
export function changesAny<Request, Reply>(kind: ChangeKind, told: ToldOf<Request, Reply>): ChangeRule<Request, Reply> {
  return { kind, asked: () => null, made: () => null, told };
}

/** A change that clients are told of by the model that makes it (`tellChanges`), whichever method has it made. */
export function changesByModel(kind: ChangeKind): ChangeRule<unknown, unknown> {
  return { kind, asked: () => null, made: () => null, told: () => NOTHING };
}

/** The kinds of which the front keeps copies: of what others' calls change of these it is told. */
export const COPIED_KINDS = ["state", "spec", "rule"] as const satisfies readonly ChangeKind[];

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
