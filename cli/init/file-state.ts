/**
 * Reads a file that `init` or `uninit` is about to change. Returns a refusal if the file cannot be changed. Both
 * commands read all files before their first write, so a refused command has written nothing. Runs in the CLI process.
 */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { resolveForWriting, type FileLocation } from "../config-file.js";
import { CliFailure, refused } from "../failure.js";
import { readRegularFile, Unread } from "../regular-file.js";
import { describeSystemError } from "../system-error.js";

const BYTE_ORDER_MARK = "\uFEFF";

export interface FileState {
  /** The path of the file, with links resolved. */
  readonly real: string;
  /** The content; undefined if the file does not exist. */
  readonly bytes: Buffer | undefined;
  /** The content as text, without its byte-order mark; "" if the file does not exist. */
  readonly text: string;
}

/** Encodes a text as UTF-8. Keeps the byte-order mark if the old content of the file begins with one. */
export function encodeLike({ bytes }: Pick<FileState, "bytes">, text: string): Buffer {
  const hasMark = bytes?.subarray(0, 3).equals(Buffer.from(BYTE_ORDER_MARK)) ?? false;
  return Buffer.from((hasMark ? BYTE_ORDER_MARK : "") + text);
}

/** Decodes the bytes of a file and drops the byte-order mark. Returns undefined if the bytes are not UTF-8. */
export function decodeText(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Checks that the folder of a file is writable, or can be created. Throws the system's error. */
function checkFolder(path: string): void {
  let folder = dirname(path);
  while (!existsSync(folder)) folder = dirname(folder);
  if (!statSync(folder).isDirectory()) throw new Error(`${folder} is not a directory`);
  accessSync(folder, constants.W_OK | constants.X_OK);
}

/** Reads a file. Refuses (exit 1) a file that cannot be read or replaced, or that is not text. */
export function readState(location: FileLocation): FileState | CliFailure {
  const { name } = location;
  try {
    const real = resolveForWriting(location);
    if (real instanceof CliFailure) return refused(real.message);
    checkFolder(real);
    if (!existsSync(real)) return { real, bytes: undefined, text: "" };
    accessSync(real, constants.R_OK | constants.W_OK);
    const bytes = readRegularFile({ ...location, path: real });
    if (bytes === undefined) return { real, bytes, text: "" };
    if (bytes instanceof Unread) {
      const { why } = bytes;
      return refused(why === undefined ? `${name} is too large` : `cannot change ${name}: ${why}`);
    }
    const text = decodeText(bytes);
    return text === undefined ? refused(`${name} is not UTF-8 text, and stays as it is`) : { real, bytes, text };
  } catch (error) {
    return refused(`cannot change ${name}: ${describeSystemError(error)}`);
  }
}
