/**
 * The data directory before anything is opened in it: made when missing, locked against a second server by whatever
 * name that finds the database, and checked, so that a damaged or foreign database is refused with its files untouched.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { LAYOUT_VERSION } from "./migrate.js";
import { databaseFile, databasePath, openFailure, openReader, openWriter, type Db } from "./open.js";
import { CHECKED_BYTES_MAX, findDamage, hasMagic } from "./sound.js";
import { openDatabase } from "./sqlite/choice.js";
import { sqliteCode } from "./sqlite/codes.js";

/** The data directory cannot be used: the start stops with this line and exit code 1. */
export class DataDirError extends Error {
  override readonly name = "DataDirError";
}

/** SQLite's codes for a directory in which nothing can be written. */
const UNWRITABLE: ReadonlySet<string> = new Set(["SQLITE_CANTOPEN", "SQLITE_READONLY"]);
/** Of the file by which a directory is locked. */
export const LOCK_FILE = "koor.lock";
/** What the server makes is for its own user alone. */
const DIRECTORY_MODE = 0o700;
const OTHERS = 0o077;

/** Locks that are held. Whoever forgets one holds it all the same: a handle that is collected would let it go. */
const HELD = new Set<Db>();

/** A lock that this process holds until `release`. */
interface Lock {
  release(): void;
}

/** Holds the directory and its database for this process. */
export interface DataDirLock extends Lock {
  /**
   * Looks once more for other names of the database's file.
   * @throws DataDirError
   */
  lockFile(): void;
}

/**
 * Makes, locks and checks the directory.
 * @throws DataDirError with one line for the operator
 */
export function claimDataDir(data_dir: string): DataDirLock {
  try {
    makeDirectory(data_dir);
    if (!statSync(data_dir).isDirectory())
      throw new DataDirError(`cannot use data directory ${data_dir}: it is not a directory`);
    accessSync(data_dir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof DataDirError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    const why =
      code === "EEXIST" || code === "ENOTDIR"
        ? "it is not a directory"
        : code === "EROFS" || code === "EACCES" || code === "EPERM"
          ? "it is not writable"
          : code === "ENOENT"
            ? "it cannot be made"
            : (code ?? "it is unusable");
    throw new DataDirError(`cannot use data directory ${data_dir}: ${why}`);
  }
  const lock = lockDatabase(data_dir);
  try {
    checkDatabase(data_dir);
  } catch (error) {
    lock.release();
    throw error;
  }
  return lock;
}

/**
 * Makes a directory and those above it, where they are missing. Node's own recursive mkdir never returns where /proc
 * refuses one.
 */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path, DIRECTORY_MODE);
  } catch (error) {
    // Another server may have made it meanwhile; what it is, is looked at next.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/**
 * The directory, and the folder in which the database really is where `data.db` is a link to a file elsewhere: another
 * server may use it under that name.
 */
export function foldersOf(data_dir: string): string[] {
  return [...new Set([realpathSync(data_dir), dirname(databaseFile(data_dir))])];
}

/** Whether other users of the machine may enter the directory, or the folder of the database, or list it. */
export function isOpenToOthers(data_dir: string): boolean {
  // Windows has no such bits.
  if (process.platform === "win32") return false;
  return foldersOf(data_dir).some((folder) => (statSync(folder).mode & OTHERS) !== 0);
}

/** Locks the database under each name that this server knows of, and its file where that has others. */
function lockDatabase(data_dir: string): DataDirLock {
  const held: Lock[] = [];
  let file: Lock | null = null;
  const release = (): void => {
    for (const lock of held) lock.release();
    file?.release();
  };
  const lockFile = (): void => {
    file ??= lockSharedFile(databasePath(data_dir));
  };
  try {
    for (const folder of foldersOf(data_dir)) held.push(lockFolder(folder, data_dir));
    lockFile();
  } catch (error) {
    release();
    if (error instanceof DataDirError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "unusable";
    throw new DataDirError(`cannot lock data directory ${data_dir}: data.db is a link that leads nowhere (${code})`);
  }
  return { release, lockFile };
}

function lockFolder(folder: string, data_dir: string): Lock {
  try {
    return holdLock(join(folder, LOCK_FILE));
  } catch (error) {
    const code = sqliteCode(error) ?? "";
    throw new DataDirError(
      code.startsWith("SQLITE_BUSY")
        ? `data directory ${data_dir} is in use by another koor server`
        : `cannot lock data directory ${data_dir}: ${UNWRITABLE.has(code) ? "it is not writable" : code}`,
    );
  }
}

/**
 * Node has no flock; a transaction held open on a small database of its own is a lock that the system
 * releases when the process dies, however it dies.
 */
function holdLock(path: string): Lock {
  const db = openDatabase(path, { timeout_ms: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    throw error;
  }
  HELD.add(db);
  return {
    release: () => {
      HELD.delete(db);
      db.close();
    },
  };
}

/**
 * A file with several names (hard links) has no folder in which all of its servers would look. They meet by its device
 * and inode, in a folder of this user among the system's temporary files: so two that start at the same moment do not
 * both find that nobody has the file open yet (`refuseShared`).
 * @returns null where the file has one name, or there is no such folder
 */
function lockSharedFile(path: string): Lock | null {
  const info = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (info === undefined || !info.isFile() || info.nlink <= 1n) return null;
  const folder = locksFolder();
  if (folder === null) return null;
  try {
    return holdLock(join(folder, `${info.dev}-${info.ino}.lock`));
  } catch (error) {
    const code = sqliteCode(error) ?? "";
    if (code.startsWith("SQLITE_BUSY")) throw usedElsewhere(path);
    if (UNWRITABLE.has(code)) return null;
    throw error;
  }
}

/** Where files with several names are locked; null where it cannot be made, or is another user's. */
function locksFolder(): string | null {
  const user = process.getuid?.();
  const folder = join(tmpdir(), user === undefined ? "koor-locks" : `koor-locks-${user}`);
  try {
    mkdirSync(folder, DIRECTORY_MODE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") return null;
  }
  // Somebody else may have put a link there, to have us write where it leads.
  const info = lstatSync(folder, { throwIfNoEntry: false });
  return info?.isDirectory() === true && (user === undefined || info.uid === user) ? folder : null;
}

function usedElsewhere(path: string): DataDirError {
  return new DataDirError(`database ${path} is in use by another koor server, under another name of the file`);
}

/**
 * Opens the database of a claimed directory and brings it to the newest layout.
 * @throws DataDirError with one line for the operator
 */
export function prepareDatabase(data_dir: string, lock: DataDirLock): Db {
  let db: Db;
  try {
    db = openWriter(data_dir);
  } catch (error) {
    throw new DataDirError(
      `cannot open the database in ${data_dir} (${openFailure(error)}); its files were left as they are`,
    );
  }
  try {
    // It may have got another name since it was claimed. From now on whoever starts under that finds it open.
    lock.lockFile();
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/**
 * A file with several names may be in use under one that nobody can find out, by a server that does not look where this
 * one does (`lockSharedFile`), or has started before there was another name. Whoever has it open holds SQLite's own lock
 * of the file, which does not depend on the name: what asks for the whole file is refused then.
 */
function refuseShared(path: string): void {
  const db = openDatabase(path, { timeout_ms: 0 });
  try {
    db.pragma("locking_mode = EXCLUSIVE");
    db.prepare("SELECT count(*) FROM sqlite_schema").get();
  } catch (error) {
    if (sqliteCode(error)?.startsWith("SQLITE_BUSY") !== true) throw error;
    throw usedElsewhere(path);
  } finally {
    db.close();
  }
}

function checkDatabase(data_dir: string): void {
  const path = databasePath(data_dir);
  if (!existsSync(path)) return;
  const damaged = (why: string): DataDirError =>
    new DataDirError(`database ${path} is damaged (${why}); its files were left as they are`);
  let size: number;
  let names: number;
  try {
    const fd = openSync(path, "r+");
    try {
      const info = fstatSync(fd);
      if (!info.isFile()) throw new DataDirError(`database ${path} is not a file`);
      size = info.size;
      names = info.nlink;
      if (size === 0) return;
      const header = Buffer.alloc(100);
      if (readSync(fd, header, 0, 100, 0) < 100 || !hasMagic(header)) throw damaged("not a SQLite file");
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof DataDirError) throw error;
    throw new DataDirError(`cannot open database ${path}: ${(error as NodeJS.ErrnoException).code ?? "unreadable"}`);
  }
  let db: Db | undefined;
  try {
    db = openReader(data_dir);
    const layout = Number(db.pragma("user_version", { simple: true }));
    if (layout > LAYOUT_VERSION)
      throw new DataDirError(
        `database ${path} was made by a newer koor (layout ${layout}, this one knows ${LAYOUT_VERSION})`,
      );
    const foreign = layout === 0 && db.prepare("SELECT count(*) FROM sqlite_schema").pluck().get() !== 0;
    if (foreign) throw new DataDirError(`database ${path} is not a koor database`);
    db.close();
    db = undefined;
    const damage = size <= CHECKED_BYTES_MAX ? findDamage(path) : null;
    if (damage !== null) throw damaged(damage);
    if (names > 1) refuseShared(path);
  } catch (error) {
    if (error instanceof DataDirError) throw error;
    throw damaged(sqliteCode(error) ?? "unreadable");
  } finally {
    db?.close();
  }
}
