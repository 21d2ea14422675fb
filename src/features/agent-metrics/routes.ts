/** Declares the routes of docs/http-api.md "Agent metrics". Runs on the front. */
import {
  AgentCounterList,
  AgentMetricsAnswer,
  AgentMetricsQuery,
  AgentPeriodQuery,
} from "../../../schemas/agent-metrics.js";
import { readReply } from "../../platform/front/reply.js";
import { route, type Answer, type Route } from "../../platform/front/route.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Reads } from "../../platform/threads/reads.js";
import type { AgentMetricsFlusher } from "./flusher.js";
import { readAgentMetrics } from "./jobs.js";

export function agentMetricsRoutes(flusher: AgentMetricsFlusher, reads: Reads): Route[] {
  /** Reads counters. Before that, it flushes the counts in memory, so that a client sees its own earlier calls. */
  const read = async (instance: string | null, period: string, context: CallContext): Promise<Answer> => {
    await flusher.flush();
    return readReply(reads.stream(readAgentMetrics, { instance, period }, context, Number.POSITIVE_INFINITY));
  };
  const tag = "metrics";
  return [
    route({
      method: "GET",
      path: "/api/metrics/agents",
      name: "metrics.agents",
      tag,
      summary: "Sums up the activity of agents, or reads one agent's counters.",
      query: AgentMetricsQuery,
      answer: AgentMetricsAnswer,
      uncounted: true,
      handle: ({ query: { instance_id = null, period = "" }, context }) => read(instance_id, period, context),
    }),
    route({
      method: "GET",
      path: "/api/metrics/agents/{id}",
      name: "metrics.agent",
      tag,
      summary: "Reads one agent's counters by hour.",
      query: AgentPeriodQuery,
      answer: AgentCounterList,
      uncounted: true,
      handle: ({ params: [id], query: { period = "" }, context }) => read(id, period, context),
    }),
  ];
}
