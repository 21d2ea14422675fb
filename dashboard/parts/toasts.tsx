/** Toasts: short messages about the last action. Screen readers read them out. They disappear after some seconds. */
import { signal } from "@preact/signals";
import { reasonOf } from "../api/client.js";

export type Tone = "good" | "bad";

interface Toast {
  readonly id: number;
  readonly tone: Tone;
  readonly text: string;
}

const SHOWN_MS = 6_000;
const TOASTS_MAX = 4;
const toasts = signal<readonly Toast[]>([]);
let lastId = 0;

/** Shows a message. */
export function showToast(text: string, tone: Tone = "good"): void {
  lastId += 1;
  const id = lastId;
  toasts.value = [...toasts.value, { id, tone, text }].slice(-TOASTS_MAX);
  setTimeout(() => dismiss(id), SHOWN_MS);
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/**
 * Runs an action that the user has requested, and shows whether it succeeded.
 * @returns whether it succeeded
 */
export async function attempt(work: () => Promise<unknown>, done: string): Promise<boolean> {
  try {
    await work();
    showToast(done);
    return true;
  } catch (error) {
    showToast(reasonOf(error), "bad");
    return false;
  }
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, tone, text }) => (
        <div key={id} class={`toast toast-${tone}`}>
          <span>{text}</span>
          <button type="button" class="button-bare" aria-label="Dismiss" onClick={() => dismiss(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
