/**
 * Detects pauses of the server. In a pause, the process exists but does not run. For example, the machine slept, the
 * process was stopped, the event loop was blocked, or the machine's clock was set ahead.
 *
 * The server receives no heartbeats during a pause. So the server gives claims and instances a grace period after a
 * pause, as after a start. Without it, they would end for lack of heartbeats. Times are in ms. Pure but for its state.
 */
import { CLAIM_RESTART_MS, RUN_PAUSE_GRACE_FACTOR, RUN_PAUSE_MS_MIN } from "../../schemas/limits/claims.js";
import type { Elapsed } from "./clock.js";

/**
 * A pause, with its length in ms. `ran` says that the process did run during most of this time. Its time has jumped
 * ahead then, because the machine slept or a clock was set.
 */
export interface Pause {
  readonly ms: number;
  readonly ran: boolean;
}

/** The server's last pause, and the grace period that follows it. */
export interface Resumed {
  /** The last time at which the server ran before the pause; -Infinity if there was no pause yet. */
  readonly beforeMs: number;
  readonly at_ms: number;
  /** The end of the grace period. Claims and instances that were alive at `beforeMs` live at least until then. */
  readonly untilMs: number;
}

export class PauseDetector {
  readonly #onPause: (pause: Pause) => void;
  readonly #elapsed: Elapsed;
  #lastMs: number;
  /** The result of `elapsed` at `#lastMs`. */
  #lastElapsed: number;
  #resumed: Resumed;
  /**
   * How long the server has run during grace periods that followed one another. A pause within a grace period starts
   * another one. All of them belong to the claims and instances that were alive at `beforeMs`.
   */
  #ranMs = 0;

  /**
   * @param onPause called after each pause
   * @param elapsed measures the time that has passed while the machine was awake, whatever its clock says
   */
  constructor(
    startedMs: number,
    onPause: (pause: Pause) => void = () => undefined,
    elapsed: Elapsed = () => performance.now(),
  ) {
    this.#onPause = onPause;
    this.#elapsed = elapsed;
    this.#lastMs = startedMs;
    this.#lastElapsed = elapsed();
    this.#resumed = startedAt(startedMs);
  }

  /**
   * Returns the server's last pause, with the grace period after it. Call this at each tick. Also call it before each
   * decision that depends on the time, because a request may arrive before the first tick after a pause.
   */
  resumed(nowMs: number): Resumed {
    const pauseMs = nowMs - this.#lastMs;
    const elapsed = this.#elapsed();
    if (pauseMs >= RUN_PAUSE_MS_MIN) this.#resume(pauseMs, nowMs, elapsed - this.#lastElapsed);
    else if (pauseMs <= -CLAIM_RESTART_MS) this.#startAgain(nowMs);
    // A node's time also goes back by some seconds when entries of the log were delayed, and jumps ahead when the node
    // has caught up. Only the jump is a pause, so that a log that is often slow causes no endless grace period.
    this.#lastMs = pauseMs <= -RUN_PAUSE_MS_MIN ? nowMs : Math.max(this.#lastMs, nowMs);
    this.#lastElapsed = elapsed;
    return this.#resumed;
  }

  /**
   * Resets the state, as at a start of the server, because the time went far back. This happens when a node takes over
   * the time of its cluster's log.
   */
  #startAgain(nowMs: number): void {
    this.#lastMs = nowMs;
    this.#ranMs = 0;
    this.#resumed = startedAt(nowMs);
  }

  #resume(pauseMs: number, nowMs: number, elapsedMs: number): void {
    const { beforeMs, at_ms, untilMs } = this.#resumed;
    const pausedAtMs = this.#lastMs;
    const graceMs = Math.min(CLAIM_RESTART_MS, pauseMs * RUN_PAUSE_GRACE_FACTOR);
    // If a pause interrupts a grace period, grant the rest of that period after the pause. Grace periods that follow
    // one another take at most CLAIM_RESTART_MS together.
    const ranMs = this.#ranMs + pausedAtMs - at_ms;
    const restMs = Math.min(CLAIM_RESTART_MS - ranMs, Math.max(untilMs - pausedAtMs, graceMs));
    if (pausedAtMs < untilMs && restMs > 0) {
      this.#ranMs = ranMs;
      this.#resumed = { beforeMs, at_ms: nowMs, untilMs: nowMs + restMs };
    } else {
      this.#ranMs = 0;
      this.#resumed = { beforeMs: pausedAtMs, at_ms: nowMs, untilMs: nowMs + graceMs };
    }
    this.#onPause({ ms: pauseMs, ran: elapsedMs < pauseMs / 2 });
  }
}

/**
 * Returns the last time in ms at which holders and instances could reach the server. Usually this is the current time.
 * In the grace period after a pause, it is the time at which the pause began.
 */
export function reachableUntil({ beforeMs, untilMs }: Resumed, nowMs: number): number {
  // After a start of the server, the beginning of the pause is unknown (not finite). Instances could reach the server
  // since the start.
  return nowMs < untilMs && Number.isFinite(beforeMs) ? beforeMs : nowMs;
}

function startedAt(atMs: number): Resumed {
  return { beforeMs: Number.NEGATIVE_INFINITY, at_ms: atMs, untilMs: atMs + CLAIM_RESTART_MS };
}
