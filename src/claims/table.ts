/** The SQL of leases, fences and who may hold: changing (writer) and reading (front). */
import type { LeaseRecord } from "../../schemas/leases.js";
import { must } from "../base/assert.js";
import type { Db, Statement } from "../store/open.js";
import type { Model } from "../threads/model.js";

/** A row as stored. */
interface StoredLease extends Omit<LeaseRecord, "resources" | "shared" | "offered"> {
  /** JSON. */
  readonly resources: string;
  readonly shared: number;
  readonly offered: number;
}

function recordOf({ resources, shared, offered, ...rest }: StoredLease): LeaseRecord {
  return { ...rest, resources: JSON.parse(resources) as string[], shared: shared === 1, offered: offered === 1 };
}

export class LeaseReader {
  readonly #live: Statement<[], StoredLease>;
  readonly #get: Statement<[number], StoredLease>;
  readonly #page: Statement<[number, number], StoredLease>;

  constructor(db: Db) {
    this.#live = db.prepare("SELECT * FROM lease WHERE ended_at IS NULL ORDER BY row");
    this.#get = db.prepare("SELECT * FROM lease WHERE row = ?");
    this.#page = db.prepare("SELECT * FROM lease WHERE row < ? ORDER BY row DESC LIMIT ?");
  }

  /** Those that are held or wait, in the order of their requests. */
  live(): LeaseRecord[] {
    return this.#live.all().map(recordOf);
  }

  get(row: number): LeaseRecord | undefined {
    const found = this.#get.get(row);
    return found === undefined ? undefined : recordOf(found);
  }

  /** Those before a row, the newest first. */
  page(before: number, rows: number): LeaseRecord[] {
    return this.#page.all(before, rows).map(recordOf);
  }
}

export const leaseReader: Model<LeaseReader> = { open: ({ db }) => new LeaseReader(db) };

/** What a new row is made of. */
type NewLease = [
  state: string,
  fence: number,
  holder: string,
  holder_name: string,
  workspace: string,
  resources: string,
  shared: number,
  reason: string,
  task: string | null,
  ttl_s: number,
  max_s: number,
  requested_at: number,
  granted_at: number | null,
];

export class LeaseWriter extends LeaseReader {
  readonly #insert: Statement<NewLease, unknown>;
  readonly #update: Statement<(string | number | null)[], unknown>;
  readonly #fence: Statement<[], number>;
  readonly #set_fence: Statement<[number], unknown>;
  readonly #name: Statement<[string], string>;
  readonly #oldest: Statement<[number, number], { row: number; ended_at: number | null }>;
  readonly #delete: Statement<[number], unknown>;

  constructor(db: Db) {
    super(db);
    this.#insert = db.prepare(
      `INSERT INTO lease (state, fence, holder, holder_name, workspace, resources, shared, reason, task, ttl_s, max_s,
         offered, requested_at, granted_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)`,
    );
    this.#update = db.prepare(
      `UPDATE lease SET state = ?, fence = ?, reason = ?, note = ?, ttl_s = ?, offered = ?, granted_at = ?, ended_at = ?
       WHERE row = ?`,
    );
    this.#fence = db.prepare<[], number>("SELECT fence FROM claim_fence").pluck();
    this.#set_fence = db.prepare("REPLACE INTO claim_fence VALUES (1, ?)");
    this.#name = db.prepare<[string], string>("SELECT name FROM instance WHERE id = ?").pluck();
    this.#oldest = db.prepare("SELECT row, ended_at FROM lease WHERE row > ? ORDER BY row LIMIT ?");
    this.#delete = db.prepare("DELETE FROM lease WHERE row = ?");
  }

  /** The newest fence; 0 where none was given out. */
  get fence(): number {
    return this.#fence.get() ?? 0;
  }

  setFence(fence: number): void {
    this.#set_fence.run(fence);
  }

  /** What an instance is called; undefined where it is gone. */
  nameOf(holder: string): string | undefined {
    return this.#name.get(holder);
  }

  /** Stores a new lease; the record with its row. */
  insert(record: Omit<LeaseRecord, "row">): LeaseRecord {
    const { lastInsertRowid } = this.#insert.run(
      record.state,
      record.fence,
      record.holder,
      record.holder_name,
      record.workspace,
      JSON.stringify(record.resources),
      Number(record.shared),
      record.reason,
      record.task,
      record.ttl_s,
      record.max_s,
      record.requested_at,
      record.granted_at,
    );
    return { ...record, row: Number(lastInsertRowid) };
  }

  /** Stores what may change of a lease. */
  update({ row, state, fence, reason, note, ttl_s, offered, granted_at, ended_at }: LeaseRecord): void {
    this.#update.run(state, fence, reason, note, ttl_s, Number(offered), granted_at, ended_at, row);
  }

  /**
   * Removes those behind a row that ended before a time, of so many at most.
   * @returns how many, and the row to go on behind; null where there are no more
   */
  prune(after: number, ended_before_ms: number, rows: number): { removed: number; after: number | null } {
    const found = this.#oldest.all(after, rows);
    let removed = 0;
    for (const { row, ended_at } of found) {
      if (ended_at === null || ended_at >= ended_before_ms) continue;
      this.#delete.run(row);
      removed += 1;
    }
    return { removed, after: found.length < rows ? null : must(found.at(-1), "there are so many").row };
  }
}
