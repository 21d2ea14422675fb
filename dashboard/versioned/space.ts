/**
 * What state and specs have in common for who looks at them: names in a tree, a value with versions, how to ask for
 * each. Pure but for the loaders' fetches.
 */
import { getJson, getValue, type StoredValue } from "../api/client.js";
import { query } from "../base/path.js";
import type { Loader } from "../api/resource.js";
import type { AskedKind, StateVersion } from "../api/types.js";

/** One name of a space. */
export interface Entry {
  /** As the audit log and the feed of changes name it: the key, or `P/N`. */
  readonly name: string;
  /** Its place in the tree. */
  readonly path: readonly string[];
  readonly version: number;
  /** RFC 3339. */
  readonly updated_at: string;
}

/** One thing of a space: what the address names, whether it is there or not. */
export interface Named {
  readonly name: string;
  readonly path: readonly string[];
  /** Path of the API. */
  readonly api: string;
  readonly address: string;
}

/** One version of a thing. */
export type Version = Pick<StateVersion, "version" | "hash" | "content_type" | "updated_at" | "updated_by">;

export interface Space {
  readonly slug: "state" | "specs";
  readonly title: string;
  /** What one of them is called. */
  readonly one: string;
  readonly kind: AskedKind;
  readonly list: Loader<readonly Entry[]>;
  /** What the segments behind the view's slug name; null where they name nothing. */
  named(segments: readonly string[]): Named | null;
  /** The command that makes the first one. */
  readonly command: string;
}

/** Versions that are shown at first, and when all are asked for. */
export const VERSIONS_FIRST = 20;
export const VERSIONS_MOST = 1_000;

/** The value of a thing; of its version where one is given. */
export function valueLoader(space: Space, { name, api }: Named, version?: number): Loader<StoredValue> {
  return {
    key: `${space.slug} value ${version ?? ""} ${name}`,
    // A version never changes.
    kinds: version === undefined ? [space.kind] : [],
    concerns: ({ key }) => key === null || key === name,
    fetch: (signal) => getValue(api + query({ version }), signal),
  };
}

/** The versions of a thing, newest first. */
export function versionsLoader(space: Space, { name, api }: Named, limit: number): Loader<readonly Version[]> {
  return {
    key: `${space.slug} versions ${limit} ${name}`,
    kinds: [space.kind],
    concerns: ({ key }) => key === null || key === name,
    fetch: async (signal) => {
      const answer = await getJson<{ readonly versions: readonly Version[] }>(
        api + query({ history: 1, limit }),
        signal,
      );
      return answer.versions;
    },
  };
}
