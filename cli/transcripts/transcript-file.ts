/**
 * Reads the lines of a transcript after a position. An agent's client may append to the file at any time, so a line
 * without its end is left for the next read. Only regular files below the user's home folder are read, and links are
 * not followed. Runs in the CLI process.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, realpathSync } from "node:fs";

import { TRANSCRIPT_LINE_BYTES_MAX, TRANSCRIPT_READ_BYTES_MAX } from "../../schemas/limits/transcripts.js";
import { irregularReason, isWithin } from "../regular-file.js";

/**
 * The flags for opening a file. Opening a FIFO with them does not block, and a link is not followed. Windows has
 * neither flag.
 */
const FLAGS =
  constants.O_RDONLY |
  ((constants.O_NONBLOCK as number | undefined) ?? 0) |
  ((constants.O_NOFOLLOW as number | undefined) ?? 0);
const CHUNK_BYTES = 64 * 1024;
/** The number of bytes before a position that are stored and compared. If they differ, the file was rewritten. */
const TAIL_BYTES = 64;
const NEW_LINE = 0x0a;

/** The state between two reads of a file. */
export interface ReadEnd {
  /** The position after the last byte that was read. */
  readonly offset: number;
  /** Whether the position is inside a line that is too long. The rest of the line is then skipped. */
  readonly skips: boolean;
}

/** The limits of a read. Tests use smaller ones. */
export interface ReadLimits {
  readonly lineBytesMax: number;
  readonly readBytesMax: number;
}

const LIMITS: ReadLimits = {
  lineBytesMax: TRANSCRIPT_LINE_BYTES_MAX,
  readBytesMax: TRANSCRIPT_READ_BYTES_MAX,
};

export class TranscriptFile {
  readonly #file: number;
  /** Identifies the file by its device and inode, so that a new file at the same path is recognized. */
  readonly identity: string;
  readonly size: number;

  private constructor(file: number, identity: string, size: number) {
    this.#file = file;
    this.identity = identity;
    this.size = size;
  }

  /** Opens a file. Returns the reason if it must not be read. Throws the system's errors, such as ENOENT. */
  static open(path: string, home: string): TranscriptFile | string {
    const problem = lstatSync(path).isSymbolicLink() ? "it is a link" : irregularReason(lstatSync(path));
    if (problem !== undefined) return problem;
    const real = realpathSync(path);
    if (!isWithin(realpathSync(home), real)) return "it is not below your home folder";
    const file = openSync(real, FLAGS);
    const info = fstatSync(file);
    const now = irregularReason(info);
    if (now !== undefined) {
      closeSync(file);
      return now;
    }
    return new TranscriptFile(file, `${info.dev}:${info.ino}`, info.size);
  }

  /**
   * Returns the last TAIL_BYTES bytes before a position, in hexadecimal. Near the start of the file, there are fewer.
   */
  tailBefore(offset: number): string {
    const bytes = Buffer.alloc(Math.min(TAIL_BYTES, offset));
    const count = readSync(this.#file, bytes, 0, bytes.length, offset - bytes.length);
    return bytes.toString("hex", 0, count);
  }

  /**
   * Calls `onLine` with each complete line after a position, except lines that are too long. Returns the new position.
   */
  readLines(from: ReadEnd, onLine: (line: Buffer) => void, limits: ReadLimits = LIMITS): ReadEnd {
    let { offset, skips } = from;
    let rest: Buffer = Buffer.alloc(0);
    let position = offset;
    while (position - from.offset < limits.readBytesMax) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const count = readSync(this.#file, chunk, 0, CHUNK_BYTES, position);
      if (count === 0) break;
      position += count;
      const bytes = chunk.subarray(0, count);
      let at = 0;
      for (let end = bytes.indexOf(NEW_LINE); end >= 0; end = bytes.indexOf(NEW_LINE, at)) {
        const line = Buffer.concat([rest, bytes.subarray(at, end)]);
        at = end + 1;
        if (!skips && line.length <= limits.lineBytesMax) onLine(line);
        rest = Buffer.alloc(0);
        skips = false;
        offset = position - count + at;
      }
      if (skips) offset = position;
      else rest = Buffer.concat([rest, bytes.subarray(at)]);
      if (rest.length > limits.lineBytesMax) {
        rest = Buffer.alloc(0);
        skips = true;
        offset = position;
      }
    }
    return { offset, skips };
  }

  close(): void {
    closeSync(this.#file);
  }
}
