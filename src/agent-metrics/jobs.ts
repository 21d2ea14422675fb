/** Reads of agent metrics. Run in the pool: a period may be all there is. */
import type { AgentMetricsRequest } from "../../schemas/agent-metrics.js";
import { encodeArray } from "../base/json-array.js";
import type { ReadContext } from "../store/read-context.js";
import { countersOf, listHours, sumCounters } from "./table.js";
import { formatHour } from "./tally.js";

/** Of one instance its counters, newest hour first; of all their sums, by id. */
export function* readAgentMetrics(
  context: ReadContext,
  { instance, period }: AgentMetricsRequest,
): Generator<string, void, undefined> {
  // Hours are written with a fixed width: those with one prefix are neighbours.
  const hours = listHours(context.db).filter((hour) => formatHour(hour).startsWith(period));
  const [first] = hours;
  const last = hours.at(-1);
  if (first === undefined || last === undefined) {
    yield "[]";
    return;
  }
  yield* encodeArray(
    instance === null ? totals(context, first, last) : counters(context, instance, hours.toReversed()),
  );
}

function* totals(context: ReadContext, first: number, last: number): Generator<string, void, undefined> {
  let instance_id: string | null = null;
  let metrics: Record<string, number> = {};
  for (const { instance, metric, value } of sumCounters(context.db, first, last)) {
    if (instance_id !== instance) {
      if (instance_id !== null) yield JSON.stringify({ instance_id, metrics });
      instance_id = instance;
      metrics = {};
    }
    metrics[metric] = value;
  }
  if (instance_id !== null) yield JSON.stringify({ instance_id, metrics });
}

function* counters(
  context: ReadContext,
  instance_id: string,
  hours: readonly number[],
): Generator<string, void, undefined> {
  for (const { hour, metric, value } of countersOf(context.db, instance_id, hours)) {
    yield JSON.stringify({ instance_id, metric_name: metric, metric_value: value, period: formatHour(hour) });
  }
}
