/**
 * Detects active instances that have been silent for too long, and marks them stale. The writer stores the status and
 * publishes the event in one transaction, and then the directory applies the change. The cost depends on the number of
 * instances that become stale, and not on the number of all instances. Runs on the front, driven by ticks.
 */
import { INSTANCE_FLUSH_ROWS } from "../../schemas/limits/instances.js";
import { Periodic } from "../background/periodic.js";
import type { BackgroundTask } from "../background/task.js";
import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import type { PauseDetector } from "../base/pause-detector.js";
import { NO_CALLER } from "../rpc/frames.js";
import type { Writer } from "../threads/writer.js";
import { markStale } from "./commands.js";
import type { Directory, Entry } from "./directory.js";

export interface LivenessOptions {
  readonly directory: Directory;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly log: Log;
  readonly pauseDetector: Pick<PauseDetector, "resumed">;
  /**
   * Returns how long an instance may be silent before it is stale, in ms. In a cluster this time is longer, because
   * this node learns of activity at other nodes only after a delay.
   */
  readonly stale_after_ms: () => number;
  readonly interval_ms: number;
}

export class Liveness implements BackgroundTask {
  readonly #options: LivenessOptions;
  /** Runs only one check at a time, because two concurrent checks would find the same instances. */
  readonly #checks: Periodic<readonly Entry[] | Failure>;

  constructor(options: LivenessOptions) {
    this.#options = options;
    const { interval_ms, clock } = options;
    // If the writer is busy or restarting, the check is repeated at the next interval.
    this.#checks = new Periodic({ interval_ms, now_ms: clock.now(), work: () => this.#check() });
  }

  tick(now_ms: number): void {
    this.#checks.tick(now_ms);
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

  /**
   * Returns the last time at which instances could reach the server. Usually that is now. For a while after the process
   * was paused, it is the time at which the pause began.
   */
  #reachableUntil(now_ms: number): number {
    const { before_ms, until_ms } = this.#options.pauseDetector.resumed(now_ms);
    // After a start, the time of the last stop is unknown, and instances could connect during the start.
    return now_ms < until_ms && Number.isFinite(before_ms) ? before_ms : now_ms;
  }

  async #check(): Promise<readonly Entry[] | Failure> {
    const { directory, writer, clock, log, stale_after_ms } = this.#options;
    const until_ms = this.#reachableUntil(clock.now()) - stale_after_ms();
    const newly_stale: Entry[] = [];
    for (;;) {
      const silent = directory.silentSince(until_ms, INSTANCE_FLUSH_ROWS);
      if (silent.length === 0) return newly_stale;
      const last_seen = silent.map((entry) => entry.last_seen);
      const reply = await writer.request(markStale, { rows: silent.map(({ row }) => row), last_seen }, NO_CALLER);
      if (reply instanceof Failure) return reply;
      directory.markStale(silent, last_seen);
      const marked = new Set(reply.rows);
      for (const entry of silent) {
        if (!marked.has(entry.row)) continue;
        newly_stale.push(entry);
        log.info("instance stale", { id: entry.id, name: entry.name });
      }
    }
  }
}
