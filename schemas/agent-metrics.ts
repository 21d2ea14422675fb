/** docs/http-api.md "Agent metrics": what agents did, by the hour, and what its RPC methods exchange. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { MapOf } from "./map-of.js";

/** What is counted for the actor of a call. */
export const AGENT_METRICS = [
  "rest_calls",
  "mcp_calls",
  "violations",
  "rollbacks",
  "events_published",
  "errors",
] as const;
export type AgentMetric = (typeof AGENT_METRICS)[number];

/** What a handler reports of its work, beside its answer. */
export type ReportedCounts = { readonly [Metric in "violations" | "rollbacks" | "events_published"]?: number };

export const AgentMetricsQuery = Type.Object({
  period: Type.Optional(Type.String({ description: "A prefix of hours like 2026-02-16T14." })),
  instance_id: Type.Optional(Type.String()),
});
export const AgentPeriodQuery = Type.Object({
  period: Type.Optional(Type.String({ description: "A prefix of hours like 2026-02-16T14." })),
});

export const AgentTotal = Type.Object({
  instance_id: Type.String(),
  metrics: MapOf(Type.Integer()),
});
export const AgentCounter = Type.Object({
  instance_id: Type.String(),
  metric_name: Type.Enum([...AGENT_METRICS]),
  metric_value: Type.Integer(),
  period: Type.String({ examples: ["2026-02-16T14"] }),
});
export const AgentCounterList = Type.Array(AgentCounter);
export const AgentMetricsAnswer = Type.Union([Type.Array(AgentTotal), AgentCounterList]);

/** Hours since the epoch, the instance's id, what, and how many more. */
export const CounterRow = Type.Tuple([Type.Integer(), Type.String(), Type.Enum([...AGENT_METRICS]), Type.Integer()]);
export type CounterRow = Static<typeof CounterRow>;

/** One flush; the same run of the same node sends the same sequence number only for the same counters. */
export const CountRequest = Type.Object({
  /** Who counted; "" where there is one server. */
  node: Type.String(),
  /** Tells this run of the node from those before. */
  run: Type.String(),
  sequence: Type.Integer({ minimum: 1 }),
  counters: Type.Array(CounterRow),
});
export type CountRequest = Static<typeof CountRequest>;

/** `instance` null: the sums of each instance; else its counters by hour. */
export const AgentMetricsRequest = Type.Object({
  instance: Type.Union([Type.String(), Type.Null()]),
  period: Type.String(),
});
export type AgentMetricsRequest = Static<typeof AgentMetricsRequest>;
