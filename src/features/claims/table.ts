/** Runs the SQL on the tables of leases, fences and holders. The writer writes the tables, and the front reads them. */
import type { LeaseRecord } from "../../../schemas/leases.js";
import { must } from "../../base/assert.js";
import type { BufferedWrites, WriteBuffer, BufferedTable } from "../../platform/store/write-buffer.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";

/** A lease as it is stored in its row. */
interface StoredLease
  extends Omit<LeaseRecord, "resources" | "shared" | "offered" | "queued" | "scope" | "automatic" | "any"> {
  /** A JSON array. */
  readonly resources: string;
  readonly shared: number;
  readonly offered: number;
  /** Null if the row was written by a version that did not have this column. */
  readonly queued: number | null;
  /** Null if the row was written by a version that did not have this column. */
  readonly scope: string | null;
  /** The value 1 if the lease is automatic, else null. */
  readonly automatic: number | null;
  /** The groups of alternatives as a JSON array; null if there are none. */
  readonly any: string | null;
}

/** The members of a stored instance that a claim of the instance records. */
export interface StoredHolder {
  readonly name: string;
  readonly parent: string | null;
  /** The id of the holder's checkout; null if it has none. */
  readonly checkout: string | null;
}

function recordOf({ resources, shared, offered, queued, scope, automatic, any, ...rest }: StoredLease): LeaseRecord {
  return {
    ...rest,
    resources: JSON.parse(resources) as string[],
    shared: shared === 1,
    offered: offered === 1,
    queued: queued !== 0,
    scope: scope === "checkout" ? "checkout" : "repo",
    automatic: automatic === 1,
    any: any === null ? null : (JSON.parse(any) as string[]),
  };
}

export class LeaseReader {
  readonly #live: Statement<[], StoredLease>;
  readonly #get: Statement<[number], StoredLease>;
  readonly #page: Statement<[number, number], StoredLease>;

  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
    this.#live = db.prepare("SELECT * FROM lease WHERE ended_at IS NULL ORDER BY row");
    this.#get = db.prepare("SELECT * FROM lease WHERE row = ?");
    this.#page = db.prepare("SELECT * FROM lease WHERE row < ? ORDER BY row DESC LIMIT ?");
  }

  /** Returns the live leases, held or waiting, in the order of their requests. */
  live(): LeaseRecord[] {
    return this.#live.all().map(recordOf);
  }

  get(row: number): LeaseRecord | undefined {
    const found = this.#get.get(row);
    return found === undefined ? undefined : recordOf(found);
  }

  /** Returns a page of the leases before a row, the newest first. */
  page(before: number, rows: number): LeaseRecord[] {
    return this.#page.all(before, rows).map(recordOf);
  }

  /**
   * Yields the leases before a row that were held or waiting at this time (in ms), the newest first. The records have
   * their current contents, not the contents that they had at that time.
   */
  *liveAt(timeMs: number, before: number): Generator<LeaseRecord, void, undefined> {
    // Prepare a statement of its own for each list, because several lists may be read at the same time.
    const rows = this.#db.prepare<[number, number, number], StoredLease>(
      `SELECT * FROM lease WHERE row < ? AND requested_at <= ? AND (ended_at IS NULL OR ended_at > ?)
       ORDER BY row DESC`,
    );
    for (const row of rows.iterate(before, timeMs, timeMs)) yield recordOf(row);
  }
}

export const leaseReader: Model<LeaseReader> = { open: ({ db }) => new LeaseReader(db) };

type Row = [
  row: number,
  state: string,
  fence: number,
  holder: string,
  holderName: string,
  workspace: string,
  resources: string,
  shared: number,
  reason: string,
  note: string | null,
  task: string | null,
  ttlS: number,
  maxS: number,
  offered: number,
  requestedAt: number,
  grantedAt: number | null,
  endedAt: number | null,
  queued: number,
  scope: string,
  checkout: string | null,
  parent: string | null,
  touchedAt: number | null,
  automatic: number | null,
  maxHolders: number | null,
  any: string | null,
];

/** Stores the newest fence and the newest lease row. Both are written only once per commit, however often they rise. */
export class ClaimCounters implements BufferedWrites {
  readonly #get: Statement<[], { fence: number; lease: number }>;
  readonly #set: Statement<[number, number], unknown>;
  readonly #rows: WriteBuffer;
  #fence = 0;
  #lease = 0;
  #hasRisen = false;

  constructor(db: Db, rows: WriteBuffer) {
    this.#rows = rows;
    this.#get = db.prepare("SELECT fence, lease FROM claim_counter");
    this.#set = db.prepare("REPLACE INTO claim_counter VALUES (1, ?, ?)");
    this.forget();
  }

  nextFence(): number {
    this.#rise();
    return ++this.#fence;
  }

  nextLease(): number {
    this.#rise();
    return ++this.#lease;
  }

  write(): void {
    if (this.#hasRisen) this.#set.run(this.#fence, this.#lease);
    this.#hasRisen = false;
  }

  /** Reads the stored numbers again, after a rollback. */
  forget(): void {
    const { fence, lease } = this.#get.get() ?? { fence: 0, lease: 0 };
    this.#fence = fence;
    this.#lease = lease;
    this.#hasRisen = false;
  }

  #rise(): void {
    if (!this.#hasRisen) this.#rows.add(this);
    this.#hasRisen = true;
  }
}

/** Writes leases through a buffer of whole rows. Every read of this class flushes the buffer first. */
export class LeaseWriter {
  readonly #rows: WriteBuffer;
  readonly #reader: LeaseReader;
  readonly #leases: BufferedTable<Row>;
  readonly #name: Statement<[string], string>;
  readonly #holder: Statement<[string], StoredHolder>;
  readonly #lastSeen: Statement<[string], number>;
  readonly #oldest: Statement<[number, number], { row: number; ended_at: number | null }>;
  readonly #delete: Statement<[number], unknown>;

  constructor(db: Db, rows: WriteBuffer) {
    this.#rows = rows;
    this.#reader = new LeaseReader(db);
    this.#leases = rows.into("REPLACE INTO lease", 25);
    this.#name = db.prepare<[string], string>("SELECT name FROM instance WHERE id = ?").pluck();
    this.#holder = db.prepare("SELECT name, parent, checkout ->> 'id' AS checkout FROM instance WHERE id = ?");
    this.#lastSeen = db
      .prepare<[string], number>(
        "SELECT max(last_seen, busy_until) FROM instance JOIN instance_life USING (row) WHERE id = ?",
      )
      .pluck();
    this.#oldest = db.prepare("SELECT row, ended_at FROM lease WHERE row > ? ORDER BY row LIMIT ?");
    this.#delete = db.prepare("DELETE FROM lease WHERE row = ?");
  }

  /** Returns the reader, after flushing the buffered rows, so that it sees them. */
  get stored(): LeaseReader {
    this.#rows.write();
    return this.#reader;
  }

  /** Returns the name of an instance, or undefined if the instance is deleted. */
  nameOf(holder: string): string | undefined {
    return this.#name.get(holder);
  }

  /** Returns the members of an instance that a claim records, or undefined if the instance is deleted. */
  holderOf(id: string): StoredHolder | undefined {
    return this.#holder.get(id);
  }

  /** Returns when an instance was last seen according to the database, in ms; 0 if the instance is deleted. */
  lastSeenOf(holder: string): number {
    return this.#lastSeen.get(holder) ?? 0;
  }

  /** Stores a lease, new or changed. */
  put(record: LeaseRecord): void {
    const { row, state, fence, holder, holder_name, workspace, resources, shared, reason, note, task } = record;
    const { ttl_s, max_s, offered, queued, requested_at, granted_at, ended_at } = record;
    const { scope, checkout, parent, touched_at, automatic, max_holders, any } = record;
    this.#leases.add(
      row,
      state,
      fence,
      holder,
      holder_name,
      workspace,
      JSON.stringify(resources),
      Number(shared),
      reason,
      note,
      task,
      ttl_s,
      max_s,
      Number(offered),
      requested_at,
      granted_at,
      ended_at,
      Number(queued),
      scope,
      checkout,
      parent,
      touched_at,
      automatic ? 1 : null,
      max_holders,
      any === null ? null : JSON.stringify(any),
    );
  }

  /**
   * Removes leases that ended before a time. Examines at most `rows` rows, beginning after the row `after`.
   * @returns the number of removed leases, and the row after which to continue; null if there are no more rows
   */
  prune(after: number, endedBeforeMs: number, rows: number): { removed: number; after: number | null } {
    this.#rows.write();
    const found = this.#oldest.all(after, rows);
    let removed = 0;
    for (const { row, ended_at } of found) {
      if (ended_at === null || ended_at >= endedBeforeMs) continue;
      this.#delete.run(row);
      removed += 1;
    }
    return { removed, after: found.length < rows ? null : must(found.at(-1), "there are so many").row };
  }
}
