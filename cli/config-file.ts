/**
 * Reads and replaces small configuration files. Reads limit the size. A write replaces the whole file, so that a reader
 * sees either the old or the new text. Other modules interpret the content. Runs in the CLI process.
 * Other people may have made the files of a project. So only regular files are read, opening never blocks, and no link
 * may lead out of the project. The library write-file-atomic is not used, because it would add 17 KB to save ten lines,
 * and it installs signal handlers.
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

/** The permission bits of a mode. */
const PERMISSIONS = 0o777;

export { isWithin, type FileLocation };

/**
 * Matches the paths of open files, terminals and the null device. They count as outside of the project, even if the
 * project's folder contains them.
 */
export const DEVICES = /^\/(?:dev|proc)\//;

/**
 * Returns the location of a file that the command line names. If the file is inside the project, no link may leave the
 * project. Outside the project, all links are allowed.
 */
export function locateFile(path: string, folder: string, root: string): FileLocation {
  const absolute = resolve(folder, path);
  const isOfProject = !DEVICES.test(absolute) && isWithin(root, absolute);
  return { path: absolute, name: path, ...(isOfProject ? { root } : {}) };
}

/**
 * Reads the text of a file, without its byte-order mark. Returns undefined if the file does not exist.
 *
 * Refuses (exit 2) a file that is not regular, is larger than SETTINGS_BYTES_MAX, or is reached through a link that
 * leads out of the root.
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
 * Returns the real path to write. A link to a regular file is followed, because otherwise the write would replace the
 * link. Refuses (exit 2) a link that leads out of the root, a dangling link, and an existing file that is not regular.
 * Other errors of the system are thrown.
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
 * Returns the path to read, for a file of any kind. If the location has a root, links are resolved, and a link that
 * leads out of the root is refused (exit 2). Other errors of the system are thrown.
 */
export function resolveForReading(location: FileLocation): string | CliFailure {
  const { path, name, root } = location;
  if (root === undefined) return path;
  return resolveLinks(location) ?? wrongUsage(`cannot read ${name}: ${leadsOut(root)}`);
}

/** Returns the file's permissions, or `fallback` if the file does not exist. Other errors of the system are thrown. */
export function modeOf(path: string, fallback: number): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? fallback : stat.mode & PERMISSIONS;
}

/**
 * Replaces a file: writes a temporary file next to it and renames that file. Errors of the system are thrown.
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

/** Creates the folder if it is missing, and then replaces the file as `replaceFile` does. */
export function replaceFileInFolder(path: string, content: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  replaceFile(path, content, mode);
}
