/**
 * Writes the counts of the tally to the database (a flush): every few seconds, before the metrics are read, and at a
 * shutdown. Each flush has a number. If the answer to a flush is lost, the flush is sent again under the same number,
 * so that its counts are added only once. Runs on the front, driven by ticks.
 */
import { AGENT_METRICS, type CounterRow } from "../../../schemas/agent-metrics.js";
import { AGENT_METRICS_FLUSH_INTERVAL_MS, AGENT_METRICS_FLUSH_ROWS } from "../../../schemas/limits/agent-metrics.js";
import { Periodic } from "../../platform/background/periodic.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import { crypto } from "../../base/crypto.js";
import type { Log } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { countAgents } from "./commands.js";
import type { AgentTally } from "./tally.js";

export class AgentMetricsFlusher implements BackgroundTask {
  readonly #tally: AgentTally;
  readonly #writer: Writer;
  readonly #log: Log;
  readonly #node: string;
  readonly #flushes: Periodic<void>;
  /** Identifies this run of the server, because each run numbers its flushes from 1. */
  #run: string | undefined;
  #sequence = 0;
  /** The counters that the writer has not acknowledged yet. */
  #sending: readonly CounterRow[] = [];

  /** @param node the name of this node; "" for a single server */
  constructor(tally: AgentTally, writer: Writer, log: Log, nowMs: number, node = "") {
    this.#tally = tally;
    this.#writer = writer;
    this.#log = log;
    this.#node = node;
    this.#flushes = new Periodic({
      intervalMs: AGENT_METRICS_FLUSH_INTERVAL_MS,
      nowMs,
      work: () => this.#flush(),
    });
  }

  tick(nowMs: number): void {
    this.#tally.tick(nowMs);
    this.#flushes.tick(nowMs);
  }

  /** Stores all counts up to now. If the writer rejects a flush, its counts are sent again with the next flush. */
  flush(): Promise<void> {
    return this.#flushes.run();
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#flushes.close();
  }

  async #flush(): Promise<void> {
    if (this.#tally.dropped > 0) {
      this.#log.warn("agent metrics were not counted: too many wait for the database", { counts: this.#tally.dropped });
      this.#tally.dropped = 0;
    }
    // Each iteration sends one flush. The number of iterations is limited to the need of the current counters, so the
    // loop ends even if new counts keep arriving.
    const counters = this.#tally.size * AGENT_METRICS.length;
    for (let steps = Math.ceil(counters / AGENT_METRICS_FLUSH_ROWS) + 1; steps > 0; steps--) {
      if (this.#sending.length === 0) {
        this.#sending = this.#tally.take(AGENT_METRICS_FLUSH_ROWS);
        if (this.#sending.length === 0) return;
        this.#sequence += 1;
      }
      const request = {
        node: this.#node,
        run: (this.#run ??= crypto().randomUUID()),
        sequence: this.#sequence,
        counters: [...this.#sending],
      };
      const reply = await this.#writer.request(countAgents, request, NO_CALLER);
      if (reply instanceof Failure) return;
      this.#sending = [];
    }
  }
}
