/** Runs the SQL about events. The writer appends and prunes events. The front and the worker pool read them. */
import type { CommittedEvent } from "../../../schemas/events.js";
import { EVENT_PAGE_CHARACTERS_MAX } from "../../../schemas/limits/events.js";
import { toOneLine } from "../../../shared/json-text.js";
import type { WriteBuffer, BufferedTable } from "../../platform/store/write-buffer.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";
import { encodeEvent, type EventRow } from "./encode.js";
import { withoutSecrets } from "./hidden-data.js";

export class EventAppender {
  readonly #rows: WriteBuffer;
  readonly #events: BufferedTable<[number, string, number, string, string]>;
  readonly #newest: Statement<[], number | null>;
  readonly #prune: Statement<[number], unknown>;
  readonly #nthNewest: Statement<[number], number>;
  readonly #nthOldest: Statement<[number], number>;
  #nextId = 1;

  constructor(db: Db, rows: WriteBuffer) {
    this.#rows = rows;
    this.#events = rows.into("INSERT INTO event", 5);
    this.#newest = db.prepare<[], number | null>("SELECT max(id) FROM event").pluck();
    this.#prune = db.prepare("DELETE FROM event WHERE id <= ?");
    this.#nthNewest = db.prepare<[number], number>("SELECT id FROM event ORDER BY id DESC LIMIT 1 OFFSET ?").pluck();
    this.#nthOldest = db.prepare<[number], number>("SELECT id FROM event ORDER BY id LIMIT 1 OFFSET ?").pluck();
    this.reload();
  }

  /** Reads the newest id again. Called after a rollback, which frees the ids that the transaction has assigned. */
  reload(): void {
    this.#nextId = (this.#newest.get() ?? 0) + 1;
  }

  get lastId(): number {
    return this.#nextId - 1;
  }

  /** Stores one event under the next id. */
  append(topic: string, data: string, source: string, nowMs: number): CommittedEvent {
    const row = { id: this.#nextId++, topic, created_at: nowMs, source, data: toOneLine(data) };
    this.#events.add(row.id, topic, nowMs, source, row.data);
    return encodeEvent(row);
  }

  /** Removes old events, at most `rowsMax` of them. The newest `keep` events stay; `keep` is at least 1. */
  prune(keep: number, rowsMax: number): { removed: number; more: boolean } {
    this.#rows.write();
    const newestPruned = this.#nthNewest.get(keep);
    if (newestPruned === undefined) return { removed: 0, more: false };
    const step = this.#nthOldest.get(rowsMax - 1) ?? newestPruned;
    const { changes } = this.#prune.run(Math.min(step, newestPruned));
    return { removed: changes, more: step < newestPruned };
  }
}

/** Selects events with ids from `first` to `end` - 1. A `topic` or `source` of null matches every event. */
export interface EventSpan {
  readonly first: number;
  readonly end: number;
  readonly newestFirst: boolean;
  readonly topic: string | null;
  readonly source: string | null;
}

/** A page of events. `more` is true if more events may follow. */
export interface EventPage {
  readonly rows: readonly EventRow[];
  readonly more: boolean;
}

export class EventReader {
  readonly #db: Db;
  readonly #newest: Statement<[], number | null>;
  readonly #oldest: Statement<[], number | null>;
  readonly #time: Statement<[number], number>;
  readonly #forward: Statement<[number, number, number], EventRow>;
  readonly #guarded: boolean;

  /**
   * @param guarded true if the server requires tokens. Secrets are then removed from events that were stored while no
   * tokens were required.
   */
  constructor(db: Db, guarded = false) {
    this.#db = db;
    this.#guarded = guarded;
    this.#newest = db.prepare<[], number | null>("SELECT max(id) FROM event").pluck();
    this.#oldest = db.prepare<[], number | null>("SELECT min(id) FROM event").pluck();
    this.#time = db.prepare<[number], number>("SELECT created_at FROM event WHERE id = ?").pluck();
    this.#forward = db.prepare("SELECT * FROM event WHERE id > ? AND id <= ? ORDER BY id LIMIT ?");
  }

  get lastId(): number {
    return this.#newest.get() ?? 0;
  }

  /** The id of the oldest event that was not pruned; 0 if there is none. */
  get firstId(): number {
    return this.#oldest.get() ?? 0;
  }

  /** Returns when an event was published, in ms; undefined if it does not exist or was pruned. */
  timeOf(id: number): number | undefined {
    return this.#time.get(id);
  }

  /**
   * Reads the events with ids above `after` and up to `upto`, the oldest first. Stops after `limit` events, or when the
   * page has at least `charactersMax` characters.
   */
  after(after: number, upto: number, limit: number, charactersMax = EVENT_PAGE_CHARACTERS_MAX): EventPage {
    const rows: EventRow[] = [];
    let characters = 0;
    for (const row of this.#forward.iterate(after, upto, limit)) {
      rows.push(this.#guarded ? withoutSecrets(row) : row);
      characters += row.data.length;
      if (characters >= charactersMax) return { rows, more: true };
    }
    return { rows, more: rows.length === limit };
  }

  /** Yields the events of a span, one row at a time. */
  *scan(span: EventSpan): Generator<EventRow, void, undefined> {
    const conditions = ["id >= ?", "id < ?"];
    const values: (string | number)[] = [span.first, span.end];
    if (span.topic !== null) {
      conditions.push("topic = ?");
      values.push(span.topic);
    }
    if (span.source !== null) {
      conditions.push("source = ?");
      values.push(span.source);
    }
    const rows = this.#db
      .prepare<(string | number)[], EventRow>(
        `SELECT * FROM event WHERE ${conditions.join(" AND ")} ORDER BY id ${span.newestFirst ? "DESC" : "ASC"}`,
      )
      .iterate(...values);
    if (!this.#guarded) yield* rows;
    else for (const row of rows) yield withoutSecrets(row);
  }
}

export const eventReader: Model<EventReader> = {
  open: ({ db, settings }) => new EventReader(db, settings.guarded === true),
};
