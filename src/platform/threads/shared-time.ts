/**
 * Holds the newest time in ms that the front or the writer has read from its clock; 0 at first. Both threads share the
 * memory. So no thread gets an earlier time than the other has already got, even if the machine's clock is set back or
 * the writer is restarted.
 */
import type { MonotonicClock } from "../../base/clock.js";
import { SharedCounter } from "../../base/shared-counter.js";

export class SharedTime extends SharedCounter {
  /**
   * Moves a thread's clock forward to the newest time of both threads, if the clock is behind it. Returns the time of
   * the clock.
   */
  advance(clock: Pick<MonotonicClock, "now" | "raise">): number {
    clock.raise(this.value);
    const nowMs = clock.now();
    this.raise(nowMs);
    return nowMs;
  }
}

/** The clock of one thread. It never returns an earlier time than the other thread has read. */
export class SharedClock {
  readonly #clock: MonotonicClock;
  readonly #time: SharedTime;

  constructor(clock: MonotonicClock, time: SharedTime) {
    this.#clock = clock;
    this.#time = time;
  }

  now(): number {
    return this.#time.advance(this.#clock);
  }

  raise(nowMs: number): void {
    this.#clock.raise(nowMs);
  }
}
