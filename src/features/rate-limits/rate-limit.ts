/** Defines a rate limit that an agent has reported, and formats it for clients. Pure. */
import type { HeldByLimit, RateLimit } from "../../../schemas/rate-limits.js";
import { formatTime } from "../../base/time.js";

/** A stored rate limit. Times are in ms. */
export interface RateLimitRow {
  readonly id: number;
  readonly provider: string;
  readonly account: string;
  readonly until: number;
  readonly reason: string;
  /** The id of the instance that reported the rate limit; "" if no instance did. */
  readonly reported_by: string;
  readonly reported_at: number;
}

/** Returns a rate limit as clients see it. */
export function showLimit({ id, provider, account, until, reason, reported_by, reported_at }: RateLimitRow): RateLimit {
  const times = { until: formatTime(until), reported_at: formatTime(reported_at) };
  return { id, provider, account, until: times.until, reason, reported_by, reported_at: times.reported_at };
}

/** Returns the members of a rate limit that the answer to a claim contains. */
export function showHeldByLimit({ id, provider, account, until }: RateLimitRow): HeldByLimit {
  return { limit: id, provider, account, ends_at: formatTime(until) };
}
