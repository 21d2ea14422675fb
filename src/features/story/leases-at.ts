/** Shows leases as they were at a time. Pure. */
import type { LeaseRecord } from "../../../schemas/leases.js";
import { formatTime } from "../../base/time.js";
import { leaseId } from "../claims/lease.js";

/** Returns whether a lease that was live at a time was held, or still waiting. */
export function stateAt({ granted_at }: Pick<LeaseRecord, "granted_at">, atMs: number): "held" | "waiting" {
  return granted_at !== null && granted_at <= atMs ? "held" : "waiting";
}

/**
 * Returns the JSON text of a lease that was live at a time. When it would have expired and its position in the queue are
 * not stored, so both are null. The reason is empty if the stored one says why the lease was lost later.
 */
export function encodeLeaseAt(record: LeaseRecord, atMs: number): string {
  const { row, fence, holder, holder_name, workspace, resources, shared, scope, checkout, note, task } = record;
  const { granted_at, touched_at, automatic } = record;
  const state = stateAt(record, atMs);
  return JSON.stringify({
    id: leaseId(row),
    fence: state === "held" ? fence : null,
    state,
    holder: { id: holder, name: holder_name },
    workspace,
    resources,
    mode: shared ? "shared" : "exclusive",
    scope,
    checkout,
    reason: record.state === "lost" ? "" : record.reason,
    note: record.ended_at === null ? note : null,
    task,
    ttl_s: record.ttl_s,
    max_s: record.max_s,
    requested_at: formatTime(record.requested_at),
    granted_at: state === "held" && granted_at !== null ? formatTime(granted_at) : null,
    expires_at: null,
    ended_at: null,
    position: null,
    ...(touched_at === null || touched_at > atMs ? {} : { touched_at: formatTime(touched_at) }),
    ...(automatic ? { automatic } : {}),
  });
}
