/**
 * The SQL of the reports of checkouts. The files of a report are in a separate table. So reports can be listed without
 * reading their files.
 */
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";
import { ReportCache } from "./report-cache.js";
import { decodeReport, type Report, type ReportHead } from "./report.js";

/** A report without its files. */
export interface StoredHead extends ReportHead {
  readonly row: number;
  /** The time at which the report was stored, in ms. */
  readonly reported_at: number;
}

interface StoredBody {
  /** JSON text. */
  readonly files: string;
  /** JSON text. */
  readonly since: string;
}

/** The number and memory of the stored reports in all workspaces. */
export interface Totals {
  readonly count: number;
  /** The memory of all reports, in bytes. */
  readonly bytes: number;
}

const HEAD = "row, checkout, workspace, branch, base, reported_at";

export class RadarReader {
  readonly #heads: Statement<[string], StoredHead>;
  readonly #head: Statement<[string], StoredHead>;
  readonly #body: Statement<[number], StoredBody>;
  readonly #checkouts: Statement<[string], string>;
  readonly #oldest: Statement<[number], StoredHead>;
  readonly #cache: ReportCache | null;

  /** @param cache caches the decoded reports; null if the caller caches them itself or reads none */
  constructor(db: Db, cache: ReportCache | null) {
    this.#cache = cache;
    this.#heads = db.prepare(`SELECT ${HEAD} FROM radar_report WHERE workspace = ? ORDER BY checkout`);
    this.#head = db.prepare(`SELECT ${HEAD} FROM radar_report WHERE checkout = ?`);
    this.#body = db.prepare("SELECT files, since FROM radar_files WHERE row = ?");
    this.#checkouts = db
      .prepare<[string], string>("SELECT checkout FROM radar_report WHERE workspace = ? ORDER BY checkout")
      .pluck();
    this.#oldest = db.prepare(`SELECT ${HEAD} FROM radar_report WHERE reported_at <= ? ORDER BY reported_at, row`);
  }

  /** Returns the checkouts that have a report in a workspace, in the order of their ids. */
  checkoutsOf(workspace: string): string[] {
    return this.#checkouts.all(workspace);
  }

  /** Returns the reports that were stored at `untilMs` or before, the oldest first. */
  storedUntil(untilMs: number): StoredHead[] {
    return this.#oldest.all(untilMs);
  }

  /** Returns the report of a checkout without its files. */
  headOf(checkout: string): StoredHead | undefined {
    return this.#head.get(checkout);
  }

  /** Returns the JSON text of a report's files. */
  filesOf({ row }: StoredHead): string {
    return this.#body.get(row)?.files ?? "[]";
  }

  /** Returns the decoded reports of a workspace, in the order of their checkouts. */
  reportsOf(workspace: string): Report[] {
    const decode = (head: StoredHead): Report => this.#decode(head);
    const cache = this.#cache;
    return this.#heads
      .all(workspace)
      .map((head) => (cache === null ? decode(head) : cache.of(head.row, () => decode(head))));
  }

  #decode(head: StoredHead): Report {
    const { files = "[]", since = "[]" } = this.#body.get(head.row) ?? {};
    return decodeReport(head, files, JSON.parse(since) as number[]);
  }
}

/** Reads reports in the worker pool, with a cache of decoded reports. */
export const radarReader: Model<RadarReader> = { open: ({ db }) => new RadarReader(db, new ReportCache()) };
/** Reads reports for the writer, which keeps them in memory itself, and for the front, which reads only their heads. */
export const radarSource: Model<RadarReader> = { open: ({ db }) => new RadarReader(db, null) };

export class RadarWriter {
  readonly #insert: Statement<[string, string, string | null, string | null, number, number], unknown>;
  readonly #insertFiles: Statement<[number | bigint, string, string], unknown>;
  readonly #delete: Statement<[string], number>;
  readonly #deleteFiles: Statement<[number], unknown>;
  readonly #totals: Statement<[], Totals>;

  constructor(db: Db) {
    this.#insert = db.prepare(
      "INSERT INTO radar_report (checkout, workspace, branch, base, reported_at, bytes) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#insertFiles = db.prepare("INSERT INTO radar_files (row, files, since) VALUES (?, ?, ?)");
    this.#delete = db.prepare<[string], number>("DELETE FROM radar_report WHERE checkout = ? RETURNING row").pluck();
    this.#deleteFiles = db.prepare("DELETE FROM radar_files WHERE row = ?");
    this.#totals = db.prepare("SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM radar_report");
  }

  totals(): Totals {
    return this.#totals.get() ?? { count: 0, bytes: 0 };
  }

  /** Stores a report. The checkout must not have a report yet. */
  insert({ checkout, workspace, branch, base, bytes, files: sorted }: Report, files: string, nowMs: number): void {
    const { lastInsertRowid } = this.#insert.run(checkout, workspace, branch, base, nowMs, bytes);
    this.#insertFiles.run(lastInsertRowid, files, JSON.stringify(sorted.map(({ since }) => since)));
  }

  delete(checkout: string): void {
    const row = this.#delete.get(checkout);
    if (row !== undefined) this.#deleteFiles.run(row);
  }
}

export const radarWriter: Model<RadarWriter> = { open: ({ db }) => new RadarWriter(db) };
