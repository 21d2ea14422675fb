/**
 * Finds leases that make other requests wait and that need a person. A lease is reported if it has blocked a request
 * for too long, is automatic, has a stale holder, or ends soon. Pure.
 */
import type { Lease, LeaseWaits } from "../../api/types.js";

/** The time after which a waiting request counts as blocked for too long, in ms. */
export const WAITED_LONG_MS = 10 * 60_000;
/**
 * A lease for which others wait is reported if it ends within this time, in ms. A person can then still act before the
 * holder loses the lease in the middle of its work.
 */
export const ENDS_SOON_MS = 10 * 60_000;

export interface BlockingLease {
  readonly lease: Lease;
  /** The requests that wait for the lease, the longest wait first. */
  readonly waiting: readonly Lease[];
  /** The time at which the lease ends even if its holder keeps renewing it, in ms since the epoch. */
  readonly endsMs: number;
  /**
   * Whether the lease ends soon. It is false for an automatic lease, because that is short, and each edit of its holder
   * restarts its time.
   */
  readonly endsSoon: boolean;
  readonly waitedLong: boolean;
}

/**
 * Returns the held leases that a person should look at. At least one request waits for each of them. Also, one of these
 * holds: the lease is automatic (its holder may not know of it), the holder is stale, a request has waited too long, or
 * the lease ends soon.
 * @param stale the ids of stale agents
 */
export function blockingLeases(
  { waits, leases }: LeaseWaits,
  nowMs: number,
  stale: ReadonlySet<string> = new Set(),
): BlockingLease[] {
  const byId = new Map(leases.map((lease) => [lease.id, lease]));
  return leases.flatMap((lease) => {
    if (lease.granted_at === null) return [];
    const waiting = waits
      .flatMap((wait) => (wait.for === lease.id ? (byId.get(wait.lease) ?? []) : []))
      .sort((a, b) => Date.parse(a.requested_at) - Date.parse(b.requested_at));
    const [first] = waiting;
    if (first === undefined) return [];
    const endsMs = Date.parse(lease.touched_at ?? lease.granted_at) + lease.max_s * 1_000;
    const automatic = lease.automatic === true;
    const endsSoon = !automatic && endsMs - nowMs < ENDS_SOON_MS;
    const waitedLong = nowMs - Date.parse(first.requested_at) > WAITED_LONG_MS;
    return automatic || endsSoon || waitedLong || stale.has(lease.holder.id)
      ? [{ lease, waiting, endsMs, endsSoon, waitedLong }]
      : [];
  });
}
