/** Computes when a claim expires if its holder is not seen again. Pure. All times are in ms. */
import { CLAIM_OFFER_MS } from "../../../schemas/limits/claims.js";
import type { EndClaimsRequest } from "../../../schemas/leases.js";
import { SECOND_MS } from "../../../shared/duration.js";
import type { Resumed } from "../../base/pause-detector.js";

/** The members of a claim that decide when it expires. */
export interface Life {
  readonly ttl_s: number;
  readonly max_s: number;
  readonly offered: boolean;
  readonly requested_at: number;
  /** The time of the grant; null while the claim waits. */
  readonly granted_at: number | null;
  /** The time at which `max_s` was restarted; null if it still counts from the grant. */
  readonly touched_at: number | null;
}

/** Returns the time at which a held claim ends even if its holder is active; infinity if the claim waits. */
export function maxEndOf({ granted_at, touched_at, max_s }: Pick<Life, "granted_at" | "touched_at" | "max_s">): number {
  return granted_at === null ? Number.POSITIVE_INFINITY : (touched_at ?? granted_at) + max_s * SECOND_MS;
}

export type EndReason = EndClaimsRequest["ends"][number]["reason"];

/**
 * Returns when a claim expires, and for which reason.
 * @param lastSeenMs when the holder was last seen; in the future while the holder is busy
 * @param resumed the time at which the server started or resumed. An older claim gets extra time in which its holder
 * can be seen again, unless the claim had expired before the server stopped.
 */
export function lifeOf(
  claim: Life,
  lastSeenMs: number,
  { beforeMs, at_ms, untilMs }: Resumed,
): { readonly endsMs: number; readonly reason: EndReason } {
  const { ttl_s, offered, requested_at, granted_at } = claim;
  const ttlMs = ttl_s * SECOND_MS;
  const sinceMs = granted_at ?? requested_at;
  const graced = (endsMs: number): number =>
    sinceMs < at_ms && endsMs > beforeMs ? Math.max(endsMs, untilMs) : endsMs;
  const unconfirmed = offered && granted_at !== null && lastSeenMs <= granted_at;
  const silentMs = graced(
    unconfirmed ? sinceMs + Math.min(ttlMs, CLAIM_OFFER_MS) : Math.max(lastSeenMs, sinceMs) + ttlMs,
  );
  const longestMs = graced(maxEndOf(claim));
  return silentMs < longestMs ? { endsMs: silentMs, reason: "expired" } : { endsMs: longestMs, reason: "max_s" };
}
