/**
 * Decides how much of a long test runs: a sample under `npm test`, all of it under `npm run test:long`. Only this file
 * reads KOOR_TEST_LONG. Pure but for that and for random samples; a failing test shows in its output what was sampled.
 */
import { makeRandom, newSeed } from "./random.js";

const VARIABLE = "KOOR_TEST_LONG";

/** Chooses the long form, for this process and those that it starts. */
export function chooseLongForm(): void {
  process.env[VARIABLE] = "1";
}

/** Returns the environment of a process whose tests run in their short form, whatever this one's form is. */
export function shortForm(): NodeJS.ProcessEnv {
  return { ...process.env, [VARIABLE]: "" };
}

function isLong(): boolean {
  return process.env[VARIABLE] === "1";
}

/** For tap's `skip`: a reason where a test belongs to the long form only, else false. */
export function longFormOnly(): string | false {
  return isLong() ? false : "only in the long form: npm run test:long";
}

/** Returns how many rounds, runs or cases a test makes: `all` in the long form, `few` otherwise. */
export function countRounds(few: number, all: number): number {
  return isLong() ? all : few;
}

/**
 * Returns the rows that a test goes through, in their order: all in the long form, a sample of `few` by a seed
 * otherwise.
 */
export function sampleRows<Row>(rows: readonly Row[], few: number, seed = newSeed()): readonly Row[] {
  return isLong() ? rows : sampleSome(rows, few, seed);
}

/** Returns a sample of at most `few` rows by a seed, in their order. */
export function sampleSome<Row>(rows: readonly Row[], few: number, seed = newSeed()): readonly Row[] {
  const left = [...rows.keys()];
  if (few >= left.length) return rows;
  const random = makeRandom(seed);
  const sampled = new Set(Array.from({ length: few }, () => left.splice(random(left.length), 1)[0]));
  return rows.filter((_row, at) => sampled.has(at));
}
