/** Storing what agents did. Runs in the writer. */
import type { CountRequest } from "../../schemas/agent-metrics.js";
import { AGENT_METRICS_DAYS, AGENT_METRICS_PRUNE_ROWS } from "../../schemas/limits.js";
import type { WriteContext } from "../store/write-context.js";
import { hourOf } from "./tally.js";

const DAY_HOURS = 24;

/** Adds a flush; what is too old goes with it, a bounded step at a time. */
export function countAgents(context: WriteContext, request: CountRequest): null {
  context.agent_metrics.add(request);
  context.agent_metrics.prune(hourOf(context.now_ms) - AGENT_METRICS_DAYS * DAY_HOURS, AGENT_METRICS_PRUNE_ROWS);
  return null;
}
