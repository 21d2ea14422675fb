/**
 * Holds the newest time in ms that any thread of the server has used; 0 before any thread has used one. The front and
 * its writer share the memory. So both threads follow one time, even if the machine's clock was set between their
 * readings, and even if the writer is started again.
 */
import type { MonotonicClock } from "../base/clock.js";
import { SharedCounter } from "../base/shared-counter.js";

export class SharedTime extends SharedCounter {
  /**
   * Returns the time of a thread's own clock, after setting that clock forward to the newest time of the other threads.
   */
  advance(clock: Pick<MonotonicClock, "now" | "raise">): number {
    clock.raise(this.value);
    const now_ms = clock.now();
    this.raise(now_ms);
    return now_ms;
  }
}

/** The clock of one thread, which is never earlier than the time of the other threads. */
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

  raise(now_ms: number): void {
    this.#clock.raise(now_ms);
  }
}
