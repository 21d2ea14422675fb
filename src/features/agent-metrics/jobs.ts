/** The jobs that read agent metrics. They run in the pool, because a request can span the whole table. */
import * as Type from "typebox";
import { AgentMetricsAnswer, AgentMetricsRequest } from "../../../schemas/agent-metrics.js";
import { encodeArray } from "../../base/json-array.js";
import type { Db } from "../../platform/store/open.js";
import { DATABASE } from "../../platform/threads/model.js";
import { streamJob } from "../../platform/threads/pool-method.js";
import { countersOf, listHours, sumCounters } from "./table.js";
import { formatHour } from "./tally.js";

/**
 * Returns the counters of one instance, the newest hour first. If no instance is named, returns the sums of each
 * instance, sorted by id.
 */
export const readAgentMetrics = streamJob({
  name: "agents.metrics",
  request: AgentMetricsRequest,
  text: AgentMetricsAnswer,
  reply: Type.Null(),
  cost: "bounded",
  models: { db: DATABASE },
  *run({ db }, { instance, period }) {
    // Formatted hours all have the same length, so the hours that begin with `period` are consecutive.
    const hours = listHours(db).filter((hour) => formatHour(hour).startsWith(period));
    const [first] = hours;
    const last = hours.at(-1);
    if (first === undefined || last === undefined) yield "[]";
    else yield* encodeArray(instance === null ? totals(db, first, last) : counters(db, instance, hours.toReversed()));
    return null;
  },
});

function* totals(db: Db, first: number, last: number): Generator<string, void, undefined> {
  let instanceId: string | null = null;
  let metrics: Record<string, number> = {};
  for (const { instance, metric, value } of sumCounters(db, first, last)) {
    if (instanceId !== instance) {
      if (instanceId !== null) yield JSON.stringify({ instance_id: instanceId, metrics });
      instanceId = instance;
      metrics = {};
    }
    metrics[metric] = value;
  }
  if (instanceId !== null) yield JSON.stringify({ instance_id: instanceId, metrics });
}

function* counters(db: Db, instanceId: string, hours: readonly number[]): Generator<string, void, undefined> {
  for (const { hour, metric, value } of countersOf(db, instanceId, hours)) {
    yield JSON.stringify({
      instance_id: instanceId,
      metric_name: metric,
      metric_value: value,
      period: formatHour(hour),
    });
  }
}
