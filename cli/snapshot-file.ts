/**
 * A snapshot on its way into a file: written temporary, held to its own closing line, and put in its place only
 * when it is whole. Runs in the command line's process. By hand: libraries that replace files take whole texts.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";

import { CLI_CLOSING_LINE_BYTES_MAX } from "../schemas/limits.js";
import { failed, type CliFailure } from "./failure.js";
import { describeSystemError } from "./system-error.js";

/** Snapshots hold all that is stored: nobody else may read them. */
const PRIVATE_MODE = 0o600;
const LINE_FEED = 0x0a;

/** What of a file goes on to be written. */
function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; ) at += writeSync(file, bytes, at);
}

interface ClosingLine {
  readonly end?: unknown;
  readonly counts?: unknown;
  readonly sha256?: unknown;
}

function parseClosingLine(bytes: Buffer): ClosingLine {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

/**
 * Writes the pieces to `path`, which exists afterwards as a whole or is as it was. The snapshot's counts as
 * JSON, or what went wrong.
 * @param name what messages call the file
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
  // What is not summed yet: the closing line may be in it.
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
      return failed("the snapshot is not whole: its closing line is missing or does not fit");
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
