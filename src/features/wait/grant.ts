/**
 * Parses the event about a granted lease. A client may publish an event with the same topic. So data that does not have
 * the server's form (claims/lease-events.ts) is ignored. The event says neither the checkout nor the parent of the
 * claim. So the caller passes a function that finds the lease. Pure except for that function.
 */
import { ALTERNATIVE_GROUPS_MAX, RESOURCE_BYTES_MAX } from "../../../schemas/limits/claims.js";
import { LEASE_RESOURCES_MAX } from "../../../schemas/limits/leases.js";
import type { LeaseRecord } from "../../../schemas/leases.js";
import { type Contender, exclude } from "../claims/contention.js";
import { contenderOf, leaseRow } from "../claims/lease.js";
import { storedResource } from "../claims/resource.js";
import { overlaps, type WantedResource } from "../claims/resource-watch.js";
import type { EventData } from "./missed-events.js";

export interface Grant {
  /** The id of the lease; "" if the event has none. */
  readonly lease: string;
  /** The id of the instance that got the lease. */
  readonly holder: string;
  readonly workspace: string;
  readonly resources: readonly string[];
}

/**
 * Parses the data of an event about a grant. Returns undefined if the data does not have the form that the server
 * publishes.
 */
export function readGrant({ lease_id, holder, workspace, resources }: EventData): Grant | undefined {
  if (typeof holder !== "object" || holder === null || !("id" in holder)) return undefined;
  if (typeof holder.id !== "string" || typeof workspace !== "string" || !isResources(resources)) return undefined;
  const lease = typeof lease_id === "string" ? lease_id : "";
  return { lease, holder: holder.id, workspace, resources };
}

/**
 * Returns whether the granted lease conflicts with a claim on the wanted resource.
 * @param find finds a lease by its row
 */
export function takes(
  grant: Grant,
  wanted: WantedResource,
  asked: Contender,
  find: (row: number) => LeaseRecord | undefined,
): boolean {
  if (grant.holder === asked.holder || !overlaps(wanted, grant.resources, grant.workspace)) return false;
  const record = find(leaseRow(grant.lease) ?? 0);
  // The lease was pruned, because it ended long ago. Assume that it blocked the caller.
  if (record === undefined) return true;
  return exclude(contenderOf(record), asked, storedResource(wanted.text, grant.workspace));
}

function isResources(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= LEASE_RESOURCES_MAX + ALTERNATIVE_GROUPS_MAX &&
    value.every((text) => typeof text === "string" && text.length <= RESOURCE_BYTES_MAX)
  );
}
