/**
 * The SQL of a restore in the writer. It checks whether the database has content. Then it copies a staging database
 * into it, within the transaction of the call. SQLite copies the rows from file to file, so they do not pass through
 * JavaScript.
 */
import { INDEX_SPANS } from "../audit/table.js";
import { writeFailure, type Db } from "../../platform/store/open.js";
import { KINDS } from "./kinds.js";

/**
 * The table whose rows do not count as content. A server that has only rejected requests has audit rows, and must still
 * accept a restore.
 */
const NO_CONTENT = "audit";

const TABLES = KINDS.flatMap(({ tables }) => tables);

/** Returns true if the database has content. Rows of the audit log do not count. */
export function holdsContent(db: Db): boolean {
  return TABLES.some(
    (table) => table !== NO_CONTENT && db.prepare(`SELECT 1 FROM main.${table} LIMIT 1`).get() !== undefined,
  );
}

/** Copies every table from the staging database. The server's database must have no content. */
export function copyStaged(db: Db, path: string): void {
  if (!isAttached(db)) db.prepare("ATTACH ? AS staged").run(path);
  db.pragma("defer_foreign_keys = ON");
  makeRoomInAudit(db);
  for (const table of TABLES) db.exec(`INSERT INTO main.${table} SELECT * FROM staged.${table}`);
  db.exec(INDEX_SPANS);
}

/**
 * Detaches the staging database, and truncates the WAL if possible. The WAL is not truncated while a reader uses it, or
 * if the disk is too full for a checkpoint. Must not be called in a transaction.
 */
export function releaseStaged(db: Db): void {
  if (!isAttached(db)) return;
  db.exec("DETACH staged");
  const patience = Number(db.pragma("busy_timeout", { simple: true }));
  db.pragma("busy_timeout = 0");
  try {
    db.pragma("wal_checkpoint(TRUNCATE)");
  } catch (error) {
    if (writeFailure(error) === undefined) throw error;
  } finally {
    db.pragma(`busy_timeout = ${patience}`);
  }
}

function isAttached(db: Db): boolean {
  return db.prepare<[], number>("SELECT count(*) FROM pragma_database_list WHERE name = 'staged'").pluck().get() !== 0;
}

/**
 * Makes room in the audit log for the restored rows, which keep their ids. The server's own rows get new ids after the
 * restored ones, in the same order. Triggers forbid changes of the audit log, so they are dropped for the move and
 * created again.
 */
function makeRoomInAudit(db: Db): void {
  if (db.prepare("SELECT 1 FROM main.audit LIMIT 1").get() === undefined) return;
  const staged = db
    .prepare<[], { id: number | null; at: number | null }>("SELECT max(id) AS id, max(at) AS at FROM staged.audit")
    .get();
  const triggers = db
    .prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = 'audit'",
    )
    .all();
  for (const { name } of triggers) db.exec(`DROP TRIGGER main.${name}`);
  // The ids first become negative, so that no two rows have the same id during the move.
  db.exec("UPDATE main.audit SET id = -id");
  db.prepare("UPDATE main.audit SET id = ? - id, at = max(at, ?)").run(staged?.id ?? 0, staged?.at ?? 0);
  for (const { sql } of triggers) db.exec(sql);
}
