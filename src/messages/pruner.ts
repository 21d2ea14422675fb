/**
 * Asks the writer to delete messages: expired ones at once, old ones at an interval. Runs on the front, as a background
 * task.
 */
import type { BackgroundTask } from "../background/task.js";
import { Periodic } from "../background/periodic.js";
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import { NO_CALLER } from "../rpc/frames.js";
import type { Writer } from "../threads/writer.js";
import { pruneMessages } from "./commands.js";

export interface MessagePrunerOptions {
  readonly writer: Writer;
  /** The message boxes. `expires_at` is the time in ms at which the next message expires; null if none does. */
  readonly boxes: { readonly expires_at: number | null };
  readonly interval_ms: number;
  readonly log: Log;
  readonly now_ms: number;
}

export class MessagePruner implements BackgroundTask {
  readonly #options: MessagePrunerOptions;
  readonly #periodic: Periodic<void>;
  #now_ms: number;
  /** True if the last call failed. The pruner then waits for the next interval, even if a message has expired. */
  #refused = false;

  constructor(options: MessagePrunerOptions) {
    this.#options = options;
    const { interval_ms, now_ms, writer, boxes } = options;
    this.#now_ms = now_ms;
    this.#periodic = new Periodic({
      interval_ms,
      now_ms,
      work: () => this.#prune(),
      urgent: () => !this.#refused && boxes.expires_at !== null && boxes.expires_at <= this.#now_ms,
      ready: () => writer.attached,
    });
  }

  tick(now_ms: number): void {
    this.#now_ms = now_ms;
    this.#periodic.tick(now_ms);
  }

  close(): Promise<void> {
    return this.#periodic.close();
  }

  async #prune(): Promise<void> {
    const { writer, log } = this.#options;
    let removed = 0;
    for (let more = true; more && !this.#periodic.closed; ) {
      const reply = await writer.request(pruneMessages, {}, NO_CALLER);
      this.#refused = reply instanceof Failure;
      if (reply instanceof Failure) break;
      removed += reply.removed;
      more = reply.more;
    }
    if (removed > 0) log.debug("messages pruned", { removed });
  }
}
