/** Computes how long to wait before a failed delivery is retried. Pure. */
import {
  WEBHOOK_RETRY_AFTER_MS_MAX,
  WEBHOOK_RETRY_DELAY_MS_MAX,
  WEBHOOK_RETRY_MS_MAX,
  WEBHOOK_RETRY_MS_MIN,
} from "../../schemas/limits.js";
import { SECOND_MS } from "../../shared/duration.js";
import { assert } from "../base/assert.js";

/** The factor between the first delay and the longest one. */
const GROWTH_MAX = WEBHOOK_RETRY_DELAY_MS_MAX / WEBHOOK_RETRY_MS_MAX;

/**
 * Returns the delay in ms after the nth consecutive failure of one delivery (n counts from 1). The delay doubles with
 * each failure, up to a maximum.
 * @param chance a random number between 0 and 1. It spreads the retries of receivers that failed at the same time.
 */
export function retryDelay(failures: number, chance: number): number {
  assert(failures >= 1, "a retry follows a failure");
  const first = WEBHOOK_RETRY_MS_MIN + chance * (WEBHOOK_RETRY_MS_MAX - WEBHOOK_RETRY_MS_MIN);
  return first * Math.min(2 ** (failures - 1), GROWTH_MAX);
}

/**
 * Returns the delay in ms that a `Retry-After` header asks for (RFC 9110: seconds, or a date), limited to a maximum.
 * Returns 0 if it asks for none.
 * @param header undefined if the answer has no such header
 */
export function retryAfterDelay(header: string | undefined, now_ms: number): number {
  const text = header?.trim() ?? "";
  const delay_ms = /^\d+$/.test(text)
    ? Number(text) * SECOND_MS
    : text.endsWith(" GMT")
      ? Date.parse(text) - now_ms
      : 0;
  return Number.isNaN(delay_ms) ? 0 : Math.max(0, Math.min(delay_ms, WEBHOOK_RETRY_AFTER_MS_MAX));
}
