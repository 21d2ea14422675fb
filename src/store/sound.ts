/** Checks whether a database is undamaged, by its first bytes and by its pages. Runs in any thread. */
import { openReaderOf } from "./open.js";
import { sqliteCode } from "./sqlite/codes.js";

/**
 * The largest size of a database, in bytes, of which every page is checked. Only the header of a larger one is checked.
 */
export const CHECKED_BYTES_MAX = 16 * 1024 * 1024;

const MAGIC = "SQLite format 3\0";
export const MAGIC_BYTES = MAGIC.length;

/** Whether a file begins as an SQLite database does. */
export function hasMagic(head: Buffer): boolean {
  return head.toString("latin1", 0, MAGIC_BYTES) === MAGIC;
}

/**
 * Returns a text about the damage to the pages of a database; null if they are consistent. All pages are read on a new
 * handle, because a handle that has read them before may still have their old contents in memory.
 */
export function findDamage(path: string): string | null {
  let db: ReturnType<typeof openReaderOf> | undefined;
  try {
    db = openReaderOf(path);
    return db.pragma("quick_check(1)", { simple: true }) === "ok" ? null : "its pages are inconsistent";
  } catch (error) {
    return sqliteCode(error) ?? "unreadable";
  } finally {
    db?.close();
  }
}
