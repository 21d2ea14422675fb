/** Whether the page is visible. A page that is hidden for a while stops all requests to the server. */
import { signal } from "@preact/signals";

/** A short switch to another tab does not count as hidden. */
const HIDDEN_AFTER_MS = 30_000;

/** False after the page has been hidden for a while. */
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

/** Calls `listener` on each change. The returned function stops that. */
export function listenForVisibility(listener: (visible: boolean) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
