/**
 * Models: each wraps the tables of a feature, and a method uses the database only through them. A method's row names
 * the models that it needs. Each thread opens a model once, on its own database handle, and passes it to the methods
 * that name it. Runs in the writer, in the pool's workers, in the thread of a restore and on the front.
 */
import type { StoreSettings } from "../../schemas/config.js";
import type { PushMessage, PayloadOf } from "../rpc/method.js";
import { WriteBuffer } from "../store/write-buffer.js";
import type { Db } from "../store/open.js";
import type { ChangeSet } from "./change-set.js";

/** The parts of a thread with which a model is opened. */
export interface Opening {
  readonly db: Db;
  /** Buffers rows, which are written with the batch or before their table is read. */
  readonly rows: WriteBuffer;
  readonly settings: StoreSettings;
  /** Opens another model of the same thread. */
  readonly use: <Opened>(model: Model<Opened>) => Opened;
}

export interface Model<Opened = unknown> {
  open(opening: Opening): Opened;
}

/** The opened models that a row names. */
export type OpenedModels<Named> = {
  readonly [Name in keyof Named]: Named[Name] extends Model<infer Opened> ? Opened : never;
};

/** The database handle itself, for a method that works on all tables. */
export const DATABASE: Model<Db> = { open: ({ db }) => db };
/** The settings that decide which data is stored. */
export const SETTINGS: Model<StoreSettings> = { open: ({ settings }) => settings };

/** A push message with its payload. */
export interface Push<Row extends PushMessage = PushMessage> {
  readonly message: Row;
  readonly payload: PayloadOf<Row>;
}

/**
 * `rollback`: the changes of the models since the last commit were undone. `refill`: a restore filled the tables
 * without the models.
 */
export type ReloadReason = "rollback" | "refill";

/** A model that keeps the rows of its tables in memory. */
export interface CachingModel {
  /** Reads the tables into memory again: all of them, or at least the rows that have changed since the last commit. */
  reload(why: ReloadReason): void;
}

/** Takes the messages that a model publishes about a committed transaction. */
export interface Publication {
  /** The changes that clients watch; null while no client watches any. */
  readonly changes: ChangeSet | null;
  /**
   * Whether the calls may be those of another node. The front learns the effect of its own calls from their replies,
   * and that of remote calls from push messages alone.
   */
  readonly isReplicated: boolean;
  /** Sends a push message to the front. */
  readonly push: <Row extends PushMessage>(message: Row, payload: PayloadOf<Row>) => void;
}

/**
 * A model of the writer thread that publishes the changes of a transaction. It marks itself when it changes something,
 * and the transaction calls `afterCommit` for the marked models only. So a write costs nothing in the models that it
 * does not concern.
 */
export abstract class PublishingModel implements CachingModel {
  #dirty: Set<PublishingModel> | null = null;

  /** Joins the set of models that have something to publish. */
  attach(dirty: Set<PublishingModel>): void {
    this.#dirty = dirty;
    dirty.add(this);
  }

  protected markDirty(): void {
    this.#dirty?.add(this);
  }

  abstract reload(why: ReloadReason): void;

  /** Publishes the changes since the last commit, and forgets them. They are on disk by then. */
  abstract afterCommit(publication: Publication): void;
}

/** The opened models of one thread. */
export class Models {
  readonly #opened = new Map<Model, unknown>();
  readonly #opening: Opening;
  /** The order is that of their opening: a model is opened after those that it uses. */
  readonly #publishing: PublishingModel[] = [];
  readonly #dirty = new Set<PublishingModel>();
  /** The rows that the models write with the batch. */
  readonly rows: WriteBuffer;

  constructor(db: Db, settings: StoreSettings) {
    this.rows = new WriteBuffer(db);
    this.#opening = { db, rows: this.rows, settings, use: (model) => this.use(model) };
  }

  /** Returns the model, and opens it at its first use. */
  use<Opened>(model: Model<Opened>): Opened {
    if (!this.#opened.has(model)) {
      const opened = model.open(this.#opening);
      this.#opened.set(model, opened);
      if (opened instanceof PublishingModel) {
        this.#publishing.push(opened);
        opened.attach(this.#dirty);
      }
    }
    return this.#opened.get(model) as Opened;
  }

  /** Opens all models that a row names. */
  bind<Named extends Readonly<Record<string, Model>>>(named: Named): OpenedModels<Named> {
    const opened = Object.entries(named).map(([name, model]) => [name, this.use(model)] as const);
    return Object.fromEntries(opened) as OpenedModels<Named>;
  }

  /** Makes every open model read its tables again. After a refill, each of them publishes its new state. */
  reload(why: ReloadReason): void {
    for (const opened of this.#opened.values()) {
      if (isCaching(opened)) opened.reload(why);
      if (why === "refill" && opened instanceof PublishingModel) this.#dirty.add(opened);
    }
  }

  /**
   * Publishes the models' changes since the last commit. A model publishes after those that it uses: the front gets the
   * message about a lease before the one about the task that holds it.
   */
  afterCommit(publication: Publication): void {
    if (this.#dirty.size === 0) return;
    for (const model of this.#publishing) if (this.#dirty.delete(model)) model.afterCommit(publication);
  }
}

function isCaching(opened: unknown): opened is CachingModel {
  return typeof opened === "object" && opened !== null && "reload" in opened;
}
