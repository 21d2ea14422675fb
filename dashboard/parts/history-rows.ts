/** A hook that reads the history of metrics for a view with charts. */
import { useRef } from "preact/hooks";
import { historyLoader, type MetricRows } from "../api/metric-history.js";
import { useResource, type Resource } from "../api/resource.js";
import type { HistoryMetric } from "../api/types.js";

/**
 * Returns the metrics of the last `spanS` seconds, kept up to date. After a change of the names or the span, it returns
 * the previous rows until the new ones are loaded. So no chart is empty meanwhile.
 */
export function useHistoryRows(
  names: readonly HistoryMetric[],
  spanS: number,
): { readonly resource: Resource<MetricRows>; readonly rows: MetricRows | undefined } {
  const resource = useResource(historyLoader(names, spanS));
  const shown = useRef<MetricRows | undefined>(undefined);
  shown.current = resource.data.value ?? shown.current;
  return { resource, rows: shown.current };
}
