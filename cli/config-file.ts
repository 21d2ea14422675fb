/**
 * Reads and replaces small configuration files, whose content other modules interpret. Reads have a size limit. A write
 * replaces the whole file at once, so a reader sees either the old or the new text.
 *
 * The files of a project may come from other people. So only regular files are read, opening never blocks, and no link
 * may lead out of the project. The library write-file-atomic is not used: it would add 17 KB to save ten lines, and it
 * installs signal handlers. Runs in the CLI process.
 */
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, resolve } from "node:path";

import { failed, wrongUsage, type CliFailure } from "./failure.js";
import {
  irregularReason,
  isWithin,
  leadsOut,
  readRegularFile,
  resolveLinks,
  Unread,
  type FileLocation,
} from "./regular-file.js";
import { describeSystemError, errorCodeOf } from "./system-error.js";

/** The bits of a file's mode that are its permissions. */
const PERMISSIONS = 0o777;

export { isWithin, type FileLocation };

/**
 * Matches paths of devices and of open files. They never count as part of a project, even if its folder contains them.
 */
export const DEVICES = /^\/(?:dev|proc)\//;

/**
 * Returns the location of a file that the command line names. Links inside a project must not lead out of it. Outside
 * of the project, all links are allowed.
 */
export function locateFile(path: string, folder: string, root: string): FileLocation {
  const absolute = resolve(folder, path);
  const isOfProject = !DEVICES.test(absolute) && isWithin(root, absolute);
  return { path: absolute, name: path, ...(isOfProject ? { root } : {}) };
}

/**
 * Reads the text of a file, without its byte-order mark. Returns undefined if the file does not exist. Refuses (exit 2)
 * a file that is not regular or is larger than SETTINGS_BYTES_MAX, and a link that leads out of the location's root.
 */
export function readTextFile(location: FileLocation): string | undefined | CliFailure {
  const { name } = location;
  try {
    const bytes = readRegularFile(location);
    if (bytes instanceof Unread)
      return wrongUsage(bytes.why === undefined ? `${name} is too large` : `cannot read ${name}: ${bytes.why}`);
    return bytes?.toString("utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    return failed(`cannot read ${name}: ${describeSystemError(error)}`);
  }
}

/**
 * Resolves the path of a file to write. Follows a link to a regular file, because otherwise the write would replace the
 * link. Refuses (exit 2) a file that is not regular, and a link that leads to nothing or out of the location's root.
 * Throws other errors of the system.
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
  const problem = info === undefined ? undefined : irregularReason(info);
  return problem === undefined ? real : wrongUsage(`cannot write ${name}: ${problem}`);
}

/**
 * Resolves the path of a file to read. The file may be of any kind. Refuses (exit 2) a link that leads out of the
 * location's root; without a root, all links are allowed. Throws other errors of the system.
 */
export function resolveForReading(location: FileLocation): string | CliFailure {
  const { path, name, root } = location;
  if (root === undefined) return path;
  return resolveLinks(location) ?? wrongUsage(`cannot read ${name}: ${leadsOut(root)}`);
}

/** Returns the permissions of a file; `fallback` if it does not exist. Throws other errors of the system. */
export function modeOf(path: string, fallback: number): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? fallback : stat.mode & PERMISSIONS;
}

/**
 * Replaces a file at once: writes a temporary file next to it, and renames that file. Throws errors of the system.
 * @param path the result of `resolveForWriting`
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

/** Replaces a file as `replaceFile` does. Creates the folder first if it is missing. */
export function replaceFileInFolder(path: string, content: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  replaceFile(path, content, mode);
}
