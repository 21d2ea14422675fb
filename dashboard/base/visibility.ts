/** Tracks whether the page is visible. After the page has been hidden for a while, all requests to the server stop. */
import { signal } from "@preact/signals";

/**
 * A page counts as hidden after it has been out of sight for this time, in ms. So a short switch to another tab does
 * not count.
 */
const HIDDEN_AFTER_MS = 30_000;

/** Whether the page is visible. It stays true until the page has been hidden for a while. */
export const visible = signal(true);

const listeners = new Set<(visible: boolean) => void>();
let hiding: ReturnType<typeof setTimeout> | undefined;

function set(now: boolean): void {
  if (visible.value === now) return;
  visible.value = now;
  for (const listener of listeners) listener(now);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.visibilityState === "visible") set(true);
  else hiding = setTimeout(() => set(false), HIDDEN_AFTER_MS);
});

/** Calls `listener` when the page is shown or hidden. The returned function removes the listener. */
export function listenForVisibility(listener: (visible: boolean) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
