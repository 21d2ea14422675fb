/** Sums up the calls of each route since the start of the server. Pure. */
import type { RouteRow } from "../../../schemas/metrics.js";
import type { Histogram } from "../../platform/measure/histogram.js";
import { type CumulativeHistogram, quantile } from "./samples.js";

/** A route with histograms of the durations of its answers, by status. */
export interface MeasuredRoute {
  readonly name: string;
  readonly byStatus: ReadonlyMap<number, Pick<Histogram, "bounds" | "counts" | "count">>;
}

/** The last bucket of a histogram has no bound. */
function cumulative(bounds: readonly number[], counts: readonly number[]): CumulativeHistogram {
  let sum = 0;
  return { bounds: [...bounds, Number.POSITIVE_INFINITY], below: counts.map((count) => (sum += count)) };
}

/**
 * Returns the routes that were called, the most frequent first. It adds up the histograms directly, and does not use
 * samples of the metrics. Clients can cause many different statuses, so the samples of all buckets could be too many
 * for one tick.
 */
export function routeRows(routes: readonly MeasuredRoute[]): RouteRow[] {
  const rows = routes.flatMap(({ name, byStatus }): RouteRow[] => {
    const [first] = byStatus.values();
    if (first === undefined) return [];
    const counts = new Array<number>(first.counts.length).fill(0);
    const sums = { requests: 0, refused: 0, failed: 0 };
    for (const [status, histogram] of byStatus) {
      for (const [at, count] of histogram.counts.entries()) counts[at] = (counts[at] ?? 0) + count;
      sums.requests += histogram.count;
      if (status >= 400 && status < 500) sums.refused += histogram.count;
      if (status >= 500) sums.failed += histogram.count;
    }
    const durations = cumulative(first.bounds, counts);
    return [{ route: name, ...sums, p50: quantile(durations, 0.5), p95: quantile(durations, 0.95) }];
  });
  return rows.toSorted((a, b) => b.requests - a.requests || (a.route < b.route ? -1 : 1));
}
