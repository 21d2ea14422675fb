/** Random numbers that a seed repeats (mulberry32), and the seeds. Pure but for KOOR_TEST_SEED and Math.random. */
import { createHash } from "node:crypto";

const VARIABLE = "KOOR_TEST_SEED";

/** An integer in [0, below). */
export type Random = (below: number) => number;

export function makeRandom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** The run that is to be repeated, with everything that is sampled in it; undefined: samples are random. */
export function repeatedRun(): string | undefined {
  return process.env[VARIABLE] || undefined;
}

/**
 * Gives this run a name by which it can be repeated, for this process and those that it starts; returns the variable as
 * a shell takes it.
 */
export function nameRun(): string {
  process.env[VARIABLE] ||= String(newSeed());
  return `${VARIABLE}=${process.env[VARIABLE]}`;
}

/** The test file whose seeds are made. */
let program = programOf(process.argv[1] ?? "");
/** How many seeds of each series the file has made. */
const made = new Map<string, number>();

function programOf(path: string): readonly string[] {
  return path.split(/[/\\]/).slice(-3);
}

/** Makes the next seeds those that a test file makes in a process of its own. */
export function beginFile(path: string): void {
  program = programOf(path);
  made.clear();
}

/**
 * Returns a new seed each time. In a repeated run it follows from the run, the test file, and the number of earlier
 * seeds of the same series.
 */
export function newSeed(series = ""): number {
  const run = repeatedRun();
  if (run === undefined) return Math.floor(Math.random() * 2 ** 32);
  const count = made.get(series) ?? 0;
  made.set(series, count + 1);
  return createHash("sha256")
    .update([run, ...program, `${series}${count}`].join("\0"))
    .digest()
    .readUInt32LE();
}
