/** Section 13 of the wire contract over HTTP. Runs on the front. */
import {
  AgentCounterList,
  AgentMetricsAnswer,
  AgentMetricsQuery,
  AgentPeriodQuery,
} from "../../schemas/agent-metrics.js";
import { readReply } from "../front/chunked-reply.js";
import type { Answer, Request, Route } from "../front/route-table.js";
import type { Reads } from "../rpc/reads.js";
import type { AgentMetricsFlusher } from "./flusher.js";

export function agentMetricsRoutes(flusher: AgentMetricsFlusher, reads: Reads): Route[] {
  const tag = "metrics";
  return [
    {
      method: "GET",
      path: "/api/metrics/agents",
      name: "metrics.agents",
      tag,
      summary: "Sums up what agents did, or reads one agent's counters.",
      query: AgentMetricsQuery,
      answer: AgentMetricsAnswer,
      uncounted: true,
      handle: (request) => read(flusher, reads, request, (request.query["instance_id"] as string | undefined) ?? null),
    },
    {
      method: "GET",
      path: "/api/metrics/agents/{id}",
      name: "metrics.agent",
      tag,
      summary: "Reads one agent's counters by hour.",
      query: AgentPeriodQuery,
      answer: AgentCounterList,
      uncounted: true,
      handle: (request) => read(flusher, reads, request, request.params[0] ?? ""),
    },
  ];
}

/** Counts that are in memory only are stored first: whoever asks sees his own call before. */
async function read(
  flusher: AgentMetricsFlusher,
  reads: Reads,
  { query, context }: Request,
  instance: string | null,
): Promise<Answer> {
  await flusher.flush();
  const period = (query["period"] as string | undefined) ?? "";
  return await readReply(reads.run("agents.metrics", { instance, period }, context, Number.POSITIVE_INFINITY));
}
