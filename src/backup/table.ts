/**
 * The SQL of a restore in the writer: whether the database holds content, and the copy of a staging
 * database into it, within the transaction of the call. Rows go from file to file; none is seen here.
 */
import { INDEX_SPANS } from "../audit/table.js";
import { writeFailure, type Db } from "../store/open.js";
import { KINDS } from "./kinds.js";

/** Who was refused what is no content: a server to which somebody sent a bad request may still be restored to. */
const NO_CONTENT = "audit";

const TABLES = KINDS.flatMap(({ tables }) => tables);

export function holdsContent(db: Db): boolean {
  return TABLES.some(
    (table) => table !== NO_CONTENT && db.prepare(`SELECT 1 FROM main.${table} LIMIT 1`).get() !== undefined,
  );
}

/** Copies every table. The database must hold no content. */
export function copyStaged(db: Db, path: string): void {
  if (!isAttached(db)) db.prepare("ATTACH ? AS staged").run(path);
  db.pragma("defer_foreign_keys = ON");
  makeRoomInAudit(db);
  for (const table of TABLES) db.exec(`INSERT INTO main.${table} SELECT * FROM staged.${table}`);
  db.exec(INDEX_SPANS);
}

/**
 * Lets go of the staging database, and gives its room in the log back where that can be done now: a reader
 * may be at the log, and a disk that is full cannot take it in. Outside of any transaction.
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
 * The restored rows keep their ids; rows of this server's own that are in their way follow after them, in
 * their order. The only place where rows of the log move, so its triggers are taken away for it.
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
  // Through negative ids: none meets another on its way.
  db.exec("UPDATE main.audit SET id = -id");
  db.prepare("UPDATE main.audit SET id = ? - id, at = max(at, ?)").run(staged?.id ?? 0, staged?.at ?? 0);
  for (const { sql } of triggers) db.exec(sql);
}
