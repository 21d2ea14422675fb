/** Defines the shapes of docs/http-api.md "State". versioned.ts has the shapes that state shares with specs. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Hash, Limit, Timestamp } from "./common.js";
import { CONTENT_TYPE_BYTES_MAX, KEY_BYTES_MAX } from "./limits/names.js";
import { Name, Text } from "./text.js";
import { DiffEntry } from "./versioned.js";

export const StateKey = Name(KEY_BYTES_MAX);
export const ContentType = Text({ charactersMax: CONTENT_TYPE_BYTES_MAX, line: true });

export const StateEntry = Type.Object({
  key: Type.String(),
  version: Type.Integer({ minimum: 1 }),
  content_type: Type.String(),
  updated_at: Timestamp,
});
export const StateList = Type.Array(StateEntry);

export const StateVersion = Type.Object({
  key: Type.String(),
  version: Type.Integer({ minimum: 1 }),
  hash: Hash,
  content_type: Type.String(),
  updated_at: Timestamp,
  updated_by: Type.String(),
});
export const StateHistory = Type.Object({ key: Type.String(), versions: Type.Array(StateVersion) });

export const StatePutAnswer = Type.Object({
  key: Type.String(),
  version: Type.Integer({ minimum: 1 }),
  hash: Hash,
  content_type: Type.String(),
  updated_at: Timestamp,
});
export const StateRollbackAnswer = Type.Object({
  key: Type.String(),
  version: Type.Integer({ minimum: 1 }),
  hash: Hash,
  rolled_back: Type.Integer({ minimum: 1 }),
  updated_at: Timestamp,
});
export const StateDeleteAnswer = Type.Object({ deleted: Type.String() });

export const StateDiff = Type.Object({
  key: Type.String(),
  v1: Type.Integer({ minimum: 1 }),
  v2: Type.Integer({ minimum: 1 }),
  diffs: Type.Array(DiffEntry),
});

export const StateListQuery = Type.Object({
  prefix: Type.Optional(Type.String({ description: "Only keys that start with it." })),
  after: Type.Optional(Type.String({ description: "Only keys greater than it." })),
  limit: Type.Optional(Limit),
});
export const ListRequest = Type.Object({
  prefix: Type.String(),
  after: Type.String(),
  limit: Type.Union([Limit, Type.Null()]),
});
export type ListRequest = Static<typeof ListRequest>;
