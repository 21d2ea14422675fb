/** Counts events per second over the last minute, in a ring buffer with one slot per second. Pure. */
import { SECOND_MS } from "../../shared/duration.js";

/** The length of the ring buffer, in s. */
export const RATE_SECONDS = 60;

export class EventRate {
  readonly #counts = new Uint32Array(RATE_SECONDS);
  /** The newest second that has a slot in the ring, in s since the epoch. */
  #newest = 0;

  /** Adds `count` events that were published at `at_ms`. Events older than the ring are ignored. */
  add(atMs: number, count = 1): void {
    const second = Math.floor(atMs / SECOND_MS);
    this.#advanceTo(second);
    if (second <= this.#newest - RATE_SECONDS) return;
    const at = second % RATE_SECONDS;
    this.#counts[at] = (this.#counts[at] ?? 0) + count;
  }

  /**
   * Returns the number of events in each of the last 60 seconds, oldest first. The last number is for the current
   * second.
   */
  lastMinute(nowMs: number): number[] {
    this.#advanceTo(Math.floor(nowMs / SECOND_MS));
    return Array.from({ length: RATE_SECONDS }, (_, at) => this.#counts[(this.#newest + 1 + at) % RATE_SECONDS] ?? 0);
  }

  #advanceTo(second: number): void {
    if (second <= this.#newest) return;
    const steps = Math.min(RATE_SECONDS, second - this.#newest);
    for (let step = 0; step < steps; step++) this.#counts[(second - step) % RATE_SECONDS] = 0;
    this.#newest = second;
  }
}
