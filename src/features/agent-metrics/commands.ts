/** Stores the metrics of agents. Runs in the writer. */
import * as Type from "typebox";
import { CountRequest } from "../../../schemas/agent-metrics.js";
import { AGENT_METRICS_DAYS, AGENT_METRICS_PRUNE_ROWS } from "../../../schemas/limits/agent-metrics.js";
import { weightOf } from "../../platform/rpc/method.js";
import { changes, reportAny } from "../../platform/threads/changes.js";
import { writerMethod } from "../../platform/threads/writer-method.js";
import { agentMetricsWriter } from "./table.js";
import { hourOf } from "./tally.js";

const DAY_HOURS = 24;

/** Adds the counters of one flush to the database. Each call also deletes a limited number of old counters. */
export const countAgents = writerMethod({
  name: "agents.count",
  request: CountRequest,
  reply: Type.Null(),
  weight: weightOf,
  audit: null,
  changes: [changes("agent_metric", reportAny)],
  models: { metrics: agentMetricsWriter },
  run: ({ metrics }, request, { nowMs }) => {
    metrics.add(request);
    metrics.prune(hourOf(nowMs) - AGENT_METRICS_DAYS * DAY_HOURS, AGENT_METRICS_PRUNE_ROWS);
    return null;
  },
});
