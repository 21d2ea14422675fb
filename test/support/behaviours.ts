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

/** A list that the libraries read in parts. The file describes the members. */
export interface ListRow {
  readonly call: string;
  readonly path: string;
  readonly member?: string;
  readonly limit?: "limit" | "last";
  readonly paged?: true;
  readonly rows_default?: number;
}

// This file runs from dist/tree/test/support.
const TABLE = fileURLToPath(new URL("../../../../clients/behaviours.json", import.meta.url));

export const {
  errors: ERRORS,
  lists: LISTS,
  not_in_libraries: NOT_IN_LIBRARIES,
  behaviours: BEHAVIOURS,
} = JSON.parse(readFileSync(TABLE, "utf8")) as {
  readonly errors: readonly ErrorRow[];
  readonly lists: readonly ListRow[];
  /** The paths of the routes that read with a query, and for which the libraries have no call. */
  readonly not_in_libraries: readonly string[];
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
