/**
 * Reads small files that another person may have made, such as those of a project. Opening a file never blocks. FIFOs,
 * devices, large files, and links that lead out of the project are refused. `koor-hook` loads this module, so it loads
 * only Node's file system module. Runs in the CLI process.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
  type Stats,
} from "node:fs";
import { dirname, isAbsolute, join, relative, sep } from "node:path";

import { SETTINGS_BYTES_MAX } from "../schemas/limits/process.js";

/**
 * The flags for opening a file. Opening a FIFO with them does not block, and a link at the end of the path is not
 * followed. Windows has neither flag.
 */
const READ_AT_ONCE = constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0);
const NO_LINK = (constants.O_NOFOLLOW as number | undefined) ?? 0;
const FIRST_BYTES = 16 * 1024;

/** The path of a file, and the folder out of which its links must not lead. */
export interface FileLocation {
  readonly path: string;
  /** The name of the file, as messages to the user show it. */
  readonly name: string;
  /** The folder out of which no link may lead. If it is absent, links may lead anywhere. */
  readonly root?: string;
}

/** The result of a read if the file is not read, with the reason. */
export class Unread {
  /** @param why a sentence about the file; undefined means that the file is too large */
  constructor(readonly why: string | undefined) {}
}

/** Whether `path` is `folder` or below it. Compares the texts, and does not resolve links. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/**
 * Returns the path with its links resolved, and in the spelling of the file system (upper or lower case). If this
 * fails, returns the path unchanged.
 */
export function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

export function leadsOut(root: string): string {
  return `it is a link that leads out of ${root}`;
}

/** Returns the reason why a file cannot be read or replaced; undefined if it is a regular file. */
export function irregularReason(info: Stats): string | undefined {
  if (info.isDirectory()) return "it is a directory";
  return info.isFile() ? undefined : "it is not a regular file";
}

/**
 * Resolves the links in a path. The last parts of the path need not exist. Returns undefined if the result is outside
 * of `root`. Throws the system's error, such as ENOENT for a link without a target.
 */
export function resolveLinks({ path, root }: Omit<FileLocation, "name">): string | undefined {
  let existing = path;
  while (lstatSync(existing, { throwIfNoEntry: false }) === undefined && dirname(existing) !== existing)
    existing = dirname(existing);
  const real = join(realpathSync(existing), relative(existing, path));
  return root === undefined || isWithin(realpathSync(root), real) ? real : undefined;
}

/**
 * Reads an open file to its end. Returns undefined if it has more than `limit` bytes, whatever size the system reports.
 */
function readBounded(file: number, limit: number): Buffer | undefined {
  let bytes = Buffer.allocUnsafe(Math.min(FIRST_BYTES, limit + 1));
  for (let used = 0; ; ) {
    const count = readSync(file, bytes, used, bytes.length - used, null);
    if (count === 0) return bytes.subarray(0, used);
    used += count;
    if (used > limit) return undefined;
    if (used === bytes.length) bytes = Buffer.concat([bytes], Math.min(used * 2, limit + 1));
  }
}

/**
 * Reads a regular file of at most `limit` bytes. Returns undefined if the file does not exist. Throws the system's
 * other errors.
 */
export function readRegularFile(
  { path, root }: Omit<FileLocation, "name">,
  limit = SETTINGS_BYTES_MAX,
): Buffer | undefined | Unread {
  let file: number | undefined;
  try {
    const real = resolveLinks(root === undefined ? { path } : { path, root });
    if (real === undefined) return new Unread(leadsOut(root ?? ""));
    // The kind of the file is checked before it is opened, because opening a device may have effects.
    const problem = irregularReason(statSync(real));
    if (problem !== undefined) return new Unread(problem);
    file = openSync(real, READ_AT_ONCE | NO_LINK);
    const now = irregularReason(fstatSync(file));
    return now === undefined ? (readBounded(file, limit) ?? new Unread(undefined)) : new Unread(now);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Returns the text of a small regular file. Returns undefined if it cannot be read, whatever the reason. */
export function readTextIfAny(path: string, root?: string, limit = SETTINGS_BYTES_MAX): string | undefined {
  try {
    const bytes = readRegularFile(root === undefined ? { path } : { path, root }, limit);
    return Buffer.isBuffer(bytes) ? bytes.toString("utf8") : undefined;
  } catch {
    return undefined;
  }
}
