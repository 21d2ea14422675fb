/** The time of day for everything that says "2 minutes ago": one timer for the page, none while it is hidden. */
import { signal } from "@preact/signals";

const TICK_MS = 1_000;

/** ms since the epoch, a second apart. */
export const now_ms = signal(Date.now());

setInterval(() => {
  if (document.visibilityState === "visible") now_ms.value = Date.now();
}, TICK_MS);
document.addEventListener("visibilitychange", () => {
  now_ms.value = Date.now();
});
