/**
 * Stores and reads webhooks, their queues, and the bodies of queued events. A body is stored once for all webhooks, and
 * is deleted after its last delivery. The writer and the front each have their own class.
 */
import type { WebhookCreateRequest, WebhookFailure, WebhookHead } from "../../../schemas/webhooks.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";

/**
 * A stored webhook. Times are in ms. Threads refer to a webhook by its `row`, because a client can use the `id` of a
 * deleted webhook again.
 */
export interface WebhookRow {
  readonly row: number;
  readonly id: string;
  readonly url: string;
  /** JSON text. */
  readonly patterns: string;
  readonly secret: string;
  readonly active: number;
  readonly epoch: number;
  readonly fail_count: number;
  readonly created_at: number;
  readonly last_fired: number | null;
  /**
   * The reason why the last delivery failed, or why the webhook was disabled. It is null if and only if
   * `last_failure_at` is null.
   */
  readonly last_error: string | null;
  readonly last_failure_at: number | null;
  /**
   * The id of the queue's first event if its delivery has failed; otherwise null. The next four members describe the
   * failed attempts.
   */
  readonly head_event: number | null;
  readonly head_since: number | null;
  readonly head_tries: number | null;
  readonly head_spent: number | null;
  readonly next_try_at: number | null;
  /** The number of events that were dropped because the queue was full; null means 0. */
  readonly dropped: number | null;
}

/** A webhook with the counts of its queued events and of its dead letters. */
export interface WebhookStatus extends WebhookRow {
  readonly pending: number;
  /** The id of the first event in the webhook's queue; null if the queue is empty. */
  readonly head: number | null;
  readonly dead_letters: number;
}

const STATUS_COLUMNS = `*, (SELECT count(*) FROM webhook_queue WHERE webhook = row) AS pending,
  (SELECT min(event) FROM webhook_queue WHERE webhook = row) AS head,
  (SELECT count(*) FROM webhook_dead_letter WHERE webhook = row) AS dead_letters`;

/** The total size of the stored bodies, in bytes. The classes that store and delete bodies keep this number current. */
export interface StoredBodies {
  bytes: number;
}

/** The size of one webhook's queue. */
export interface QueueSize {
  readonly rows: number;
  readonly bytes: number;
}

/** The queries that both the writer and the front need. The class of each thread extends this class. */
class WebhookLookup {
  readonly #all: Statement<[], WebhookRow>;
  readonly #characters: Statement<[], number>;
  readonly #byId: Statement<[string], WebhookRow>;
  readonly #byRow: Statement<[number], WebhookRow>;
  readonly #status: Statement<[string], WebhookStatus>;

  constructor(db: Db) {
    this.#status = db.prepare(`SELECT ${STATUS_COLUMNS} FROM webhook WHERE id = ?`);
    this.#characters = db.prepare<[], number>("SELECT coalesce(sum(length(patterns)), 0) FROM webhook").pluck();
    this.#all = db.prepare("SELECT * FROM webhook ORDER BY id");
    this.#byId = db.prepare("SELECT * FROM webhook WHERE id = ?");
    this.#byRow = db.prepare("SELECT * FROM webhook WHERE row = ?");
  }

  /** The total length of all webhooks' patterns as JSON, in characters. */
  get patternCharacters(): number {
    return this.#characters.get() ?? 0;
  }

  /** Lists all webhooks by id. There are at most WEBHOOKS_MAX. */
  all(): WebhookRow[] {
    return this.#all.all();
  }

  byId(id: string): WebhookRow | undefined {
    return this.#byId.get(id);
  }

  byRow(row: number): WebhookRow | undefined {
    return this.#byRow.get(row);
  }

  /** Returns a webhook with the counts of its queue. */
  status(id: string): WebhookStatus | undefined {
    return this.#status.get(id);
  }
}

export class WebhookTable extends WebhookLookup {
  readonly #insert: Statement<[string, string, string, string, number], unknown>;
  readonly #delete: Statement<[number], unknown>;
  readonly #enable: Statement<[number], unknown>;
  readonly #progress: Statement<[number, number | null, number], unknown>;
  readonly #head: Statement<
    [number | null, number | null, number | null, number | null, number | null, number],
    unknown
  >;
  readonly #drop: Statement<[number, number], unknown>;
  readonly #first: Statement<[number], number | null>;
  readonly #failure: Statement<[string, number, number], unknown>;
  readonly #disable: Statement<[number], unknown>;
  readonly #queue: Statement<[number, string], unknown>;
  readonly #body: Statement<[number, number, number, string, number], unknown>;
  readonly #size: Statement<[number, number], { rows: number; bytes: number | null }>;
  readonly #settle: Statement<[number, number], unknown>;
  readonly #dropBodies: Statement<[number, number], number>;
  readonly #bodyBytes: Statement<[], number>;
  readonly #stored: StoredBodies;
  readonly #unqueue: Statement<[number, number], unknown>;

  constructor(db: Db, stored: StoredBodies) {
    super(db);
    this.#stored = stored;
    this.#bodyBytes = db.prepare<[], number>("SELECT coalesce(sum(bytes), 0) FROM webhook_body").pluck();
    this.#insert = db.prepare(
      `INSERT INTO webhook (id, url, patterns, secret, active, epoch, fail_count, created_at, last_fired)
       VALUES (?, ?, ?, ?, 1, 0, 0, ?, NULL)`,
    );
    this.#delete = db.prepare("DELETE FROM webhook WHERE row = ?");
    this.#enable = db.prepare(
      `UPDATE webhook SET active = 1, fail_count = 0, epoch = epoch + 1, head_event = NULL, head_since = NULL,
       head_tries = NULL, head_spent = NULL, next_try_at = NULL WHERE row = ?`,
    );
    this.#head = db.prepare(
      `UPDATE webhook SET head_event = ?, head_since = ?, head_tries = ?, head_spent = ?, next_try_at = ?
       WHERE row = ?`,
    );
    this.#drop = db.prepare("UPDATE webhook SET dropped = coalesce(dropped, 0) + ? WHERE row = ?");
    this.#first = db.prepare<[number], number | null>("SELECT min(event) FROM webhook_queue WHERE webhook = ?").pluck();
    this.#progress = db.prepare(
      "UPDATE webhook SET fail_count = ?, last_fired = coalesce(?, last_fired) WHERE row = ?",
    );
    this.#failure = db.prepare("UPDATE webhook SET last_error = ?, last_failure_at = ? WHERE row = ?");
    this.#disable = db.prepare("UPDATE webhook SET active = 0 WHERE row = ?");
    this.#queue = db.prepare("INSERT INTO webhook_queue SELECT value, ? FROM json_each(?)");
    this.#body = db.prepare("INSERT INTO webhook_body (event, waiting, bytes, body, hops) VALUES (?, ?, ?, ?, ?)");
    const due = "SELECT event FROM webhook_queue WHERE webhook = ? AND event <= ?";
    this.#size = db.prepare(`SELECT count(*) AS rows, sum(bytes) AS bytes FROM webhook_body WHERE event IN (${due})`);
    this.#settle = db.prepare(`UPDATE webhook_body SET waiting = waiting - 1 WHERE event IN (${due})`);
    this.#dropBodies = db
      .prepare<[number, number], number>(
        `DELETE FROM webhook_body WHERE event IN (${due}) AND waiting = 0 RETURNING bytes`,
      )
      .pluck();
    this.#unqueue = db.prepare("DELETE FROM webhook_queue WHERE webhook = ? AND event <= ?");
  }

  insert({ id, url, patterns, secret }: WebhookCreateRequest, nowMs: number): void {
    this.#insert.run(id, url, JSON.stringify(patterns), secret, nowMs);
  }

  /** Deletes a webhook. The caller empties its queue first. */
  delete(row: number): void {
    this.#delete.run(row);
  }

  enable(row: number): void {
    this.#enable.run(row);
  }

  disable(row: number): void {
    this.#disable.run(row);
  }

  setProgress(row: number, failCount: number, firedAt: number | null): void {
    this.#progress.run(failCount, firedAt, row);
  }

  /** Stores the failures of the queue's first event; null if that event has not failed. */
  setHead(row: number, head: WebhookHead | null): void {
    if (head === null) this.#head.run(null, null, null, null, null, row);
    else this.#head.run(head.event, head.since_ms, head.tries, head.spent, head.next_ms, row);
  }

  /** Counts events that were dropped for lack of room. */
  countDropped(row: number, events: number): void {
    this.#drop.run(events, row);
  }

  /** Returns the id of the first event in a webhook's queue. */
  first(row: number): number | undefined {
    return this.#first.get(row) ?? undefined;
  }

  setFailure(row: number, { error, at_ms }: WebhookFailure): void {
    this.#failure.run(error, at_ms, row);
  }

  /**
   * Stores the body of an event.
   * @param waiting the number of webhooks for which the event is queued
   * @param hops the number of webhook deliveries in the chain that caused the event
   */
  storeBody(event: number, waiting: number, bytes: number, body: string, hops: number): void {
    this.#body.run(event, waiting, bytes, body, hops);
    this.#stored.bytes += bytes;
  }

  /** Reads the total size of the stored bodies from the table again. */
  measureBodies(): void {
    this.#stored.bytes = this.#bodyBytes.get() ?? 0;
  }

  /** Adds an event to the queues of these webhooks. */
  queue(webhooks: readonly number[], event: number): void {
    this.#queue.run(event, JSON.stringify(webhooks));
  }

  /** Removes the events up to `upto`, inclusive, from a webhook's queue. Returns the size of the removed part. */
  unqueue(webhook: number, upto: number): QueueSize {
    const size = this.size(webhook, upto);
    if (size.rows === 0) return size;
    this.#settle.run(webhook, upto);
    for (const bytes of this.#dropBodies.all(webhook, upto)) this.#stored.bytes -= bytes;
    this.#unqueue.run(webhook, upto);
    return size;
  }

  /** Returns the size of a webhook's queue up to the event `upto`, inclusive. */
  size(webhook: number, upto: number): QueueSize {
    const size = this.#size.get(webhook, upto);
    return { rows: size?.rows ?? 0, bytes: size?.bytes ?? 0 };
  }
}

/** The next event that a webhook must deliver. Its body is read only when it is sent. */
export interface QueuedEvent {
  readonly event: number;
  readonly bytes: number;
  /** The number of webhook deliveries in the chain that caused the event. */
  readonly hops: number;
}

export class WebhookReader extends WebhookLookup {
  readonly #next: Statement<[number, number], QueuedEvent>;
  readonly #body: Statement<[number], string>;
  readonly #rows: Statement<[], number>;
  readonly #statuses: Statement<[string], WebhookStatus>;
  readonly #count: Statement<[], number>;

  constructor(db: Db) {
    super(db);
    this.#next = db.prepare(
      `SELECT event, bytes, hops FROM webhook_body
       WHERE event = (SELECT min(event) FROM webhook_queue WHERE webhook = ? AND event > ?)`,
    );
    this.#body = db.prepare<[number], string>("SELECT body FROM webhook_body WHERE event = ?").pluck();
    this.#rows = db.prepare<[], number>("SELECT count(*) FROM webhook_queue").pluck();
    this.#statuses = db.prepare(`SELECT ${STATUS_COLUMNS} FROM webhook WHERE id > ? ORDER BY id`);
    this.#count = db.prepare<[], number>("SELECT count(*) FROM webhook").pluck();
  }

  /** Returns the first event in the webhook's queue whose id is greater than `after`. */
  next(webhook: number, after: number): QueuedEvent | undefined {
    return this.#next.get(webhook, after);
  }

  /** Returns the body of a queued event. */
  body(event: number): string | undefined {
    return this.#body.get(event);
  }

  /**
   * Iterates over the webhooks whose ids sort after `after`, in the order of their ids. Each webhook comes with the
   * counts of its queue.
   */
  statuses(after: string): IterableIterator<WebhookStatus> {
    return this.#statuses.iterate(after);
  }

  /** The number of webhooks. */
  get count(): number {
    return this.#count.get() ?? 0;
  }

  /** The number of queued deliveries. */
  get waiting(): number {
    return this.#rows.get() ?? 0;
  }
}

export const webhookReader: Model<WebhookReader> = { open: ({ db }) => new WebhookReader(db) };
