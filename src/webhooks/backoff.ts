/** How long to wait before a delivery is tried again. Pure. */
import { WEBHOOK_RETRY_DELAY_MS_MAX, WEBHOOK_RETRY_MS_MAX, WEBHOOK_RETRY_MS_MIN } from "../../schemas/limits.js";
import { assert } from "../base/assert.js";

/**
 * The delay in ms after the nth failure in a row of one delivery (from 1): doubles with each and is bounded.
 * @param chance between 0 and 1: receivers that went down together are not called together
 */
export function retryDelay(failures: number, chance: number): number {
  assert(failures >= 1, "a retry follows a failure");
  const first = WEBHOOK_RETRY_MS_MIN + chance * (WEBHOOK_RETRY_MS_MAX - WEBHOOK_RETRY_MS_MIN);
  return Math.min(WEBHOOK_RETRY_DELAY_MS_MAX, first * 2 ** (failures - 1));
}
