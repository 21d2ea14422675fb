/**
 * The one source of time. Actors take a `Clock` and expose `tick(now_ms)`, so that tests never sleep. By hand:
 * libraries of test clocks replace the global one, while an actor is handed its own.
 */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/**
 * Milliseconds since some moment that is the same in all threads of the process; whoever sets the machine's clock does
 * not move it. For deadlines.
 */
export const machineClock: Clock = {
  now: () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1_000 + Math.floor(nanoseconds / 1_000_000);
  },
};

/** Milliseconds that have passed since some moment; nobody can set it. */
export type Elapsed = () => number;

/**
 * A clock that never goes back, whatever happens to the machine's: stored rows are searched by time with their ids, so
 * times must not fall while ids rise. Where the machine's is set back it goes on by what has passed, so that what ends
 * after a while does.
 */
export class MonotonicClock implements Clock {
  readonly #source: Clock;
  readonly #elapsed: Elapsed;
  /** A time, and what had passed when it was that late. */
  #base_ms: number;
  #base_elapsed: number;

  /** @param elapsed without it, the time stands still until the machine's clock has caught up */
  constructor(source: Clock, floor_ms = 0, elapsed: Elapsed = () => 0) {
    this.#source = source;
    this.#elapsed = elapsed;
    this.#base_ms = floor_ms;
    this.#base_elapsed = elapsed();
  }

  /** Goes on from a time that others have come to, where that is later. */
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

/** The machine's time, as a clock that never goes back nor stands still. */
export function steadyClock(): MonotonicClock {
  return new MonotonicClock(systemClock, 0, () => performance.now());
}
