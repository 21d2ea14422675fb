/**
 * Which entry a node was about when its program ended. A method that throws fails its own call; what ends the program
 * itself (a native crash, no memory left) would do so again at each start, on every node, and nobody could read. So a
 * small file says what is being carried out; who finds it at the start goes on one entry at a time, which tells the one
 * from its neighbours, and halts before an entry that was tried alone often enough. Runs in the writer's thread.
 *
 * Only what was in the log when a session began is written down: an entry that came later is among those when the
 * program has been started again, and ordinary work pays nothing. The file has to outlive the program and not the
 * machine, so nothing waits for the disk; where it cannot be written nothing is counted, and the node works all the same.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { APPLY_BATCH_ENTRIES_MAX, POISON_ENTRY_TRIES_MAX } from "../../schemas/limits.js";

/** What outlives the program. */
export interface AttemptFile {
  /** "" where there is nothing. */
  read(): string;
  write(line: string): void;
  remove(): void;
}

/** What is being carried out, or was when the program ended. */
interface Attempt {
  readonly entry: number;
  /** Of which log: each counts from 1. */
  readonly generation: string;
  /** The last entry that may share its transaction. */
  readonly through: number;
  /** How often this entry was tried alone, this time included; 0 beside others. */
  readonly tries: number;
  /** Which version of Koor tries it. */
  readonly version: string;
}

/** Cut short, or another's, it says nothing. */
const LINE = /^entry (\d+) of log (\S+), beside others through (\d+), tried alone (\d+) times by version (\S+)\n$/;

export interface PoisonGuardOptions {
  readonly file: AttemptFile;
  readonly generation: string;
  readonly version: string;
}

export class PoisonGuard {
  readonly #options: PoisonGuardOptions;
  /** What the program was about when it ended; null where it ended otherwise. */
  readonly #found: Attempt | null;
  /** What was in the log when the session began ends here. */
  #last = 0;
  #written: boolean;

  constructor(options: PoisonGuardOptions) {
    this.#options = options;
    const line = options.file.read();
    this.#written = line !== "";
    const found = parse(line);
    this.#found = found?.generation === options.generation ? found : null;
  }

  /** A session begins, of a log that ends with this entry. */
  expect(last: number): void {
    this.#last = last;
  }

  /** Why an entry must not be tried; null where it may be. */
  haltReason(entry: number): string | null {
    const tries = this.#triesOf(entry);
    if (tries < POISON_ENTRY_TRIES_MAX) return null;
    return (
      `entry ${entry} of the log has ended this program ${tries} times while it was carried out: ` +
      "start another version of Koor"
    );
  }

  /**
   * Entries are about to be read and carried out.
   * @param first the first of them
   * @param through the last that may be among them
   * @returns how many may be together
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
   * The program has outlived what began last, whatever came of it.
   * @param follows whether the next begins at once: its line replaces this one, which says nothing of entries that were
   *   carried out
   */
  cleared(follows: boolean): void {
    if (!follows) this.#remove();
  }

  #remove(): void {
    if (!this.#written) return;
    this.#options.file.remove();
    this.#written = false;
  }

  /** How often an entry was tried alone by this version, and ended the program. */
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

/** The file in a node's data directory. Whatever keeps it from being there keeps the node from nothing. */
export function attemptFile(data_dir: string): AttemptFile {
  const path = join(data_dir, "suspect.txt");
  return {
    read: () => unlessRefused(() => readFileSync(path, "utf8")) ?? "",
    write: (line) => unlessRefused(() => writeFileSync(path, line)),
    remove: () => unlessRefused(() => rmSync(path, { force: true })),
  };
}

/** Undefined where the system refuses. */
function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return undefined;
  }
}
