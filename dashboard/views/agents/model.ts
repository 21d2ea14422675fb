/** Computes what the views of agents show: filters, order and activity by the hour. Pure. */
import { HOUR_MS } from "../../../shared/duration.js";
import type { AgentCounter, AgentTotal, Instance } from "../../api/types.js";

export const STATUSES = ["active", "pending", "stale"] as const;

/** The filter, as it is stored in the address's query. "" matches all agents. */
export interface AgentFilter {
  readonly search: string;
  readonly status: string;
  readonly workspace: string;
  readonly stack: string;
}

const NO_FILTER: AgentFilter = { search: "", status: "", workspace: "", stack: "" };

/** The metrics that are counted, in the order in which a chart stacks them. */
export const METRICS: readonly AgentCounter["metric_name"][] = [
  "rest_calls",
  "mcp_calls",
  "events_published",
  "violations",
  "errors",
  "rollbacks",
];
export const METRIC_LABELS: Readonly<Record<AgentCounter["metric_name"], string>> = {
  rest_calls: "REST calls",
  mcp_calls: "MCP calls",
  events_published: "events published",
  violations: "violations",
  errors: "errors",
  rollbacks: "rollbacks",
};

export const HOURS_SHOWN = 24;

/** Returns the last 24 hours, oldest first, in the form that agent metrics use: `2026-02-16T14`, in UTC. */
export function lastHours(nowMs: number): string[] {
  const current = Math.floor(nowMs / HOUR_MS);
  return Array.from({ length: HOURS_SHOWN }, (_, at) => hourName((current - HOURS_SHOWN + 1 + at) * HOUR_MS));
}

export function hourName(ms: number): string {
  return new Date(ms).toISOString().slice(0, 13);
}

/** Returns the time at which an hour starts, in seconds since the epoch. */
export function hourSeconds(hour: string): number {
  return Date.parse(`${hour}:00:00Z`) / 1_000;
}

/** The number of calls in each hour, by the agent's id. */
export type Activity = ReadonlyMap<string, readonly number[]>;

/**
 * Returns the number of calls of each agent in each hour.
 * @param hours the totals of each agent, one list per hour, oldest first
 */
export function activityOf(hours: readonly (readonly AgentTotal[])[]): Activity {
  const calls = new Map<string, number[]>();
  for (const [at, totals] of hours.entries())
    for (const { instance_id, metrics } of totals) {
      const ofAgent = calls.get(instance_id) ?? Array.from({ length: hours.length }, () => 0);
      ofAgent[at] = (metrics["rest_calls"] ?? 0) + (metrics["mcp_calls"] ?? 0);
      calls.set(instance_id, ofAgent);
    }
  return calls;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Returns the agents that match a filter: the active ones first, then the pending ones, each by name. */
export function listedAgents(agents: readonly Instance[], filter: AgentFilter): Instance[] {
  const words = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = agents.filter(
    (agent) =>
      (filter.status === "" || agent.status === filter.status) &&
      (filter.workspace === "" || agent.workspace === filter.workspace) &&
      (filter.stack === "" || agent.stack === filter.stack) &&
      words.every((word) => textOf(agent).includes(word)),
  );
  return kept.sort(
    (a, b) =>
      STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status) ||
      a.name.localeCompare(b.name) ||
      a.id.localeCompare(b.id),
  );
}

function textOf({ id, name, intent, stack, workspace, capabilities, checkout, client = "" }: Instance): string {
  return [id, name, intent, stack, workspace, ...capabilities, checkout?.branch ?? "", client].join("\n").toLowerCase();
}

/** Returns the subagents of an agent, the active ones first, then by name. */
export function subagentsOf(id: string, agents: readonly Instance[]): Instance[] {
  return listedAgents(
    agents.filter(({ parent }) => parent === id),
    NO_FILTER,
  );
}

/** Moves each subagent below its parent if the parent is listed, too. Otherwise keeps the order. */
export function belowParents(agents: readonly Instance[]): readonly Instance[] {
  const listed = new Set(agents.map(({ id }) => id));
  const children = new Map<string, Instance[]>();
  for (const agent of agents) {
    const above = agent.parent !== null && listed.has(agent.parent) ? agent.parent : "";
    const siblings = children.get(above) ?? [];
    siblings.push(agent);
    children.set(above, siblings);
  }
  const below = (id: string): Instance[] => (children.get(id) ?? []).flatMap((agent) => [agent, ...below(agent.id)]);
  return below("");
}

/**
 * Returns the name of an agent in a list below its parent. A subagent's name begins with its parent's name, which is
 * left out.
 */
export function nameBelow({ name }: Instance, parent: Instance | undefined): string {
  return parent !== undefined && name.startsWith(`${parent.name}/`) ? name.slice(parent.name.length + 1) : name;
}

/** Returns the distinct workspaces or stacks of the agents, sorted, without "". */
export function valuesOf(agents: readonly Instance[], member: "workspace" | "stack"): string[] {
  return [...new Set(agents.map((agent) => agent[member]))].filter((value) => value !== "").sort();
}

/** The values of one metric of an agent, for each hour that is shown. */
export interface MetricSeries {
  readonly metric: AgentCounter["metric_name"];
  readonly values: readonly number[];
}

/** Returns the metrics of one agent, without those that are zero in all of the given hours. */
export function metricSeries(counters: readonly AgentCounter[], hours: readonly string[]): MetricSeries[] {
  return METRICS.flatMap((metric) => {
    const byHour = new Map(
      counters.flatMap(({ metric_name, metric_value, period }) =>
        metric_name === metric ? [[period, metric_value] as const] : [],
      ),
    );
    const values = hours.map((hour) => byHour.get(hour) ?? 0);
    return values.some((value) => value > 0) ? [{ metric, values }] : [];
  });
}
