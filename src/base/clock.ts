/**
 * Defines the only source of time. An actor gets a `Clock` and has a method `tick(nowMs)`, so that tests never sleep.
 * Not a library: the test clocks of libraries replace the global clock, but each actor here has a clock of its own.
 */

export interface Clock {
  /** Returns the time in ms since the epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/**
 * A clock that counts ms from the same moment in all threads of the process. It does not jump when the machine's clock
 * is set, so deadlines use it.
 */
export const machineClock: Clock = {
  now: () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1_000 + Math.floor(nanoseconds / 1_000_000);
  },
};

/**
 * Returns the ms that have passed since an unspecified moment. Setting the machine's clock does not change the result.
 */
export type Elapsed = () => number;

/**
 * A clock that never goes back, even if the machine's clock does. Queries search stored rows by time and by id
 * together, so times must not fall while ids rise. After the machine's clock was set back, this clock advances by the
 * elapsed time, so that timeouts still end.
 */
export class MonotonicClock implements Clock {
  readonly #source: Clock;
  readonly #elapsed: Elapsed;
  /** The time of this clock at its last change, in ms. The time that has elapsed since then is added to it. */
  #baseMs: number;
  /** The result of `elapsed` when `#baseMs` was set. */
  #baseElapsed: number;

  /**
   * @param elapsed measures the time that has passed. Without it, this clock stands still while the machine's clock is
   *   behind it
   */
  constructor(source: Clock, floorMs = 0, elapsed: Elapsed = () => 0) {
    this.#source = source;
    this.#elapsed = elapsed;
    this.#baseMs = floorMs;
    this.#baseElapsed = elapsed();
  }

  /** Sets the clock forward to a time that another clock has reached. An earlier time has no effect. */
  raise(nowMs: number): void {
    if (nowMs <= this.now()) return;
    this.#baseMs = nowMs;
    this.#baseElapsed = this.#elapsed();
  }

  now(): number {
    const now = this.#source.now();
    const elapsed = this.#elapsed();
    const steady = this.#baseMs + Math.floor(elapsed - this.#baseElapsed);
    if (now <= steady) return steady;
    this.#baseMs = now;
    this.#baseElapsed = elapsed;
    return now;
  }
}

/** Returns a clock that follows the machine's time, never goes back and never stands still. */
export function steadyClock(): MonotonicClock {
  return new MonotonicClock(systemClock, 0, () => performance.now());
}
