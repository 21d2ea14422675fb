/** Converts a lease to the form in which replies show it. Pure. */
import type { LeaseRecord } from "../../../schemas/leases.js";
import { formatTime } from "../../base/time.js";
import { leaseId } from "./lease.js";

/**
 * The members of a reply that are computed for each reply. They depend on other claims and on the holder's activity.
 */
export interface Outlook {
  /**
   * The time at which the lease expires if its holder is not seen again, in ms; null if it does not expire, or if the
   * time is unknown.
   */
  readonly expiresMs: number | null;
  /** The position in the queue; null if the lease does not wait, or if the position is unknown. */
  readonly position: number | null;
}

/** Converts a lease to the form in which every reply shows it. */
export function showLease(record: LeaseRecord, { expiresMs, position }: Outlook): Readonly<Record<string, unknown>> {
  const { row, state, fence, holder, holder_name, workspace, resources, shared, reason, note, task } = record;
  const { scope, checkout, touched_at, automatic, max_holders, any } = record;
  return {
    id: leaseId(row),
    fence: fence === 0 ? null : fence,
    state,
    holder: { id: holder, name: holder_name },
    workspace,
    resources,
    mode: shared ? "shared" : "exclusive",
    scope,
    checkout,
    reason,
    note,
    task,
    ttl_s: record.ttl_s,
    max_s: record.max_s,
    requested_at: formatTime(record.requested_at),
    granted_at: timeOrNull(record.granted_at),
    expires_at: timeOrNull(expiresMs),
    ended_at: timeOrNull(record.ended_at),
    position,
    ...(touched_at === null ? {} : { touched_at: formatTime(touched_at) }),
    ...(automatic ? { automatic } : {}),
    ...(max_holders === null ? {} : { max_holders }),
    ...(any === null ? {} : { any }),
  };
}

function timeOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : formatTime(timeMs);
}
