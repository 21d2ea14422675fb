/** Loads the data of the overview that are not recorded figures: totals, the newest changes, and today's cost. */
import { getJson } from "../../api/client.js";
import { query } from "../../base/path.js";
import type { Loader } from "../../api/resource.js";
import type { AuditEntry, SpecProjects, UsageSummary } from "../../api/types.js";

/** Number of audit rows shown. */
const CHANGES_SHOWN = 10;
/**
 * The minimum time between two requests for the cost, ms. The server has to sum up a whole day, and usage changes with
 * every call.
 */
const COST_GAP_MS = 5_000;

export const specProjects: Loader<SpecProjects> = {
  key: "overview: specs",
  kinds: ["spec"],
  fetch: (signal) => getJson<SpecProjects>("/api/specs", signal),
};

export const newestChanges: Loader<readonly AuditEntry[]> = {
  key: "overview: changes",
  kinds: ["audit"],
  fetch: (signal) => getJson<AuditEntry[]>(`/api/audit${query({ limit: CHANGES_SHOWN })}`, signal),
};

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
