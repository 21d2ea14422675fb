/**
 * Counts the activity of agents in memory, by hour. The request handlers add counts for calls that have an actor. The
 * flusher removes the counts and stores them. Pure except for its state.
 */
import { AGENT_METRICS, type AgentMetric, type CounterRow } from "../../../schemas/agent-metrics.js";
import { AGENT_TALLIES_MAX } from "../../../schemas/limits/agent-metrics.js";
import { CI_ACTOR } from "../../../schemas/evidence.js";
import { DASHBOARD_ACTOR } from "../../../schemas/sessions.js";
import { HOUR_MS } from "../../../shared/duration.js";

const POSITIONS: Readonly<Record<AgentMetric, number>> = {
  rest_calls: 0,
  mcp_calls: 1,
  violations: 2,
  rollbacks: 3,
  events_published: 4,
  errors: 5,
};

/** Converts a time to an hour, which is the number of whole hours since the epoch. */
export function hourOf(timeMs: number): number {
  return Math.floor(timeMs / HOUR_MS);
}

/** Converts an hour to its form in answers, such as `2026-02-16T14`. */
export function formatHour(hour: number): string {
  return new Date(hour * HOUR_MS).toISOString().slice(0, 13);
}

interface Hour {
  readonly hour: number;
  /** The counts by instance id. The array has one number for each metric, in the order of AGENT_METRICS. */
  readonly counts: Map<string, number[]>;
}

export class AgentTally {
  /** The hours with counts, oldest first. Only the last one gets new counts. */
  readonly #hours: Hour[] = [];
  #current: Hour;
  #size = 0;
  /** The number of counts that were dropped because the tally was full. */
  dropped = 0;

  constructor(nowMs: number) {
    this.#current = { hour: hourOf(nowMs), counts: new Map() };
    this.#hours.push(this.#current);
  }

  /** The number of agents with counts, summed over the hours. An agent with counts in two hours counts twice. */
  get size(): number {
    return this.#size;
  }

  /** Sets the time, and so the hour to which new counts are added. The hour never goes back. */
  tick(nowMs: number): void {
    const hour = hourOf(nowMs);
    if (hour <= this.#current.hour) return;
    this.#current = { hour, counts: new Map() };
    this.#hours.push(this.#current);
  }

  /** Increases a counter of an instance. Calls from the dashboard are not counted, because its user is not an agent. */
  add(instance: string, metric: AgentMetric, by: number): void {
    if (instance === DASHBOARD_ACTOR || instance === CI_ACTOR) return;
    const { counts } = this.#current;
    let of = counts.get(instance);
    if (of === undefined) {
      if (this.#size >= AGENT_TALLIES_MAX) {
        this.dropped += by;
        return;
      }
      of = AGENT_METRICS.map(() => 0);
      counts.set(instance, of);
      this.#size += 1;
    }
    const at = POSITIONS[metric];
    of[at] = (of[at] ?? 0) + by;
  }

  /**
   * Removes and returns counts, the oldest hours first. All counts of an agent in one hour are taken together. Stops
   * when the result has at least `least` counters, or when no counts are left.
   */
  take(least: number): CounterRow[] {
    const rows: CounterRow[] = [];
    for (const { hour, counts } of this.#hours) {
      for (const [instance, of] of counts) {
        if (rows.length >= least) break;
        for (const [at, metric] of AGENT_METRICS.entries()) {
          const value = of[at] ?? 0;
          if (value > 0) rows.push([hour, instance, metric, value]);
        }
        counts.delete(instance);
        this.#size -= 1;
      }
    }
    while ((this.#hours[0] ?? this.#current) !== this.#current && this.#hours[0]?.counts.size === 0)
      this.#hours.shift();
    return rows;
  }
}
