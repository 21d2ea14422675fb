/**
 * Loads the history of the server's metrics, for charts. The server stores the history, so a chart is complete when it
 * is first shown. After that the page fetches only new samples.
 */
import { query } from "../base/path.js";
import { getJson } from "./client.js";
import type { Loader } from "./resource.js";
import { addPart, noRows, rowsSince, type Rows } from "./rows.js";
import type { HistoryMetric, MetricsHistory } from "./types.js";

/** The interval of the server's samples, in ms. */
const EVERY_MS = 10_000;

/** The time spans of charts: a word for the page's address, the text, and the length in s. The first is the default. */
export const SPANS = [
  ["1h", "1 h", 60 * 60],
  ["6h", "6 h", 6 * 60 * 60],
  ["24h", "24 h", 24 * 60 * 60],
] as const;

export type MetricRows = Rows<HistoryMetric>;

/**
 * Loads metrics of the last `spanS` seconds.
 * @param names the names of the metrics. Loaders with the same names in the same order share one resource.
 */
export function historyLoader(names: readonly HistoryMetric[], spanS: number): Loader<MetricRows> {
  return {
    key: `history ${spanS} ${names.join()}`,
    kinds: [],
    everyMs: EVERY_MS,
    fetch: async (signal, held = noRows(names)) => {
      const sinceS = Date.now() / 1_000 - spanS;
      const from = new Date(Math.max(sinceS, held.times.at(-1) ?? 0) * 1_000).toISOString();
      const part = await getJson<MetricsHistory>(
        `/api/metrics/history${query({ metrics: names.join(), from })}`,
        signal,
      );
      return rowsSince(addPart(held, part), sinceS);
    },
  };
}
