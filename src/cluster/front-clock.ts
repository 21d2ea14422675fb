/**
 * The time of the front: that of the machine's clock in a server alone, and the log's in a node, whatever the machine's
 * clock says. Between what the writer's thread tells of it goes on by what has passed. Runs on the front.
 */
import { CLOCK_TOLERANCE_MS } from "../../schemas/limits.js";
import type { Clock, Elapsed, MonotonicClock } from "../base/clock.js";

export class FrontClock implements Clock {
  readonly #alone: MonotonicClock;
  readonly #elapsed: Elapsed;
  /** A time of the log, and what had passed when it was that late; null where none was told. */
  #followed: { readonly now_ms: number; readonly elapsed: number } | null = null;

  /** @param alone the time until the log's is known */
  constructor(alone: MonotonicClock, elapsed: Elapsed) {
    this.#alone = alone;
    this.#elapsed = elapsed;
  }

  /** Goes on from a time of the log. What was told a moment late is behind: only what is clearly so sets it back. */
  follow(now_ms: number): void {
    const ahead_ms = this.now() - now_ms;
    if (this.#followed !== null && ahead_ms >= 0 && ahead_ms <= CLOCK_TOLERANCE_MS) return;
    this.#followed = { now_ms, elapsed: this.#elapsed() };
  }

  /** Goes on from a time that the writer's thread has come to. Where the log's is known, that counts. */
  raise(now_ms: number): void {
    this.#alone.raise(now_ms);
  }

  now(): number {
    if (this.#followed === null) return this.#alone.now();
    return this.#followed.now_ms + Math.floor(this.#elapsed() - this.#followed.elapsed);
  }
}
