/**
 * The one source of time. Actors take a `Clock` and expose `tick(now_ms)`, so that tests never sleep. Not a library:
 * libraries of test clocks replace the global clock, while an actor here gets its own.
 */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/**
 * Milliseconds since a moment that is the same in all threads of the process. Setting the machine's clock does not move
 * it. For deadlines.
 */
export const machineClock: Clock = {
  now: () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1_000 + Math.floor(nanoseconds / 1_000_000);
  },
};

/** Returns the milliseconds that have passed since some moment. Nothing can set it. */
export type Elapsed = () => number;

/**
 * A clock that never goes back, even if the machine's clock does: stored rows are searched by time together with their
 * ids, so times must not fall while ids rise. After the machine's clock was set back, this clock advances by the
 * elapsed time, so that timeouts still end.
 */
export class MonotonicClock implements Clock {
  readonly #source: Clock;
  readonly #elapsed: Elapsed;
  /** A time, and the elapsed time at that moment. */
  #base_ms: number;
  #base_elapsed: number;

  /** @param elapsed if it is left out, the time stands still until the machine's clock has caught up */
  constructor(source: Clock, floor_ms = 0, elapsed: Elapsed = () => 0) {
    this.#source = source;
    this.#elapsed = elapsed;
    this.#base_ms = floor_ms;
    this.#base_elapsed = elapsed();
  }

  /** Moves the clock forward to a time that other clocks have reached. An earlier time changes nothing. */
  raise(now_ms: number): void {
    if (now_ms <= this.now()) return;
    this.#base_ms = now_ms;
    this.#base_elapsed = this.#elapsed();
  }

  now(): number {
    const now = this.#source.now();
    const elapsed = this.#elapsed();
    const steady = this.#base_ms + Math.floor(elapsed - this.#base_elapsed);
    if (now <= steady) return steady;
    this.#base_ms = now;
    this.#base_elapsed = elapsed;
    return now;
  }
}

/** Returns a clock of the machine's time that never goes back nor stands still. */
export function steadyClock(): MonotonicClock {
  return new MonotonicClock(systemClock, 0, () => performance.now());
}
