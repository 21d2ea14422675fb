/** Loads the data for the views of agents. The agents themselves are loaded by api/agents.ts. */
import { getJson } from "../../api/client.js";
import { apiPath, query } from "../../base/path.js";
import type { Loader } from "../../api/resource.js";
import type { AgentCounter, AgentTotal, ComplianceRun, UsageSummary } from "../../api/types.js";
import { HOUR_MS } from "../../../shared/duration.js";
import { HOURS_SHOWN, lastHours } from "./model.js";

/**
 * The server stores counters at this interval, in ms. So the counters of an hour are complete this long after the end
 * of the hour.
 */
const FLUSH_MS = 10_000;
const RUNS_SHOWN = 50;

interface Hour {
  readonly name: string;
  readonly totals: readonly AgentTotal[];
  /** Whether the hour's counters were complete when they were read. If so, they do not change any more. */
  readonly over: boolean;
}

async function hourOf(name: string, nowMs: number, signal: AbortSignal): Promise<Hour> {
  const totals = await getJson<readonly AgentTotal[]>(apiPath("metrics", "agents") + query({ period: name }), signal);
  return { name, totals, over: Date.parse(`${name}:00:00Z`) + HOUR_MS + FLUSH_MS < nowMs };
}

/**
 * Loads the activity of all agents in each of the last 24 hours. An hour whose counters are complete is read only once.
 */
function hoursSince(known: readonly Hour[], signal: AbortSignal): Promise<readonly Hour[]> {
  const nowMs = Date.now();
  const over = new Map(known.flatMap((hour) => (hour.over ? [[hour.name, hour] as const] : [])));
  return Promise.all(lastHours(nowMs).map(async (name) => over.get(name) ?? hourOf(name, nowMs, signal)));
}

export const activityLoader: Loader<readonly Hour[]> = {
  key: "agents' activity",
  kinds: ["agent_metric"],
  gapMsMin: 5_000,
  fetch: (signal) => hoursSince([], signal),
  patch: (hours, _change, signal) => hoursSince(hours, signal),
};

/** Loads the hourly counters of one agent for yesterday and today, in UTC. */
export function countersLoader(id: string): Loader<readonly AgentCounter[]> {
  return {
    key: `agent's counters ${id}`,
    kinds: ["agent_metric"],
    gapMsMin: 2_000,
    fetch: async (signal) => {
      const days = new Set(lastHours(Date.now()).map((hour) => hour.slice(0, 10)));
      const counters = await Promise.all(
        [...days].map((period) =>
          getJson<readonly AgentCounter[]>(apiPath("metrics", "agents", id) + query({ period }), signal),
        ),
      );
      return counters.flat();
    },
  };
}

type Totals = UsageSummary["total"];

/** Loads the cost of one agent's language-model calls in the last 24 hours. */
export function costLoader(id: string): Loader<Totals> {
  return {
    key: `agent's usage ${id}`,
    kinds: ["usage"],
    gapMsMin: 2_000,
    fetch: async (signal) => {
      const from = new Date(Date.now() - HOURS_SHOWN * HOUR_MS).toISOString();
      const asked = query({ group_by: "instance", from });
      const { groups } = await getJson<UsageSummary>(apiPath("llm", "usage", "summary") + asked, signal);
      return (
        (Object.hasOwn(groups, id) ? groups[id] : undefined) ?? {
          total_tokens_in: 0,
          total_tokens_out: 0,
          total_cost_usd: 0,
          request_count: 0,
        }
      );
    },
  };
}

/** Loads the compliance runs of one agent, newest first. */
export function runsLoader(id: string): Loader<readonly ComplianceRun[]> {
  return {
    key: `agent's runs ${id}`,
    kinds: ["compliance"],
    gapMsMin: 2_000,
    concerns: ({ key }) => key === null || key === id,
    fetch: (signal) =>
      getJson<readonly ComplianceRun[]>(
        apiPath("compliance", "history") + query({ instance_id: id, limit: RUNS_SHOWN }),
        signal,
      ),
  };
}
