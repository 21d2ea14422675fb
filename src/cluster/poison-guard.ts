/**
 * Guards against poison entries, which are log entries that crash the process when they are applied. A method that
 * throws only fails its own call. A native crash or a lack of memory is worse. It would happen on every node, again at
 * every start, and then no node could serve reads.
 *
 * So the node writes the position that it is applying to a small file, and removes the file afterwards. If the file
 * exists at the start, the process has crashed. The node then applies the entries of that attempt one at a time, to
 * find the poison entry. It halts before an entry that has crashed it POISON_ENTRY_TRIES_MAX times.
 *
 * Only entries that were in the log when the session began are recorded, so normal operation costs nothing. If a later
 * entry crashes the process, it is in the log when the next session begins. The file is not fsynced, because it only
 * has to survive a crash of the process. If the file cannot be written, the node still works, but crashes are not
 * counted. Runs in the writer thread.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { APPLY_BATCH_ENTRIES_MAX, POISON_ENTRY_TRIES_MAX } from "../../schemas/limits/cluster.js";

/** The file that survives a crash of the process. */
export interface AttemptFile {
  /** The content of the file, which is one line; "" if there is no file. */
  read(): string;
  write(line: string): void;
  remove(): void;
}

/** An attempt to apply entries: the current attempt, or the attempt that crashed the process. */
interface Attempt {
  readonly entry: number;
  /** The generation of the log. Each log has its own positions, which start at 1. */
  readonly generation: string;
  /** The last entry that may share the transaction. */
  readonly through: number;
  /**
   * How often the first entry was applied alone in a transaction, including this attempt; 0 if it shares the
   * transaction.
   */
  readonly tries: number;
  /** The version of Koor that makes the attempt. */
  readonly version: string;
}

/** Matches the line in the file. A line that does not match, for example a truncated line, is ignored. */
const LINE = /^entry (\d+) of log (\S+), beside others through (\d+), tried alone (\d+) times by version (\S+)\n$/;

export interface PoisonGuardOptions {
  readonly file: AttemptFile;
  readonly generation: string;
  readonly version: string;
}

export class PoisonGuard {
  readonly #options: PoisonGuardOptions;
  /** The attempt that crashed the process; null if the process ended normally. */
  readonly #found: Attempt | null;
  /** The id of the newest entry that was in the log when the session began. */
  #last = 0;
  #written: boolean;

  constructor(options: PoisonGuardOptions) {
    this.#options = options;
    const line = options.file.read();
    this.#written = line !== "";
    const found = parse(line);
    this.#found = found?.generation === options.generation ? found : null;
  }

  /** Records that a session begins, and that `last` is the newest entry in the log. */
  expect(last: number): void {
    this.#last = last;
  }

  /** Returns why an entry must not be applied; null if it may be applied. */
  haltReason(entry: number): string | null {
    const tries = this.#triesOf(entry);
    if (tries < POISON_ENTRY_TRIES_MAX) return null;
    return (
      `entry ${entry} of the log has crashed this program ${tries} times while it was applied: ` +
      "start another version of Koor"
    );
  }

  /**
   * Records an attempt to apply entries. Must be called before the entries are decoded and applied.
   * @param first the first entry of the attempt
   * @param through the last entry that may be part of the attempt
   * @returns how many entries may share the transaction
   */
  begin(first: number, through: number): number {
    if (first > this.#last) {
      this.#remove();
      return APPLY_BATCH_ENTRIES_MAX;
    }
    const { file, generation, version } = this.#options;
    const carefulThrough = this.#found?.through ?? 0;
    const alone = first === through || first <= carefulThrough;
    const tries = alone ? this.#triesOf(first) + 1 : 0;
    this.#written = true;
    file.write(
      lineOf({ entry: first, generation, through: alone ? Math.max(first, carefulThrough) : through, tries, version }),
    );
    return alone ? 1 : APPLY_BATCH_ENTRIES_MAX;
  }

  /**
   * Records that the process has survived the last attempt, whether or not it succeeded.
   * @param follows whether the next attempt begins at once. The file is then kept, and the next attempt overwrites it.
   * A crash in between does no harm, because all entries in the file were applied.
   */
  cleared(follows: boolean): void {
    if (!follows) this.#remove();
  }

  #remove(): void {
    if (!this.#written) return;
    this.#options.file.remove();
    this.#written = false;
  }

  /** Returns how often this version of Koor crashed while it applied the entry alone in a transaction. */
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

/**
 * Returns the attempt file in a node's data directory. Errors of the file system are ignored, because they must not
 * stop the node.
 */
export function attemptFile(dataDir: string): AttemptFile {
  const path = join(dataDir, "suspect.txt");
  return {
    read: () => unlessRefused(() => readFileSync(path, "utf8")) ?? "",
    write: (line) => unlessRefused(() => writeFileSync(path, line)),
    remove: () => unlessRefused(() => rmSync(path, { force: true })),
  };
}

/** Runs `work`. Returns undefined if the operating system refuses it. */
function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return undefined;
  }
}
