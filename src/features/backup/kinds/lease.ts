/**
 * The kind of records for leases, and the kind for the counters of fences and ids. A snapshot contains leases
 * unchanged. A lease that was held or waiting in the snapshot ends when the snapshot is restored
 * (src/features/claims/claim-registry.ts).
 */
import type { SnapshotRecord } from "../kind.js";
import { COUNTED, isList, JSON_VALUE, later, nullable, rowKind, sparse, SWITCH, TEXT, TIME, WHOLE } from "./rows.js";

/**
 * Checks the resources of a claim. Returns an error text, or an empty list if they are valid. Every text is valid as a
 * resource, because an older version may have accepted it.
 */
export function resourcesProblem({ resources }: SnapshotRecord["members"]): string | readonly [] {
  return isList(resources) ? [] : "resources must be an array of text";
}

export const LEASE_KIND = rowKind({
  name: "lease",
  table: "lease",
  columns: {
    row: COUNTED,
    state: TEXT,
    fence: COUNTED,
    holder: TEXT,
    holder_name: TEXT,
    workspace: TEXT,
    resources: JSON_VALUE,
    shared: SWITCH,
    reason: TEXT,
    note: nullable(TEXT),
    task: nullable(TEXT),
    ttl_s: WHOLE,
    max_s: WHOLE,
    offered: SWITCH,
    requested_at: TIME,
    granted_at: nullable(TIME),
    ended_at: nullable(TIME),
    queued: later(nullable(SWITCH)),
    scope: later(nullable(TEXT)),
    checkout: sparse(TEXT),
    parent: sparse(TEXT),
    touched_at: sparse(TIME),
    automatic: sparse(SWITCH),
    max_holders: sparse(WHOLE),
    any: sparse(JSON_VALUE),
  },
  complete: resourcesProblem,
  order: "row",
});

/** The counters of fences and ids. They are restored, so that no fence and no id is assigned twice. */
export const CLAIM_COUNTER_KIND = rowKind({
  name: "claim_counter",
  table: "claim_counter",
  columns: { only: COUNTED, fence: COUNTED, lease: COUNTED },
  order: "only",
});
