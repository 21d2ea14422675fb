/** Declares the routes of docs/http-api.md "Health and metrics". front.ts builds the answers. Runs on the front. */
import {
  Health,
  Metrics,
  MetricsHistory,
  MetricsHistoryQuery,
  MetricsReset,
  RouteRows,
} from "../../../schemas/metrics.js";
import { route, type Route } from "../../platform/front/route.js";
import { resetMetrics } from "./commands.js";
import { MetricsFront, type MetricsFrontOptions } from "./front.js";

export function metricsRoutes(options: MetricsFrontOptions): Route[] {
  const metrics = new MetricsFront(options);
  const tag = "metrics";
  return [
    route({
      method: "GET",
      path: "/health",
      name: "health",
      tag,
      summary: "Reports the server's health; needs no token.",
      answer: Health,
      statuses: [503],
      refusals: { 503: Health },
      open: true,
      uncounted: true,
      handle: () => metrics.health(),
    }),
    route({
      method: "GET",
      path: "/api/metrics",
      name: "metrics",
      tag,
      summary: "Reads the main metrics and the saved token tax.",
      answer: Metrics,
      uncounted: true,
      handle: () => metrics.read(),
    }),
    route({
      method: "GET",
      path: "/api/metrics/history",
      name: "metrics.history",
      tag,
      summary: "Reads the metrics of the last 24 hours, oldest first.",
      query: MetricsHistoryQuery,
      answer: MetricsHistory,
      uncounted: true,
      handle: ({ query }) => metrics.readHistory(query),
    }),
    route({
      method: "GET",
      path: "/api/metrics/routes",
      name: "metrics.routes",
      tag,
      summary: "Reads the calls of each route since the start of the server.",
      answer: RouteRows,
      uncounted: true,
      handle: () => metrics.readRoutes(),
    }),
    route({
      method: "POST",
      path: "/api/metrics/reset",
      name: "metrics.reset",
      tag,
      needs: "server",
      summary: "Resets the two counters of calls.",
      answer: MetricsReset,
      uncounted: true,
      audited: { by: resetMetrics },
      handle: ({ context }) => metrics.reset(context),
    }),
    route({
      method: "GET",
      path: "/metrics",
      name: "prometheus",
      tag,
      summary: "Reads all metrics in Prometheus' text format.",
      answer: "text",
      uncounted: true,
      handle: () => metrics.scrape(),
    }),
  ];
}
