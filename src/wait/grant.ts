/**
 * What an event says of a lease that was granted. Anybody may publish an event like that, with any data: what is not as
 * the server itself writes it (claims/lease-events.ts) says nothing. Pure.
 */
import { LEASE_RESOURCES_MAX, RESOURCE_BYTES_MAX } from "../../schemas/limits.js";
import { overlaps, type WantedResource } from "../claims/resource-watch.js";
import type { EventData } from "./missed-events.js";

export interface Grant {
  /** An instance's id. */
  readonly holder: string;
  readonly workspace: string;
  readonly resources: readonly string[];
}

/** Undefined for what no grant of the server says. */
export function readGrant({ holder, workspace, resources }: EventData): Grant | undefined {
  if (typeof holder !== "object" || holder === null || !("id" in holder)) return undefined;
  if (typeof holder.id !== "string" || typeof workspace !== "string" || !isResources(resources)) return undefined;
  return { holder: holder.id, workspace, resources };
}

/** Whether a grant was somebody else's than `holder`'s, and is in the way of what is wanted. */
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
