/**
 * The hourly counts of each agent's calls. They come from the day's journal, and from reads and validations, which no
 * journal contains. Pure.
 */
import { AGENT_METRICS, type AgentMetric } from "../../../schemas/agent-metrics.js";
import type { SnapshotLine } from "../snapshot.js";
import { type Sampler, HOUR_MS } from "./sampler.js";
import type { Journal } from "./journal.js";
import type { Agent, Team } from "./team.js";

type Counts = Partial<Record<AgentMetric, number>>;

/** Matches the calls that agents make through MCP tools. All other calls go over HTTP and cost no tokens. */
const OVER_MCP = /^(instance\.register|instance\.capabilities|rule\.propose)$/;

class Hours {
  readonly #counts = new Map<string, Counts>();
  readonly #ids: ReadonlySet<string>;

  constructor(agents: readonly Agent[]) {
    this.#ids = new Set(agents.map(({ id }) => id));
  }

  /** Counts the calls of an instance, and their results. */
  call(id: string, atMs: number, calls: number, further: Counts = {}): void {
    if (!this.#ids.has(id)) return;
    const key = `${Math.floor(atMs / HOUR_MS)} ${id}`;
    const counts = this.#counts.get(key) ?? {};
    this.#counts.set(key, counts);
    for (const [metric, count] of Object.entries({ rest_calls: calls, ...further }))
      if (count > 0) counts[metric as AgentMetric] = (counts[metric as AgentMetric] ?? 0) + count;
  }

  records(): SnapshotLine[] {
    return [...this.#counts].flatMap(([key, counts]) => {
      const [hour, instanceId] = key.split(" ");
      return AGENT_METRICS.filter((metric) => counts[metric] !== undefined).map((metricName) => ({
        kind: "agent_metric",
        hour: Number(hour),
        instance_id: instanceId,
        metric_name: metricName,
        metric_value: counts[metricName],
      }));
    });
  }
}

export function agentMetricRecords(sampler: Sampler, team: Team, journal: Journal, nowMs: number): SnapshotLine[] {
  const hours = new Hours(team.agents);
  for (const { actor, at_ms, action, outcome } of journal.acts) {
    const overMcp = OVER_MCP.test(action);
    hours.call(actor, at_ms, sampler.between(1, 5) + (overMcp ? 0 : 1), {
      mcp_calls: overMcp ? 1 : 0,
      errors: outcome === "error" ? 1 : 0,
      rollbacks: action.endsWith(".rollback") ? 1 : 0,
    });
    if (action === "state.put" && sampler.chance(12))
      hours.call(actor, at_ms, 1, { violations: sampler.between(1, 6) });
  }
  // An event that the server publishes about an agent is not a call of the agent. The event of a usage report is not
  // counted here, because the report itself was counted.
  for (const { source, at_ms, topic } of journal.events)
    if (topic !== "llm.usage.recorded") hours.call(source, at_ms, 1, { events_published: 1 });
  for (const { id, activatedMs, lastSeenMs } of team.agents.filter((agent) => !team.workers.includes(agent))) {
    if (activatedMs > lastSeenMs) continue;
    const fromMs = Math.max(activatedMs, nowMs - 24 * HOUR_MS);
    if (fromMs < lastSeenMs)
      for (const atMs of sampler.times(6, fromMs, lastSeenMs)) hours.call(id, atMs, sampler.between(2, 40));
  }
  return hours.records();
}
