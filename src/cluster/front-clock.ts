/**
 * The clock of the front. On a single server, it is the machine's clock. On a node of a cluster, it follows the log's
 * time, even if the machine's clock differs. The writer publishes the log's time now and then. In between, the front
 * adds the monotonic time that has passed, multiplied by the rate of the log's time. Runs on the front.
 */
import { CLOCK_TOLERANCE_MS } from "../../schemas/limits/cluster.js";
import type { Clock, Elapsed, MonotonicClock } from "../base/clock.js";

/** A published time of the log. */
interface Followed {
  readonly nowMs: number;
  /** The monotonic time at which the published time arrived. */
  readonly elapsed: number;
  /** The rate of the log's time, relative to the monotonic time. */
  readonly rate: number;
  /** The clock returns no earlier time than this, in ms, until the next published time arrives. */
  readonly leastMs: number;
}

export class FrontClock implements Clock {
  readonly #alone: MonotonicClock;
  readonly #elapsed: Elapsed;
  /** The published time from which this clock continues. Null before the first published time. */
  #followed: Followed | null = null;

  /** @param alone the machine's clock. It is used until the log's time is known. */
  constructor(alone: MonotonicClock, elapsed: Elapsed) {
    this.#alone = alone;
    this.#elapsed = elapsed;
  }

  /**
   * Continues from the published time of the log. A published time is slightly old when it arrives. So this clock goes
   * back only if it is more than CLOCK_TOLERANCE_MS ahead of the published time.
   *
   * While the log's time is slowed down, this clock must not be ahead of it for long, because the writer still refuses
   * what this clock already allows. This clock then stands still until the log's time has reached it.
   * @param rate the rate at which the log's time advances until the next published time arrives
   */
  follow(nowMs: number, rate: number): void {
    const currentMs = this.now();
    const aheadMs = currentMs - nowMs;
    const isClose = this.#followed !== null && aheadMs >= 0 && aheadMs <= CLOCK_TOLERANCE_MS;
    if (isClose && rate === 1 && this.#followed?.rate === 1) return;
    this.#followed = { nowMs, elapsed: this.#elapsed(), rate, leastMs: isClose ? currentMs : nowMs };
  }

  /** Raises the clock to a time that the writer has used. Has no effect once the log's time is known. */
  raise(nowMs: number): void {
    this.#alone.raise(nowMs);
  }

  now(): number {
    if (this.#followed === null) return this.#alone.now();
    const { nowMs, elapsed, rate, leastMs } = this.#followed;
    return Math.max(leastMs, nowMs + Math.floor((this.#elapsed() - elapsed) * rate));
  }
}
