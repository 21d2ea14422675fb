/**
 * Finds the blockers of counted claims and of claims with alternatives. A counted claim shares its names with a limited
 * number of holders. A claim with alternatives needs one of several names. lock-table.ts has the rule for all other
 * claims. Pure.
 *
 * A name is full for a claim if too many holders would share it. The count includes the holders of the name, its
 * earlier waiters and the claim itself. Earlier waiters count, so that a later grant cannot take their room. If these
 * claims have different maximums, the smallest one is the limit. A holder counts once, but a parent and each of its
 * children count separately. If a name is full, all of its holders and earlier waiters are blockers of the claim,
 * because the end of any of them may make room.
 *
 * A claim with alternatives needs a different name for each group. It is blocked if too few names are free for that.
 * Two claims never get the same name by choice. So a name is not free if it was already chosen by the claim's own
 * holder, by the holder's parent, or by one of the holder's children.
 */
import { areRelated, exclude } from "./contention.js";
import { chooseNames } from "./choose-names.js";
import { choosesName, type Claim, holdersMaxOf, inOrder, type LockEntry } from "./lock-entry.js";
import type { Resource } from "./resource.js";
import type { Meeting, ResourceIndex } from "./resource-index.js";

type Met<Kind extends Claim> = Meeting<LockEntry<Kind>>;
/** Returns whether a search considers an entry. The search itself compares the resources. */
type Where<Kind extends Claim> = (entry: LockEntry<Kind>, wanted: Resource) => boolean;

/** The claims that block one resource of a claim. */
interface Obstruction<Kind extends Claim> {
  /** Whether the resource is one of the claim's alternatives. */
  readonly isChoice: boolean;
  /** The claims that block the resource, each of them alone. */
  readonly alone: readonly Met<Kind>[];
  /** The claims that share the name, if the name is full; otherwise empty. */
  readonly together: readonly Met<Kind>[];
  /** The maximum number of holders of the name. */
  readonly holdersMax: number;
}

export interface Blocking<Kind extends Claim> {
  readonly obstructions: readonly Obstruction<Kind>[];
  /** The chosen names. Empty if the claim is blocked or has no alternatives. */
  readonly chosen: readonly Resource[];
}

export class BlockerFinder<Kind extends Claim> {
  readonly #index: ResourceIndex<LockEntry<Kind>>;

  constructor(index: ResourceIndex<LockEntry<Kind>>) {
    this.#index = index;
  }

  /**
   * Finds the blockers of a claim. Only held and earlier waiting claims for which `where` returns true can be blockers.
   * @param skipsNames if true, the alternatives are not examined when another resource of the claim is blocked
   */
  find(claim: Claim, where: Where<Kind>, skipsNames = false): Blocking<Kind> {
    const obstructions: Obstruction<Kind>[] = [];
    for (const wanted of claim.resources) {
      const found = this.#obstruct(claim, wanted, where, false);
      if (found !== null) obstructions.push(found);
    }
    const isBlocked = obstructions.length > 0;
    const groups = claim.alternatives;
    if (groups.length === 0 || (isBlocked && skipsNames)) return { obstructions, chosen: [] };
    const ofNames: Obstruction<Kind>[] = [];
    const free = groups.map((): Resource[] => []);
    const rest = groups.map((group) => group.values());
    const examine = (freeMax: number): void => {
      for (const [at, names] of free.entries()) {
        while (names.length < freeMax) {
          const next = rest[at]?.next();
          if (next === undefined || next.done === true) break;
          const found = this.#obstruct(claim, next.value, where, true);
          if (found === null) names.push(next.value);
          else ofNames.push(found);
        }
      }
    };
    // With n groups, n free names of each group are enough, because the other groups take at most n - 1 of them. But if
    // the claim is blocked, all names are examined, because a waiting claim has to know all of its blockers.
    examine(isBlocked ? Number.POSITIVE_INFINITY : groups.length);
    const chosen = choose(free);
    if (chosen === null) {
      examine(Number.POSITIVE_INFINITY);
      obstructions.push(...ofNames);
    }
    return { obstructions, chosen: obstructions.length === 0 ? (chosen ?? []) : [] };
  }

  /** Returns whether `find` would find a blocker, but stops at the first one. */
  isBlocked(claim: Claim, where: (entry: LockEntry<Kind>) => boolean): boolean {
    for (const wanted of claim.resources) if (this.#isObstructed(claim, wanted, where, false)) return true;
    return claim.alternatives.length > 0 && this.lacksNames(claim, where);
  }

  /** Returns whether a claim cannot get a free name for each of its groups of alternatives, all different. */
  lacksNames(claim: Claim, where: (entry: LockEntry<Kind>) => boolean = () => true): boolean {
    const free = claim.alternatives.map((group) => {
      const names: Resource[] = [];
      for (const wanted of group) {
        // With n groups, n free names of each group are enough, because the other groups take at most n - 1 of them.
        if (names.length === claim.alternatives.length) break;
        if (!this.#isObstructed(claim, wanted, where, true)) names.push(wanted);
      }
      return names;
    });
    return choose(free) === null;
  }

  /** Returns whether a name is full: its holders and earlier waiters leave no room for the claim. */
  isFull(claim: Claim, wanted: Resource, where: (entry: LockEntry<Kind>) => boolean = () => true): boolean {
    if (!claim.shared) return false;
    const holders = new Set<string>();
    let holdersMax = holdersMaxOf(claim);
    for (const { filed } of this.#index.meeting([wanted], (other) => this.#isBefore(other, claim) && where(other))) {
      const other = filed.claim;
      if (!other.shared || other.holder === claim.holder) continue;
      holders.add(other.holder);
      holdersMax = Math.min(holdersMax, holdersMaxOf(other));
      if (holders.size + 1 > holdersMax) return true;
    }
    return false;
  }

  /**
   * Returns whether a resource of a claim is blocked.
   * @param isChoice whether the resource is one of the claim's alternatives
   */
  #isObstructed(
    claim: Claim,
    wanted: Resource,
    where: (entry: LockEntry<Kind>) => boolean,
    isChoice: boolean,
  ): boolean {
    const isAlone = (other: LockEntry<Kind>): boolean =>
      this.#isBefore(other, claim) &&
      where(other) &&
      ((isChoice && areRelated(other.claim, claim) && choosesName(other.claim, wanted)) ||
        exclude(other.claim, claim, wanted));
    // Test `isFull` first, because a single claim rarely blocks a shared name alone.
    return this.isFull(claim, wanted, where) || this.#index.meeting([wanted], isAlone).next().done !== true;
  }

  #isBefore(other: LockEntry<Kind>, claim: Claim): boolean {
    return other.held || other.claim.order < claim.order;
  }

  /** @param isChoice whether the resource is one of the claim's alternatives */
  #obstruct(claim: Claim, wanted: Resource, where: Where<Kind>, isChoice: boolean): Obstruction<Kind> | null {
    const alone: Met<Kind>[] = [];
    const shared: Met<Kind>[] = [];
    let holdersMax = holdersMaxOf(claim);
    const holders = new Set<string>();
    for (const met of this.#index.meeting([wanted], (other) => this.#isBefore(other, claim) && where(other, wanted))) {
      const { claim: other } = met.filed;
      if (isChoice && areRelated(other, claim) && choosesName(other, wanted)) alone.push(met);
      else if (exclude(other, claim, wanted)) alone.push(met);
      else if (other.shared && claim.shared && other.holder !== claim.holder) {
        shared.push(met);
        holders.add(other.holder);
        holdersMax = Math.min(holdersMax, holdersMaxOf(other));
      }
    }
    const isFull = holders.size + 1 > holdersMax;
    if (alone.length === 0 && !isFull) return null;
    return { isChoice, alone, together: isFull ? shared : [], holdersMax };
  }
}

/**
 * Selects the blockers that a waiting claim watches. They are selected so that the claim cannot become free before one
 * of them has ended. Recent blockers are preferred, so that few waiting claims watch the same blocker.
 */
export function witnesses<Kind extends Claim>(claim: Claim, { obstructions }: Blocking<Kind>): LockEntry<Kind>[] {
  let fixed: LockEntry<Kind>[] | undefined;
  const ofNames = new Set<LockEntry<Kind>>();
  for (const obstruction of obstructions) {
    const entries = witnessesOf(claim, obstruction);
    if (obstruction.isChoice) for (const entry of entries) ofNames.add(entry);
    else if (fixed === undefined || entries.length < fixed.length) fixed = entries;
  }
  return fixed ?? [...ofNames];
}

function witnessesOf<Kind extends Claim>(
  claim: Claim,
  { alone, together, holdersMax }: Obstruction<Kind>,
): LockEntry<Kind>[] {
  const latest = inOrder(alone.map(({ filed }) => filed)).at(-1);
  if (latest !== undefined) return [latest];
  const entries = inOrder(together.map(({ filed }) => filed)).toReversed();
  const strictest = entries.find((entry) => holdersMaxOf(entry.claim) === holdersMax);
  const found = strictest === undefined || holdersMaxOf(claim) === holdersMax ? [] : [strictest];
  const holders = new Set(found.map((entry) => entry.claim.holder));
  for (const entry of entries) {
    if (holders.size === holdersMax) break;
    if (holders.has(entry.claim.holder)) continue;
    holders.add(entry.claim.holder);
    found.push(entry);
  }
  return found;
}

function choose(free: readonly (readonly Resource[])[]): Resource[] | null {
  const byText = new Map(free.flat().map((name) => [name.text, name]));
  const texts = chooseNames(free.map((group) => group.map(({ text }) => text)));
  return texts === null ? null : texts.flatMap((text) => byText.get(text) ?? []);
}
