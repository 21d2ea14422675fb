/** Computes the pauses between the attempts of a call. No I/O. */

const FIRST_PAUSE_MS = 100;
const PAUSE_MS_MAX = 5000;
/** The number of doublings after which a pause is longer than PAUSE_MS_MAX: 2 ** 6 * FIRST_PAUSE_MS exceeds it. */
const DOUBLINGS_MAX = 6;

/**
 * Returns the pause before the next attempt, in ms. The pause doubles with each attempt. A random half of it keeps many
 * clients from retrying at the same time. It is never shorter than `leastMs`, the server's `Retry-After`.
 */
export function pauseMs(attempt: number, leastMs = 0): number {
  const fullMs = Math.min(PAUSE_MS_MAX, FIRST_PAUSE_MS * 2 ** Math.min(attempt, DOUBLINGS_MAX));
  return leastMs + fullMs * (0.5 + Math.random() / 2);
}

/** Reads Koor's header `Retry-After`, which is in seconds. Returns ms; 0 if the header is absent or a date. */
export function retryAfterMs(headers: Headers): number {
  const text = headers.get("retry-after") ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) * 1000 : 0;
}
