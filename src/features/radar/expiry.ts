/**
 * Ends the reports of checkouts that have had no activity for too long. Activity is a report, or a request of an
 * instance that works in the checkout. Runs on the front, driven by ticks. In a cluster it runs only on the leader.
 */
import { RADAR_ENDED_TOGETHER, RADAR_EXPIRY_INTERVAL_MS, RADAR_KEEP_MS } from "../../../schemas/limits/radar.js";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import { Periodic } from "../../platform/background/periodic.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { Directory } from "../instances/directory.js";
import { endReports } from "./commands.js";
import { checkoutSeenAt } from "./life.js";
import type { RadarReader } from "./table.js";

export interface ReportExpiryOptions {
  readonly reader: Pick<RadarReader, "storedUntil">;
  readonly directory: Pick<Directory, "inCheckout">;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly log: Log;
}

export class ReportExpiry implements BackgroundTask {
  readonly #options: ReportExpiryOptions;
  readonly #runs: Periodic<void>;

  constructor(options: ReportExpiryOptions) {
    this.#options = options;
    const { clock, writer } = options;
    this.#runs = new Periodic({
      intervalMs: RADAR_EXPIRY_INTERVAL_MS,
      nowMs: clock.now(),
      work: () => this.#endSilent(),
      ready: () => writer.attached,
    });
  }

  tick(nowMs: number): void {
    this.#runs.tick(nowMs);
  }

  close(): Promise<void> {
    return this.#runs.close();
  }

  /** Ends the reports that are due, a few in each call. If the writer does not answer, the next run tries again. */
  async #endSilent(): Promise<void> {
    const { reader, directory, writer, clock, log } = this.#options;
    const nowMs = clock.now();
    const untilMs = nowMs - RADAR_KEEP_MS;
    const due = reader
      .storedUntil(untilMs)
      .filter(({ checkout }) => checkoutSeenAt(directory, checkout, nowMs) <= untilMs)
      .map(({ checkout, reported_at }) => ({ checkout, reported_at }));
    for (let at = 0; at < due.length && !this.#runs.closed; at += RADAR_ENDED_TOGETHER) {
      const ends = due.slice(at, at + RADAR_ENDED_TOGETHER);
      const reply = await writer.request(endReports, { ends }, NO_CALLER);
      if (reply instanceof Failure) return;
      for (const checkout of reply.checkouts) log.info("report of changes ended", { checkout });
    }
  }
}
