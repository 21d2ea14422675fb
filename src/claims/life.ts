/** Computes when a claim expires if its holder is not seen again. Pure. All times are in ms. */
import { CLAIM_OFFER_MS } from "../../schemas/limits/claims.js";
import type { EndClaimsRequest } from "../../schemas/leases.js";
import { SECOND_MS } from "../../shared/duration.js";
import type { Resumed } from "../base/pause-detector.js";

/** The members of a claim that decide when it expires. */
export interface Life {
  readonly ttl_s: number;
  readonly max_s: number;
  readonly offered: boolean;
  readonly requested_at: number;
  /** Null while it waits. */
  readonly granted_at: number | null;
}

export type EndReason = EndClaimsRequest["ends"][number]["reason"];

/**
 * Returns when a claim expires, and for which reason.
 * @param lastSeenMs when the holder was last seen; in the future while the holder is busy
 * @param resumed when the server started or resumed. A claim from before that time gets some extra time in which its
 * holder can be seen, unless it had expired when the server stopped.
 */
export function lifeOf(
  { ttl_s, max_s, offered, requested_at, granted_at }: Life,
  lastSeenMs: number,
  { before_ms, at_ms, until_ms }: Resumed,
): { readonly ends_ms: number; readonly reason: EndReason } {
  const ttl_ms = ttl_s * SECOND_MS;
  const since_ms = granted_at ?? requested_at;
  const graced = (ends_ms: number): number =>
    since_ms < at_ms && ends_ms > before_ms ? Math.max(ends_ms, until_ms) : ends_ms;
  const unconfirmed = offered && granted_at !== null && lastSeenMs <= granted_at;
  const silent_ms = graced(
    unconfirmed ? since_ms + Math.min(ttl_ms, CLAIM_OFFER_MS) : Math.max(lastSeenMs, since_ms) + ttl_ms,
  );
  const longest_ms = granted_at === null ? Number.POSITIVE_INFINITY : graced(granted_at + max_s * SECOND_MS);
  return silent_ms < longest_ms ? { ends_ms: silent_ms, reason: "expired" } : { ends_ms: longest_ms, reason: "max_s" };
}
