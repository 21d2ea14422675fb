/**
 * Defines the shapes of docs/http-api.md "Agent metrics" (hourly counts of the agents' activity) and of their RPC
 * methods.
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { MapOf } from "./map-of.js";

/** The names of the counters. Each counter counts one kind of an agent's actions. */
export const AGENT_METRICS = [
  "rest_calls",
  "mcp_calls",
  "violations",
  "rollbacks",
  "events_published",
  "errors",
] as const;
export type AgentMetric = (typeof AGENT_METRICS)[number];

/** The counts that a handler reports in addition to its answer. A missing count is 0. */
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

/**
 * One counter in a flush. Its items are the hour (whole hours since the epoch), the id of the instance, the metric, and
 * the increase since the previous flush.
 */
export const CounterRow = Type.Tuple([Type.Integer(), Type.String(), Type.Enum([...AGENT_METRICS]), Type.Integer()]);
export type CounterRow = Static<typeof CounterRow>;

/**
 * One flush of a node's counters. `run` and `sequence` identify the flush. So a flush that is repeated is counted only
 * once.
 */
export const CountRequest = Type.Object({
  /** The name of the node that counted; "" for a single server. */
  node: Type.String(),
  /** The id of the node's current run. It is needed because each run numbers its flushes from the same first number. */
  run: Type.String(),
  sequence: Type.Integer({ minimum: 1 }),
  counters: Type.Array(CounterRow),
});
export type CountRequest = Static<typeof CountRequest>;

/**
 * Selects counters. If `instance` is null, the answer has the sums of each instance. Otherwise the answer has the
 * hourly counters of that instance.
 */
export const AgentMetricsRequest = Type.Object({
  instance: Type.Union([Type.String(), Type.Null()]),
  period: Type.String(),
});
export type AgentMetricsRequest = Static<typeof AgentMetricsRequest>;
