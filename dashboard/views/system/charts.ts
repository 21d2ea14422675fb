/**
 * The table of the system view's charts, one row for each chart. Their order follows a request through the server:
 * requests, writes and commits, events, webhook deliveries.
 */
import type { RouteGroup } from "../../api/types.js";
import { bytes, count, perSecond, seconds, share } from "../../base/format.js";
import type { ChartRow } from "../../parts/history-chart.js";

/** The groups of routes, each with its name. The first group contains the others. */
export const ROUTE_GROUPS = [
  ["all", "All routes"],
  ["state", "State and specs"],
  ["events", "Events"],
  ["agents", "Agents and hooks"],
  ["coordination", "Leases, tasks, messages"],
  ["rules", "Rules and contracts"],
  ["mcp", "MCP"],
  ["other", "Other"],
] as const satisfies readonly (readonly [RouteGroup, string])[];

/** Formats a label on the axis of a count. Values between integers get no label. */
const whole = (value: number): string => (Number.isInteger(value) ? count(value) : "");
const mean = (value: number): string => (Number.isInteger(value) ? count(value) : value.toPrecision(2));

/**
 * Returns the rows for all charts.
 * @param routes the group of routes whose latencies are shown
 */
export function chartRows(routes: RouteGroup): readonly ChartRow[] {
  const [, routesName] = ROUTE_GROUPS.find(([group]) => group === routes) ?? ROUTE_GROUPS[0];
  return [
    {
      label: "Requests a second",
      series: ROUTE_GROUPS.slice(1).map(([group, name]) => [name, `requests_${group}`] as const),
      format: perSecond,
      opens: "changes",
      stacked: true,
    },
    {
      label: `Latency: ${routesName.toLowerCase()}`,
      series: [
        ["p50", `p50_${routes}`],
        ["p95", `p95_${routes}`],
        ["p99", `p99_${routes}`],
      ],
      format: seconds,
      opens: "changes",
    },
    {
      label: "Refused and failed requests per second",
      series: [
        ["4xx", "refused"],
        ["5xx", "failed"],
      ],
      format: perSecond,
      opens: "refusals",
    },
    {
      label: "Writes and commits per second",
      series: [
        ["writes", "writes"],
        ["commits", "commits"],
      ],
      format: perSecond,
      opens: "changes",
    },
    {
      label: "Commit time, until it is on disk",
      series: [
        ["mean", "commit_mean"],
        ["p99", "commit_p99"],
      ],
      format: seconds,
      opens: "changes",
    },
    { label: "Writes in a commit", series: [["mean", "batch_mean"]], format: mean, opens: "changes" },
    {
      label: "Queues of writer and worker threads",
      series: [
        ["writes in flight", "writer_in_flight"],
        ["writer queue", "writer_queue"],
        ["worker queue", "pool_queue"],
      ],
      format: whole,
      opens: "changes",
    },
    {
      label: "Events a second",
      series: [
        ["published", "published"],
        ["delivered", "delivered"],
        ["dropped", "dropped"],
      ],
      format: perSecond,
      opens: "events",
    },
    {
      label: "Subscribers",
      series: [
        ["subscribers", "subscribers"],
        ["patterns", "subscriber_patterns"],
      ],
      format: whole,
      opens: "events",
    },
    {
      label: "Webhook deliveries a second",
      series: [
        ["delivered", "webhook_delivered"],
        ["failed", "webhook_failed"],
        ["dropped", "webhook_dropped"],
      ],
      format: perSecond,
      opens: "events",
    },
    { label: "Pending webhook deliveries", series: [["pending", "webhook_queue"]], format: whole, opens: "events" },
    {
      label: "Event-loop delay",
      series: [
        ["p50", "loop_p50"],
        ["p99", "loop_p99"],
        ["longest", "loop_max"],
      ],
      format: seconds,
      opens: "changes",
    },
    {
      label: "Memory",
      series: [
        ["process", "memory"],
        ["heap", "heap"],
      ],
      format: bytes,
      opens: "changes",
    },
    { label: "CPU, of one core", series: [["used", "cpu"]], format: share, opens: "changes" },
    { label: "Write-ahead log (WAL)", series: [["size", "wal"]], format: bytes, opens: "changes" },
  ];
}
