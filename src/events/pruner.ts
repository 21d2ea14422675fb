/**
 * Prunes old events. It asks the writer to delete a bounded number of events at a time, until only the newest `keep`
 * are left. Runs on the front, as a background task.
 */
import type { BackgroundTask } from "../background/task.js";
import { Periodic } from "../background/periodic.js";
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import { NO_CALLER } from "../rpc/frames.js";
import type { Writer } from "../threads/writer.js";
import { pruneEvents } from "./commands.js";

export interface EventPrunerOptions {
  readonly writer: Writer;
  /** The number of events to keep; 0 keeps all. */
  readonly keep: number;
  readonly interval_ms: number;
  readonly log: Log;
  readonly now_ms: number;
}

export class EventPruner implements BackgroundTask {
  readonly #options: EventPrunerOptions;
  readonly #periodic: Periodic<void>;

  constructor(options: EventPrunerOptions) {
    this.#options = options;
    const { interval_ms, now_ms } = options;
    this.#periodic = new Periodic({ interval_ms, now_ms, work: () => this.#prune(), ready: () => options.keep > 0 });
  }

  tick(now_ms: number): void {
    this.#periodic.tick(now_ms);
  }

  close(): Promise<void> {
    return this.#periodic.close();
  }

  async #prune(): Promise<void> {
    const { writer, keep, log } = this.#options;
    let removed = 0;
    for (let more = true; more && !this.#periodic.closed; ) {
      const reply = await writer.request(pruneEvents, { keep }, NO_CALLER);
      // If the writer is busy or restarting, pruning continues at the next interval.
      if (reply instanceof Failure) break;
      removed += reply.removed;
      more = reply.more;
    }
    if (removed > 0) log.debug("events pruned", { removed });
  }
}
