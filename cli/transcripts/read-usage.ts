/**
 * Reads the new lines of a transcript, and of the transcripts of its subagents. A file that was replaced or rewritten
 * is read from its start. To count nothing twice, only lines that are newer than the last counted line are counted
 * then. Runs in the CLI process.
 */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { TRANSCRIPT_FILES_MAX, TRANSCRIPT_PAST_MS } from "../../schemas/limits/transcripts.js";
import type { FilePosition } from "./positions.js";
import { TranscriptFile } from "./transcript-file.js";
import { NEW_STATE, type LinesState, UsageLines } from "./usage-lines.js";
import type { UsageSums } from "./usage-sums.js";

const EXTENSION = /\.jsonl$/;
const SUBAGENTS = "subagents";

export interface ReadOptions {
  readonly home: string;
  readonly nowMs: number;
  /** Whether the first read of a file counts old lines too. */
  readonly all: boolean;
  readonly known: Readonly<Record<string, FilePosition>>;
  readonly sums: UsageSums;
}

/** Returns the transcripts of a session's subagents in Claude Code, newest first. */
export function subagentFiles(path: string): string[] {
  const folder = join(path.replace(EXTENSION, ""), SUBAGENTS);
  try {
    if (!lstatSync(folder).isDirectory()) return [];
    const files = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && EXTENSION.test(entry.name))
      .map(({ name }) => join(folder, name))
      .map((file) => ({ file, atMs: lstatSync(file).mtimeMs }));
    return files
      .toSorted((a, b) => b.atMs - a.atMs)
      .slice(0, TRANSCRIPT_FILES_MAX)
      .map(({ file }) => file);
  } catch {
    // The folder does not exist, because most sessions have no subagents.
    return [];
  }
}

/**
 * Reads a file from its last position. Returns the new position, or the reason why the file is not read. Throws the
 * system's errors.
 */
export function readUsage(path: string, options: ReadOptions): FilePosition | string {
  const { home, nowMs, all, known, sums } = options;
  const file = TranscriptFile.open(path, home);
  if (typeof file === "string") return file;
  try {
    const before = Object.hasOwn(known, path) ? known[path] : undefined;
    const first: LinesState = { ...NEW_STATE, floorMs: all ? 0 : nowMs - TRANSCRIPT_PAST_MS };
    const start = before === undefined ? startOf(first) : isContinued(file, before) ? before : restartOf(before);
    const lines = new UsageLines(start.lines, sums);
    const { offset, skips } = file.readLines(start, (line) => lines.read(line));
    return { identity: file.identity, offset, skips, tail: file.tailBefore(offset), lines: lines.state };
  } finally {
    file.close();
  }
}

function startOf(lines: LinesState): Omit<FilePosition, "identity" | "tail"> {
  return { offset: 0, skips: false, lines };
}

/** Whether the part of the file that was already read is unchanged. If it is, only the rest has to be read. */
function isContinued(file: TranscriptFile, { identity, offset, tail }: FilePosition): boolean {
  return file.identity === identity && file.size >= offset && file.tailBefore(offset) === tail;
}

function restartOf({ lines }: FilePosition): Omit<FilePosition, "identity" | "tail"> {
  const floorMs = Math.max(lines.floorMs, lines.newestMs);
  return startOf({ ...lines, floorMs, codex: { ...NEW_STATE.codex } });
}
