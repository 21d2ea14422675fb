/**
 * Writes and removes files inside a repository's own folder. Never follows a symbolic link there, because it could lead
 * to a tracked file or out of the repository. Runs in the CLI process.
 */
import { chmodSync, lstatSync, mkdirSync, renameSync, rmdirSync, rmSync, type Stats, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

import { type CliFailure, refused } from "../failure.js";
import { readRegularFile, Unread } from "../regular-file.js";
import { errorCodeOf } from "../system-error.js";

/** Returns the system's information about a path, without following a link. Returns undefined if nothing is there. */
export function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Reads a small regular file. Returns undefined if there is none. */
export function readPlain(path: string): Buffer | undefined {
  const bytes = lookAt(path)?.isFile() ? readRegularFile({ path }) : undefined;
  return bytes instanceof Unread ? undefined : bytes;
}

/** Refuses a path if one of its segments below `folder` is a symbolic link. */
export function refuseLinks(folder: string, path: string): CliFailure | undefined {
  let at = folder;
  for (const part of relative(folder, path).split(sep)) {
    at = join(at, part);
    if (lookAt(at)?.isSymbolicLink()) return refused(`${at} is a symbolic link, and nothing is written through it`);
  }
  return undefined;
}

/** Makes a folder and the missing folders above it. Returns those that it made, outermost first. */
export function makeFolders(folder: string): string[] {
  if (lookAt(folder) !== undefined) return [];
  const made = makeFolders(dirname(folder));
  mkdirSync(folder);
  return [...made, folder];
}

/** Replaces a file at once: writes a temporary file and renames it. */
export function writePlain(path: string, bytes: Buffer | string, mode: number): void {
  const temporary = `${path}.${process.pid}.part`;
  try {
    writeFileSync(temporary, bytes, { flag: "wx", mode });
    // Set the mode again, because the umask may have removed bits from it.
    chmodSync(temporary, mode);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Removes those of the folders that are empty, innermost first. */
export function removeEmpty(folders: readonly string[]): void {
  for (const folder of folders.toReversed()) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(errorCodeOf(error))) throw error;
    }
  }
}
