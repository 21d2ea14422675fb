/**
 * Guards against poison entries: log entries that crash the process when they are applied. A method that throws only
 * fails its own call. A native crash, or memory that runs out, would repeat on every node at every start, and then no
 * node could serve reads. So the position that is being applied is written to a small file. A process that finds the
 * file at start applies entries one at a time, which tells the poison entry from its neighbours, and halts before an
 * entry that has crashed it POISON_ENTRY_TRIES_MAX times.
 *
 * Only entries that were in the log when the session began are recorded: a later entry is among those after the
 * restart, so normal operation costs nothing. The file must survive a crash of the process, not of the machine, so it
 * is not fsynced. If it cannot be written, nothing is counted and the node works all the same. Runs in the writer
 * thread.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { APPLY_BATCH_ENTRIES_MAX, POISON_ENTRY_TRIES_MAX } from "../../schemas/limits.js";

/** The file that survives a crash of the process. */
export interface AttemptFile {
  /** The line in it; "" if there is none. */
  read(): string;
  write(line: string): void;
  remove(): void;
}

/** An attempt to apply entries: the current one, or the one in which the process crashed. */
interface Attempt {
  readonly entry: number;
  /** Identifies the log. The positions of every log start at 1. */
  readonly generation: string;
  /** The last entry that may share the transaction. */
  readonly through: number;
  /** How often this entry was applied alone, this time included; 0 if it shares a transaction. */
  readonly tries: number;
  /** The version of Koor that makes the attempt. */
  readonly version: string;
}

/** A line that is truncated, or of another format, is ignored. */
const LINE = /^entry (\d+) of log (\S+), beside others through (\d+), tried alone (\d+) times by version (\S+)\n$/;

export interface PoisonGuardOptions {
  readonly file: AttemptFile;
  readonly generation: string;
  readonly version: string;
}

export class PoisonGuard {
  readonly #options: PoisonGuardOptions;
  /** The attempt in which the process crashed; null if it ended normally. */
  readonly #found: Attempt | null;
  /** The last entry that was in the log when the session began. */
  #last = 0;
  #written: boolean;

  constructor(options: PoisonGuardOptions) {
    this.#options = options;
    const line = options.file.read();
    this.#written = line !== "";
    const found = parse(line);
    this.#found = found?.generation === options.generation ? found : null;
  }

  /** A session begins, with a log that ends at this entry. */
  expect(last: number): void {
    this.#last = last;
  }

  /** Why an entry must not be applied; null if it may be. */
  haltReason(entry: number): string | null {
    const tries = this.#triesOf(entry);
    if (tries < POISON_ENTRY_TRIES_MAX) return null;
    return (
      `entry ${entry} of the log has ended this program ${tries} times while it was carried out: ` +
      "start another version of Koor"
    );
  }

  /**
   * Records an attempt, before the entries are read and applied.
   * @param first the first entry
   * @param through the last entry that may be among them
   * @returns how many entries may share the transaction
   */
  begin(first: number, through: number): number {
    if (first > this.#last) {
      this.#remove();
      return APPLY_BATCH_ENTRIES_MAX;
    }
    const { file, generation, version } = this.#options;
    const careful_through = this.#found?.through ?? 0;
    const alone = first === through || first <= careful_through;
    const tries = alone ? this.#triesOf(first) + 1 : 0;
    this.#written = true;
    file.write(
      lineOf({ entry: first, generation, through: alone ? Math.max(first, careful_through) : through, tries, version }),
    );
    return alone ? 1 : APPLY_BATCH_ENTRIES_MAX;
  }

  /**
   * The process has survived the last attempt, with whatever result.
   * @param follows whether the next attempt begins at once. Its line then replaces this one: a line that is left behind
   * only names entries that were applied.
   */
  cleared(follows: boolean): void {
    if (!follows) this.#remove();
  }

  #remove(): void {
    if (!this.#written) return;
    this.#options.file.remove();
    this.#written = false;
  }

  /** How often the process crashed while this version applied an entry alone. */
  #triesOf(entry: number): number {
    const found = this.#found;
    return found !== null && found.entry === entry && found.version === this.#options.version ? found.tries : 0;
  }
}

function lineOf({ entry, generation, through, tries, version }: Attempt): string {
  return `entry ${entry} of log ${generation}, beside others through ${through}, tried alone ${tries} times by version ${version}\n`;
}

function parse(line: string): Attempt | null {
  const [, entry, generation, through, tries, version] = LINE.exec(line) ?? [];
  if (generation === undefined || version === undefined) return null;
  return { entry: Number(entry), generation, through: Number(through), tries: Number(tries), version };
}

/** The file in a node's data directory. A file system error is ignored: it must not stop the node. */
export function attemptFile(data_dir: string): AttemptFile {
  const path = join(data_dir, "suspect.txt");
  return {
    read: () => unlessRefused(() => readFileSync(path, "utf8")) ?? "",
    write: (line) => unlessRefused(() => writeFileSync(path, line)),
    remove: () => unlessRefused(() => rmSync(path, { force: true })),
  };
}

/** Undefined if the operating system refuses. */
function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return undefined;
  }
}
