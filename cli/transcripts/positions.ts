/**
 * Stores the position up to which a transcript was read, and the reports that no server has acknowledged yet. A report
 * is stored before it is sent, with a `request_id`. So it is sent again after a crash, but counts only once. A lock
 * file prevents two commands from reading the same transcript at the same time. Runs in the CLI process.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  TRANSCRIPT_LOCK_MS,
  TRANSCRIPT_LOCK_OLD_MS,
  TRANSCRIPT_POSITION_BYTES_MAX,
  TRANSCRIPT_POSITIONS_MAX,
} from "../../schemas/limits/transcripts.js";
import { isJsonObject } from "../../shared/json-object.js";
import { parseJson } from "../../shared/json-text.js";
import { hashOf } from "../content-hash.js";
import { pause } from "../pause.js";
import { readTextIfAny } from "../regular-file.js";
import { errorCodeOf } from "../system-error.js";
import type { LinesState } from "./usage-lines.js";
import type { ModelUsage } from "./usage-sums.js";

/** The position up to which a file was read, and the state of its reader. */
export interface FilePosition {
  readonly identity: string;
  readonly offset: number;
  readonly skips: boolean;
  /** The last bytes before the position, in hexadecimal. They show whether the file was rewritten. */
  readonly tail: string;
  readonly lines: LinesState;
}

export interface PendingReport extends ModelUsage {
  readonly cost: number | null;
  readonly session: string;
  readonly request_id: string;
}

export interface TranscriptPosition {
  readonly version: number;
  /** The position in each file, by path. The files are the transcript and the transcripts of its subagents. */
  readonly files: Readonly<Record<string, FilePosition>>;
  readonly pending: readonly PendingReport[];
}

const VERSION = 1;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const NAME_DIGITS = 32;
const LOCK_RETRY_MS = 50;
const LOCK_END = ".lock";
const NEW: TranscriptPosition = { version: VERSION, files: {}, pending: [] };

export class PositionStore {
  readonly #folder: string;
  readonly #path: string;

  /** @param stateRoot the folder in which programs of this system keep state */
  constructor(stateRoot: string, transcript: string) {
    this.#folder = join(stateRoot, "transcripts");
    this.#path = join(this.#folder, `${hashOf(transcript).slice(0, NAME_DIGITS)}.json`);
  }

  /** The time at which the position was last written, in ms since the epoch; 0 if it was never written. */
  get writtenMs(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  }

  /** Reads the stored position. If it is missing or unusable, returns the start of a new transcript. */
  read(): TranscriptPosition {
    const text = readTextIfAny(this.#path, undefined, TRANSCRIPT_POSITION_BYTES_MAX);
    const parsed = text === undefined ? undefined : parseJson(text);
    // Only this program writes the file. So the version says which members the file has.
    return isJsonObject(parsed) && parsed["version"] === VERSION ? (parsed as unknown as TranscriptPosition) : NEW;
  }

  /** Replaces the stored position. Throws the system's errors. */
  write(position: Omit<TranscriptPosition, "version">): void {
    const temporary = `${this.#path}.${process.pid}.part`;
    writeFileSync(temporary, `${JSON.stringify({ version: VERSION, ...position })}\n`, { mode: FILE_MODE });
    renameSync(temporary, this.#path);
  }

  /**
   * Waits for the lock and takes it. Returns a function that releases the lock. Returns undefined if another command
   * holds it for too long. Throws the system's errors.
   */
  async lock(): Promise<(() => void) | undefined> {
    mkdirSync(this.#folder, { recursive: true, mode: FOLDER_MODE });
    const path = this.#path + LOCK_END;
    const { signal } = new AbortController();
    for (let waitedMs = 0; waitedMs <= TRANSCRIPT_LOCK_MS; waitedMs += LOCK_RETRY_MS) {
      if (takeLock(path)) {
        this.#makeRoom();
        return () => rmSync(path, { force: true });
      }
      await pause(LOCK_RETRY_MS, signal);
    }
    return undefined;
  }

  /** Deletes the files that were not written for the longest time, until there is room for one more. */
  #makeRoom(): void {
    const names = readdirSync(this.#folder).filter((name) => name.endsWith(".json"));
    if (names.length < TRANSCRIPT_POSITIONS_MAX) return;
    const aged = names.map((name) => ({ name, atMs: statSync(join(this.#folder, name)).mtimeMs }));
    const oldest = aged.toSorted((a, b) => a.atMs - b.atMs).slice(0, names.length - TRANSCRIPT_POSITIONS_MAX + 1);
    for (const { name } of oldest) rmSync(join(this.#folder, name), { force: true });
  }
}

/**
 * Creates a lock file. Returns false if it already exists. An old lock file is replaced, because its command must have
 * died.
 */
function takeLock(path: string): boolean {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      writeFileSync(path, `${process.pid}`, { flag: "wx", mode: FILE_MODE });
      return true;
    } catch (error) {
      if (errorCodeOf(error) !== "EEXIST") throw error;
      const madeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
      if (Date.now() - madeMs < TRANSCRIPT_LOCK_OLD_MS) return false;
      rmSync(path, { force: true });
    }
  }
  return false;
}
