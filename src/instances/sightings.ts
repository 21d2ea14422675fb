/**
 * Brings signs of life into the database: in batches every few seconds, at once where a stale instance is
 * alive again, and whole at a shutdown. A kill loses the last seconds of last_seen and nothing else.
 * Runs on the front, driven by ticks.
 */
import { INSTANCE_FLUSH_INTERVAL_MS, INSTANCE_FLUSH_ROWS } from "../../schemas/limits.js";
import { Failure } from "../base/result.js";
import type { RpcClient } from "../rpc/client.js";
import type { Directory } from "./directory.js";

export class Sightings {
  readonly #directory: Directory;
  readonly #writer: RpcClient;
  #due_ms: number;
  #running: Promise<void> | null = null;

  constructor(directory: Directory, writer: RpcClient, now_ms: number) {
    this.#directory = directory;
    this.#writer = writer;
    this.#due_ms = now_ms + INSTANCE_FLUSH_INTERVAL_MS;
  }

  tick(now_ms: number): void {
    if (this.#running !== null || !this.#writer.attached || (now_ms < this.#due_ms && !this.#directory.urgent)) return;
    this.#due_ms = now_ms + INSTANCE_FLUSH_INTERVAL_MS;
    void this.flush();
  }

  /** Stores what was seen until now. What the writer does not take stays for the next time. */
  flush(): Promise<void> {
    this.#running ??= this.#flush().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Stores everything, what was seen during a flush too: nothing is seen any more. */
  async close(): Promise<void> {
    await this.#running;
    await this.flush();
  }

  async #flush(): Promise<void> {
    for (;;) {
      const seen = this.#directory.takeSeen(INSTANCE_FLUSH_ROWS);
      if (seen.length === 0) return;
      const request = { rows: seen.map(({ row }) => row), last_seen: seen.map(({ last_seen }) => last_seen) };
      const reply = await this.#writer.request("instance.seen", request, { actor: "", trace: "" });
      if (reply instanceof Failure) {
        this.#directory.giveBack(seen);
        return;
      }
      if (seen.length < INSTANCE_FLUSH_ROWS) return;
    }
  }
}
