/** Checks whether a database is undamaged, by its first bytes and by its pages. Runs in any thread. */
import { openReaderOf } from "./open.js";
import { sqliteCode } from "./sqlite/codes.js";

/** The largest database, in bytes, of which all pages are checked. Of a larger one, only the header is checked. */
export const CHECKED_BYTES_MAX = 16 * 1024 * 1024;

const MAGIC = "SQLite format 3\0";
export const MAGIC_BYTES = MAGIC.length;

/** Whether the beginning of a file is that of an SQLite database. */
export function hasMagic(head: Buffer): boolean {
  return head.toString("latin1", 0, MAGIC_BYTES) === MAGIC;
}

/**
 * Checks the pages of a database. Returns a text that describes the damage; null if there is none. Reads the pages with
 * a new handle, because an older handle may have old contents of the pages in memory.
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
