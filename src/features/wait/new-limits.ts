/**
 * Stores the time of the newest rate limit that was reported to the client, as a mark in a cursor. So each rate limit
 * is reported to a client only once. Pure.
 */
import type { RateLimitRow } from "../rate-limits/rate-limit.js";
import { type Cursor, nameOf } from "./cursor.js";

const RADIX = 36;
const NAME = nameOf("limits");

/** Returns the rate limits that were not reported to the client yet, according to its cursor. */
export function newLimits(limits: readonly RateLimitRow[], cursor: Cursor | null): RateLimitRow[] {
  const mark = Number.parseInt(cursor?.marks.get(NAME) ?? "0", RADIX);
  return limits.filter(({ reported_at }) => !(reported_at <= mark));
}

/** Adds the mark to a cursor. The cursor gets no mark if there are no rate limits. */
export function withLimits(limits: readonly RateLimitRow[], cursor: Cursor): Cursor {
  if (limits.length === 0) return cursor;
  const newest = Math.max(...limits.map(({ reported_at }) => reported_at));
  return { ...cursor, marks: new Map(cursor.marks).set(NAME, newest.toString(RADIX)) };
}
