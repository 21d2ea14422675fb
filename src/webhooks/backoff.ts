/** How long to wait before a delivery is tried again. Pure. */
import {
  WEBHOOK_RETRY_AFTER_MS_MAX,
  WEBHOOK_RETRY_DELAY_MS_MAX,
  WEBHOOK_RETRY_MS_MAX,
  WEBHOOK_RETRY_MS_MIN,
} from "../../schemas/limits.js";
import { assert } from "../base/assert.js";

const SECOND_MS = 1_000;
/** The longest delay as a multiple of the first. */
const GROWTH_MAX = WEBHOOK_RETRY_DELAY_MS_MAX / WEBHOOK_RETRY_MS_MAX;

/**
 * The delay in ms after the nth failure in a row of one delivery (from 1): doubles with each and is bounded.
 * @param chance between 0 and 1: receivers that went down together are not called together
 */
export function retryDelay(failures: number, chance: number): number {
  assert(failures >= 1, "a retry follows a failure");
  const first = WEBHOOK_RETRY_MS_MIN + chance * (WEBHOOK_RETRY_MS_MAX - WEBHOOK_RETRY_MS_MIN);
  return first * Math.min(2 ** (failures - 1), GROWTH_MAX);
}

/**
 * The delay in ms that a `Retry-After` asks for (RFC 9110: seconds, or a date), bounded; 0 where it asks for none.
 * @param header undefined where the answer has none
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
