/**
 * Prunes old database rows. A `Retention` describes one kind of rows: its interval, and a step that deletes a bounded
 * number of rows. At each interval the pruner repeats the step until nothing is left to prune. Runs on the front, as a
 * background task.
 */
import type { Log } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import { Periodic } from "./periodic.js";
import type { BackgroundTask } from "./task.js";

/**
 * The reply of a step. It comes in two forms. With `more`, the step says whether there is more to prune. With `after`,
 * the step visits the table in the order of its rows: the next step starts after the row `after`, and null means that
 * all rows were visited.
 */
export type PruneReply = { readonly removed: number } & (
  | { readonly more: boolean }
  | { readonly after: number | null }
);

/** Describes one kind of old data: how often it is pruned, and the step that prunes it. */
export interface Retention {
  /** The plural name of the data, for the log, such as "events". */
  readonly name: string;
  readonly intervalMs: number;
  /**
   * Deletes a bounded number of rows.
   * @param after the step visits only the rows after this one; 0 in the first step of a run
   */
  readonly step: (after: number, nowMs: number) => Promise<PruneReply | Failure>;
  /** Returns true if something must be pruned before the interval has passed. */
  readonly urgent?: (nowMs: number) => boolean;
}

export interface PrunerOptions {
  readonly retentions: readonly Retention[];
  /** Returns false while the writer cannot serve calls. A run that is due then waits. */
  readonly ready: () => boolean;
  readonly log: Log;
  /** The current time in ms. The first runs are due one interval later. */
  readonly nowMs: number;
}

export class Pruner implements BackgroundTask {
  readonly #periodics: readonly Periodic<void>[];
  readonly #log: Log;
  #nowMs: number;

  constructor({ retentions, ready, log, nowMs }: PrunerOptions) {
    this.#log = log;
    this.#nowMs = nowMs;
    this.#periodics = retentions.map((retention) => this.#periodicOf(retention, ready));
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    for (const periodic of this.#periodics) periodic.tick(nowMs);
  }

  async close(): Promise<void> {
    await Promise.all(this.#periodics.map((periodic) => periodic.close()));
  }

  #periodicOf(retention: Retention, ready: () => boolean): Periodic<void> {
    // A step fails if the writer is busy or restarting. Then the next run waits for the interval, even if it is urgent.
    let failed = false;
    const periodic = new Periodic<void>({
      intervalMs: retention.intervalMs,
      nowMs: this.#nowMs,
      ready,
      urgent: () => !failed && retention.urgent?.(this.#nowMs) === true,
      work: async () => {
        failed = !(await this.#prune(retention, periodic));
      },
    });
    return periodic;
  }

  /** Runs steps until nothing is left to prune. Returns false if a step has failed. */
  async #prune({ name, step }: Retention, periodic: Periodic<void>): Promise<boolean> {
    let removed = 0;
    let reply: PruneReply | Failure | null = null;
    for (let after: number | null = 0; after !== null && !periodic.closed; after = nextOf(reply)) {
      reply = await step(after, this.#nowMs);
      if (reply instanceof Failure) break;
      removed += reply.removed;
    }
    if (removed > 0) this.#log.debug(`${name} pruned`, { removed });
    return !(reply instanceof Failure);
  }
}

/** Returns the row after which the next step starts; null if nothing is left to prune. */
function nextOf(reply: PruneReply): number | null {
  if ("after" in reply) return reply.after;
  return reply.more ? 0 : null;
}
