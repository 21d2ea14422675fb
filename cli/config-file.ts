/**
 * Small configuration files as text: read within a bound, and replaced as a whole, so that whoever reads
 * one sees the old or the new text. Runs in the command line's process. Leaves what is in them to others. By
 * hand: write-file-atomic would save ten lines for 17 KB, and listens to the process's signals.
 */
import {
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";

import { CLI_SETTINGS_BYTES_MAX } from "../schemas/limits.js";
import { failed, type CliFailure } from "./failure.js";
import { describeSystemError, errorCodeOf } from "./system-error.js";

/** Permission bits of a mode. */
const PERMISSIONS = 0o777;

/** The text of the file without a byte-order mark, `undefined` where there is none; `name` is how messages call it. */
export function readTextFile(path: string, name: string): string | undefined | CliFailure {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return undefined;
    return failed(`cannot read ${name}: ${describeSystemError(error)}`);
  }
  try {
    if (fstatSync(file).size > CLI_SETTINGS_BYTES_MAX) return failed(`${name} is too large`);
    return readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    return failed(`cannot read ${name}: ${describeSystemError(error)}`);
  } finally {
    closeSync(file);
  }
}

/** Where the file really is: a link is followed, not replaced. Throws what the system says. */
export function resolveFilePath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return path;
    throw error;
  }
}

/** The permissions of the file, `fallback` where there is none. Throws what the system says. */
export function modeOf(path: string, fallback: number): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? fallback : stat.mode & PERMISSIONS;
}

/** Writes beside the file and renames over it; makes its folder where that is missing. Throws what the system says. */
export function replaceFile(path: string, content: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  const aside = `${path}.${process.pid}.part`;
  rmSync(aside, { force: true });
  const file = openSync(aside, "wx", mode);
  try {
    fchmodSync(file, mode);
    writeSync(file, content);
    fsyncSync(file);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  renameSync(aside, path);
}
