/**
 * The file in which a restore gathers what it is sent, beside data.db: of the same layout, and worth nothing
 * until the writer has copied it. So it is not synced, has no journal on disk, and is removed at every start.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { migrate } from "./migrate.js";
import type { Db } from "./open.js";
import { openDatabase } from "./sqlite/choice.js";

export function stagingPath(data_dir: string): string {
  return join(data_dir, "restore.db");
}

/** Opens it empty, in a transaction that `finishStaging` ends. */
export function openStaging(data_dir: string): Db {
  removeStaging(data_dir);
  const db = openDatabase(stagingPath(data_dir));
  // Not OFF, which only some of the libraries allow.
  db.pragma("journal_mode = MEMORY");
  db.pragma("synchronous = OFF");
  migrate(db);
  db.exec("BEGIN");
  return db;
}

/** Completes and closes it. False where its rows contradict each other: then it is of no use. */
export function finishStaging(db: Db): boolean {
  const sound = db.pragma("foreign_key_check", { simple: true }) === undefined;
  db.exec("COMMIT");
  db.close();
  return sound;
}

export function removeStaging(data_dir: string): void {
  rmSync(stagingPath(data_dir), { force: true });
}
