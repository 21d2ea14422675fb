/** Whether anybody can see the page. A page that is hidden for a while stops asking the server for anything. */
import { signal } from "@preact/signals";

/** Changing tabs for a moment is not going away. */
const HIDDEN_AFTER_MS = 30_000;

/** False once the page has been hidden for a while. */
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

/** Tells `listener` of each change; returns how to stop that. */
export function listenForVisibility(listener: (visible: boolean) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
