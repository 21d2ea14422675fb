/**
 * Finds out which claims of the lock table wait for which others. One search finds the blockers of a claim. Another
 * search finds the claims that wait for a holder, directly or through others. Pure except for its caches.
 */
import { BlockerFinder, type Blocking } from "./blockers.js";
import { areRelated, exclude, mayExclude, type Party } from "./contention.js";
import type { LockEntries } from "./lock-entries.js";
import { choosesName, type Claim, inOrder, type LockEntry as Entry, wantedBy } from "./lock-entry.js";
import type { Resource } from "./resource.js";
import { UnreachedWaiters } from "./unreached-waiters.js";

/** The blockers of a claim. */
export interface FoundBlockers<Kind extends Claim> {
  readonly blockers: ReadonlySet<Entry<Kind>>;
  /** The result of the rule of blockers.ts; null if the rule does not apply (`isLimited`). */
  readonly blocking: Blocking<Kind> | null;
  /** The names that the claim gets if it has no blockers: one of each group of alternatives. */
  readonly chosen: readonly Resource[];
}

interface Search<Kind extends Claim> {
  /** The search adds the waiting claims that the claim may overtake to this set. */
  readonly overtaken?: Set<Entry<Kind>>;
  readonly known?: KnownDependents<Kind>;
  /** If true, the alternatives are not examined when another resource of the claim is blocked. */
  readonly skipsNames?: boolean;
}

const NO_NAMES: readonly Resource[] = [];

/** The claims of others that wait for one holder, directly or through other claims. */
export interface Dependents<Kind extends Claim> {
  readonly claims: ReadonlySet<Entry<Kind>>;
  /**
   * The first wait of each waiting holder: `claim` waits for a claim of the holder `next`. Each chain of `next` ends at
   * the holder for which all the others wait. `claim` is null for a parent that waits for its child.
   */
  readonly byHolder: ReadonlyMap<string, { readonly claim: Kind | null; readonly next: string }>;
}

/**
 * Caches the claims that wait for each holder. The cache is valid until a claim is granted or removed. These claims are
 * expensive to find, and many decisions in a row are about the same holder.
 */
export type KnownDependents<Kind extends Claim> = Map<string, Dependents<Kind>>;

export class WaitGraph<Kind extends Claim> {
  readonly #entries: LockEntries<Kind>;
  readonly finder: BlockerFinder<Kind>;
  readonly #heldFinder: BlockerFinder<Kind>;
  /** Caches whether a waiting claim lacks free names for its alternatives. Valid until the next change of the table. */
  readonly #lacking = new Map<Entry<Kind>, boolean>();
  #changes = 0;

  constructor(entries: LockEntries<Kind>) {
    this.#entries = entries;
    this.finder = new BlockerFinder(entries.index);
    this.#heldFinder = new BlockerFinder(entries.heldIndex);
  }

  /** Finds all blockers of a claim. A waiting claim that it may overtake is no blocker. */
  find(claim: Claim, search: Search<Kind> = {}): FoundBlockers<Kind> {
    if (this.#entries.isLimited(claim)) return this.limitedBlockers(claim, search);
    return { blockers: this.blockers(claim, search), blocking: null, chosen: NO_NAMES };
  }

  /** Works as `find`, for a plain claim in a table without limited claims. */
  blockers(claim: Claim, { overtaken, known }: Search<Kind> = {}): Set<Entry<Kind>> {
    const blockers = new Set<Entry<Kind>>();
    const where = (other: Entry<Kind>, wanted: Resource): boolean =>
      (other.held || other.claim.order < claim.order) && exclude(other.claim, claim, wanted) && !blockers.has(other);
    let dependents: Dependents<Kind> | undefined;
    for (const { filed } of this.#entries.index.meeting(claim.resources, where)) {
      if (!filed.held) dependents ??= this.#heldDependentsOf(claim, known);
      if (!filed.held && dependents?.claims.has(filed) === true) overtaken?.add(filed);
      else blockers.add(filed);
    }
    return blockers;
  }

  /** Works as `find`, by the rule of blockers.ts. */
  limitedBlockers(
    claim: Claim,
    { overtaken, known, skipsNames }: Search<Kind> = {},
  ): FoundBlockers<Kind> & { readonly blocking: Blocking<Kind> } {
    let dependents: Dependents<Kind> | undefined;
    const where = (other: Entry<Kind>, wanted: Resource): boolean => {
      if (other.held || areRelated(other.claim, claim)) return true;
      dependents ??= this.#heldDependentsOf(claim, known);
      if (!dependents.claims.has(other)) return true;
      if (mayExclude(other.claim, claim, wanted)) overtaken?.add(other);
      return false;
    };
    const blocking = this.finder.find(claim, where, skipsNames);
    const blockers = new Set<Entry<Kind>>();
    for (const { alone, together } of blocking.obstructions)
      for (const { filed } of [...alone, ...together]) blockers.add(filed);
    return { blockers, blocking, chosen: blocking.chosen };
  }

  /** Returns the holders of the held claims that block a waiting claim, in the order of these claims. */
  heldBlockersOf({ claim }: Entry<Kind>): string[] {
    const found = new Set<Entry<Kind>>();
    const where = (other: Entry<Kind>, wanted: Resource): boolean =>
      !found.has(other) && this.compete(other.claim, claim, wanted);
    for (const { filed } of this.#entries.heldIndex.meeting(wantedBy(claim), where)) found.add(filed);
    return inOrder(found).map((blocker) => blocker.claim.holder);
  }

  /** Returns whether two claims exclude each other, or may do so together with others. */
  compete(a: Claim, b: Claim, wanted: Resource): boolean {
    return this.#entries.hasLimited || exclude(a, b, wanted);
  }

  /** Returns the claims that wait for the held claims of a party, from the cache `known` if it has them. */
  #heldDependentsOf(party: Party, known: KnownDependents<Kind> | undefined): Dependents<Kind> {
    const found = known?.get(party.holder) ?? this.dependentsOf(party, "held");
    known?.set(party.holder, found);
    return found;
  }

  /**
   * Finds the claims that wait for a party, directly or through others.
   * @param through the waits that count. "held": a claim waits for a held claim. "anything": it may also wait for an
   * earlier waiting claim. This counts even if that claim could be overtaken now, because it may be granted first.
   */
  dependentsOf({ holder, parent }: Party, through: "held" | "anything"): Dependents<Kind> {
    const claims = new Set<Entry<Kind>>();
    const byHolder = new Map<string, { claim: Kind | null; next: string }>();
    const holders = [holder];
    const limits = this.#entries.hasLimited;
    const unreached = new UnreachedWaiters(this.#entries.index);
    const add = (waits: string, claim: Kind | null, next: string): void => {
      if (waits === holder || byHolder.has(waits)) return;
      byHolder.set(waits, { claim, next });
      holders.push(waits);
    };
    if (parent !== null) add(parent, null, holder);
    for (const next of holders) {
      for (const entry of inOrder(this.#entries.byHolder.get(next) ?? [])) {
        if (through === "held" && !entry.held) continue;
        const found = unreached.takeBehind(entry, (other, wanted) =>
          limits ? this.#waitsFor(other, wanted, entry, through) : exclude(other.claim, entry.claim, wanted),
        );
        for (const waiting of inOrder(found)) {
          claims.add(waiting);
          const { claim } = waiting;
          add(claim.holder, claim, next);
          if (claim.parent !== null) add(claim.parent, null, claim.holder);
        }
      }
    }
    return { claims, byHolder };
  }

  /**
   * Returns whether a waiting claim waits for another claim because of the resource `wanted`.
   * @param through "held": true if the waiting claim cannot be granted before the other claim's holder has ended a
   * claim. "anything": true if the other claim is one of its blockers, even if it would be enough that another blocker
   * ends.
   */
  #waitsFor(entry: Entry<Kind>, wanted: Resource, blocker: Entry<Kind>, through: "held" | "anything"): boolean {
    const { claim } = entry;
    const isChoice = !claim.resources.includes(wanted);
    const blocksAlone = areRelated(blocker.claim, claim)
      ? isChoice && choosesName(blocker.claim, wanted)
      : exclude(blocker.claim, claim, wanted);
    if (through === "held") {
      const { holder } = blocker.claim;
      const isTheirs = (other: Entry<Kind>): boolean => other.claim.holder === holder;
      return blocksAlone && (!isChoice || this.#heldFinder.lacksNames(claim, isTheirs));
    }
    const shares = blocker.claim.shared && blocker.claim.holder !== claim.holder;
    const blocks = blocksAlone || (shares && this.finder.isFull(claim, wanted));
    return blocks && (!isChoice || this.#lacksNames(entry));
  }

  #lacksNames(entry: Entry<Kind>): boolean {
    if (this.#changes !== this.#entries.changes) this.#lacking.clear();
    this.#changes = this.#entries.changes;
    const known = this.#lacking.get(entry) ?? this.finder.lacksNames(entry.claim);
    this.#lacking.set(entry, known);
    return known;
  }
}
