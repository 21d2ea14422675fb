/**
 * Detects active instances that have been silent for too long, and marks them stale. The writer stores the status and
 * the event in one transaction. Then the directory applies the change. The cost depends only on the number of instances
 * that become stale. Runs on the front, driven by ticks.
 */
import { INSTANCE_FLUSH_ROWS } from "../../../schemas/limits/instances.js";
import { Periodic } from "../../platform/background/periodic.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import { type PauseDetector, reachableUntil } from "../../base/pause-detector.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { markStale } from "./commands.js";
import type { Directory } from "./directory.js";
import type { Entry } from "./entry.js";

export interface LivenessOptions {
  readonly directory: Directory;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly log: Log;
  readonly pauseDetector: Pick<PauseDetector, "resumed">;
  /**
   * Returns the time in ms for which an instance may be silent before it is stale. In a cluster it is longer, because a
   * node learns of activity at other nodes only after a delay.
   */
  readonly stale_after_ms: () => number;
  readonly intervalMs: number;
}

export class Liveness implements BackgroundTask {
  readonly #options: LivenessOptions;
  /** Runs only one check at a time, because two concurrent checks would find the same instances. */
  readonly #checks: Periodic<readonly Entry[] | Failure>;

  constructor(options: LivenessOptions) {
    this.#options = options;
    const { intervalMs, clock } = options;
    // If the writer is busy or restarting, the check is repeated at the next interval.
    this.#checks = new Periodic({ intervalMs, nowMs: clock.now(), work: () => this.#check() });
  }

  tick(nowMs: number): void {
    this.#checks.tick(nowMs);
  }

  /**
   * Runs a check. If a check is already running, runs another one after it.
   * @returns the instances that became stale, the longest silent first; a Failure if the writer could not store them
   */
  check(): Promise<readonly Entry[] | Failure> {
    return this.#checks.run();
  }

  close(): Promise<void> {
    return this.#checks.close();
  }

  async #check(): Promise<readonly Entry[] | Failure> {
    const { directory, writer, clock, log, pauseDetector, stale_after_ms } = this.#options;
    const nowMs = clock.now();
    const untilMs = reachableUntil(pauseDetector.resumed(nowMs), nowMs) - stale_after_ms();
    const newlyStale: Entry[] = [];
    for (;;) {
      const silent = directory.silentSince(untilMs, INSTANCE_FLUSH_ROWS);
      if (silent.length === 0) return newlyStale;
      const lastSeen = silent.map((entry) => entry.last_seen);
      const reply = await writer.request(
        markStale,
        { rows: silent.map(({ row }) => row), last_seen: lastSeen },
        NO_CALLER,
      );
      if (reply instanceof Failure) return reply;
      directory.markStale(silent, lastSeen);
      const marked = new Set(reply.rows);
      for (const entry of silent) {
        if (!marked.has(entry.row)) continue;
        newlyStale.push(entry);
        log.info("instance stale", { id: entry.id, name: entry.name });
      }
    }
  }
}
