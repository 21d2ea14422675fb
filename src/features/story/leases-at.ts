/** Encodes leases as they were at a past time. Pure. */
import type { LeaseRecord } from "../../../schemas/leases.js";
import { showLease } from "../claims/show-lease.js";

/** Returns whether a lease was held or waiting at a past time. The lease must have been live at that time. */
export function stateAt({ granted_at }: Pick<LeaseRecord, "granted_at">, atMs: number): "held" | "waiting" {
  return granted_at !== null && granted_at <= atMs ? "held" : "waiting";
}

/** Returns a lease as it was at a past time at which it was live. Leaves out the reason why it was lost later. */
function recordAt(record: LeaseRecord, atMs: number): LeaseRecord {
  const { resources, any, touched_at } = record;
  const isHeld = stateAt(record, atMs) === "held";
  // Before the grant, leave out the names that the server chose. A grant adds them at the end of `resources`.
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
 * Returns the JSON text of a lease as it was at a past time. Its expiry and its position in the queue are null, because
 * the database does not store them.
 */
export function encodeLeaseAt(record: LeaseRecord, atMs: number): string {
  return JSON.stringify(showLease(recordAt(record, atMs), { expiresMs: null, position: null }));
}
