/**
 * Opens data.db. The writer has the only writable handle. The front and the worker pool have read-only handles. Also
 * maps SQLite's error codes to failures. Does not depend on any table.
 */
import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { SQLITE_BUSY_TIMEOUT_MS, SQLITE_READ_CACHE_KIB, WAL_CHECKPOINT_PAGES } from "../../../schemas/limits/store.js";
import { Failure } from "../../base/result.js";
import { migrate } from "./migrate.js";
import { openDatabase } from "./sqlite/choice.js";
import { sqliteCode, TEXT_NOT_KEPT } from "./sqlite/codes.js";
import type { Db } from "./sqlite/library.js";

export type { Db, Statement } from "./sqlite/library.js";

/** The path of the database in a data directory. */
export function databasePath(dataDir: string): string {
  return join(dataDir, "data.db");
}

/**
 * Returns the path of the real database file. If `data.db` is a link, the real file is in another folder, and SQLite
 * puts the WAL next to it.
 * @throws the error of the operating system if a link points to a missing folder
 */
export function databaseFile(dataDir: string): string {
  return realFile(databasePath(dataDir));
}

/** Resolves all links of a path. The last link may point to a file that does not exist yet. */
function realFile(path: string): string {
  const folder = realpathSync(dirname(path));
  const file = join(folder, basename(path));
  const isLink = lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (!isLink) return file;
  return existsSync(file) ? realpathSync(file) : realFile(resolve(folder, readlinkSync(file)));
}

/**
 * Returns the size of the write-ahead log in bytes. Returns 0 if there is none, or if the folder was removed or cannot
 * be read while the server runs.
 */
export function walBytes(dataDir: string): number {
  try {
    return statSync(`${databaseFile(dataDir)}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  } catch {
    return 0;
  }
}

/**
 * Opens the writable handle, and migrates the database. In WAL mode with `synchronous=FULL`, each commit fsyncs the
 * WAL, so a commit is durable when it returns. SQLite makes a checkpoint in the commit that fills the WAL. Checkpoints
 * by a second connection in another thread were tried, and made writes slower.
 */
export function openWriter(dataDir: string): Db {
  const db = openDatabase(databasePath(dataDir), { timeoutMs: SQLITE_BUSY_TIMEOUT_MS });
  try {
    db.pragma("journal_mode = WAL");
    setSynced(db, true);
    db.pragma(`wal_autocheckpoint = ${WAL_CHECKPOINT_PAGES}`);
    db.pragma("foreign_keys = ON");
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Sets whether later commits are synced, which means that they are on disk when they return. A commit that is not
 * synced survives a crash of the process. But a power cut undoes it, unless a synced commit came after it. Must not be
 * called within a transaction.
 */
export function setSynced(db: Db, synced: boolean): void {
  db.pragma(`synchronous = ${synced ? "FULL" : "NORMAL"}`);
}

/** Opens a read-only handle on a database that the writer has already migrated. */
export function openReader(dataDir: string): Db {
  return openReaderOf(databasePath(dataDir));
}

/** Like `openReader`, for the path of a database file. */
export function openReaderOf(path: string): Db {
  const db = openDatabase(path, { readonly: true, timeoutMs: SQLITE_BUSY_TIMEOUT_MS });
  // A negative size is in KiB.
  db.pragma(`cache_size = -${SQLITE_READ_CACHE_KIB}`);
  return db;
}

/**
 * Whether an error means that a row violates a constraint: it conflicts with another row, or a column does not accept
 * its value.
 */
export function isConstraint(error: unknown): boolean {
  return sqliteCode(error)?.startsWith("SQLITE_CONSTRAINT") === true;
}

/**
 * Returns the failure that the client gets for an error of SQLite:
 * - DISK_FULL: the disk accepts no write. It may be full, it may fail, or there may be a file-size limit.
 * - UNAVAILABLE: another program holds the database for longer than the busy timeout.
 * - INVALID_ARGUMENT: a text cannot be stored.
 *
 * Returns undefined for any other error. That is a bug or damage, and ends the thread.
 */
export function writeFailure(error: unknown): Failure | undefined {
  switch (sqliteCode(error)) {
    case "SQLITE_FULL":
    case "SQLITE_IOERR_WRITE":
    case "SQLITE_IOERR_FSYNC":
    case "SQLITE_IOERR_DIR_FSYNC":
    case "SQLITE_IOERR_TRUNCATE":
    case "SQLITE_IOERR_SHMSIZE":
    case "SQLITE_IOERR_SHMMAP":
    case "SQLITE_IOERR_SHMOPEN":
    case "SQLITE_CANTOPEN":
      return new Failure("DISK_FULL", "the disk takes no more writes: nothing was stored");
    case "SQLITE_BUSY":
    case "SQLITE_BUSY_SNAPSHOT":
    case "SQLITE_BUSY_TIMEOUT":
      return new Failure("UNAVAILABLE", "another program holds the database, try again");
    case TEXT_NOT_KEPT:
      return new Failure("INVALID_ARGUMENT", (error as Error).message);
    default:
      return undefined;
  }
}

/**
 * Whether an error means that the database is damaged, so that the thread must end. A violated constraint is not
 * damage, but a bug in the code that wrote the row.
 */
export function isDamage(error: unknown): boolean {
  return sqliteCode(error) !== undefined && writeFailure(error) === undefined && !isConstraint(error);
}

/**
 * Returns SQLite's code for the error with which opening a database has failed.
 * @throws the same error if it is not an error of SQLite
 */
export function openFailure(error: unknown): string {
  const code = sqliteCode(error);
  if (code === undefined) throw error;
  return code;
}
