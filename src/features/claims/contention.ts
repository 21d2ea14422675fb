/**
 * Decides whether two claims exclude each other if their resources overlap. That depends on their holders, their modes
 * and their checkouts. The lock table, the front's projection and the waiting clients all use this one rule. Pure.
 *
 * A subagent is an instance with a parent, and the parent itself has none. The claims of a parent cover its children.
 * So a claim of a parent and a claim of its child never exclude each other, but the claims of two children do.
 *
 * A checkout is one working tree on one machine. The files of two checkouts are different files, although they have the
 * same paths. A claim of scope `checkout` is only about the files of the holder's checkout. A claim of scope `repo` is
 * about the files of all checkouts. The scope has no effect on other resources.
 *
 * Counted claims share a name with a limited number of holders. Two of them exclude each other only if the name is
 * full. That depends on all claims of the name, so blockers.ts decides it.
 */
import type { Resource } from "./resource.js";

/** An instance that holds a claim or asks for one. */
export interface Party {
  /** The id of the instance; "" if the caller is not an instance. */
  readonly holder: string;
  /** The id of the holder's parent; null if the holder is not a subagent. */
  readonly parent: string | null;
}

/** An instance that may ask for a claim. */
export interface Applicant extends Party {
  /** The id of the instance's checkout; null if it has none. */
  readonly checkout: string | null;
}

/** The members of a claim that decide which other claims it may exclude. */
export interface Contender extends Party {
  /** True if other holders may share the resources. A full name cannot be shared with more holders (`maxHolders`). */
  readonly shared: boolean;
  /**
   * The maximum number of holders that share a name, this one included. It is set on shared claims of names only.
   * Absent or null if there is no such limit.
   */
  readonly maxHolders?: number | null;
  /** The id of the checkout to whose files the claim is limited; null if the claim is about all checkouts. */
  readonly limitedTo: string | null;
}

/** Returns whether two parties are the same instance, or a parent and its child. */
export function areRelated(a: Party, b: Party): boolean {
  return a.holder === b.holder || a.holder === b.parent || a.parent === b.holder;
}

/** Returns whether two claims exclude each other if both have this resource, or resources that overlap it. */
export function exclude(a: Contender, b: Contender, resource: Resource): boolean {
  return compete(a, b) && !(resource.isFile && areInDifferentCheckouts(a, b));
}

/**
 * Returns whether two claims exclude each other, or would do so if the name was full. A full name matters only for
 * counted claims.
 */
export function mayExclude(a: Contender, b: Contender, resource: Resource): boolean {
  return exclude(a, b, resource) || (isCounted(a, b) && a.holder !== b.holder);
}

/** Returns whether both claims are shared and at least one of them limits the number of holders. */
export function isCounted(a: Contender, b: Contender): boolean {
  return a.shared && b.shared && ((a.maxHolders ?? null) !== null || (b.maxHolders ?? null) !== null);
}

/**
 * Returns whether two claims of a file conflict apart from their checkouts. They exclude each other in one checkout,
 * but these two are limited to different ones. The changes of their holders have to be merged later.
 */
export function areNear(a: Contender, b: Contender, resource: Resource): boolean {
  return resource.isFile && areInDifferentCheckouts(a, b) && compete(a, b);
}

function compete(a: Contender, b: Contender): boolean {
  return !(a.shared && b.shared) && !areRelated(a, b);
}

function areInDifferentCheckouts(a: Contender, b: Contender): boolean {
  return a.limitedTo !== null && b.limitedTo !== null && a.limitedTo !== b.limitedTo;
}
