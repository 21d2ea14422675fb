/** Checks, merges and compares checkouts. A checkout is one working tree on one machine. Pure. */
import { CHECKOUT_ID, CHECKOUT_TEXT, type Checkout, type CheckoutBody } from "../../../schemas/instances.js";
import { textProblem } from "../../../schemas/text.js";

/**
 * Makes a checkout from parts that were not validated yet. Returns null if the id is missing or invalid. Leaves out a
 * branch or a root that is missing or invalid.
 */
export function checkoutFrom(parts: {
  readonly id: string;
  readonly branch: string;
  readonly root: string;
}): CheckoutBody | null {
  const { id, branch, root } = parts;
  if (textProblem(id, CHECKOUT_ID) !== null) return null;
  const isText = (text: string): boolean => text !== "" && textProblem(text, CHECKOUT_TEXT) === null;
  return { id, ...(isText(branch) ? { branch } : {}), ...(isText(root) ? { root } : {}) };
}

/** Returns true if all members of a checkout are valid by the rules for request bodies. */
export function isValidCheckout({ id, branch, root, machine }: CheckoutBody): boolean {
  const texts = [branch, root, machine].filter((text) => typeof text === "string");
  return textProblem(id, CHECKOUT_ID) === null && texts.every((text) => textProblem(text, CHECKOUT_TEXT) === null);
}

/**
 * Returns a checkout with the members that a client has given. A member that the client has left out keeps its value.
 * If there was no checkout before, that member is null.
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
  return one.id === other.id && one.branch === other.branch && one.root === other.root && one.machine === other.machine;
}
