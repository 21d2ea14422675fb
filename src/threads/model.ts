/**
 * Models: what a method may use of the database, the tables of a feature behind a class of its own. A method's
 * row names the models that it needs; each thread opens each of them once, on its own handle, and hands a
 * method those that it named. Runs in the writer, in the pool's workers, in a restore's thread and on the front.
 */
import type { StoreSettings } from "../../schemas/config.js";
import type { PushMessage, PayloadOf } from "../rpc/method.js";
import { WriteBuffer } from "../store/write-buffer.js";
import type { Db } from "../store/open.js";
import type { ChangeSet } from "./change-set.js";

/** What a model is opened on. */
export interface Opening {
  readonly db: Db;
  /** For rows that may wait until the writer's batch commits, or until such a table is read. */
  readonly rows: WriteBuffer;
  readonly settings: StoreSettings;
  /** Another model of the same thread. */
  readonly use: <Opened>(model: Model<Opened>) => Opened;
}

export interface Model<Opened = unknown> {
  open(opening: Opening): Opened;
}

/** The models that a row names, opened. */
export type OpenedModels<Named> = {
  readonly [Name in keyof Named]: Named[Name] extends Model<infer Opened> ? Opened : never;
};

/** The handle itself, for a method whose tables are all of them. */
export const DATABASE: Model<Db> = { open: ({ db }) => db };
/** The settings that decide what is stored. */
export const SETTINGS: Model<StoreSettings> = { open: ({ settings }) => settings };

/** A notice with its payload. */
export interface Push<Row extends PushMessage = PushMessage> {
  readonly message: Row;
  readonly payload: PayloadOf<Row>;
}

/**
 * `rollback`: what the models did since the last commit was undone. `refill`: tables were filled behind their backs.
 */
export type ReloadReason = "rollback" | "refill";

/** What the batch asks of a model in the writer, where it has an answer. */
export interface WritingModel {
  /** Reads anew what it keeps in memory: all of it, or at least what it has changed since the last commit. */
  reload?(why: ReloadReason): void;
  /**
   * Adds what the transaction changed that no method's row names. Asked once it has committed, before `takeNotice`,
   * and only where somebody watches: what it tells is not to be kept for that.
   */
  addChanges?(changes: ChangeSet): void;
  /**
   * What the transaction did that the front is told of, once it has committed; null where that is nothing.
   * @param replicated whether it may have been somebody else's calls: then who called here does not know of it
   */
  drainPush?(replicated: boolean): Push | null;
}

/** The opened models of one thread. */
export class Models {
  readonly #opened = new Map<Model, unknown>();
  readonly #opening: Opening;
  /** What the models have put off. */
  readonly rows: WriteBuffer;

  constructor(db: Db, settings: StoreSettings) {
    this.rows = new WriteBuffer(db);
    this.#opening = { db, rows: this.rows, settings, use: (model) => this.use(model) };
  }

  /** The model, opened when it is first asked for. */
  use<Opened>(model: Model<Opened>): Opened {
    if (!this.#opened.has(model)) this.#opened.set(model, model.open(this.#opening));
    return this.#opened.get(model) as Opened;
  }

  /** All models that a row names. */
  bind<Named extends Readonly<Record<string, Model>>>(named: Named): OpenedModels<Named> {
    const opened = Object.entries(named).map(([name, model]) => [name, this.use(model)] as const);
    return Object.fromEntries(opened) as OpenedModels<Named>;
  }

  /** Those that are open, in the order in which they were opened. */
  *opened(): Generator<object, void, undefined> {
    for (const opened of this.#opened.values()) if (typeof opened === "object" && opened !== null) yield opened;
  }
}
