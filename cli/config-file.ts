/**
 * Small configuration files as text: read within a bound, and replaced as a whole, so that a reader sees the old or the
 * new text. Files of a project may come from others: only regular files are read, opening never waits, and no link
 * leads out of the project. Runs in the command line's process. Leaves what is in them to others. By hand:
 * write-file-atomic would save ten lines for 17 KB, and listens to the process's signals.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

import { SETTINGS_BYTES_MAX } from "../schemas/limits.js";
import { failed, wrongUsage, type CliFailure } from "./failure.js";
import { describeSystemError, errorCodeOf } from "./system-error.js";

/** Permission bits of a mode. */
const PERMISSIONS = 0o777;
/** Neither a FIFO without a writer nor a last link keeps the caller; Windows has neither flag. */
const READ_AT_ONCE = constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0);
const NO_LINK = (constants.O_NOFOLLOW as number | undefined) ?? 0;

/** A file and where its links may lead. */
export interface FileLocation {
  readonly path: string;
  /** As messages name the file. */
  readonly name: string;
  /** The folder that no link may lead out of; undefined for files that are the user's own. */
  readonly root?: string;
}

/** Whether `path` is `folder` or below it, by its text. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Open files by name, terminals, the null device: they are no files of a project, whatever its folder. */
export const DEVICES = /^\/(?:dev|proc)\//;

/** Where a file lies that the command line names: in the project no link may lead out of it, elsewhere links may. */
export function locateFile(path: string, folder: string, root: string): FileLocation {
  const absolute = resolve(folder, path);
  const isOfProject = !DEVICES.test(absolute) && isWithin(root, absolute);
  return { path: absolute, name: path, ...(isOfProject ? { root } : {}) };
}

function leadsOut(root: string): string {
  return `it is a link that leads out of ${root}`;
}

/** Why a file is not read or replaced; undefined where it is a regular one. */
function irregularity(info: Stats): string | undefined {
  if (info.isDirectory()) return "it is a directory";
  return info.isFile() ? undefined : "it is not a regular file";
}

/**
 * The path with all links resolved, as far as it exists; undefined where it is not below `root`. Throws what the system
 * says, ENOENT for a link that leads nowhere.
 */
function resolveLinks({ path, root }: FileLocation): string | undefined {
  let existing = path;
  while (lstatSync(existing, { throwIfNoEntry: false }) === undefined && dirname(existing) !== existing)
    existing = dirname(existing);
  const real = join(realpathSync(existing), relative(existing, path));
  return root === undefined || isWithin(realpathSync(root), real) ? real : undefined;
}

function readBounded(file: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(SETTINGS_BYTES_MAX + 1);
  let used = 0;
  for (;;) {
    const count = readSync(file, bytes, used, bytes.length - used, null);
    used += count;
    if (used > SETTINGS_BYTES_MAX) return undefined;
    if (count === 0) return bytes.subarray(0, used);
  }
}

/**
 * The text of the file without a byte-order mark, `undefined` where there is none. A file that is not read for what it
 * is (exit 2): not a regular one, larger than SETTINGS_BYTES_MAX, or led out of its root by a link.
 */
export function readTextFile(location: FileLocation): string | undefined | CliFailure {
  const { name, root } = location;
  let file: number | undefined;
  try {
    const real = resolveLinks(location);
    if (real === undefined) return wrongUsage(`cannot read ${name}: ${leadsOut(root ?? "")}`);
    // Before it is opened, which of a device could do something.
    const problem = irregularity(statSync(real));
    if (problem !== undefined) return wrongUsage(`cannot read ${name}: ${problem}`);
    file = openSync(real, READ_AT_ONCE | NO_LINK);
    const now = irregularity(fstatSync(file));
    if (now !== undefined) return wrongUsage(`cannot read ${name}: ${now}`);
    const bytes = readBounded(file);
    return bytes === undefined ? wrongUsage(`${name} is too large`) : bytes.toString("utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return undefined;
    return failed(`cannot read ${name}: ${describeSystemError(error)}`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/**
 * Where a file is to be written: a link to a regular file is followed, not replaced. Refused (exit 2) is a link that
 * leads out of the root or nowhere, and what is there and is not a regular file. Throws what the system says.
 */
export function resolveForWriting(location: FileLocation): string | CliFailure {
  const { name, root } = location;
  let real: string | undefined;
  try {
    real = resolveLinks(location);
  } catch (error) {
    if (errorCodeOf(error) !== "ENOENT") throw error;
    return wrongUsage(`cannot write ${name}: it is a link that leads to nothing`);
  }
  if (real === undefined) return wrongUsage(`cannot write ${name}: ${leadsOut(root ?? "")}`);
  const info = lstatSync(real, { throwIfNoEntry: false });
  const problem = info === undefined ? undefined : irregularity(info);
  return problem === undefined ? real : wrongUsage(`cannot write ${name}: ${problem}`);
}

/**
 * Where a file of any kind is to be read: all links of a place that has a root are resolved; refused (exit 2) are those
 * that lead out of it. Throws what the system says.
 */
export function resolveForReading(location: FileLocation): string | CliFailure {
  const { path, name, root } = location;
  if (root === undefined) return path;
  return resolveLinks(location) ?? wrongUsage(`cannot read ${name}: ${leadsOut(root)}`);
}

/** The permissions of the file, `fallback` where there is none. Throws what the system says. */
export function modeOf(path: string, fallback: number): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? fallback : stat.mode & PERMISSIONS;
}

/**
 * Writes beside the file and renames over it. Throws what the system says.
 * @param path from `resolveForWriting`
 */
export function replaceFile(path: string, content: string | Buffer, mode: number): void {
  const temporary = `${path}.${process.pid}.part`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, "wx", mode);
  try {
    fchmodSync(file, mode);
    writeFileSync(file, content);
    fsyncSync(file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

/** As replaceFile, and makes its folder where that is missing. */
export function replaceFileInFolder(path: string, content: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  replaceFile(path, content, mode);
}
