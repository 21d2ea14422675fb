/**
 * Detects pauses of the server: times in which its process was up but did not run. The machine slept, the process was
 * stopped, the event loop was blocked, or the machine's clock was set ahead.
 *
 * The server receives no heartbeats during a pause. So claims and instances that would end without a heartbeat get a
 * grace period after the pause, as they do after a start. Times are in ms. Pure but for its state.
 */
import { CLAIM_RESTART_MS, RUN_PAUSE_GRACE_FACTOR, RUN_PAUSE_MS_MIN } from "../../schemas/limits/claims.js";

/** The last time that the server resumed. */
export interface Resumed {
  /** The last time at which the server ran before the pause; -Infinity at the start. */
  readonly before_ms: number;
  readonly at_ms: number;
  /** The end of the grace period. Claims and instances that were alive at `before_ms` live at least until then. */
  readonly until_ms: number;
}

export class PauseDetector {
  readonly #onPause: (pause_ms: number) => void;
  #last_ms: number;
  #resumed: Resumed;
  /**
   * The time that the server ran since the first of several consecutive grace periods, for the claims and instances
   * that were alive at `before_ms`.
   */
  #ran_ms = 0;

  /** @param onPause called after each pause, with its length in ms */
  constructor(started_ms: number, onPause: (pause_ms: number) => void = () => undefined) {
    this.#onPause = onPause;
    this.#last_ms = started_ms;
    this.#resumed = startedAt(started_ms);
  }

  /**
   * Returns when the server last resumed, and the grace period after that. It must be called at each tick, and before
   * each decision that depends on the time, because a request may arrive before the first tick after a pause.
   */
  resumed(now_ms: number): Resumed {
    const pause_ms = now_ms - this.#last_ms;
    if (pause_ms >= RUN_PAUSE_MS_MIN) this.#resume(pause_ms, now_ms);
    else if (pause_ms <= -RUN_PAUSE_MS_MIN) this.#startAgain(now_ms);
    this.#last_ms = Math.max(this.#last_ms, now_ms);
    return this.#resumed;
  }

  /**
   * Starts again as after a start of the server, because the time went back. This happens when a node takes over the
   * time of its cluster's log.
   */
  #startAgain(now_ms: number): void {
    this.#last_ms = now_ms;
    this.#ran_ms = 0;
    this.#resumed = startedAt(now_ms);
  }

  #resume(pause_ms: number, now_ms: number): void {
    const { before_ms, at_ms, until_ms } = this.#resumed;
    const paused_at_ms = this.#last_ms;
    const grace_ms = Math.min(CLAIM_RESTART_MS, pause_ms * RUN_PAUSE_GRACE_FACTOR);
    // If a pause falls into a grace period, the rest of that period is granted after the pause. Consecutive grace
    // periods together are at most CLAIM_RESTART_MS long.
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
