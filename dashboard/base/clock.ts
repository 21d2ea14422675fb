/**
 * The page's clock, for relative times such as "2 minutes ago". There is one timer for the whole page, and none while
 * the page is hidden.
 */
import { MINUTE_MS } from "../../shared/duration.js";
import { computed, signal } from "@preact/signals";

const TICK_MS = 1_000;

/** The current time in ms since the epoch, updated every second. */
export const nowMs = signal(Date.now());

/**
 * The current time in ms since the epoch, rounded down to the minute. A value that depends on it is computed again only
 * every minute.
 */
export const minuteMs = computed(() => Math.floor(nowMs.value / MINUTE_MS) * MINUTE_MS);

setInterval(() => {
  if (document.visibilityState === "visible") nowMs.value = Date.now();
}, TICK_MS);
document.addEventListener("visibilitychange", () => {
  nowMs.value = Date.now();
});
