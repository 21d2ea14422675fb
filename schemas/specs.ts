/** Defines the shapes of docs/http-api.md "Specs". versioned.ts has the shapes that specs share with state. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Hash, Timestamp } from "./common.js";
import { Violation } from "./contracts.js";
import { KEY_BYTES_MAX } from "./limits/names.js";
import { Text } from "./text.js";
import { DiffEntry } from "./versioned.js";

/**
 * The name of a project or of a spec. The key of a spec contains both names, so the two names together must be shorter
 * than KEY_BYTES_MAX.
 */
export const SpecWord = Text({
  charactersMax: KEY_BYTES_MAX,
  promisedCharactersMax: KEY_BYTES_MAX / 2 - 1,
  required: true,
  line: true,
});

/**
 * The character that separates the project and the name in the key of a spec. Neither of them may contain this
 * character.
 */
const SEPARATOR = "\u001f";

/** Returns the key of a spec in its versioned key space. The keys are sorted by project and then by name. */
export function specKey(project: string, name: string): string {
  return project + SEPARATOR + name;
}

/** Returns the prefix of all keys of a project. */
export function specKeyPrefix(project: string): string {
  return project + SEPARATOR;
}

export function splitSpecKey(key: string): { project: string; name: string } {
  const at = key.indexOf(SEPARATOR);
  return { project: key.slice(0, at), name: key.slice(at + 1) };
}

/** Returns `P/N`, the name of a spec in messages and audit rows. */
export function specName(key: string): string {
  return key.replace(SEPARATOR, "/");
}

const Version = Type.Integer({ minimum: 1 });
const Identity = { project: Type.String(), name: Type.String() };

export const SpecList = Type.Object({
  project: Type.String(),
  specs: Type.Array(Type.Object({ name: Type.String(), version: Version, updated_at: Timestamp })),
});
export const SpecProjects = Type.Object({
  projects: Type.Array(
    Type.Object({ project: Type.String(), specs: Type.Integer({ minimum: 1, description: "How many specs it has." }) }),
  ),
});
export const SpecHistory = Type.Object({
  ...Identity,
  versions: Type.Array(
    Type.Object({
      ...Identity,
      version: Version,
      hash: Hash,
      content_type: Type.String(),
      updated_at: Timestamp,
      updated_by: Type.String(),
    }),
  ),
});
export const SpecDiff = Type.Object({ ...Identity, v1: Version, v2: Version, diffs: Type.Array(DiffEntry) });
const warnings = Type.Optional(
  Type.Array(Violation, {
    description: "Of a contract: what is wrong with its definitions; absent where nothing is.",
  }),
);
export const SpecPutAnswer = Type.Object({
  ...Identity,
  version: Version,
  hash: Hash,
  updated_at: Timestamp,
  warnings,
});
export const SpecRollbackAnswer = Type.Object({
  ...Identity,
  version: Version,
  hash: Hash,
  rolled_back: Version,
  updated_at: Timestamp,
  warnings,
});
export const SpecDeleteAnswer = Type.Object({ deleted: Type.String() });

/** Selects the specs of a project whose names come after the name `after`. */
export const SpecListRequest = Type.Object({ project: Type.String(), after: Type.String() });
export type SpecListRequest = Static<typeof SpecListRequest>;

/** Selects the projects with specs whose names come after the name `after`. */
export const SpecProjectsRequest = Type.Object({ after: Type.String() });

export const SpecListQuery = Type.Object({
  after: Type.Optional(Type.String({ description: "Only names after this one." })),
});
