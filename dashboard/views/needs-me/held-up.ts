/** Which leases are in others' way for too long, and which end soon while others wait for them. Pure. */
import type { Lease, LeaseWaits } from "../../api/types.js";

/** Somebody who has waited for so long is held up. */
export const WAITED_LONG_MS = 10 * 60_000;
/** So long before a lease must end a person may still help: its holder loses it in the middle of its work. */
export const ENDS_SOON_MS = 10 * 60_000;

export interface HeldUp {
  readonly lease: Lease;
  /** Who wait for it, the longest waiting first. */
  readonly waiting: readonly Lease[];
  /** When it ends at the latest, ms. */
  readonly ends_ms: number;
  readonly ends_soon: boolean;
}

/** What is held and waited for, by the two reasons for which a person should look at it. */
export function heldUp({ waits, leases }: LeaseWaits, now_ms: number): HeldUp[] {
  const by_id = new Map(leases.map((lease) => [lease.id, lease]));
  return leases.flatMap((lease) => {
    if (lease.granted_at === null) return [];
    const waiting = waits
      .flatMap((wait) => (wait.for === lease.id ? (by_id.get(wait.lease) ?? []) : []))
      .sort((a, b) => Date.parse(a.requested_at) - Date.parse(b.requested_at));
    const [first] = waiting;
    if (first === undefined) return [];
    const ends_ms = Date.parse(lease.granted_at) + lease.max_s * 1_000;
    const ends_soon = ends_ms - now_ms < ENDS_SOON_MS;
    const waited_long = now_ms - Date.parse(first.requested_at) > WAITED_LONG_MS;
    return ends_soon || waited_long ? [{ lease, waiting, ends_ms, ends_soon }] : [];
  });
}
