/**
 * Writes a snapshot to a file. The received pieces go to a temporary file, which is renamed when it is complete. It is
 * complete if the closing line of the snapshot has the hash of all other bytes. Runs in the CLI process.
 *
 * No library is used, because libraries that replace files need the whole content at once.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";

import { CLI_CLOSING_LINE_BYTES_MAX } from "../schemas/limits/cli.js";
import { parseJson } from "../shared/json-text.js";
import { failed, type CliFailure } from "./failure.js";
import { describeSystemError } from "./system-error.js";

/** A snapshot contains all stored data, so only the user may read it. */
const PRIVATE_MODE = 0o600;
const LINE_FEED = 0x0a;

/** Writes all bytes to the file. One system call may write only a part of them, so this needs a loop. */
function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; ) at += writeSync(file, bytes, at);
}

interface ClosingLine {
  readonly end?: unknown;
  readonly counts?: unknown;
  readonly sha256?: unknown;
}

function parseClosingLine(bytes: Buffer): ClosingLine {
  const value = parseJson(bytes.toString("utf8"));
  return typeof value === "object" && value !== null ? value : {};
}

/**
 * Writes a snapshot to `path`. Afterwards the file is either complete or unchanged. Returns the numbers of stored
 * objects as JSON, or a failure.
 * @param name the name of the file, as messages to the user show it
 */
export async function writeSnapshot(
  path: string,
  name: string,
  pieces: AsyncIterable<Buffer>,
): Promise<string | CliFailure> {
  const { createHash } = await import("node:crypto");
  const sum = createHash("sha256");
  const temporary = `${path}.${process.pid}.part`;
  let file: number | undefined;
  // The last received bytes. They are not hashed yet, because they may contain the closing line, which is not part of
  // the hash.
  let tail: Buffer = Buffer.alloc(0);
  try {
    file = openSync(temporary, "wx", PRIVATE_MODE);
    try {
      for await (const piece of pieces) {
        writeAll(file, piece);
        tail = Buffer.concat([tail, piece]);
        const surplus = tail.length - CLI_CLOSING_LINE_BYTES_MAX;
        if (surplus > 0) {
          sum.update(tail.subarray(0, surplus));
          tail = tail.subarray(surplus);
        }
      }
    } catch (error) {
      return failed(`the snapshot broke off: ${describeSystemError(error)}`);
    }
    const start = tail.subarray(0, -1).lastIndexOf(LINE_FEED) + 1;
    sum.update(tail.subarray(0, start));
    const { end, counts, sha256 } = parseClosingLine(tail.subarray(start));
    if (end !== true || sha256 !== sum.digest("hex"))
      return failed("the snapshot is incomplete: its closing line is missing or does not match");
    fsyncSync(file);
    renameSync(temporary, path);
    return JSON.stringify(counts);
  } catch (error) {
    return failed(`cannot write ${name}: ${describeSystemError(error)}`);
  } finally {
    if (file !== undefined) closeSync(file);
    rmSync(temporary, { force: true });
  }
}
