/**
 * Reads the event about a granted lease. A client may publish an event with the same topic and other data. Such data is
 * ignored unless it has the form that the server publishes (claims/lease-events.ts). Pure.
 */
import { RESOURCE_BYTES_MAX } from "../../../schemas/limits/claims.js";
import { LEASE_RESOURCES_MAX } from "../../../schemas/limits/leases.js";
import { overlaps, type WantedResource } from "../claims/resource-watch.js";
import type { EventData } from "./missed-events.js";

export interface Grant {
  /** The id of an instance. */
  readonly holder: string;
  readonly workspace: string;
  readonly resources: readonly string[];
}

/** Reads the data of a grant. Returns undefined if the data does not have the form that the server publishes. */
export function readGrant({ holder, workspace, resources }: EventData): Grant | undefined {
  if (typeof holder !== "object" || holder === null || !("id" in holder)) return undefined;
  if (typeof holder.id !== "string" || typeof workspace !== "string" || !isResources(resources)) return undefined;
  return { holder: holder.id, workspace, resources };
}

/** Returns whether another holder was granted a lease that overlaps the wanted resource. */
export function takes(grant: Grant, wanted: WantedResource, holder: string): boolean {
  return grant.holder !== holder && overlaps(wanted, grant.resources, grant.workspace);
}

function isResources(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= LEASE_RESOURCES_MAX &&
    value.every((text) => typeof text === "string" && text.length <= RESOURCE_BYTES_MAX)
  );
}
