/** A hook that reads the history of metrics for a view with charts. */
import { useRef } from "preact/hooks";
import { historyLoader, type MetricRows } from "../api/metric-history.js";
import { useResource, type Resource } from "../api/resource.js";
import type { HistoryMetric } from "../api/types.js";

/**
 * Returns the metrics of the last `spanS` seconds, live. If other metrics or another time are wanted, the previous rows
 * are shown until the new ones have been loaded, so that no chart is empty meanwhile.
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
