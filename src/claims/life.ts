/** When a claim ends if nothing more is heard of its holder. Pure; times in ms. */
import { CLAIM_OFFER_MS, CLAIM_RESTART_MS } from "../../schemas/limits.js";
import type { EndClaimsRequest } from "../../schemas/leases.js";

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
 * @param heard_ms when its holder was heard of last; in the future where it is busy
 * @param started_ms when the server started: what was granted before has some time in which its holder can be heard
 */
export function lifeOf(
  { ttl_s, max_s, offered, requested_at, granted_at }: Life,
  heard_ms: number,
  started_ms: number,
): { readonly ends_ms: number; readonly reason: EndReason } {
  const ttl_ms = ttl_s * SECOND_MS;
  const since_ms = granted_at ?? requested_at;
  const unheard = offered && granted_at !== null && heard_ms <= granted_at;
  const alive_ms = unheard ? since_ms + Math.min(ttl_ms, CLAIM_OFFER_MS) : Math.max(heard_ms, since_ms) + ttl_ms;
  const least_ms = since_ms < started_ms ? started_ms + CLAIM_RESTART_MS : 0;
  const silent_ms = Math.max(alive_ms, least_ms);
  const longest_ms =
    granted_at === null ? Number.POSITIVE_INFINITY : Math.max(granted_at + max_s * SECOND_MS, least_ms);
  return silent_ms < longest_ms ? { ends_ms: silent_ms, reason: "expired" } : { ends_ms: longest_ms, reason: "max_s" };
}
