/** Defines shapes that all interfaces share: the error body, times, pages, and the query parameters for them. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { PAGE_ROWS_MAX } from "./limits/answers.js";

/** Returns a schema that accepts null in addition to the values of the given schema. */
export function nullable<Schema extends Type.TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()]);
}

/** A time as RFC 3339 text in UTC, with milliseconds. */
export const Timestamp = Type.String({ format: "date-time", examples: ["2026-02-09T14:30:00.000Z"] });

/** The SHA-256 of the stored bytes in lower-case hex. */
export const Hash = Type.String({ pattern: "^[0-9a-f]{64}$" });

export const ErrorBody = Type.Object({
  error: Type.String({ description: "What went wrong." }),
  code: Type.Integer({ description: "The HTTP status." }),
  details: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
});
export type ErrorBody = Static<typeof ErrorBody>;

/**
 * The body of a 412 answer. After a failed compare-and-swap, the body has the current version. If the caller's fence
 * belongs to no live claim, the body has no version.
 */
export const PreconditionErrorBody = Type.Object({
  error: Type.String(),
  code: Type.Literal(412),
  current_version: Type.Optional(Type.Integer({ minimum: 0, description: "0 if there is none." })),
  current_etag: Type.Optional(
    Type.Union([Type.String(), Type.Null()], { description: "The quoted ETag; null if there is none." }),
  ),
});

/** The header with a claim's fence, which a client may send when it writes state or specs. */
export const FenceHeader = Type.String({
  pattern: "^[1-9][0-9]*$",
  description: "The fence of a claim that the caller holds.",
});

/** The header with the workspace of a call. It is ignored if the caller has a workspace of its own. */
export const WorkspaceHeader = Type.String({
  pattern: "^[A-Za-z0-9._-]{1,256}$",
  description: "Used if neither the body nor the caller names a workspace; percent-encoded UTF-8.",
});

/** The query parameters with which a client continues a truncated list; null if the list is complete. */
export const ListEnd = Type.Union([Type.String(), Type.Null()]);
/** A query parameter: the maximum number of rows in a page. */
export const Limit = Type.Integer({ minimum: 1, maximum: PAGE_ROWS_MAX });
/** A version number in a query string. */
export const VersionNumber = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
/** Selects the items whose id is smaller than this number, in a list that has the newest items first. */
export const Before = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
/** A number that may be 0, for example a cursor, or the version of a value that does not exist. */
export const NonNegative = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** A time in a query string. Clients send it as RFC 3339. The handler gets ms since the epoch. */
export const Instant = Type.Unsafe<number>({ type: "string", format: "date-time" });
/** A boolean in a query string: `1` means true, `0` means false. */
export const Switch = Type.Integer({ minimum: 0, maximum: 1 });
