/**
 * What the overview fetches beside the figures that are recorded anyway: totals, the newest changes, the day's cost.
 */
import { getJson } from "../../api/client.js";
import { query } from "../../base/path.js";
import type { Loader } from "../../api/resource.js";
import type { AuditEntry, SpecProjects, UsageSummary } from "../../api/types.js";

/** What is shown of the audit log. */
const CHANGES_SHOWN = 10;
/** Sums over a whole day are not made with every call. */
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

/** What the calls of language models have cost since a time, by model. @param since_ms of the day's beginning */
export function costSince(since_ms: number): Loader<UsageSummary> {
  const from = new Date(since_ms).toISOString();
  return {
    key: `overview: cost since ${from}`,
    kinds: ["usage"],
    gap_ms_min: COST_GAP_MS,
    fetch: (signal) => getJson<UsageSummary>(`/api/llm/usage/summary${query({ group_by: "model", from })}`, signal),
  };
}
