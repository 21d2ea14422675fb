/**
 * Inspects a data directory for `koor doctor`: whether a server could use the directory, and whether a server uses it
 * now. Leaves no files there. It takes the directory's lock and releases it at once. A server that starts at exactly
 * this moment may find the lock taken.
 */
import { accessSync, constants, existsSync, mkdtempSync, rmdirSync, statSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import type { DataDirState } from "../../../schemas/data-dir.js";
import { checkDatabase, DataDirError, foldersOf, holdLock, isOpenToOthers, LOCK_FILE } from "./data-dir.js";
import { SqliteMissingError } from "./sqlite/choice.js";
import { sqliteCode } from "./sqlite/codes.js";

const ALL = constants.R_OK | constants.W_OK | constants.X_OK;

/**
 * Whether this user can create files in a folder. Creates a temporary folder to find out, because on some file systems
 * the permissions do not say.
 */
function canUse(folder: string): boolean {
  try {
    accessSync(folder, ALL);
    rmdirSync(mkdtempSync(join(folder, ".koor-doctor-")));
    return true;
  } catch {
    return false;
  }
}

function unusable(reason: string): DataDirState {
  return { kind: "unusable", reason };
}

/** Returns the status of a path; undefined if nothing is there, or if a parent of the path is a file. */
function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function inspectMissing(dataDir: string): DataDirState {
  let parent = dirname(dataDir);
  while (!existsSync(parent)) parent = dirname(parent);
  if (lookAt(parent)?.isDirectory() !== true) return unusable(`it cannot be made: ${parent} is not a directory`);
  return canUse(parent)
    ? { kind: "absent", isOpenToOthers: false }
    : unusable(`it cannot be made: ${parent} is not writable`);
}

/** Whether another process holds the lock of a folder. Throws SQLite's error if the lock cannot be opened. */
function isLocked(folder: string): boolean {
  const path = join(folder, LOCK_FILE);
  if (!existsSync(path)) return false;
  try {
    holdLock(path).release();
    return false;
  } catch (error) {
    if (sqliteCode(error)?.startsWith("SQLITE_BUSY") === true) return true;
    throw error;
  }
}

/** @param dataDir an absolute path */
export function inspect(dataDir: string): DataDirState {
  const info = lookAt(dataDir);
  if (info === undefined) return inspectMissing(dataDir);
  if (!info.isDirectory()) return unusable("it is not a directory");
  if (!canUse(dataDir)) return unusable("it is not writable");
  try {
    const openToOthers = isOpenToOthers(dataDir);
    if (foldersOf(dataDir).some(isLocked)) return { kind: "locked", isOpenToOthers: openToOthers };
    checkDatabase(dataDir);
    return { kind: "free", isOpenToOthers: openToOthers };
  } catch (error) {
    if (error instanceof DataDirError || error instanceof SqliteMissingError) return unusable(error.message);
    const code = sqliteCode(error) ?? (error as NodeJS.ErrnoException).code;
    return unusable(code === undefined ? "it cannot be inspected" : `it cannot be inspected (${code})`);
  }
}
