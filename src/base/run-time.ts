/**
 * When the server did not run although it was up: its machine slept, its process was stopped, its loop was blocked, or
 * the machine's clock was set ahead. Nobody could be heard meanwhile, so what ends by silence has some time afterwards,
 * as it has after a start. Pure but for its state; times in ms.
 */
import { CLAIM_RESTART_MS, RUN_PAUSE_GRACE_FACTOR, RUN_PAUSE_MS_MIN } from "../../schemas/limits.js";

/** The last time that the server began to run again. */
export interface Resumed {
  /** When it ran last before; -Infinity at the start. */
  readonly before_ms: number;
  readonly at_ms: number;
  /** What was alive at `before_ms` lives until then at least. */
  readonly until_ms: number;
}

export class RunTime {
  readonly #onPause: (pause_ms: number) => void;
  #last_ms: number;
  #resumed: Resumed;
  /** How long it ran since what was alive at `before_ms` was first given time. */
  #ran_ms = 0;

  /** @param onPause is told how long it did not run */
  constructor(started_ms: number, onPause: (pause_ms: number) => void = () => undefined) {
    this.#onPause = onPause;
    this.#last_ms = started_ms;
    this.#resumed = startedAt(started_ms);
  }

  /** To be called at each tick, and before something is judged by the time: a call may come before the first tick. */
  resumed(now_ms: number): Resumed {
    const pause_ms = now_ms - this.#last_ms;
    if (pause_ms >= RUN_PAUSE_MS_MIN) this.#resume(pause_ms, now_ms);
    else if (pause_ms <= -RUN_PAUSE_MS_MIN) this.#startAgain(now_ms);
    this.#last_ms = Math.max(this.#last_ms, now_ms);
    return this.#resumed;
  }

  /** The time went back, as where a node takes the time of its cluster's log: it is as after a start. */
  #startAgain(now_ms: number): void {
    this.#last_ms = now_ms;
    this.#ran_ms = 0;
    this.#resumed = startedAt(now_ms);
  }

  #resume(pause_ms: number, now_ms: number): void {
    const { before_ms, at_ms, until_ms } = this.#resumed;
    const paused_at_ms = this.#last_ms;
    const grace_ms = Math.min(CLAIM_RESTART_MS, pause_ms * RUN_PAUSE_GRACE_FACTOR);
    // It was given time already, and stops within that: it is given the rest, but no more in all than once.
    const ran_ms = this.#ran_ms + paused_at_ms - at_ms;
    const rest_ms = Math.min(CLAIM_RESTART_MS - ran_ms, Math.max(until_ms - paused_at_ms, grace_ms));
    if (paused_at_ms < until_ms && rest_ms > 0) {
      this.#ran_ms = ran_ms;
      this.#resumed = { before_ms, at_ms: now_ms, until_ms: now_ms + rest_ms };
    } else {
      this.#ran_ms = 0;
      this.#resumed = { before_ms: paused_at_ms, at_ms: now_ms, until_ms: now_ms + grace_ms };
    }
    this.#onPause(pause_ms);
  }
}

function startedAt(at_ms: number): Resumed {
  return { before_ms: Number.NEGATIVE_INFINITY, at_ms, until_ms: at_ms + CLAIM_RESTART_MS };
}
