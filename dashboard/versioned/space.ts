/**
 * Defines a space: a tree of names, each with a value that has versions. State and specs are spaces. The loaders in
 * this file load the names, values and versions of a space. Everything else is pure.
 */
import { getJson, getValue, type StoredValue } from "../api/client.js";
import { query } from "../base/path.js";
import type { Loader } from "../api/resource.js";
import type { AskedKind, StateVersion } from "../api/types.js";
import { indented, languageOf, SHOWN_CHARACTERS_MAX, textOf } from "../parts/code-text.js";
import type { Draft } from "./draft.js";

/** A key or spec in the list of a space. */
export interface Entry {
  /** The name in the audit log and in the change feed. It is the key, or `P/N` (project and name) for a spec. */
  readonly name: string;
  /** The path of the name in the tree. */
  readonly path: readonly string[];
  readonly version: number;
  /** The time of the last write, in RFC 3339. */
  readonly updated_at: string;
  /** The type of the content; undefined if the list of the space does not contain it. */
  readonly content_type?: string;
}

/** A name from the address. There may be no key or spec with this name. */
export interface Named {
  readonly name: string;
  readonly path: readonly string[];
  /** The path of the key or spec in the API. */
  readonly api: string;
  readonly address: string;
}

/** One version of a key or spec. */
export type Version = Pick<StateVersion, "version" | "hash" | "content_type" | "updated_at" | "updated_by">;

export interface Space {
  readonly slug: "state" | "specs";
  readonly title: string;
  /** The singular noun: key or spec. */
  readonly one: string;
  readonly kind: AskedKind;
  readonly list: Loader<readonly Entry[]>;
  /** Parses the segments of the address after the slug; null if they do not form a name. */
  named(segments: readonly string[]): Named | null;
  /** The command that creates the first key or spec. */
  readonly command: string;
  /** An example of a name. */
  readonly example: string;
}

/** The number of versions that are shown at first. If the user asks for all versions, VERSIONS_MOST are shown. */
export const VERSIONS_FIRST = 20;
export const VERSIONS_MOST = 1_000;

/** Loads the current value of a key or spec, or the value of one of its versions. */
export function valueLoader(space: Space, { name, api }: Named, version?: number): Loader<StoredValue> {
  return {
    key: `${space.slug} value ${version ?? ""} ${name}`,
    // An older version never changes, so it is not loaded again.
    kinds: version === undefined ? [space.kind] : [],
    concerns: ({ key }) => key === null || key === name,
    fetch: (signal) => getValue(api + query({ version }), signal),
  };
}

/** Returns a value as an editor shows it; undefined if it is not text, or is too long. */
export function draftOf({ bytes, content_type, version }: StoredValue): Draft | undefined {
  const text = bytes.byteLength > SHOWN_CHARACTERS_MAX ? undefined : textOf(bytes);
  return text === undefined
    ? undefined
    : { text: indented(text, languageOf(content_type, text)), contentType: content_type, version };
}

/** Loads the versions of a key or spec, newest first. */
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
