/** The SQL of compliance runs: appending and pruning (writer), listing (pool, front). A stored row never changes. */
import type { ComplianceHistoryRequest } from "../../../schemas/compliance.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";
import type { RunRow } from "./encode.js";

export class ComplianceAppender {
  readonly #insert: Statement<[number, string, string, string, string], unknown>;
  readonly #prune: Statement<[number], unknown>;
  readonly #newest: Statement<[], number | null>;

  constructor(db: Db) {
    this.#insert = db.prepare(
      "INSERT INTO compliance_run (run_at, instance, project, contract, violations) VALUES (?, ?, ?, ?, ?)",
    );
    this.#prune = db.prepare("DELETE FROM compliance_run WHERE id <= ?");
    this.#newest = db.prepare<[], number | null>("SELECT max(id) FROM compliance_run").pluck();
  }

  /** Stores a run and returns its id. */
  append(run: Omit<RunRow, "id">): number {
    return Number(
      this.#insert.run(run.run_at, run.instance, run.project, run.contract, run.violations).lastInsertRowid,
    );
  }

  /** The id that the next run gets. It never goes back, because the newest run is never pruned. */
  get nextId(): number {
    return (this.#newest.get() ?? 0) + 1;
  }

  /** Deletes all runs except the newest `keep`. Ids have no gaps, so the ids to delete can be calculated. */
  prune(keep: number): void {
    this.#prune.run(this.nextId - 1 - keep);
  }
}

export const complianceAppender: Model<ComplianceAppender> = { open: ({ db }) => new ComplianceAppender(db) };

export class ComplianceReader {
  readonly #all: Statement<[number, number], RunRow>;
  readonly #ofOne: Statement<[string, number, number], RunRow>;

  constructor(db: Db) {
    this.#all = db.prepare("SELECT * FROM compliance_run WHERE id < ? ORDER BY id DESC LIMIT ?");
    this.#ofOne = db.prepare("SELECT * FROM compliance_run WHERE instance = ? AND id < ? ORDER BY id DESC LIMIT ?");
  }

  /** Iterates over the runs of one instance or of all instances, newest first. */
  list({ instance_id, before, limit }: ComplianceHistoryRequest): IterableIterator<RunRow> {
    const end = before ?? Number.MAX_SAFE_INTEGER;
    return instance_id === null ? this.#all.iterate(end, limit) : this.#ofOne.iterate(instance_id, end, limit);
  }
}

export const complianceReader: Model<ComplianceReader> = { open: ({ db }) => new ComplianceReader(db) };
