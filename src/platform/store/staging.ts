/**
 * Opens and completes the staging database, into which a restore writes its snapshot. The file is next to data.db, and
 * has the same layout. It is not synced and has no journal on disk, because a crash of the server ends the restore
 * anyway. It is removed at every start.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { migrate } from "./migrate.js";
import type { Db } from "./open.js";
import { openDatabase } from "./sqlite/choice.js";

export function stagingPath(dataDir: string): string {
  return join(dataDir, "restore.db");
}

/** Opens an empty staging database, and begins the transaction that `finishStaging` commits. */
export function openStaging(dataDir: string): Db {
  removeStaging(dataDir);
  const db = openDatabase(stagingPath(dataDir));
  // The mode is MEMORY and not OFF, because some of the SQLite libraries do not allow OFF.
  db.pragma("journal_mode = MEMORY");
  db.pragma("synchronous = OFF");
  migrate(db);
  db.exec("BEGIN");
  return db;
}

/**
 * Completes and closes the database. Returns false if the database cannot be used, because a row violates a foreign
 * key.
 */
export function finishStaging(db: Db): boolean {
  const sound = db.pragma("foreign_key_check", { simple: true }) === undefined;
  db.exec("COMMIT");
  db.close();
  return sound;
}

export function removeStaging(dataDir: string): void {
  rmSync(stagingPath(dataDir), { force: true });
}
