/** Computes the pauses between the attempts of a call. No I/O. */

const FIRST_PAUSE_MS = 100;
const PAUSE_MS_MAX = 5000;
/** The pause stops doubling after this many attempts. By then it exceeds PAUSE_MS_MAX (100 ms * 2 ** 6 = 6.4 s). */
const DOUBLINGS_MAX = 6;

/**
 * Returns the pause before the next attempt, in ms. The pause doubles with each attempt. Half of it is random, so that
 * many clients do not retry at the same time. `leastMs` is the server's `Retry-After`, and is added to the pause.
 */
export function pauseMs(attempt: number, leastMs = 0): number {
  const fullMs = Math.min(PAUSE_MS_MAX, FIRST_PAUSE_MS * 2 ** Math.min(attempt, DOUBLINGS_MAX));
  return leastMs + fullMs * (0.5 + Math.random() / 2);
}

/**
 * Returns the time in Koor's header `Retry-After`, in ms. Koor sends seconds. Returns 0 if the header is absent or a
 * date.
 */
export function retryAfterMs(headers: Headers): number {
  const text = headers.get("retry-after") ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) * 1000 : 0;
}
