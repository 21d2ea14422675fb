/**
 * The clock of the front: the machine's clock on a single server, and the log's time on a node, whatever the machine's
 * clock says. Between two times that the writer publishes it advances by the monotonic clock. Runs on the front.
 */
import { CLOCK_TOLERANCE_MS } from "../../schemas/limits.js";
import type { Clock, Elapsed, MonotonicClock } from "../base/clock.js";

export class FrontClock implements Clock {
  readonly #alone: MonotonicClock;
  readonly #elapsed: Elapsed;
  /** A time of the log, and the monotonic time at which it was received; null before the first one. */
  #followed: { readonly now_ms: number; readonly elapsed: number } | null = null;

  /** @param alone the clock until the log's time is known */
  constructor(alone: MonotonicClock, elapsed: Elapsed) {
    this.#alone = alone;
    this.#elapsed = elapsed;
  }

  /**
   * Continues from a time of the log. A time that was published a moment ago is slightly stale, so only one that is
   * behind by more than CLOCK_TOLERANCE_MS sets the clock back.
   */
  follow(now_ms: number): void {
    const ahead_ms = this.now() - now_ms;
    if (this.#followed !== null && ahead_ms >= 0 && ahead_ms <= CLOCK_TOLERANCE_MS) return;
    this.#followed = { now_ms, elapsed: this.#elapsed() };
  }

  /** Continues from a time that the writer has reached. The log's time wins once it is known. */
  raise(now_ms: number): void {
    this.#alone.raise(now_ms);
  }

  now(): number {
    if (this.#followed === null) return this.#alone.now();
    return this.#followed.now_ms + Math.floor(this.#elapsed() - this.#followed.elapsed);
  }
}
