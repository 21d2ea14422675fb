/** Defines a claim as the lock table sees it, and its entry in the table. Pure. */
import type { Contender } from "./contention.js";
import type { Resource } from "./resource.js";
import type { HasResources } from "./resource-index.js";

export interface Claim extends HasResources, Contender {
  /** A unique number. A claim that was requested earlier has a smaller number. */
  readonly order: number;
  /**
   * The resources that the claim needs. When a waiting claim is granted, the lock table adds the names that were chosen
   * from its alternatives.
   */
  resources: readonly Resource[];
  /**
   * The groups of alternatives. A waiting claim needs one name of each group. Empty if the claim has none, or after its
   * names were chosen.
   */
  alternatives: readonly (readonly Resource[])[];
  /** The resources that were chosen from alternatives. `resources` contains them too. */
  chosen: readonly Resource[];
}

/** A claim in the table. */
export class LockEntry<Kind extends Claim> implements HasResources {
  held = false;
  /**
   * The blockers that this claim watches while it waits. It cannot become free before one of them has ended. A claim
   * without counted names and alternatives watches only one.
   */
  watches: readonly LockEntry<Kind>[] = [];
  /** The claims that watch this one; null if there are none, as for most claims. */
  watchedBy: Set<LockEntry<Kind>> | null = null;

  /** The resources that the claim has or wants, each alternative included. */
  resources: readonly Resource[];

  constructor(readonly claim: Kind) {
    this.resources = wantedBy(claim);
  }
}

/** Returns the resources that a claim has or wants, each alternative included. */
export function wantedBy({ resources, alternatives }: Pick<Claim, "resources" | "alternatives">): readonly Resource[] {
  return alternatives.length === 0 ? resources : [...resources, ...alternatives.flat()];
}

/** Returns whether a claim has chosen a name, or waits for it as one of its alternatives. */
export function choosesName({ resources, alternatives, chosen }: Claim, name: Resource): boolean {
  const isName = ({ text }: Resource): boolean => text === name.text;
  return alternatives.length > 0 ? !resources.some(isName) : chosen.some(isName);
}

/** Returns the maximum number of holders that a claim allows for its names, its own holder included. */
export function holdersMaxOf({ shared, maxHolders = null }: Contender): number {
  return maxHolders ?? (shared ? Number.POSITIVE_INFINITY : 1);
}

/**
 * Returns whether a claim is neither counted nor has alternatives. Two plain claims can be compared without looking at
 * other claims.
 */
export function isPlain({ maxHolders = null, alternatives }: Pick<Claim, "maxHolders" | "alternatives">): boolean {
  return maxHolders === null && alternatives.length === 0;
}

export function inOrder<Kind extends Claim>(entries: Iterable<LockEntry<Kind>>): LockEntry<Kind>[] {
  return [...entries].toSorted((a, b) => a.claim.order - b.claim.order);
}
