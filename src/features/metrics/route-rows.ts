/** Sums up the calls of each route since the start of the server. Pure. */
import type { RouteRow } from "../../../schemas/metrics.js";
import type { Samples } from "../../platform/measure/sample-set.js";
import { type Choose, hasLabel, histogramOf, quantile, total } from "./samples.js";

const REQUESTS = "koor_http_requests_total";
const DURATION = "koor_http_request_duration_seconds";

/** Returns the routes that were called, the most frequent first. */
export function routeRows(samples: Samples): RouteRow[] {
  const routes = new Set((samples.get(REQUESTS) ?? []).map(({ labels }) => String(labels["route"])));
  const rows = [...routes].map((route): RouteRow => {
    const ofRoute = hasLabel("route", route);
    const withStatus =
      (first: string): Choose =>
      (sample) =>
        ofRoute(sample) && String(sample.labels["status"]).startsWith(first);
    const durations = histogramOf(samples, DURATION, ofRoute);
    return {
      route,
      requests: total(samples, REQUESTS, ofRoute) ?? 0,
      refused: total(samples, REQUESTS, withStatus("4")) ?? 0,
      failed: total(samples, REQUESTS, withStatus("5")) ?? 0,
      p50: quantile(durations, 0.5),
      p95: quantile(durations, 0.95),
    };
  });
  return rows.toSorted((a, b) => b.requests - a.requests || (a.route < b.route ? -1 : 1));
}
