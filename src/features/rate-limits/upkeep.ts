/**
 * Removes the rate limits that have ended. A removal publishes an event, and lets waiting claims continue. Runs on the
 * front, driven by ticks. In a cluster it runs only on the leader.
 */
import { RATE_LIMIT_END_INTERVAL_MS } from "../../../schemas/limits/rate-limits.js";
import type { Clock } from "../../base/clock.js";
import { Periodic } from "../../platform/background/periodic.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { endRateLimits } from "./commands.js";
import type { RateLimitProjection } from "./projection.js";

export interface RateLimitEndsOptions {
  readonly limits: Pick<RateLimitProjection, "isEndDue">;
  readonly writer: Writer;
  readonly clock: Clock;
}

export class RateLimitEnds implements BackgroundTask {
  readonly #options: RateLimitEndsOptions;
  readonly #runs: Periodic<void>;

  constructor(options: RateLimitEndsOptions) {
    this.#options = options;
    const { clock, writer } = options;
    this.#runs = new Periodic({
      intervalMs: RATE_LIMIT_END_INTERVAL_MS,
      nowMs: clock.now(),
      work: () => this.#end(),
      ready: () => writer.attached,
    });
  }

  tick(nowMs: number): void {
    this.#runs.tick(nowMs);
  }

  close(): Promise<void> {
    return this.#runs.close();
  }

  /** Removes the rate limits that have ended. If the writer does not answer, the next run tries again. */
  async #end(): Promise<void> {
    const { limits, writer, clock } = this.#options;
    if (limits.isEndDue(clock.now())) await writer.request(endRateLimits, {}, NO_CALLER);
  }
}
