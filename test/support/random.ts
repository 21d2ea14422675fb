/**
 * Random numbers that can be repeated with a seed (mulberry32), and the seeds. Pure, except for KOOR_TEST_SEED and
 * Math.random.
 */
import { createHash } from "node:crypto";

const VARIABLE = "KOOR_TEST_SEED";

/** Returns a random integer that is at least 0 and less than `below`. */
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

/**
 * Returns the name of the run that is to be repeated, with everything that is sampled in it; undefined if samples are
 * random.
 */
export function repeatedRun(): string | undefined {
  return process.env[VARIABLE] || undefined;
}

/**
 * Gives this run a name with which it can be repeated. The name applies to this process and its children. Returns the
 * variable in the form in which a shell accepts it.
 */
export function nameRun(): string {
  process.env[VARIABLE] ||= String(newSeed());
  return `${VARIABLE}=${process.env[VARIABLE]}`;
}

/** The test file for which seeds are made. */
let program = programOf(process.argv[1] ?? "");
/** The number of seeds that the file has made in each series. */
const made = new Map<string, number>();

function programOf(path: string): readonly string[] {
  return path.split(/[/\\]/).slice(-3);
}

/** Makes the next seeds the same as those that a test file makes in its own process. */
export function beginFile(path: string): void {
  program = programOf(path);
  made.clear();
}

/**
 * Returns a new seed each time. In a repeated run, the seed is determined by the run, the test file, and the number of
 * earlier seeds in the same series.
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
