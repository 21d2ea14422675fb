/**
 * Brings the tally into the database every few seconds, when it is read, and at a shutdown. A flush whose
 * answer was lost is sent again under its number, and counts once. Runs on the front, driven by ticks.
 */
import { randomUUID } from "node:crypto";
import type { CounterRow } from "../../schemas/agent-metrics.js";
import { AGENT_METRICS_FLUSH_INTERVAL_MS, AGENT_METRICS_FLUSH_ROWS } from "../../schemas/limits.js";
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import type { RpcClient } from "../rpc/client.js";
import type { AgentTally } from "./tally.js";

export class AgentMetricsFlusher {
  readonly #tally: AgentTally;
  readonly #writer: RpcClient;
  readonly #log: Log;
  /** Tells this run of the server from others in the sequence of flushes. */
  readonly #server = randomUUID();
  #sequence = 0;
  /** What was sent and not acknowledged. */
  #sending: readonly CounterRow[] = [];
  #due_ms: number;
  #running = false;
  #last: Promise<void> = Promise.resolve();
  /** The flush that begins when the one under way has ended: whoever asks meanwhile waits for the same. */
  #next: Promise<void> | null = null;

  constructor(tally: AgentTally, writer: RpcClient, log: Log, now_ms: number) {
    this.#tally = tally;
    this.#writer = writer;
    this.#log = log;
    this.#due_ms = now_ms + AGENT_METRICS_FLUSH_INTERVAL_MS;
  }

  tick(now_ms: number): void {
    this.#tally.tick(now_ms);
    if (this.#running || now_ms < this.#due_ms) return;
    this.#due_ms = now_ms + AGENT_METRICS_FLUSH_INTERVAL_MS;
    this.#running = true;
    void this.flush().finally(() => {
      this.#running = false;
    });
  }

  /** Stores what was counted until now. What the writer does not take stays for the next time. */
  flush(): Promise<void> {
    if (this.#next !== null) return this.#next;
    const next = this.#last.then(() => {
      this.#next = null;
      return this.#flush();
    });
    this.#next = next;
    this.#last = next;
    return next;
  }

  async #flush(): Promise<void> {
    if (this.#tally.dropped > 0) {
      this.#log.warn("agent metrics were not counted: too many wait for the database", { counts: this.#tally.dropped });
      this.#tally.dropped = 0;
    }
    // Each agent has at least one counter, so that what is there now is gone after so many steps.
    for (let steps = Math.ceil(this.#tally.size / AGENT_METRICS_FLUSH_ROWS) + 1; steps > 0; steps--) {
      if (this.#sending.length === 0) {
        this.#sending = this.#tally.take(AGENT_METRICS_FLUSH_ROWS);
        if (this.#sending.length === 0) return;
        this.#sequence += 1;
      }
      const request = { server: this.#server, sequence: this.#sequence, counters: [...this.#sending] };
      const reply = await this.#writer.request("agents.count", request, { actor: "", trace: "" });
      if (reply instanceof Failure) return;
      this.#sending = [];
    }
  }
}
