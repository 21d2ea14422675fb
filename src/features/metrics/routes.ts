/** Declares the routes of docs/http-api.md "Health and metrics". front.ts builds the answers. Runs on the front. */
import { Health, Metrics, MetricsReset } from "../../../schemas/metrics.js";
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
