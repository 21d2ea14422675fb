/**
 * Records of kind `lease`, and the newest fence. A snapshot contains them unchanged. Leases that were held or waiting
 * then are lost at the restored server (src/claims/claim-registry.ts).
 */
import type { SnapshotRecord } from "../kind.js";
import { isList, JSON_VALUE, later, nullable, rowKind, SWITCH, TEXT, TIME, WHOLE } from "./rows.js";

/**
 * Checks claimed resources and returns an error text, if any. Resources that an older version accepted are accepted as
 * they are stored.
 */
export function resourcesProblem({ resources }: SnapshotRecord["members"]): string | readonly [] {
  return isList(resources) ? [] : "resources must be an array of text";
}

export const LEASE_KIND = rowKind({
  name: "lease",
  table: "lease",
  columns: {
    row: WHOLE,
    state: TEXT,
    fence: WHOLE,
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
  },
  complete: resourcesProblem,
  order: "row",
});

/** Restoring the counter ensures that no fence and no id is assigned twice. */
export const CLAIM_COUNTER_KIND = rowKind({
  name: "claim_counter",
  table: "claim_counter",
  columns: { only: WHOLE, fence: WHOLE, lease: WHOLE },
  order: "only",
});
