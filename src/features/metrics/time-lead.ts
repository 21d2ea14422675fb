/**
 * Measures how far the server's times are ahead of the machine's clock. Stored times are ahead if a machine's clock was
 * wrong when they were stored. The server's own clock is ahead if the machine's clock was set back while the server was
 * running. The result is reported in the log, in `/health` and as a metric. Runs on the front, driven by ticks.
 */
import { CLOCK_LEAD_MS_MAX } from "../../../schemas/limits/store.js";
import { SECOND_MS } from "../../../shared/duration.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import type { Exposition } from "../../platform/measure/exposition.js";

export interface TimeLeadOptions {
  /** The server's clock. */
  readonly clock: Clock;
  readonly machine: Clock;
  /** Returns the newest stored time in ms if it is so far ahead that the server's clock ignores it; otherwise 0. */
  readonly newestPassed: () => number;
  readonly log: Log;
}

export class TimeLead implements BackgroundTask {
  readonly #options: TimeLeadOptions;
  #passedMs = 0;
  #ahead = false;

  constructor(options: TimeLeadOptions) {
    this.#options = options;
  }

  /** Checks the stored times. Called at the start and after the restore of a snapshot. */
  checkStored(): void {
    const { newestPassed, machine, log } = this.#options;
    const beforeMs = this.#passedMs;
    this.#passedMs = newestPassed();
    const aheadMs = this.#passedMs - machine.now();
    if (this.#passedMs !== beforeMs && aheadMs > CLOCK_LEAD_MS_MAX)
      log.warn("stored times are ahead of the machine's clock: they are kept, and new times follow the clock", {
        ahead_s: Math.round(aheadMs / SECOND_MS),
      });
  }

  tick(nowMs: number): void {
    const aheadMs = nowMs - this.#options.machine.now();
    if (this.#ahead ? aheadMs > 0 : aheadMs > CLOCK_LEAD_MS_MAX) {
      if (!this.#ahead)
        this.#options.log.warn(
          "the machine's clock was set back: the server keeps its own time until it is restarted",
          {
            ahead_s: Math.round(aheadMs / SECOND_MS),
          },
        );
      this.#ahead = true;
    } else this.#ahead = false;
  }

  /**
   * The number of seconds by which the server's or a stored time is ahead of the machine's clock; 0 if it is at most
   * CLOCK_LEAD_MS_MAX.
   */
  get aheadS(): number {
    const { clock, machine } = this.#options;
    const aheadMs = Math.max(this.#passedMs, clock.now()) - machine.now();
    return aheadMs > CLOCK_LEAD_MS_MAX ? Math.round(aheadMs / SECOND_MS) : 0;
  }

  expose(out: Exposition): void {
    out.value(
      "koor_times_ahead_seconds",
      "gauge",
      "Seconds by which the server's time, or a stored time, is ahead of the machine's clock.",
      this.aheadS,
    );
  }
}
