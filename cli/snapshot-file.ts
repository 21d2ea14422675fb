/**
 * Writes a snapshot to a file or to stdout. For a file, the received pieces go to a temporary file, which is renamed
 * when it is complete. A snapshot is complete if its closing line has the hash of all other bytes. Runs in the CLI
 * process.
 *
 * No library is used, because libraries that replace files need the whole content at once.
 */
import type { Hash } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";

import { CLI_CLOSING_LINE_BYTES_MAX } from "../schemas/limits/cli.js";
import { parseJson } from "../shared/json-text.js";
import { CliFailure, failed } from "./failure.js";
import { io } from "./io.js";
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

/** Checks whether a snapshot is complete, without keeping it in memory. */
class SnapshotCheck {
  readonly #sum: Hash;
  /**
   * The last received bytes. They are not hashed yet, because they may contain the closing line, which is not part of
   * the hash.
   */
  #tail: Buffer = Buffer.alloc(0);

  constructor(sum: Hash) {
    this.#sum = sum;
  }

  add(piece: Buffer): void {
    this.#tail = Buffer.concat([this.#tail, piece]);
    const surplus = this.#tail.length - CLI_CLOSING_LINE_BYTES_MAX;
    if (surplus <= 0) return;
    this.#sum.update(this.#tail.subarray(0, surplus));
    this.#tail = this.#tail.subarray(surplus);
  }

  /** Returns the numbers of stored objects as JSON, or a failure if the snapshot is incomplete. */
  end(): string | CliFailure {
    const start = this.#tail.subarray(0, -1).lastIndexOf(LINE_FEED) + 1;
    this.#sum.update(this.#tail.subarray(0, start));
    const { end, counts, sha256 } = parseClosingLine(this.#tail.subarray(start));
    if (end === true && sha256 === this.#sum.digest("hex")) return JSON.stringify(counts);
    return failed("the snapshot is incomplete: its closing line is missing or does not match");
  }
}

/**
 * Passes the pieces of a snapshot on, and checks it. Returns the numbers of stored objects as JSON, or a failure.
 * @param write writes a piece; its errors are thrown
 */
async function copySnapshot(
  pieces: AsyncIterable<Buffer>,
  write: (piece: Buffer) => void | Promise<void>,
): Promise<string | CliFailure> {
  const { createHash } = await import("node:crypto");
  const check = new SnapshotCheck(createHash("sha256"));
  const iterator = pieces[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await iterator
        .next()
        .catch((error: unknown) => failed(`the snapshot broke off: ${describeSystemError(error)}`));
      if (next instanceof CliFailure) return next;
      if (next.done === true) return check.end();
      await write(next.value);
      check.add(next.value);
    }
  } finally {
    await iterator.return?.();
  }
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
  const temporary = `${path}.${process.pid}.part`;
  let file: number | undefined;
  try {
    const opened = openSync(temporary, "wx", PRIVATE_MODE);
    file = opened;
    const counts = await copySnapshot(pieces, (piece) => writeAll(opened, piece));
    if (counts instanceof CliFailure) return counts;
    fsyncSync(opened);
    renameSync(temporary, path);
    return counts;
  } catch (error) {
    return failed(`cannot write ${name}: ${describeSystemError(error)}`);
  } finally {
    if (file !== undefined) closeSync(file);
    rmSync(temporary, { force: true });
  }
}

/**
 * Writes a snapshot to stdout. Fails if the reader closes the pipe early, because the reader then has no complete
 * backup. If the snapshot turns out to be incomplete at its end, only the exit code and stderr can say so.
 */
export async function streamSnapshot(pieces: AsyncIterable<Buffer>): Promise<CliFailure | undefined> {
  const stdout = io().stdout();
  const write = async (piece: Buffer): Promise<void> => {
    await new Promise<void>((resolve, reject) => {
      // The listener is kept, because the stream also emits the error of a failed write as an event.
      stdout.once("error", reject);
      stdout.write(piece, (error) => {
        if (error) {
          reject(error);
          return;
        }
        stdout.off("error", reject);
        resolve();
      });
    });
  };
  try {
    const counts = await copySnapshot(pieces, write);
    return counts instanceof CliFailure ? counts : undefined;
  } catch (error) {
    return failed(`cannot write the backup to stdout: ${describeSystemError(error)}`);
  }
}
