/** How many events a second there were in the last minute: a count for each second, in a ring. Pure. */

/** What is remembered, s. */
export const RATE_SECONDS = 60;
const SECOND_MS = 1_000;

export class EventRate {
  readonly #counts = new Uint32Array(RATE_SECONDS);
  /** The newest second that has a place in the ring, s since the epoch. */
  #newest = 0;

  /** Counts what was published at `at_ms`; what is older than the ring is left out. */
  add(at_ms: number, count = 1): void {
    const second = Math.floor(at_ms / SECOND_MS);
    this.#turnTo(second);
    if (second <= this.#newest - RATE_SECONDS) return;
    const at = second % RATE_SECONDS;
    this.#counts[at] = (this.#counts[at] ?? 0) + count;
  }

  /** A count for each of the last seconds, the oldest first; the second that has just begun is the last one. */
  lastMinute(now_ms: number): number[] {
    this.#turnTo(Math.floor(now_ms / SECOND_MS));
    return Array.from({ length: RATE_SECONDS }, (_, at) => this.#counts[(this.#newest + 1 + at) % RATE_SECONDS] ?? 0);
  }

  #turnTo(second: number): void {
    if (second <= this.#newest) return;
    const steps = Math.min(RATE_SECONDS, second - this.#newest);
    for (let step = 0; step < steps; step++) this.#counts[(second - step) % RATE_SECONDS] = 0;
    this.#newest = second;
  }
}
