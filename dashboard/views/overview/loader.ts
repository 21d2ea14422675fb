/** Loads the data of the overview that are not metrics: held leases, claimed tasks, and today's cost. */
import { getJson } from "../../api/client.js";
import { query } from "../../base/path.js";
import { leasesLoader } from "../../api/leases.js";
import type { Loader } from "../../api/resource.js";
import { tasksLoader } from "../../api/tasks.js";
import type { UsageSummary } from "../../api/types.js";

/**
 * The minimum time between two requests for the cost, in ms. The server has to sum up a whole day, and usage changes
 * with every call.
 */
const COST_GAP_MS = 5_000;

/** The maximum number of claimed tasks that are read. */
const TASKS_MAX = 500;

export const heldLeases = leasesLoader({ state: "held" });
export const claimedTasks = tasksLoader(["claimed"], {}, TASKS_MAX);

/**
 * Loads the cost of language-model calls since a time, by model.
 * @param sinceMs the start of the day, in ms since the epoch
 */
export function costSince(sinceMs: number): Loader<UsageSummary> {
  const from = new Date(sinceMs).toISOString();
  return {
    key: `overview: cost since ${from}`,
    kinds: ["usage"],
    gapMsMin: COST_GAP_MS,
    fetch: (signal) => getJson<UsageSummary>(`/api/llm/usage/summary${query({ group_by: "model", from })}`, signal),
  };
}
