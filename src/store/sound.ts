/** Checks whether a database is sound: its first bytes, and its pages. Runs in any thread. */
import { openReaderOf } from "./open.js";
import { sqliteCode } from "./sqlite/codes.js";

/** Databases up to this size are checked page by page. Of a larger one only the header is checked. */
export const CHECKED_BYTES_MAX = 16 * 1024 * 1024;

const MAGIC = "SQLite format 3\0";
export const MAGIC_BYTES = MAGIC.length;

/** Whether a file begins as an SQLite database does. */
export function hasMagic(head: Buffer): boolean {
  return head.toString("latin1", 0, MAGIC_BYTES) === MAGIC;
}

/**
 * Returns what is wrong with the pages of a database, null if they are consistent. It reads all of them on a handle of
 * its own, because a handle that has read them earlier may still have their old contents in memory.
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
