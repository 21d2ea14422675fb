/**
 * The kind of records for agent metrics. A record is the value of one counter of one instance in one hour. The hour is
 * the number of whole hours since the epoch.
 */
import { AGENT_METRICS } from "../../../../schemas/agent-metrics.js";
import { rowKind, TEXT, WHOLE } from "./rows.js";

const METRICS: ReadonlySet<unknown> = new Set(AGENT_METRICS);

export const AGENT_METRIC_KIND = rowKind({
  name: "agent_metric",
  table: "agent_metric",
  columns: {
    hour: WHOLE,
    instance: ["instance_id", TEXT],
    metric: ["metric_name", TEXT],
    value: ["metric_value", WHOLE],
  },
  complete: ({ metric_name }) =>
    METRICS.has(metric_name) ? [] : `metric_name must be one of ${AGENT_METRICS.join(", ")}`,
  order: "hour, instance, metric",
});
