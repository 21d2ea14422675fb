/**
 * Decides whether a new claim would cause a deadlock if it waited. This is so if its wait closes a cycle in which not
 * all holders can finish. Pure.
 */
import { must } from "../../base/assert.js";
import type { Party } from "./contention.js";
import type { LockEntries } from "./lock-entries.js";
import { type Claim, inOrder, isPlain, type LockEntry as Entry, wantedBy } from "./lock-entry.js";
import type { WaitGraph } from "./wait-graph.js";

/**
 * One step of a cycle of waits. `claim` is the claim with which the holder waits for the holder of the next step.
 * `claim` is null in the first step, because the new claim is not in the table yet. It is also null for a parent that
 * waits for its child.
 */
export interface CycleStep<Kind extends Claim> {
  readonly holder: string;
  readonly claim: Kind | null;
}

/** The maximum number of waiting claims that a search for chains of waits examines. */
const FOLLOWED_MAX = 1_000;

/** The maximum number of entries that `canFinish` examines. If it would need more, the claim counts as a deadlock. */
const FINISH_STEPS_MAX = 50_000;

export class DeadlockFinder<Kind extends Claim> {
  readonly #entries: LockEntries<Kind>;
  readonly #graph: WaitGraph<Kind>;

  constructor(entries: LockEntries<Kind>, graph: WaitGraph<Kind>) {
    this.#entries = entries;
    this.#graph = graph;
  }

  /**
   * Returns whether a new claim of a party may overtake all of its blockers. A held blocker cannot be overtaken. A
   * waiting blocker can be overtaken if it waits, directly or through others, for a claim of the party. If the new
   * claim waited for such a blocker, this would be a deadlock.
   */
  allWaitFor(party: Party, blockers: ReadonlySet<Entry<Kind>>): boolean {
    for (const { held } of blockers) if (held) return false;
    const { claims } = this.#graph.dependentsOf(party, "anything");
    for (const blocker of blockers) if (!claims.has(blocker)) return false;
    let followed = 0;
    const waitsFor = (first: Entry<Kind>): boolean => {
      const waiting = new Set([first]);
      for (const entry of waiting) {
        // The chain of waits is too long to follow, so the new claim may not overtake.
        if (++followed > FOLLOWED_MAX) return false;
        for (const { claim } of inOrder(this.#certainBlockers(entry.claim))) {
          if (claim.holder === party.holder || claim.holder === party.parent) return true;
          for (const other of this.#entries.behind(claim.holder)) if (claims.has(other)) waiting.add(other);
        }
      }
      return false;
    };
    for (const blocker of inOrder(blockers)) if (!waitsFor(blocker)) return false;
    return true;
  }

  /**
   * Returns the blockers that must all end before a claim is granted. Other blockers are left out: it is enough that
   * some of them end.
   */
  #certainBlockers(claim: Claim): Iterable<Entry<Kind>> {
    if (!this.#entries.isLimited(claim)) return this.#graph.blockers(claim);
    const { obstructions } = this.#graph.limitedBlockers(claim).blocking;
    return obstructions.flatMap(({ isChoice, alone }) => (isChoice ? [] : alone.map(({ filed }) => filed)));
  }

  /**
   * Returns the cycle that a claim would close if it waited; null if there is none.
   * @param overtaken the waiting claims that the new claim could overtake, because they wait for the new claim's holder
   */
  cycle(
    party: Party,
    blockers: ReadonlySet<Entry<Kind>>,
    overtaken: ReadonlySet<Entry<Kind>>,
  ): CycleStep<Kind>[] | null {
    const { holder } = party;
    const { claims, byHolder } = this.#graph.dependentsOf(party, "anything");
    const stepsFrom = (first: string): CycleStep<Kind>[] => {
      const cycle: CycleStep<Kind>[] = [{ holder, claim: null }];
      for (let waits = first; waits !== holder; ) {
        const { claim, next } = must(byHolder.get(waits), "each waits for one that was found before");
        cycle.push({ holder: waits, claim });
        waits = next;
      }
      return cycle;
    };
    for (const { claim } of inOrder(blockers)) if (byHolder.has(claim.holder)) return stepsFrom(claim.holder);
    for (const entry of inOrder(overtaken)) {
      // Now the entry waits for the new claim's holder. If the entry has a choice, this wait may end although the entry
      // still waits. Then the new claim could no longer overtake the entry.
      if (this.#entries.hasLimited && this.#hasChoice(entry)) return stepsFrom(entry.claim.holder);
      // Holder A makes the new claim, and holder B has the overtaken claim. If B's claim is granted first, A waits for
      // B. This closes a cycle if B, or a child of B, still waits for A with another claim.
      for (const other of this.#entries.behind(entry.claim.holder))
        if (other !== entry && !other.held && claims.has(other)) return stepsFrom(entry.claim.holder);
    }
    // The holder blocks its own claim, because it already has one of the alternatives.
    for (const { claim } of blockers) if (claim.holder === holder) return [{ holder, claim: null }];
    return null;
  }

  /**
   * Returns whether a waiting claim, or a claim for which it waits, has a choice. A claim has a choice in two cases: it
   * needs only one of several names, or it is enough that one of several holders ends its claim.
   */
  #hasChoice(first: Entry<Kind>): boolean {
    const waiting = new Set([first]);
    for (const { claim } of waiting) {
      const { obstructions } = this.#graph.finder.find(claim, () => true);
      if (waiting.size > FOLLOWED_MAX || !isPlain(claim)) return true;
      for (const { alone, together } of obstructions) {
        if (together.length > 0) return true;
        for (const { filed } of alone)
          for (const other of this.#entries.behind(filed.claim.holder)) if (!other.held) waiting.add(other);
      }
    }
    return false;
  }

  /**
   * Returns whether all holders could finish if a new claim waited, although the wait closes a cycle. That is possible
   * if a claim of the cycle needs only one of several names, or if it is enough that one of several holders ends its
   * claim. A holder finishes when its claims are free and its children have finished. Then its resources become free
   * for others.
   *
   * It is unknown which alternative a waiting claim gets, so the claim counts for all of them until its holder
   * finishes. In this search, no claim overtakes another one, because a claim that can be overtaken now may not be
   * later. So the result does not depend on the order in which holders finish.
   */
  canFinish(asked: Claim): boolean {
    let steps = 0;
    /**
     * Counts the steps of a full comparison of a claim with all others. A real comparison may stop early, at a place
     * that differs between nodes. The full count is the same on every node, so all nodes decide the same.
     */
    const count = (claim: Claim): boolean => {
      steps += this.#entries.index.countNear(wantedBy(claim));
      return steps <= FINISH_STEPS_MAX;
    };
    /** The waiting claims of each holder that has not finished yet. */
    const unfinished = new Map<string, readonly Claim[]>();
    const isBlocked = (claim: Claim): boolean =>
      this.#graph.finder.isBlocked(claim, (other) => unfinished.has(other.claim.holder));
    const reach = (holder: string): void => {
      if (unfinished.has(holder)) return;
      const waiting = inOrder(this.#entries.byHolder.get(holder) ?? []).filter(({ held }) => !held);
      const claims: Claim[] = waiting.map(({ claim }) => claim);
      unfinished.set(holder, holder === asked.holder ? [...claims, asked] : claims);
    };
    const childrenOf = (holder: string): string[] => {
      const children = inOrder(this.#entries.byParent.get(holder) ?? []).map(({ claim }) => claim.holder);
      return holder === asked.parent ? [...children, asked.holder] : children;
    };
    reach(asked.holder);
    for (const [holder, claims] of unfinished) {
      for (const child of childrenOf(holder)) reach(child);
      for (const claim of claims) {
        if (!count(claim)) return false;
        const where = (other: Entry<Kind>): boolean =>
          (other.held || other.claim.order < claim.order) && !unfinished.has(other.claim.holder);
        for (const { filed } of this.#entries.index.meeting(wantedBy(claim), where)) reach(filed.claim.holder);
      }
    }
    // The steps may run out at any claim. So all nodes have to examine the claims in the same order.
    const order = [...unfinished].toSorted(([a], [b]) => (a < b ? -1 : 1));
    for (let before = -1; before !== unfinished.size; ) {
      before = unfinished.size;
      for (const [holder, claims] of order) {
        if (!unfinished.has(holder)) continue;
        if (childrenOf(holder).some((child) => child !== holder && unfinished.has(child))) continue;
        if (!claims.every(count)) return false;
        if (!claims.some(isBlocked)) unfinished.delete(holder);
      }
    }
    return !unfinished.has(asked.holder);
  }
}
