/** Merges and compares checkouts. A checkout is one working tree on one machine. Pure. */
import type { Checkout, CheckoutBody } from "../../../schemas/instances.js";

/**
 * Returns a checkout with the members that a client has given. A member that the client has left out keeps its value;
 * it is null if there was no checkout before.
 */
export function mergeCheckout(
  before: Checkout | null,
  { id, branch = before?.branch ?? null, root = before?.root ?? null, machine = before?.machine ?? null }: CheckoutBody,
): Checkout {
  return { id, branch, root, machine };
}

/** Returns true if two checkouts have the same members, or if both are null. */
export function isSameCheckout(one: Checkout | null, other: Checkout | null): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.id === other.id && one.branch === other.branch && one.root === other.root && one.machine === other.machine
  );
}
