/** Computes the delay before a failed delivery is retried. Pure. */
import {
  WEBHOOK_RETRY_AFTER_MS_MAX,
  WEBHOOK_RETRY_DELAY_MS_MAX,
  WEBHOOK_RETRY_MS_MAX,
  WEBHOOK_RETRY_MS_MIN,
} from "../../../schemas/limits/webhooks.js";
import { SECOND_MS } from "../../../shared/duration.js";
import { assert } from "../../base/assert.js";

/** The ratio of the longest delay to the first one. */
const GROWTH_MAX = WEBHOOK_RETRY_DELAY_MS_MAX / WEBHOOK_RETRY_MS_MAX;

/**
 * Returns the delay in ms before the next retry of a delivery. It doubles with each failure, up to a maximum.
 * @param failures the number of consecutive failures, from 1
 * @param chance a random number between 0 and 1; it spreads the retries of receivers that failed at the same time
 */
export function retryDelay(failures: number, chance: number): number {
  assert(failures >= 1, "a retry follows a failure");
  const first = WEBHOOK_RETRY_MS_MIN + chance * (WEBHOOK_RETRY_MS_MAX - WEBHOOK_RETRY_MS_MIN);
  return first * Math.min(2 ** (failures - 1), GROWTH_MAX);
}

/**
 * Returns the delay in ms that a `Retry-After` header asks for, up to a maximum. Returns 0 if it asks for none. The
 * header has a number of seconds or a date (RFC 9110).
 * @param header undefined if the answer has no such header
 */
export function retryAfterDelay(header: string | undefined, nowMs: number): number {
  const text = header?.trim() ?? "";
  const delayMs = /^\d+$/.test(text) ? Number(text) * SECOND_MS : text.endsWith(" GMT") ? Date.parse(text) - nowMs : 0;
  return Number.isNaN(delayMs) ? 0 : Math.max(0, Math.min(delayMs, WEBHOOK_RETRY_AFTER_MS_MAX));
}
