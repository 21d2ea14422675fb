/** Defines the shapes that both versioned key spaces (state and specs) use: their queries and their RPC methods. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { FenceHeader, Hash, Limit, NonNegative, Switch, VersionNumber } from "./common.js";

export const DiffEntry = Type.Object({
  operation: Type.Enum(["add", "remove", "replace"]),
  path: Type.String({ description: "RFC 6901 JSON Pointer." }),
  old_value: Type.Optional(Type.Unknown()),
  new_value: Type.Optional(Type.Unknown()),
});
export const VersionedGetQuery = Type.Object({
  version: Type.Optional(VersionNumber),
  history: Type.Optional(Switch),
  limit: Type.Optional(Limit),
  diff: Type.Optional(
    Type.String({
      pattern: "^[1-9][0-9]{0,14},[1-9][0-9]{0,14}$",
      description: "Two version numbers, `A,B`.",
      "x-refusal": "diff must be two version numbers, A,B",
    }),
  ),
});
export const VersionedWriteQuery = Type.Object({
  if_version: Type.Optional(NonNegative),
});
export const VersionedRollbackQuery = Type.Object({
  rollback: VersionNumber,
  if_version: Type.Optional(NonNegative),
});

/** A list of entity tags, or `*` (RFC 9110). In a read, a malformed tag matches nothing. */
const EntityTags = Type.String();
/**
 * A regular expression for an entity tag in a write. The parser also accepts additional blanks and commas. It rejects
 * malformed tags.
 */
const EntityTag = String.raw`(W/)?"[!#-~]*"`;
const SoundEntityTags = Type.String({ pattern: String.raw`^(\*|${EntityTag}(, ?${EntityTag})*)$` });
/** The header of a conditional read. The client gets a 304 if the value has not changed. */
export const VersionedGetHeaders = { "if-none-match": EntityTags } as const;
/** The headers of a write: the conditions, and the fence of a claim. */
export const VersionedWriteHeaders = {
  "if-match": SoundEntityTags,
  "if-none-match": SoundEntityTags,
  "x-koor-fence": FenceHeader,
} as const;

/**
 * The condition of a compare-and-swap. All members that are present must hold. `if_match` and `if_none_match` are the
 * values of the headers as the client sent them.
 */
export const Condition = Type.Object({
  if_version: Type.Optional(NonNegative),
  if_match: Type.Optional(Type.String()),
  if_none_match: Type.Optional(Type.String()),
});
export type Condition = Static<typeof Condition>;

/** The fence that the caller sent; null if it sent none. */
const SentFence = Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]);

export const PutRequest = Type.Object({
  key: Type.String(),
  /** The value's bytes, or a string in which each Latin-1 character stands for one byte (src/base/bytes.ts). */
  value: Type.Unsafe<Uint8Array | string>(Type.Unknown()),
  content_type: Type.String(),
  condition: Type.Union([Condition, Type.Null()]),
  fence: SentFence,
});
export type PutRequest = Static<typeof PutRequest>;

export const RollbackRequest = Type.Object({
  key: Type.String(),
  version: VersionNumber,
  condition: Type.Union([Condition, Type.Null()]),
  fence: SentFence,
});
export type RollbackRequest = Static<typeof RollbackRequest>;

export const DeleteRequest = Type.Object({
  key: Type.String(),
  condition: Type.Union([Condition, Type.Null()]),
  fence: SentFence,
});
export type DeleteRequest = Static<typeof DeleteRequest>;

/** The reply to a write. `hash` is hexadecimal text. `updated_at` is in ms since the epoch. */
export const WriteReply = Type.Object({
  version: Type.Integer(),
  hash: Hash,
  content_type: Type.String(),
  updated_at: Type.Integer(),
});
export type WriteReply = Static<typeof WriteReply>;

export const DeleteReply = Type.Object({ version: Type.Integer() });
export type DeleteReply = Static<typeof DeleteReply>;

export const HistoryRequest = Type.Object({ key: Type.String(), limit: Limit });
export type HistoryRequest = Static<typeof HistoryRequest>;

export const DiffRequest = Type.Object({ key: Type.String(), v1: VersionNumber, v2: VersionNumber });
export type DiffRequest = Static<typeof DiffRequest>;
