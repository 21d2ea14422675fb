/** When a claim ends if nothing more is heard of its holder. Pure; times in ms. */
import { CLAIM_OFFER_MS } from "../../schemas/limits.js";
import type { EndClaimsRequest } from "../../schemas/leases.js";
import type { Resumed } from "../base/pause-detector.js";

const SECOND_MS = 1_000;

/** What a life depends on, of whatever is claimed. */
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
 * Until when a claim lives, and why it ends then.
 * @param lastSeenMs when its holder was heard of last; in the future where it is busy
 * @param resumed when the server began to run again: what was granted before, and had not ended by itself when it
 *   stopped, has some time in which its holder can be heard
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
