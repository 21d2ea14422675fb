/** Shows leases as they were at a time. Pure. */
import type { LeaseRecord } from "../../../schemas/leases.js";
import { showLease } from "../claims/show-lease.js";

/** Returns whether a lease that was live at a time was held, or still waiting. */
export function stateAt({ granted_at }: Pick<LeaseRecord, "granted_at">, atMs: number): "held" | "waiting" {
  return granted_at !== null && granted_at <= atMs ? "held" : "waiting";
}

/**
 * Returns a lease as it was at a time at which it was live. The reason is empty if the stored one says why the lease
 * was lost later.
 */
function recordAt(record: LeaseRecord, atMs: number): LeaseRecord {
  const { resources, any, touched_at } = record;
  const isHeld = stateAt(record, atMs) === "held";
  // A grant adds the chosen names, which are the last of the resources.
  const chosen = isHeld || record.granted_at === null ? 0 : (any?.length ?? 0);
  return {
    ...record,
    state: isHeld ? "held" : "waiting",
    fence: isHeld ? record.fence : 0,
    resources: resources.slice(0, resources.length - chosen),
    reason: record.state === "lost" ? "" : record.reason,
    note: record.ended_at === null ? record.note : null,
    granted_at: isHeld ? record.granted_at : null,
    ended_at: null,
    touched_at: touched_at !== null && touched_at <= atMs ? touched_at : null,
  };
}

/**
 * Returns the JSON text of a lease that was live at a time. When it would have expired and its position in the queue
 * are not stored, so both are null.
 */
export function encodeLeaseAt(record: LeaseRecord, atMs: number): string {
  return JSON.stringify(showLease(recordAt(record, atMs), { expiresMs: null, position: null }));
}
