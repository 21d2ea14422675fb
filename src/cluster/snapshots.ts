/**
 * Takes and installs snapshots of a node's database. A snapshot is a complete database file, so it also holds its log
 * position. A separate thread copies or fetches the file (snapshot-thread.ts), and the writer installs it in one
 * transaction. Runs in the writer thread.
 */
import { rmSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { ClusterSettings } from "../../schemas/config.js";
import { assert } from "../base/assert.js";
import { reasonOf } from "../base/reason.js";
import { LogError } from "./log/ordered-log.js";
import { writeFailure, type Db } from "../platform/store/open.js";
import { joinPath, snapshotPath, type SnapshotJob, type SnapshotResult } from "./snapshot-thread.js";

export interface SnapshotsOptions {
  readonly db: Db;
  /** The script of the snapshot thread. */
  readonly script: URL;
  readonly data_dir: string;
  readonly cluster: ClusterSettings;
  /** Called inside the transaction that installs a snapshot, after the tables were replaced. */
  readonly installing: () => void;
  /** Called after that transaction was committed. */
  readonly installed: () => void;
}

/** The only table that belongs to this node instead of the cluster. A snapshot does not replace it. */
const OWN_TABLE = "data_directory";

export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #workers = new Set<Worker>();
  #fetching = false;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
    for (const path of [snapshotPath(options.data_dir), joinPath(options.data_dir)]) rmSync(path, { force: true });
  }

  /**
   * Uploads a snapshot of the current database to the log's snapshot store.
   * @throws LogError
   */
  async take(): Promise<void> {
    await this.#run({ kind: "take" });
  }

  /**
   * Replaces the rows of the database by the rows of the newest snapshot. Only one call may run at a time, because
   * every fetch writes the same file.
   * @param least the lowest position that the snapshot may have
   * @returns false if there is no such snapshot
   * @throws LogError with fault "unreachable" for any failure. A retry may find another snapshot, or an undamaged copy
   */
  async install(least: number, generation: string): Promise<boolean> {
    assert(!this.#fetching, "one snapshot is fetched at a time");
    this.#fetching = true;
    try {
      const result = await this.#run({ kind: "fetch", least, generation });
      if (result.kind !== "fetched") return false;
      this.#replace();
      return true;
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      throw new LogError("unreachable", error.message, error);
    } finally {
      this.#fetching = false;
    }
  }

  close(): void {
    for (const worker of this.#workers) void worker.terminate();
  }

  /** @throws LogError if this node's disk cannot be written */
  #replace(): void {
    const { db, data_dir, installing, installed } = this.#options;
    const path = joinPath(data_dir);
    try {
      replaceTables(db, path, installing);
    } catch (error) {
      const full = writeFailure(error);
      if (full === undefined) throw error;
      throw new LogError("unreachable", `a snapshot cannot be installed: ${full.message}`, error);
    } finally {
      rmSync(path, { force: true });
    }
    installed();
  }

  async #run(job: SnapshotJob): Promise<SnapshotResult> {
    const { script, data_dir, cluster } = this.#options;
    const worker = new Worker(script, { workerData: { job, data_dir, cluster } });
    this.#workers.add(worker);
    try {
      const result = await new Promise<SnapshotResult>((resolve, reject) => {
        worker.once("message", resolve);
        // This event usually means that memory ran out. Errors in the thread's own code arrive as its result instead.
        worker.once("error", (error) => {
          reject(new LogError("unreachable", `a snapshot was aborted: ${reasonOf(error)}`, error));
        });
        worker.once("exit", () => reject(new LogError("unreachable", "a snapshot was aborted")));
      });
      if (result.kind === "failed") throw new LogError(result.fault, result.message);
      return result;
    } finally {
      this.#workers.delete(worker);
      await worker.terminate();
    }
  }
}

/**
 * Replaces every table except the node's own (OWN_TABLE) by the same table of another database, in one transaction.
 * Both databases must have the same schema.
 * @param beforeCommit called inside the transaction, after all tables were replaced
 */
export function replaceTables(db: Db, path: string, beforeCommit: () => void): void {
  db.prepare("ATTACH ? AS joined").run(path);
  db.pragma("foreign_keys = OFF");
  try {
    db.transaction(() => {
      const read = (type: string): { name: string; sql: string }[] =>
        db
          .prepare<[string], { name: string; sql: string }>(
            "SELECT name, sql FROM main.sqlite_schema WHERE type = ? AND name NOT LIKE 'sqlite_%' AND sql IS NOT NULL",
          )
          .all(type);
      // Remove the triggers while the tables are replaced. Some triggers would reject the deletion of rows, and others
      // would react to it.
      const triggers = read("trigger");
      for (const { name } of triggers) db.exec(`DROP TRIGGER main.${name}`);
      for (const { name } of read("table")) {
        if (name === OWN_TABLE) continue;
        db.exec(`DELETE FROM main.${name}`);
        db.exec(`INSERT INTO main.${name} SELECT * FROM joined.${name}`);
      }
      // SQLite keeps the highest id of each AUTOINCREMENT table here.
      db.exec("DELETE FROM main.sqlite_sequence");
      db.exec("INSERT INTO main.sqlite_sequence SELECT * FROM joined.sqlite_sequence");
      for (const { sql } of triggers) db.exec(sql);
      beforeCommit();
    })();
  } finally {
    db.pragma("foreign_keys = ON");
    db.exec("DETACH joined");
  }
}
