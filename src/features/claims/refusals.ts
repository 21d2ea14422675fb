/**
 * Creates the failures that refuse calls about claims. A refusal names a lease by its row. The front replaces the row
 * by the lease in the form that clients see (lease-presenter.ts). Pure.
 */
import { must } from "../../base/assert.js";
import { Failure, invalid } from "../../base/result.js";
import type { LiveLease } from "./lease.js";
import type { Conflict, CycleStep } from "./lock-table.js";

export const NOT_YOURS = new Failure("PERMISSION_DENIED", "not yours");
export const LEASE_LOST = new Failure("ALREADY_EXISTS", "lease lost");
export const STALE_FENCE = new Failure("FAILED_PRECONDITION", "stale fence");
export const NAMES_NOTHING = invalid("resources or any is required");
export const FENCE_REQUIRED = invalid("fence is required");
export const NEEDS_CHECKOUT = invalid("scope checkout needs an instance with a checkout: PATCH the instance with one");

/** A conflict in the form that a reply contains. */
export interface ConflictMembers {
  readonly resource: string;
  readonly wanted: string;
  readonly lease: number;
}

export function conflictMembers({ resource, wanted, claim }: Conflict<LiveLease>): ConflictMembers {
  return { resource: resource.text, wanted: wanted.text, lease: claim.order };
}

/**
 * Creates the refusal of a claim whose resources are taken.
 * @param held true if the conflicting claims are held; false if they are earlier waiting claims
 */
export function taken(held: boolean, conflicts: readonly Conflict<LiveLease>[]): Failure {
  const { resource, claim } = must(conflicts[0], "what is taken is taken by somebody");
  const message = `${held ? "leased" : "awaited"} by ${claim.record.holder_name}: ${resource.text}`;
  return new Failure("ALREADY_EXISTS", message, { conflicts: conflicts.map(conflictMembers) });
}

/** @param nameOf returns the name of a holder. It is used for steps of the cycle that have no claim. */
export function deadlock(cycle: readonly CycleStep<LiveLease>[], nameOf: (holder: string) => string): Failure {
  const steps = cycle.map(({ holder, claim }) => ({
    holder: { id: holder, name: claim?.record.holder_name ?? nameOf(holder) },
    lease: claim === null ? null : claim.order,
  }));
  return new Failure("ALREADY_EXISTS", "this would deadlock", { cycle: steps });
}
