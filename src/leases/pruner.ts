/** Removes leases that ended long ago: asks the writer, a bounded step at a time. A background task. */
import { LEASE_PRUNE_INTERVAL_MS } from "../../schemas/limits.js";
import { Periodic } from "../background/periodic.js";
import type { BackgroundTask } from "../background/task.js";
import { Failure } from "../base/result.js";
import { pruneLeases } from "../claims/commands.js";
import { NO_CALLER } from "../rpc/frames.js";
import type { Writer } from "../threads/writer.js";

export class LeasePruner implements BackgroundTask {
  readonly #writer: Writer;
  readonly #periodic: Periodic<void>;

  constructor(writer: Writer, now_ms: number) {
    this.#writer = writer;
    this.#periodic = new Periodic({ interval_ms: LEASE_PRUNE_INTERVAL_MS, now_ms, work: () => this.#prune() });
  }

  tick(now_ms: number): void {
    this.#periodic.tick(now_ms);
  }

  close(): Promise<void> {
    return this.#periodic.close();
  }

  async #prune(): Promise<void> {
    for (let after: number | null = 0; after !== null && !this.#periodic.closed; ) {
      const reply: { after: number | null } | Failure = await this.#writer.request(pruneLeases, { after }, NO_CALLER);
      // A writer that is busy or restarting is asked again at the next interval.
      if (reply instanceof Failure) return;
      ({ after } = reply);
    }
  }
}
