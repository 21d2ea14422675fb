/**
 * The SQL of agent metrics: adding and pruning (writer), reading (pool). An hour is the number of whole hours since the
 * epoch.
 */
import type { AgentMetric, CountRequest } from "../../../schemas/agent-metrics.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";

export class AgentMetricsWriter {
  readonly #newestFlush: Statement<[string], { readonly run: string; readonly sequence: number }>;
  readonly #rememberFlush: Statement<[string, string, number], unknown>;
  readonly #add: Statement<[number, string, string, number], unknown>;
  readonly #prune: Statement<[number, number], unknown>;

  constructor(db: Db) {
    this.#newestFlush = db.prepare("SELECT run, sequence FROM agent_metric_flush WHERE node = ?");
    this.#rememberFlush = db.prepare(
      `INSERT INTO agent_metric_flush VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET run = excluded.run, sequence = excluded.sequence`,
    );
    this.#add = db.prepare(
      "INSERT INTO agent_metric VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
    );
    this.#prune = db.prepare(
      `DELETE FROM agent_metric WHERE (hour, instance, metric) IN
         (SELECT hour, instance, metric FROM agent_metric WHERE hour < ? ORDER BY hour, instance, metric LIMIT ?)`,
    );
  }

  /** Adds the counters of a flush. If the flush was added before, nothing changes. */
  add({ node, run, sequence, counters }: CountRequest): void {
    const newest = this.#newestFlush.get(node);
    if (newest !== undefined && newest.run === run && newest.sequence >= sequence) return;
    for (const [hour, instance, metric, value] of counters) this.#add.run(hour, instance, metric, value);
    this.#rememberFlush.run(node, run, sequence);
  }

  /** Deletes at most `most` counters of hours before `beforeHour`, oldest first. */
  prune(beforeHour: number, most: number): void {
    this.#prune.run(beforeHour, most);
  }
}

export const agentMetricsWriter: Model<AgentMetricsWriter> = { open: ({ db }) => new AgentMetricsWriter(db) };

export interface AgentCounter {
  readonly hour: number;
  readonly metric: AgentMetric;
  readonly value: number;
}

/**
 * Returns the hours that have counters, oldest first. It makes one look-up for each hour and does not read the counters
 * in between.
 */
export function listHours(db: Db): number[] {
  const next = db.prepare<[number], number | null>("SELECT min(hour) FROM agent_metric WHERE hour > ?").pluck();
  const hours: number[] = [];
  for (let hour = next.get(-1) ?? null; hour !== null; hour = next.get(hour) ?? null) hours.push(hour);
  return hours;
}

/**
 * Returns the sum of each metric of each instance over the hours from the first to the last one, both included. The
 * sums are sorted by instance id.
 */
export function sumCounters(
  db: Db,
  first: number,
  last: number,
): { readonly instance: string; readonly metric: AgentMetric; readonly value: number }[] {
  return db
    .prepare<[number, number], { instance: string; metric: AgentMetric; value: number }>(
      `SELECT instance, metric, sum(value) AS value FROM agent_metric WHERE hour >= ? AND hour <= ?
       GROUP BY instance, metric ORDER BY instance, metric`,
    )
    .all(first, last);
}

/** Returns the counters of one instance in the given hours, in the order of the hours. */
export function countersOf(db: Db, instance: string, hours: readonly number[]): AgentCounter[] {
  const read = db.prepare<[number, string], AgentCounter>(
    "SELECT hour, metric, value FROM agent_metric WHERE hour = ? AND instance = ? ORDER BY metric",
  );
  return hours.flatMap((hour) => read.all(hour, instance));
}
