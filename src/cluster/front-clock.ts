/**
 * The clock of the front. On a single server, it is the machine's clock. On a node of a cluster, it follows the log's
 * time, even if the machine's clock differs. The writer publishes the log's time now and then. In between, the front
 * adds the monotonic time that has passed. Runs on the front.
 */
import { CLOCK_TOLERANCE_MS } from "../../schemas/limits/cluster.js";
import type { Clock, Elapsed, MonotonicClock } from "../base/clock.js";

export class FrontClock implements Clock {
  readonly #alone: MonotonicClock;
  readonly #elapsed: Elapsed;
  /**
   * The latest published time of the log, and the monotonic time at which it arrived. Null before the first published
   * time.
   */
  #followed: { readonly nowMs: number; readonly elapsed: number } | null = null;

  /** @param alone the machine's clock. It is used until the log's time is known. */
  constructor(alone: MonotonicClock, elapsed: Elapsed) {
    this.#alone = alone;
    this.#elapsed = elapsed;
  }

  /**
   * Continues from the published time of the log. A published time is slightly old when it arrives. So this clock goes
   * back only if it is more than CLOCK_TOLERANCE_MS ahead of the published time.
   */
  follow(nowMs: number): void {
    const aheadMs = this.now() - nowMs;
    if (this.#followed !== null && aheadMs >= 0 && aheadMs <= CLOCK_TOLERANCE_MS) return;
    this.#followed = { nowMs, elapsed: this.#elapsed() };
  }

  /** Raises the clock to a time that the writer has used. Has no effect once the log's time is known. */
  raise(nowMs: number): void {
    this.#alone.raise(nowMs);
  }

  now(): number {
    if (this.#followed === null) return this.#alone.now();
    return this.#followed.nowMs + Math.floor(this.#elapsed() - this.#followed.elapsed);
  }
}
