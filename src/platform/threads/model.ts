/**
 * Defines and opens models. A model wraps the tables of a feature, and methods use the database only through models.
 * Each method declares the models that it needs. A thread opens each of these models once, on its own database handle,
 * and passes it to the methods. Runs in each thread that has a database handle: the writer, the pool's workers, the
 * thread of a restore, and the front.
 */
import type { StoreSettings } from "../../../schemas/config.js";
import type { PushMessage, PayloadOf } from "../rpc/method.js";
import { WriteBuffer } from "../store/write-buffer.js";
import type { Db } from "../store/open.js";
import type { ChangeSet } from "./change-set.js";

/** The objects that a thread passes to a model to open it. */
export interface Opening {
  readonly db: Db;
  /** The write buffer. Its rows are written at the end of the batch, or before their table is read. */
  readonly rows: WriteBuffer;
  readonly settings: StoreSettings;
  /** Opens another model of the same thread. */
  readonly use: <Opened>(model: Model<Opened>) => Opened;
}

export interface Model<Opened = unknown> {
  open(opening: Opening): Opened;
}

/** The opened models that a method has declared, each under the name from its declaration. */
export type OpenedModels<Named> = {
  readonly [Name in keyof Named]: Named[Name] extends Model<infer Opened> ? Opened : never;
};

/** A model that gives a method the database handle itself, because the method works on all tables. */
export const DATABASE: Model<Db> = { open: ({ db }) => db };
/** A model that gives a method the settings that decide which data is stored. */
export const SETTINGS: Model<StoreSettings> = { open: ({ settings }) => settings };

/** A push message with its payload. */
export interface Push<Row extends PushMessage = PushMessage> {
  readonly message: Row;
  readonly payload: PayloadOf<Row>;
}

/**
 * The reason why a model must read its tables again. `rollback`: a transaction was undone, so the model must forget its
 * changes since the last commit. `refill`: a restore has filled the tables without using the models.
 */
export type ReloadReason = "rollback" | "refill";

/** A model that keeps the rows of its tables in memory. */
export interface CachingModel {
  /**
   * Reads the tables into memory again. After a rollback it is enough to read the rows that have changed since the last
   * commit.
   */
  reload(why: ReloadReason): void;
}

/** The objects with which a model publishes the changes of a committed transaction. */
export interface Publication {
  /** Collects the changes that clients watch; null while no client watches any. */
  readonly changes: ChangeSet | null;
  /**
   * Whether the calls of the transaction may come from other nodes. The front learns the effect of its own calls from
   * their replies. It learns the effect of remote calls only from push messages.
   */
  readonly isReplicated: boolean;
  /** Sends a push message to the front. */
  readonly push: <Row extends PushMessage>(message: Row, payload: PayloadOf<Row>) => void;
}

/**
 * A model of the writer thread that publishes its changes after a commit. It marks itself as dirty when it changes
 * something. `afterCommit` is called only for dirty models, so unchanged models cost nothing at a commit.
 */
export abstract class PublishingModel implements CachingModel {
  #dirty: Set<PublishingModel> | null = null;

  /** Gives the model the set of dirty models. The model adds itself to the set when it has something to publish. */
  attach(dirty: Set<PublishingModel>): void {
    this.#dirty = dirty;
    dirty.add(this);
  }

  protected markDirty(): void {
    this.#dirty?.add(this);
  }

  abstract reload(why: ReloadReason): void;

  /** Publishes the changes since the last commit, and forgets them. Called when the changes are on disk. */
  abstract afterCommit(publication: Publication): void;
}

/** The opened models of one thread. */
export class Models {
  readonly #opened = new Map<Model, unknown>();
  readonly #opening: Opening;
  /** The publishing models, in the order in which they were opened. A model comes after the models that it uses. */
  readonly #publishing: PublishingModel[] = [];
  readonly #dirty = new Set<PublishingModel>();
  /** The write buffer, which keeps the models' rows until the end of a batch. */
  readonly rows: WriteBuffer;

  constructor(db: Db, settings: StoreSettings) {
    this.rows = new WriteBuffer(db);
    this.#opening = { db, rows: this.rows, settings, use: (model) => this.use(model) };
  }

  /** Returns the opened model. Opens it at its first use. */
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

  /** Opens all models that a method declares. */
  bind<Named extends Readonly<Record<string, Model>>>(named: Named): OpenedModels<Named> {
    const opened = Object.entries(named).map(([name, model]) => [name, this.use(model)] as const);
    return Object.fromEntries(opened) as OpenedModels<Named>;
  }

  /**
   * Makes every caching model read its tables again. If the reason is `refill`, each publishing model also publishes
   * its new state.
   */
  reload(why: ReloadReason): void {
    for (const opened of this.#opened.values()) {
      if (isCaching(opened)) opened.reload(why);
      if (why === "refill" && opened instanceof PublishingModel) this.#dirty.add(opened);
    }
  }

  /**
   * Publishes the models' changes since the last commit. A model publishes after the models that it uses. So the front
   * gets, for example, the message about a lease before the message about the task that holds it.
   */
  afterCommit(publication: Publication): void {
    if (this.#dirty.size === 0) return;
    for (const model of this.#publishing) if (this.#dirty.delete(model)) model.afterCommit(publication);
  }
}

function isCaching(opened: unknown): opened is CachingModel {
  return typeof opened === "object" && opened !== null && "reload" in opened;
}
