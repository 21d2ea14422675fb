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

let seedsMade = 0;

/**
 * Returns a new seed each time. In a repeated run it follows from the run, the program and `of`.
 * @param of the purpose; by default the number of earlier seeds
 */
export function newSeed(of = `${seedsMade++}`): number {
  const run = repeatedRun();
  if (run === undefined) return Math.floor(Math.random() * 2 ** 32);
  const program = (process.argv[1] ?? "").split(/[/\\]/).slice(-3);
  return createHash("sha256")
    .update([run, ...program, of].join("\0"))
    .digest()
    .readUInt32LE();
}
