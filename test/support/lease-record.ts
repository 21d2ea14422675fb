/** Makes stored leases, for tests of the code that stores claims, ends them or waits for them. */
import type { LeaseRecord } from "../../schemas/leases.js";

/** Returns a lease that was granted at time 0. Its fence is the number of its row. */
export function leaseRecord(row: number, more: Partial<LeaseRecord> = {}): LeaseRecord {
  return {
    row,
    state: "held",
    fence: row,
    holder: "h",
    holder_name: "h",
    workspace: "w",
    resources: ["r"],
    shared: false,
    reason: "",
    note: null,
    task: null,
    ttl_s: 60,
    max_s: 60,
    offered: false,
    queued: false,
    requested_at: 0,
    granted_at: 0,
    ended_at: null,
    scope: "repo",
    checkout: null,
    parent: null,
    touched_at: null,
    automatic: false,
    max_holders: null,
    any: null,
    ...more,
  };
}
