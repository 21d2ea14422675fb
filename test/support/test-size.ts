/**
 * How much of what is long a test does: a sample under `npm test`, all of it under `npm run test:long`. The
 * only reader of KOOR_TEST_LONG. Pure but for that and for chance: what was drawn shows in what a test says.
 */
import { makeRandom, newSeed } from "./random.js";

const VARIABLE = "KOOR_TEST_LONG";

/** Says that this is the long form, to this process and those that it starts. */
export function chooseLongForm(): void {
  process.env[VARIABLE] = "1";
}

/** The environment of a process whose tests are to take their short form, whatever this one's is. */
export function shortForm(): NodeJS.ProcessEnv {
  return { ...process.env, [VARIABLE]: "" };
}

function isLong(): boolean {
  return process.env[VARIABLE] === "1";
}

/** For tap's `skip`: a word where a test belongs to the long form alone, else false. */
export function longFormOnly(): string | false {
  return isLong() ? false : "only in the long form: npm run test:long";
}

/** How many rounds, runs or cases a test makes: `all` in the long form, `few` otherwise. */
export function countRounds(few: number, all: number): number {
  return isLong() ? all : few;
}

/** The rows that a test goes through, in their order: all in the long form, `few` drawn by a seed otherwise. */
export function sampleRows<Row>(rows: readonly Row[], few: number, seed = newSeed()): readonly Row[] {
  return isLong() ? rows : sampleSome(rows, few, seed);
}

/** At most `few` of the rows, drawn by a seed, in their order. */
export function sampleSome<Row>(rows: readonly Row[], few: number, seed = newSeed()): readonly Row[] {
  const left = [...rows.keys()];
  if (few >= left.length) return rows;
  const random = makeRandom(seed);
  const sampled = new Set(Array.from({ length: few }, () => left.splice(random(left.length), 1)[0]));
  return rows.filter((_row, at) => sampled.has(at));
}
