/**
 * Holds the newest time that any thread of the server has used, in memory that the front and its writer share. So both
 * threads follow one time, even if the machine's clock was set between their readings, and even if the writer is
 * started again.
 */
import type { MonotonicClock } from "../base/clock.js";

export class SharedTime {
  readonly #newest: BigInt64Array;

  /** @param memory eight bytes that the other thread has created; new memory by default */
  constructor(readonly memory = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.#newest = new BigInt64Array(memory);
  }

  /** The newest time in ms; 0 before any thread has used one. */
  get newest_ms(): number {
    return Number(Atomics.load(this.#newest, 0));
  }

  raise(now_ms: number): void {
    const now = BigInt(now_ms);
    let newest = Atomics.load(this.#newest, 0);
    while (newest < now) {
      const found = Atomics.compareExchange(this.#newest, 0, newest, now);
      if (found === newest) return;
      newest = found;
    }
  }

  /**
   * Returns the time of a thread's own clock, after setting that clock forward to the newest time of the other threads.
   */
  advance(clock: Pick<MonotonicClock, "now" | "raise">): number {
    clock.raise(this.newest_ms);
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
