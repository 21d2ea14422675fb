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
 * A clock that never goes back, whatever happens to the machine's: stored rows are searched by time
 * with their ids, so times must not fall while ids rise.
 */
export class MonotonicClock implements Clock {
  #last: number;

  constructor(
    readonly source: Clock,
    floor_ms = 0,
  ) {
    this.#last = floor_ms;
  }

  now(): number {
    const now = this.source.now();
    if (now > this.#last) this.#last = now;
    return this.#last;
  }
}
