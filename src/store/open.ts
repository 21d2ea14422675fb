/**
 * Opening data.db: the one writable handle (in the writer) and read-only ones (front and pool), and what
 * SQLite's error codes mean. Knows no table.
 */
import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { SQLITE_BUSY_TIMEOUT_MS, SQLITE_READ_CACHE_KIB, WAL_CHECKPOINT_PAGES } from "../../schemas/limits.js";
import { Failure } from "../base/result.js";
import { migrate } from "./migrate.js";
import { openDatabase } from "./sqlite/choice.js";
import { sqliteCode, TEXT_NOT_KEPT } from "./sqlite/codes.js";
import type { Db } from "./sqlite/library.js";

export type { Db, Statement } from "./sqlite/library.js";

/** Path of the database in a data directory. */
export function databasePath(data_dir: string): string {
  return join(data_dir, "data.db");
}

/**
 * Path of the database's own file, which lies elsewhere where `data.db` is a link: SQLite's log is beside it.
 * @throws the system's error where a link leads to a folder that is not there
 */
export function databaseFile(data_dir: string): string {
  return realFile(databasePath(data_dir));
}

/** The path without links; the last one may lead to a file that is yet to be made. */
function realFile(path: string): string {
  const folder = realpathSync(dirname(path));
  const file = join(folder, basename(path));
  const is_link = lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (!is_link) return file;
  return existsSync(file) ? realpathSync(file) : realFile(resolve(folder, readlinkSync(file)));
}

/** Size of the write-ahead log; 0 where there is none. */
export function walBytes(data_dir: string): number {
  return statSync(`${databaseFile(data_dir)}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Opens the writable handle and migrates. A commit is durable when it returns: WAL with
 * `synchronous=FULL` fsyncs the log at each. Checkpoints are SQLite's own, from the commit that fills
 * the log: a second connection that checkpoints from another thread made writes slower.
 */
export function openWriter(data_dir: string): Db {
  const db = openDatabase(databasePath(data_dir), { timeout_ms: SQLITE_BUSY_TIMEOUT_MS });
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
 * Whether the commits from now on are on disk when they return. One that is not survives a crash of the process, and is
 * on disk with the next one that is; a power cut in between undoes it whole. Not within a transaction.
 */
export function setSynced(db: Db, synced: boolean): void {
  db.pragma(`synchronous = ${synced ? "FULL" : "NORMAL"}`);
}

/** Opens a read-only handle on a database that the writer has migrated. */
export function openReader(data_dir: string): Db {
  return openReaderOf(databasePath(data_dir));
}

/** The same by the path of the database's file. */
export function openReaderOf(path: string): Db {
  const db = openDatabase(path, { readonly: true, timeout_ms: SQLITE_BUSY_TIMEOUT_MS });
  // Negative: in KiB.
  db.pragma(`cache_size = -${SQLITE_READ_CACHE_KIB}`);
  return db;
}

/** Whether a row was refused because of another one, or of its own columns. */
export function isConstraint(error: unknown): boolean {
  return sqliteCode(error)?.startsWith("SQLITE_CONSTRAINT") === true;
}

/**
 * What a SQLite error means to a client: DISK_FULL where the disk takes no write (also a failing disk
 * or a file-size limit), UNAVAILABLE where another program holds the database for longer than the busy
 * timeout; undefined for everything else, which is a bug or damage and crashes the actor.
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
 * Whether an error says that the database itself cannot be relied on: then the thread must not go on. A row that
 * was refused because of another one is a bug of whoever wrote it, and no damage.
 */
export function isDamage(error: unknown): boolean {
  return sqliteCode(error) !== undefined && writeFailure(error) === undefined && !isConstraint(error);
}

/**
 * SQLite's code for why a database cannot be opened.
 * @throws error where it is none of SQLite's
 */
export function openFailure(error: unknown): string {
  const code = sqliteCode(error);
  if (code === undefined) throw error;
  return code;
}
