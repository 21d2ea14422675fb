/**
 * Finds active instances that have been silent for too long, and has them marked stale: the writer stores
 * the status and publishes the event in one transaction, then the directory follows. Costs what is stale, not
 * what is registered. Runs on the front, driven by ticks.
 */
import { INSTANCE_FLUSH_ROWS } from "../../schemas/limits.js";
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import type { RpcClient } from "../rpc/client.js";
import type { Directory, Entry } from "./directory.js";

export interface LivenessOptions {
  readonly directory: Directory;
  readonly writer: RpcClient;
  readonly log: Log;
  readonly stale_after_ms: number;
  readonly interval_ms: number;
  readonly now_ms: number;
}

export class Liveness {
  readonly #options: LivenessOptions;
  #due_ms: number;
  #running = false;
  /** Checks come one after the other: two at once would both find the same. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#due_ms = options.now_ms + options.interval_ms;
  }

  tick(now_ms: number): void {
    if (this.#running || now_ms < this.#due_ms) return;
    this.#due_ms = now_ms + this.#options.interval_ms;
    this.#running = true;
    // A writer that is busy or restarting is asked again at the next interval.
    void this.check(now_ms).finally(() => {
      this.#running = false;
    });
  }

  /** Those that became stale by this check, the longest silent first; a Failure where the writer could not store it. */
  check(now_ms: number): Promise<readonly Entry[] | Failure> {
    const checked = this.#last.then(() => this.#check(now_ms));
    this.#last = checked;
    return checked;
  }

  async #check(now_ms: number): Promise<readonly Entry[] | Failure> {
    const { directory, writer, log, stale_after_ms } = this.#options;
    const newly_stale: Entry[] = [];
    for (;;) {
      const silent = directory.silentSince(now_ms - stale_after_ms, INSTANCE_FLUSH_ROWS);
      if (silent.length === 0) return newly_stale;
      const last_seen = silent.map((entry) => entry.last_seen);
      const reply = await writer.request(
        "instance.stale",
        { rows: silent.map(({ row }) => row), last_seen },
        { actor: "", trace: "" },
      );
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
