/**
 * Opens and completes the staging database, in which a restore collects its snapshot. Its file is next to data.db and
 * has the same layout. If the server crashes before the writer has copied it, the restore has failed anyway. So the
 * file is not synced, has no journal on disk, and is removed at every start.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { migrate } from "./migrate.js";
import type { Db } from "./open.js";
import { openDatabase } from "./sqlite/choice.js";

export function stagingPath(data_dir: string): string {
  return join(data_dir, "restore.db");
}

/** Opens an empty staging database, in a transaction that `finishStaging` ends. */
export function openStaging(data_dir: string): Db {
  removeStaging(data_dir);
  const db = openDatabase(stagingPath(data_dir));
  // The mode is MEMORY and not OFF, because only some of the SQLite libraries allow OFF.
  db.pragma("journal_mode = MEMORY");
  db.pragma("synchronous = OFF");
  migrate(db);
  db.exec("BEGIN");
  return db;
}

/** Completes and closes the database. Returns false if its rows violate a foreign key, so that it cannot be used. */
export function finishStaging(db: Db): boolean {
  const sound = db.pragma("foreign_key_check", { simple: true }) === undefined;
  db.exec("COMMIT");
  db.close();
  return sound;
}

export function removeStaging(data_dir: string): void {
  rmSync(stagingPath(data_dir), { force: true });
}
