/** Whether a database is sound: its first bytes, and its pages. Any thread. */
import { openReaderOf } from "./open.js";
import { sqliteCode } from "./sqlite/codes.js";

/** Databases up to this size are checked page by page; a larger one only in its header. */
export const CHECKED_BYTES_MAX = 16 * 1024 * 1024;

const MAGIC = "SQLite format 3\0";
export const MAGIC_BYTES = MAGIC.length;

/** Whether a file begins as SQLite's do. */
export function hasMagic(head: Buffer): boolean {
  return head.toString("latin1", 0, MAGIC_BYTES) === MAGIC;
}

/**
 * What is wrong with the pages of a database, null where they are consistent. Reads all of them on a handle of its own:
 * one that has read them before may have them in memory as they were.
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
