/** What the pool's reading of a long JSON body is asked, and answers (src/threads/jobs.ts). */
import * as Type from "typebox";
import type { Static } from "typebox";

export const ReadBodyRequest = Type.Object({
  /** A name in FRONT_BODIES. */
  schema: Type.String(),
  /** Bytes, or a string of Latin-1 characters that stand for them (src/base/bytes.ts). */
  body: Type.Unsafe<Uint8Array | string>(Type.Unknown()),
});
export type ReadBodyRequest = Static<typeof ReadBodyRequest>;

/**
 * `json`: the members that the schema names, without the one that may be any JSON. `free`: the exact text of that one,
 * of each item where the body is an array; null where it is not there, and no items where the schema has none.
 */
export const ReadBodyReply = Type.Object({
  json: Type.Unknown(),
  free: Type.Array(Type.Union([Type.String(), Type.Null()])),
});
export type ReadBodyReply = Static<typeof ReadBodyReply>;
