/**
 * Snapshots of a node's database: made and fetched by a thread of their own (snapshot-thread.ts), taken in by the
 * writer in one transaction. A snapshot is a database file that says itself how far it has come. Runs in the writer's
 * thread.
 */
import { rmSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { ClusterSettings } from "../../schemas/config.js";
import { assert } from "../base/assert.js";
import { reasonOf } from "../base/reason.js";
import { LogError } from "../ordered-log/ordered-log.js";
import { writeFailure, type Db } from "../store/open.js";
import { joinPath, snapshotPath, type SnapshotJob, type SnapshotOutcome } from "./snapshot-thread.js";

export interface SnapshotsOptions {
  readonly db: Db;
  /** The thread's script. */
  readonly script: URL;
  readonly data_dir: string;
  readonly cluster: ClusterSettings;
  /** The tables hold what a snapshot held, for this connection alone yet. */
  readonly installing: () => void;
  /** For all. */
  readonly installed: () => void;
}

/** The one table that is not the cluster's. */
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
   * Puts a snapshot of the database as it is now beside the log.
   * @throws LogError
   */
  async take(): Promise<void> {
    await this.#work({ kind: "take" });
  }

  /**
   * Replaces the database's rows by those of the newest snapshot. One fetch at a time: each writes the same file.
   * @param least it has come at least so far
   * @returns false where there is no such snapshot
   * @throws LogError "unreachable": whatever went wrong, another fetch may get another snapshot, or the same one whole
   */
  async install(least: number, generation: string): Promise<boolean> {
    assert(!this.#fetching, "one snapshot is fetched at a time");
    this.#fetching = true;
    try {
      const outcome = await this.#work({ kind: "fetch", least, generation });
      if (outcome.kind !== "fetched") return false;
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

  /** @throws LogError where this node's disk takes nothing */
  #replace(): void {
    const { db, data_dir, installing, installed } = this.#options;
    const path = joinPath(data_dir);
    try {
      replaceTables(db, path, installing);
    } catch (error) {
      const full = writeFailure(error);
      if (full === undefined) throw error;
      throw new LogError("unreachable", `a snapshot cannot be taken in: ${full.message}`, error);
    } finally {
      rmSync(path, { force: true });
    }
    installed();
  }

  async #work(job: SnapshotJob): Promise<SnapshotOutcome> {
    const { script, data_dir, cluster } = this.#options;
    const worker = new Worker(script, { workerData: { job, data_dir, cluster } });
    this.#workers.add(worker);
    try {
      const outcome = await new Promise<SnapshotOutcome>((resolve, reject) => {
        worker.once("message", resolve);
        // Of no memory left, above all: what it throws it says itself.
        worker.once("error", (error) => {
          reject(new LogError("unreachable", `a snapshot was broken off: ${reasonOf(error)}`, error));
        });
        worker.once("exit", () => reject(new LogError("unreachable", "a snapshot was broken off")));
      });
      if (outcome.kind === "failed") throw new LogError(outcome.fault, outcome.message);
      return outcome;
    } finally {
      this.#workers.delete(worker);
      await worker.terminate();
    }
  }
}

/**
 * Makes every table but the node's own that of another database of the same layout, in one transaction.
 * @param beforeCommit called when they are, in the transaction
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
      // They keep the log append-only, and follow what is deleted: here nothing is, whole tables are others.
      const triggers = read("trigger");
      for (const { name } of triggers) db.exec(`DROP TRIGGER main.${name}`);
      for (const { name } of read("table")) {
        if (name === OWN_TABLE) continue;
        db.exec(`DELETE FROM main.${name}`);
        db.exec(`INSERT INTO main.${name} SELECT * FROM joined.${name}`);
      }
      // The newest numbers of tables that never use one again.
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
