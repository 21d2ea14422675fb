/**
 * Claims the data directory before a file in it is opened. Creates a missing directory, locks it against a second
 * server, and checks its database. If the database is damaged, or belongs to another program, the claim fails and
 * leaves the files as they are. Links can give one database several paths, so it is locked under every path by which a
 * second server may find it.
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
import { reasonOf } from "../../base/reason.js";
import { LAYOUT_VERSION } from "./migrate.js";
import { databaseFile, databasePath, openFailure, openReader, openWriter, type Db } from "./open.js";
import { CHECKED_BYTES_MAX, findDamage, hasMagic } from "./sound.js";
import { openDatabase, SqliteMissingError } from "./sqlite/choice.js";
import { sqliteCode } from "./sqlite/codes.js";

/** Thrown if the data directory cannot be used. The start prints the message as one line, and exits with code 1. */
export class DataDirError extends Error {
  override readonly name = "DataDirError";
}

/** SQLite's error codes for a directory that is not writable. */
const UNWRITABLE: ReadonlySet<string> = new Set(["SQLITE_CANTOPEN", "SQLITE_READONLY"]);
/** The name of the lock file in a directory. */
export const LOCK_FILE = "koor.lock";
/** The mode of directories that the server creates. Only the server's own user has access. */
const DIRECTORY_MODE = 0o700;
const OTHERS = 0o077;

/**
 * The database handles that hold locks. They are kept alive here, because a garbage-collected handle would release its
 * lock.
 */
const HELD = new Set<Db>();

/** A lock that this process holds until it calls `release`. */
interface Lock {
  release(): void;
}

/** The locks of this process on the directory and its database. */
export interface DataDirLock extends Lock {
  /**
   * Locks the database file itself if it has got a second name (a hard link) since the claim.
   * @throws DataDirError
   */
  lockFile(): void;
}

/**
 * Creates, locks and checks the directory.
 * @throws DataDirError; its message is one line for the operator
 */
export function claimDataDir(dataDir: string): DataDirLock {
  try {
    makeDirectory(dataDir);
    if (!statSync(dataDir).isDirectory())
      throw new DataDirError(`cannot use data directory ${dataDir}: it is not a directory`);
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
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
    throw new DataDirError(`cannot use data directory ${dataDir}: ${why}`);
  }
  const lock = lockDatabase(dataDir);
  try {
    checkDatabase(dataDir);
  } catch (error) {
    lock.release();
    throw error;
  }
  return lock;
}

/**
 * Creates a directory and its missing parents. Does not use Node's recursive mkdir, which never returns for a path
 * below /proc that cannot be created.
 */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path, DIRECTORY_MODE);
  } catch (error) {
    // Another server may have created the directory meanwhile, so an existing path is not an error. The caller checks
    // whether it is a directory.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/**
 * Returns the folders in which another server may find the same database. These are the directory itself and, if
 * `data.db` is a link, the folder of the file to which the link leads.
 */
export function foldersOf(dataDir: string): string[] {
  return [...new Set([realpathSync(dataDir), dirname(databaseFile(dataDir))])];
}

/** Whether other users of the machine have access to a folder that contains the database or a link to it. */
export function isOpenToOthers(dataDir: string): boolean {
  // Windows has no such permission bits.
  if (process.platform === "win32") return false;
  return foldersOf(dataDir).some((folder) => (statSync(folder).mode & OTHERS) !== 0);
}

/** Locks every folder in which the database can be found. Also locks the file itself if it has several names. */
function lockDatabase(dataDir: string): DataDirLock {
  const held: Lock[] = [];
  let file: Lock | null = null;
  const release = (): void => {
    for (const lock of held) lock.release();
    file?.release();
  };
  const lockFile = (): void => {
    file ??= lockSharedFile(databasePath(dataDir));
  };
  try {
    for (const folder of foldersOf(dataDir)) held.push(lockFolder(folder, dataDir));
    lockFile();
  } catch (error) {
    release();
    if (error instanceof DataDirError || error instanceof SqliteMissingError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "unusable";
    throw new DataDirError(`cannot lock data directory ${dataDir}: data.db is a link that leads nowhere (${code})`);
  }
  return { release, lockFile };
}

function lockFolder(folder: string, dataDir: string): Lock {
  try {
    return holdLock(join(folder, LOCK_FILE));
  } catch (error) {
    // The directory is not at fault if this installation has no SQLite.
    if (error instanceof SqliteMissingError) throw error;
    const code = sqliteCode(error) ?? reasonOf(error);
    throw new DataDirError(
      code.startsWith("SQLITE_BUSY")
        ? `data directory ${dataDir} is in use by another koor server`
        : `cannot lock data directory ${dataDir}: ${UNWRITABLE.has(code) ? "it is not writable" : code}`,
    );
  }
}

/**
 * Takes a lock. Node has no flock, so the lock is an exclusive transaction on a small database that has no other use.
 * The operating system releases the lock when the process ends, even by a crash.
 */
export function holdLock(path: string): Lock {
  const db = openDatabase(path, { timeoutMs: 0 });
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
 * Locks a file with several names (hard links). The names can be in several folders, so two servers that use the file
 * may not see each other's locks there. Therefore all servers of this user keep these locks in one folder, below the
 * system's temporary directory. The name of a lock is the file's device and inode. `refuseShared` alone is not enough:
 * two servers that start at the same time could both find that no other server has the file open.
 * @returns null if the file has only one name, or if there is no folder for such locks
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

/**
 * Returns the folder for the locks of files with several names. Returns null if the folder cannot be created or belongs
 * to another user.
 */
function locksFolder(): string | null {
  const user = process.getuid?.();
  const folder = join(tmpdir(), user === undefined ? "koor-locks" : `koor-locks-${user}`);
  try {
    mkdirSync(folder, DIRECTORY_MODE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") return null;
  }
  // Check the folder, because another user may have put a link there. Through a link, this process would write into a
  // folder of that user's choice.
  const info = lstatSync(folder, { throwIfNoEntry: false });
  return info?.isDirectory() === true && (user === undefined || info.uid === user) ? folder : null;
}

function usedElsewhere(path: string): DataDirError {
  return new DataDirError(`database ${path} is in use by another koor server, under another name of the file`);
}

/**
 * Opens the database of a claimed directory, and migrates it to the newest layout.
 * @throws DataDirError; its message is one line for the operator
 */
export function prepareDatabase(dataDir: string, lock: DataDirLock): Db {
  let db: Db;
  try {
    db = openWriter(dataDir);
  } catch (error) {
    throw new DataDirError(
      `cannot open the database in ${dataDir} (${openFailure(error)}); its files were left as they are`,
    );
  }
  try {
    // Call `lockFile` again, in case the file has got a second name since the claim. A name that is added later does no
    // harm: a server that starts under it finds that this process has the file open.
    lock.lockFile();
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/**
 * Refuses a file with several names if another server has it open. The other locks can miss that server for three
 * reasons: it uses a name that is not known here, its locks are in another temporary directory (`lockSharedFile`), or
 * it started when the file had only one name. SQLite's own lock belongs to the file, whatever its name. So a request
 * for exclusive access fails if another process has the file open.
 */
function refuseShared(path: string): void {
  const db = openDatabase(path, { timeoutMs: 0 });
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

/**
 * Checks the database of a directory that no server uses. A missing database is no error.
 * @throws DataDirError
 */
export function checkDatabase(dataDir: string): void {
  const path = databasePath(dataDir);
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
    db = openReader(dataDir);
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
