/**
 * Decides how much of a long test runs: a sample in `npm test`, and all of it in `npm run test:long`. Only this file
 * reads KOOR_TEST_LONG. Pure, except for that and for random samples. The output of a failed test shows its sample.
 */
import { makeRandom, newSeed } from "./random.js";

const VARIABLE = "KOOR_TEST_LONG";

/** Chooses the long form for this process and its children. */
export function chooseLongForm(): void {
  process.env[VARIABLE] = "1";
}

/**
 * Returns an environment in which the tests of a process run in their short form, whatever the form of this process is.
 */
export function shortForm(): NodeJS.ProcessEnv {
  return { ...process.env, [VARIABLE]: "" };
}

function isLong(): boolean {
  return process.env[VARIABLE] === "1";
}

/** For tap's `skip`: the reason if a test belongs only to the long form; false otherwise. */
export function longFormOnly(): string | false {
  return isLong() ? false : "only in the long form: npm run test:long";
}

/** Returns the number of rounds, runs or cases of a test: `all` in the long form, and `few` otherwise. */
export function countRounds(few: number, all: number): number {
  return isLong() ? all : few;
}

/**
 * Returns the rows that a test uses, in their order: all of them in the long form, and otherwise a random sample of
 * `few` with a seed.
 */
export function sampleRows<Row>(rows: readonly Row[], few: number, seed = newSeed()): readonly Row[] {
  return isLong() ? rows : sampleSome(rows, few, seed);
}

/** Returns a random sample of at most `few` rows with a seed, in their order. */
export function sampleSome<Row>(rows: readonly Row[], few: number, seed = newSeed()): readonly Row[] {
  const left = [...rows.keys()];
  if (few >= left.length) return rows;
  const random = makeRandom(seed);
  const sampled = new Set(Array.from({ length: few }, () => left.splice(random(left.length), 1)[0]));
  return rows.filter((_row, at) => sampled.has(at));
}
