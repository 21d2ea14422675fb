/** The SQL of records of commands: storing (writer), and reading (all threads). A stored record never changes. */
import type { ListEvidenceRequest, RecordEvidenceRequest, SeenBy } from "../../../schemas/evidence.js";
import { EVIDENCE_EXAMINED_MAX, EVIDENCE_MAX } from "../../../schemas/limits/evidence.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";
import { originsOf } from "./levels.js";

/** A record as it is stored. `at` is in ms. */
export interface EvidenceRow extends RecordEvidenceRequest {
  readonly id: number;
  readonly at: number;
}

/** The members of a record that decide whether its command has passed. The others are long, and are not read for that. */
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

  /** Returns the newest records of a task and a command with one origin, the newest first. */
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

export class EvidenceWriter {
  readonly #insert: Statement<Bound, unknown>;
  readonly #deleteUpTo: Statement<[number], unknown>;
  readonly #oldest: Statement<[number], { readonly id: number; readonly at: number }>;
  readonly #hasTask: Statement<[string], unknown>;

  constructor(db: Db) {
    this.#insert = db.prepare(
      `INSERT INTO evidence (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})`,
    );
    this.#deleteUpTo = db.prepare("DELETE FROM evidence WHERE id <= ?");
    this.#oldest = db.prepare("SELECT id, at FROM evidence ORDER BY id LIMIT ?");
    this.#hasTask = db.prepare("SELECT 1 FROM task WHERE id = ?");
  }

  hasTask(id: string): boolean {
    return this.#hasTask.get(id) !== undefined;
  }

  /** Stores a record. If there are too many, the oldest is deleted. */
  append(record: RecordEvidenceRequest, nowMs: number): EvidenceRow {
    const row = { ...record, at: nowMs };
    const id = Number(this.#insert.run(...COLUMNS.map((name) => row[name])).lastInsertRowid);
    this.#deleteUpTo.run(id - EVIDENCE_MAX);
    return { ...row, id };
  }

  /** Deletes records that are older than a time, at most `rows` of them. */
  prune(beforeMs: number, rows: number): { removed: number; more: boolean } {
    const oldest = this.#oldest.all(rows);
    const kept = oldest.findIndex(({ at }) => at >= beforeMs);
    const removed = kept < 0 ? oldest.length : kept;
    const last = oldest[removed - 1];
    if (last !== undefined) this.#deleteUpTo.run(last.id);
    return { removed, more: removed === rows };
  }
}

export const evidenceWriter: Model<EvidenceWriter> = { open: ({ db }) => new EvidenceWriter(db) };
