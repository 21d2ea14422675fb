/** Defines the request and the reply of the pool job that reads a long JSON body (src/platform/threads/jobs.ts). */
import * as Type from "typebox";
import type { Static } from "typebox";

export const ReadBodyRequest = Type.Object({
  /** The name of the schema in FRONT_BODIES. */
  schema: Type.String(),
  /** The body's bytes, or a string in which each Latin-1 character stands for one byte (src/base/bytes.ts). */
  body: Type.Unsafe<Uint8Array | string>(Type.Unknown()),
});
export type ReadBodyRequest = Static<typeof ReadBodyRequest>;

/**
 * The result of reading a body. A schema may have a free member, whose value may be any JSON. `json` has the other
 * members.
 *
 * `free` has the exact text of the free member, or null if the member is missing. If the body is an array, `free` has
 * one text for each item. If the schema has no free member, `free` is empty.
 */
export const ReadBodyReply = Type.Object({
  json: Type.Unknown(),
  free: Type.Array(Type.Union([Type.String(), Type.Null()])),
});
export type ReadBodyReply = Static<typeof ReadBodyReply>;
