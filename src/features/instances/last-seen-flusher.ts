/**
 * Writes last_seen times to the database. It writes a batch every few seconds, and at once if a stale instance was
 * seen. At a shutdown, it writes all times. If the process is killed, only the times of the last few seconds are lost.
 * Runs on the front, driven by ticks.
 */
import { INSTANCE_FLUSH_INTERVAL_MS, INSTANCE_FLUSH_ROWS } from "../../../schemas/limits/instances.js";
import { Periodic } from "../../platform/background/periodic.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import { Failure } from "../../base/result.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { storeLastSeen } from "./commands.js";
import type { Directory } from "./directory.js";

export class LastSeenFlusher implements BackgroundTask {
  readonly #directory: Directory;
  readonly #writer: Writer;
  readonly #flushes: Periodic<void>;
  readonly #shared: boolean;
  #nowMs: number;

  /**
   * @param sharedMs the interval in ms at which times are stored for the other nodes of the cluster; null on a single
   * server
   */
  constructor(directory: Directory, writer: Writer, nowMs: number, sharedMs: number | null) {
    this.#directory = directory;
    this.#writer = writer;
    this.#shared = sharedMs !== null;
    this.#nowMs = nowMs;
    this.#flushes = new Periodic({
      intervalMs: sharedMs ?? INSTANCE_FLUSH_INTERVAL_MS,
      nowMs,
      work: () => this.#flushUnsaved(),
      urgent: () => directory.urgent,
      ready: () => writer.attached,
    });
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#flushes.tick(nowMs);
  }

  /** Stores all activity up to now. The promise also resolves if the writer could not store it. */
  flush(): Promise<void> {
    return this.#flushes.run();
  }

  /**
   * Stores all activity, including activity that arrives during the flush. After that, no request may change the
   * directory.
   */
  async close(): Promise<void> {
    await this.#flushes.run();
    await this.#flushes.close();
  }

  /** Stores the activity up to now. If the writer does not accept some entries, the next flush stores them. */
  async #flushUnsaved(): Promise<void> {
    if (this.#shared) this.#directory.touchWaiting(this.#nowMs);
    for (;;) {
      const seen = this.#directory.takeUnsaved(INSTANCE_FLUSH_ROWS);
      if (seen.length === 0) return;
      const request = {
        rows: seen.map(({ row }) => row),
        last_seen: seen.map(({ last_seen }) => last_seen),
        busy_until: seen.map(({ busy_until }) => busy_until),
      };
      const reply = await this.#writer.request(storeLastSeen, request, NO_CALLER);
      if (reply instanceof Failure) {
        this.#directory.requeueUnsaved(seen);
        return;
      }
      if (seen.length < INSTANCE_FLUSH_ROWS) return;
    }
  }
}
