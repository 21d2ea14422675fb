/** Request and reply of the pool job that reads a long JSON body (src/threads/jobs.ts). */
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
 * `json`: the members that the schema names, without the free member, which may be any JSON. `free`: the exact text of
 * the free member, one for each item if the body is an array; null if it is missing. Without a free member in the
 * schema the list is empty.
 */
export const ReadBodyReply = Type.Object({
  json: Type.Unknown(),
  free: Type.Array(Type.Union([Type.String(), Type.Null()])),
});
export type ReadBodyReply = Static<typeof ReadBodyReply>;
