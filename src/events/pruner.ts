/** Keeps the newest events and no more: asks the writer, a bounded step at a time. Runs on the front. */
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import type { RpcClient } from "../rpc/client.js";

export class EventPruner {
  readonly #writer: RpcClient;
  readonly #keep: number;
  readonly #interval_ms: number;
  readonly #log: Log;
  #due_ms: number;
  #running = false;

  /** @param keep how many events stay, 0 = all */
  constructor(writer: RpcClient, keep: number, interval_ms: number, log: Log, now_ms: number) {
    this.#writer = writer;
    this.#keep = keep;
    this.#interval_ms = interval_ms;
    this.#log = log;
    this.#due_ms = now_ms + interval_ms;
  }

  tick(now_ms: number): void {
    if (this.#keep === 0 || this.#running || now_ms < this.#due_ms) return;
    this.#due_ms = now_ms + this.#interval_ms;
    this.#running = true;
    void this.#prune().finally(() => {
      this.#running = false;
    });
  }

  async #prune(): Promise<void> {
    let removed = 0;
    for (let more = true; more; ) {
      const reply = await this.#writer.request("events.prune", { keep: this.#keep }, { actor: "", trace: "" });
      // A writer that is busy or restarting prunes at the next interval.
      if (reply instanceof Failure) break;
      removed += reply.removed;
      more = reply.more;
    }
    if (removed > 0) this.#log.debug("events pruned", { removed });
  }
}
