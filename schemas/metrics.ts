/** Defines the shapes of docs/http-api.md "Health and metrics". */
import * as Type from "typebox";
import type { Static } from "typebox";
import { NodeHealth } from "./cluster.js";
import { Instant, Timestamp } from "./common.js";
import { HISTORY_METRICS_BYTES_MAX } from "./limits/metrics.js";
import { Text } from "./text.js";

export const Health = Type.Object({
  status: Type.Enum(["ok", "draining", "unwell"]),
  uptime: Type.String({ examples: ["3h24m10s"] }),
  reason: Type.Optional(Type.String({ description: "Why the server accepts no writes; absent if it does." })),
  times_ahead_s: Type.Optional(
    Type.Integer({
      minimum: 1,
      description: "How far the server's time, or a stored one, is ahead of the machine's clock; absent if none is.",
    }),
  ),
  cluster: Type.Optional(NodeHealth),
});

export const Metrics = Type.Object({
  uptime: Type.String(),
  state_keys: Type.Integer(),
  instances: Type.Integer(),
  last_event_id: Type.Integer(),
  api_bind: Type.String(),
  dashboard_bind: Type.String(),
  token_tax: Type.Object({
    mcp_calls: Type.Integer(),
    rest_calls: Type.Integer(),
    total_calls: Type.Integer(),
    mcp_estimated_tokens: Type.Integer(),
    rest_tokens_saved: Type.Integer(),
    savings_percent: Type.Number(),
  }),
});

export const MetricsReset = Type.Object({ reset: Type.Literal(true) });

/** The groups of routes for which the history counts requests and latencies separately. `all` contains every route. */
export const ROUTE_GROUPS = ["all", "state", "events", "agents", "coordination", "rules", "mcp", "other"] as const;
export type RouteGroup = (typeof ROUTE_GROUPS)[number];
type OfRoutes = `${"requests" | "p50" | "p95" | "p99"}_${RouteGroup}`;

/** The metrics of the history that concern the whole server. docs/http-api.md lists their units. */
export const SERVER_METRICS = [
  "agents_active",
  "agents_stale",
  "agents_pending",
  "tasks_blocked",
  "tasks_ready",
  "tasks_claimed",
  "tasks_input_required",
  "leases_held",
  "leases_waiting",
  "messages_unread",
  "published",
  "delivered",
  "dropped",
  "subscribers",
  "subscriber_patterns",
  "refused",
  "failed",
  "in_flight",
  "writes",
  "commits",
  "batch_mean",
  "commit_mean",
  "commit_p99",
  "writer_in_flight",
  "writer_queue",
  "pool_queue",
  "webhook_queue",
  "webhook_delivered",
  "webhook_failed",
  "webhook_dropped",
  "loop_p50",
  "loop_p99",
  "loop_max",
  "memory",
  "heap",
  "cpu",
  "wal",
  "state_keys",
  "writer_restarts",
  "cluster_lag",
] as const;
export type HistoryMetric = (typeof SERVER_METRICS)[number] | OfRoutes;

/** The metrics of the history, in the order of an answer. */
export const HISTORY_METRICS: readonly HistoryMetric[] = [
  ...SERVER_METRICS,
  ...ROUTE_GROUPS.flatMap((group) =>
    (["requests", "p50", "p95", "p99"] as const).map((figure): OfRoutes => `${figure}_${group}`),
  ),
];

const ANY_METRIC = `(?:${HISTORY_METRICS.join("|")})`;

export const MetricsHistoryQuery = Type.Object({
  metrics: Type.Optional(
    Text({
      charactersMax: HISTORY_METRICS_BYTES_MAX,
      promisedPattern: `^(?:${ANY_METRIC}(?:,${ANY_METRIC}){0,${HISTORY_METRICS.length - 1}})?$`,
      description: "Separated by commas; empty: all.",
    }),
  ),
  from: Type.Optional(Instant),
});
export type MetricsHistoryQuery = Static<typeof MetricsHistoryQuery>;

export const MetricsHistory = Type.Object({
  started_at: Timestamp,
  times: Type.Array(Timestamp, { description: "When the samples were taken, oldest first." }),
  metrics: Type.Record(Type.String(), Type.Array(Type.Union([Type.Number(), Type.Null()])), {
    description: "For each metric, one value for each time; null if there is none.",
  }),
});
export type MetricsHistory = Static<typeof MetricsHistory>;

const Quantile = Type.Union([Type.Number(), Type.Null()], { description: "In seconds." });
const Requests = Type.Integer({ minimum: 0 });

export const RouteRow = Type.Object({
  route: Type.String(),
  requests: Requests,
  refused: Type.Integer({ minimum: 0, description: "Answers of 4xx." }),
  failed: Type.Integer({ minimum: 0, description: "Answers of 5xx." }),
  p50: Quantile,
  p95: Quantile,
});
export type RouteRow = Static<typeof RouteRow>;
export const RouteRows = Type.Object({ routes: Type.Array(RouteRow, { description: "The most frequent first." }) });
