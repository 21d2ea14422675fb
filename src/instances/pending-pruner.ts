/**
 * Deletes instances that were registered but never activated, and that were not seen for a day: the client that
 * registered such an instance is gone. The deletion is the same call as a client's, with the same audit row. Runs on
 * the front, as a background task.
 */
import type { DeregisterReply } from "../../schemas/instances.js";
import {
  INSTANCE_FLUSH_ROWS,
  PENDING_PRUNE_INTERVAL_MS,
  PENDING_SILENCE_MS_MAX,
} from "../../schemas/limits/instances.js";
import { Periodic } from "../background/periodic.js";
import type { BackgroundTask } from "../background/task.js";
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import { NO_CALLER } from "../rpc/frames.js";
import type { Writer } from "../threads/writer.js";
import { deregisterInstance } from "./commands.js";
import type { Directory, Entry } from "./directory.js";

export interface PendingPrunerOptions {
  readonly directory: Directory;
  readonly writer: Writer;
  readonly log: Log;
  readonly now_ms: number;
}

export class PendingPruner implements BackgroundTask {
  readonly #options: PendingPrunerOptions;
  readonly #periodic: Periodic<void>;
  #now_ms: number;

  constructor(options: PendingPrunerOptions) {
    this.#options = options;
    const { now_ms, writer } = options;
    this.#now_ms = now_ms;
    const interval_ms = PENDING_PRUNE_INTERVAL_MS;
    this.#periodic = new Periodic({ interval_ms, now_ms, work: () => this.#prune(), ready: () => writer.attached });
  }

  tick(now_ms: number): void {
    this.#now_ms = now_ms;
    this.#periodic.tick(now_ms);
  }

  close(): Promise<void> {
    return this.#periodic.close();
  }

  /**
   * Deletes the pending instances one by one. If the writer is busy or restarting, it continues at the next interval.
   */
  async #prune(): Promise<void> {
    const { directory, writer, log } = this.#options;
    const until_ms = this.#now_ms - PENDING_SILENCE_MS_MAX;
    // Spare an instance that has registered others, because these would be deleted with it and may be at work.
    const spares = (entry: Entry): boolean => directory.hasRegistered(entry.id);
    for (const { id, name } of directory.silentSince(until_ms, INSTANCE_FLUSH_ROWS, "pending", spares)) {
      if (this.#periodic.closed) return;
      // Check again: the instance may have been activated or seen while others were deleted.
      const entry = directory.get(id);
      if (entry?.status !== "pending" || entry.last_seen > until_ms || spares(entry)) continue;
      for (let at: string | null = null; ; ) {
        const reply: DeregisterReply | Failure = await writer.request(deregisterInstance, { id, at }, NO_CALLER);
        if (reply instanceof Failure) return;
        for (const gone of reply.ids) directory.remove(gone);
        at = reply.more;
        if (at === null) break;
      }
      log.info("pending instance pruned", { id, name });
    }
  }
}
