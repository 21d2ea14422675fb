/**
 * Decides whether two claims exclude each other if their resources overlap. That depends on their holders, their modes
 * and their checkouts. The lock table and the code on the front use the same rule. Pure.
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
  /** The id of the only checkout whose files the claim covers; null if it covers all checkouts. */
  readonly limitedTo: string | null;
}

/** Returns whether two parties are the same instance, or a parent and its child. */
export function areRelated(a: Party, b: Party): boolean {
  return a.holder === b.holder || a.holder === b.parent || a.parent === b.holder;
}

/**
 * Returns whether two claims exclude each other, provided that their resources overlap. `resource` is one of these
 * resources.
 */
export function exclude(a: Contender, b: Contender, resource: Resource): boolean {
  return compete(a, b) && !(resource.isFile && areInDifferentCheckouts(a, b));
}

/**
 * Returns whether two claims exclude each other, or would exclude each other if the name was full. The second case
 * exists only for counted claims.
 */
export function mayExclude(a: Contender, b: Contender, resource: Resource): boolean {
  return exclude(a, b, resource) || (isCounted(a, b) && a.holder !== b.holder);
}

/** Returns whether both claims are shared and at least one of them limits the number of holders. */
export function isCounted(a: Contender, b: Contender): boolean {
  return a.shared && b.shared && ((a.maxHolders ?? null) !== null || (b.maxHolders ?? null) !== null);
}

/**
 * Returns whether two claims of a file do not conflict only because they are limited to different checkouts. Their
 * holders change two copies of the same file, and these changes have to be merged later.
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
