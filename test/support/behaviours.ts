/**
 * Reads the table of the common behaviours of both client libraries (clients/behaviours.json), and runs the subtests
 * that have the names of its rows. clients/typescript/behaviours.test.ts fails if a row has no subtest.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Test } from "tap";

export interface ErrorRow {
  readonly id: string;
  readonly status: number;
  readonly error: string;
  readonly class: string;
}

export interface BehaviourRow {
  readonly id: string;
  readonly sentence: string;
}

// This file runs from dist/tree/test/support.
const TABLE = fileURLToPath(new URL("../../../../clients/behaviours.json", import.meta.url));

export const { errors: ERRORS, behaviours: BEHAVIOURS } = JSON.parse(readFileSync(TABLE, "utf8")) as {
  readonly errors: readonly ErrorRow[];
  readonly behaviours: readonly BehaviourRow[];
};

/**
 * Runs the subtest of a row.
 * @param options tap's `skip`: the reason why the subtest cannot run here, or false
 */
export async function behaviour(
  t: Test,
  id: string,
  run: (t: Test) => Promise<void>,
  options: { readonly skip?: string | false } = {},
): Promise<void> {
  const row = BEHAVIOURS.find((candidate) => candidate.id === id);
  if (row === undefined) throw new Error(`clients/behaviours.json has no row ${id}`);
  await t.test(`${id}: ${row.sentence}`, options, run);
}
