/**
 * The SQL of records of commands. The writer stores records, and all threads read them. A stored record never changes.
 */
import type { ListEvidenceRequest, RecordEvidenceRequest, SeenBy } from "../../../schemas/evidence.js";
import { EVIDENCE_EXAMINED_MAX, EVIDENCE_MAX, EVIDENCE_OF_REGISTRANT_MAX } from "../../../schemas/limits/evidence.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { CachingModel, Model } from "../../platform/threads/model.js";
import { originsOf } from "./levels.js";

/** A record in its stored form. `at` is the time of the record, in ms. */
export interface EvidenceRow extends Omit<RecordEvidenceRequest, "owns"> {
  readonly id: number;
  readonly at: number;
}

/**
 * The members of a record that decide whether its command has passed. The other members are long, so they are not read
 * for this decision.
 */
export type JudgedRow = Pick<EvidenceRow, "id" | "seen_by" | "exit_code" | "tree_before" | "tree_after">;

/** The columns in the order of `EvidenceWriter.append`. */
const COLUMNS = [
  "at",
  "workspace",
  "task",
  "instance_id",
  "name",
  "seen_by",
  "client",
  "command",
  "exit_code",
  "duration_ms",
  "tree_before",
  "tree_after",
  "head",
  "checkout",
  "tail",
  "registrant",
] as const satisfies readonly (keyof EvidenceRow)[];

type Bound = (string | number | null)[];

export class EvidenceReader {
  readonly #db: Db;
  readonly #get: Statement<[number], EvidenceRow>;
  readonly #newest: Statement<[string, string, string, number], JudgedRow>;

  constructor(db: Db) {
    this.#db = db;
    this.#get = db.prepare("SELECT * FROM evidence WHERE id = ?");
    this.#newest = db.prepare(
      `SELECT id, seen_by, exit_code, tree_before, tree_after FROM evidence INDEXED BY evidence_task
       WHERE task = ? AND command = ? AND seen_by = ? ORDER BY id DESC LIMIT ?`,
    );
  }

  get(id: number): EvidenceRow | undefined {
    return this.#get.get(id);
  }

  /** Returns the newest records of a command in a task that have one origin, the newest first. */
  newest(task: string, command: string, seenBy: SeenBy, limit: number = EVIDENCE_EXAMINED_MAX): JudgedRow[] {
    return this.#newest.all(task, command, seenBy, limit);
  }

  /** Yields the records that match a request, the newest first. */
  list(request: ListEvidenceRequest): IterableIterator<EvidenceRow> {
    const { task, workspace, command, level, tree, before, limit } = request;
    const conditions = ["id < ?"];
    const bound: Bound = [before];
    const named = { task, workspace, command, tree_after: tree };
    for (const [column, value] of Object.entries(named)) {
      if (value === null) continue;
      conditions.push(`${column} = ?`);
      bound.push(value);
    }
    if (level !== null) {
      const origins = originsOf(level);
      conditions.push(`seen_by IN (${origins.map(() => "?").join(", ")})`);
      bound.push(...origins);
    }
    return this.#db
      .prepare<Bound, EvidenceRow>(`SELECT * FROM evidence WHERE ${conditions.join(" AND ")} ORDER BY id DESC LIMIT ?`)
      .iterate(...bound, limit);
  }
}

export const evidenceReader: Model<EvidenceReader> = { open: ({ db }) => new EvidenceReader(db) };

export class EvidenceWriter implements CachingModel {
  readonly #insert: Statement<Bound, unknown>;
  readonly #deleteUpTo: Statement<[number], unknown>;
  readonly #oldest: Statement<[number], { readonly id: number; readonly at: number }>;
  readonly #deleteOldest: Statement<[], unknown>;
  readonly #deleteOldestOf: Statement<[string, string, number], unknown>;
  readonly #countAll: Statement<[], number>;
  /** The number of stored records; undefined if it has to be counted. */
  #count: number | undefined;

  constructor(db: Db) {
    this.#insert = db.prepare(
      `INSERT INTO evidence (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})`,
    );
    this.#deleteUpTo = db.prepare("DELETE FROM evidence WHERE id <= ?");
    this.#oldest = db.prepare("SELECT id, at FROM evidence ORDER BY id LIMIT ?");
    this.#deleteOldest = db.prepare("DELETE FROM evidence WHERE id = (SELECT min(id) FROM evidence)");
    this.#deleteOldestOf = db.prepare(
      `DELETE FROM evidence WHERE registrant = ? AND id <= (
         SELECT id FROM evidence INDEXED BY evidence_registrant WHERE registrant = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
    );
    this.#countAll = db.prepare<[], number>("SELECT count(*) FROM evidence").pluck();
  }

  /**
   * Stores a record. If there are too many records in total, the oldest one is deleted. If the record's registrant has
   * too many records, the registrant's oldest record is deleted. So an agent that registers many instances cannot push
   * out the records of other agents.
   */
  append({ owns: _owns, ...record }: RecordEvidenceRequest, nowMs: number): EvidenceRow {
    const registrant = record.registrant ?? record.instance_id;
    const row = { ...record, registrant, at: nowMs };
    const before = (this.#count ??= this.#countAll.get() ?? 0);
    const id = Number(this.#insert.run(...COLUMNS.map((name) => row[name])).lastInsertRowid);
    const own =
      registrant === null ? 0 : this.#deleteOldestOf.run(registrant, registrant, EVIDENCE_OF_REGISTRANT_MAX).changes;
    const count = before + 1 - own;
    this.#count = count > EVIDENCE_MAX ? count - this.#deleteOldest.run().changes : count;
    return { ...row, id };
  }

  reload(): void {
    this.#count = undefined;
  }

  /** Deletes records that are older than a time, at most `rows` of them. */
  prune(beforeMs: number, rows: number): { removed: number; more: boolean } {
    const oldest = this.#oldest.all(rows);
    const kept = oldest.findIndex(({ at }) => at >= beforeMs);
    const removed = kept < 0 ? oldest.length : kept;
    const last = oldest[removed - 1];
    if (last !== undefined) this.#deleteUpTo.run(last.id);
    this.#count = undefined;
    return { removed, more: removed === rows };
  }
}

export const evidenceWriter: Model<EvidenceWriter> = { open: ({ db }) => new EvidenceWriter(db) };
