/**
 * Grants waiting claims of the lock table that have become free. A claim that is still blocked watches one of its
 * blockers. Pure except for the table's state.
 */
import { witnesses } from "./blockers.js";
import { exclude } from "./contention.js";
import type { LockEntries } from "./lock-entries.js";
import { type Claim, inOrder, type LockEntry as Entry } from "./lock-entry.js";
import type { Resource } from "./resource.js";
import type { KnownDependents, WaitGraph } from "./wait-graph.js";

export class Grants<Kind extends Claim> {
  readonly #entries: LockEntries<Kind>;
  readonly #graph: WaitGraph<Kind>;

  constructor(entries: LockEntries<Kind>, graph: WaitGraph<Kind>) {
    this.#entries = entries;
    this.#graph = graph;
  }

  /**
   * Grants a waiting claim if it is free. Otherwise makes it watch its most recent blocker. Returns whether the claim
   * is held now.
   */
  settle(entry: Entry<Kind>, known: KnownDependents<Kind>): boolean {
    if (this.#entries.hasLimited) return this.#settleLimited(entry, known);
    let latest: Entry<Kind> | null = null;
    for (const blocker of this.#graph.blockers(entry.claim, { known }))
      if (latest === null || blocker.claim.order > latest.claim.order) latest = blocker;
    this.#entries.watch(entry, latest === null ? [] : [latest]);
    if (latest === null) this.#entries.hold(entry);
    return entry.held;
  }

  #settleLimited(entry: Entry<Kind>, known: KnownDependents<Kind>): boolean {
    const { claim } = entry;
    // `skipsNames`: if a fixed resource of the claim is blocked, its alternatives are not examined. The claim then
    // watches the blockers of that resource.
    const { chosen, blocking } = this.#graph.limitedBlockers(claim, { known, skipsNames: true });
    this.#entries.watch(entry, witnesses(claim, blocking));
    if (blocking.obstructions.length > 0) return false;
    if (claim.alternatives.length > 0) this.#entries.choose(entry, chosen);
    this.#entries.hold(entry);
    return true;
  }

  /** Makes a waiting claim watch a held claim that blocks it. Returns false if no held claim blocks it. */
  watchHeld(entry: Entry<Kind>): boolean {
    const where = ({ claim }: Entry<Kind>, wanted: Resource): boolean => exclude(claim, entry.claim, wanted);
    const first = this.#entries.heldIndex.meeting(entry.claim.resources, where).next();
    if (first.done === true) return false;
    this.#entries.watch(entry, [first.value.filed]);
    return true;
  }

  /**
   * Grants the waiting claims that become free because holder A was granted this claim.
   *
   * After the grant, more claims wait for A, and A's waiting claims may overtake those. If A itself waits for B, those
   * claims wait for B too. So B's waiting claims may also overtake them.
   */
  grantWith(claim: Claim, granted: Kind[]): void {
    if (!this.#isAwaited(claim)) return;
    const holders = new Set([claim.holder]);
    let known: KnownDependents<Kind> = new Map();
    let further: string[] | undefined;
    // Returns whether a holder outside `holders` has a claim that may become free. Usually none has, and then the loop
    // need not add holders.
    const goesOn = (): boolean => {
      further ??= this.#entries.behindWaiting.keys();
      for (let last = further.at(-1); last !== undefined; last = further.at(-1)) {
        if (!holders.has(last) && this.#entries.behindWaiting.get(last) !== undefined) return true;
        further.pop();
      }
      return false;
    };
    for (const next of holders) {
      for (const { claim: child } of inOrder(this.#entries.byParent.get(next) ?? [])) holders.add(child.holder);
      for (const entry of inOrder(this.#entries.byHolder.get(next) ?? [])) {
        if (entry.held) continue;
        const mayBeFree = this.#entries.behindWaiting.get(next)?.has(entry) === true && !this.watchHeld(entry);
        if (mayBeFree && this.settle(entry, known)) {
          granted.push(entry.claim);
          known = new Map();
        } else if (goesOn()) {
          for (const holder of this.#graph.heldBlockersOf(entry)) holders.add(holder);
        }
      }
    }
  }

  /**
   * Grants the candidates that are free, in the order of their requests. Claims that become free because of these
   * grants are granted too.
   */
  grantInOrder(candidates: Iterable<Entry<Kind>>, granted: Kind[]): void {
    let queue = inOrder(candidates).toReversed();
    for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) {
      if (entry.held || this.watchHeld(entry)) continue;
      const chooses = entry.claim.alternatives.length > 0;
      if (!this.settle(entry, new Map())) continue;
      granted.push(entry.claim);
      // The granted claim no longer waits for the alternatives that it did not get. So a claim that watches it may have
      // become free.
      const freed = chooses ? [...(entry.watchedBy ?? [])] : [];
      const more = new Set([...freed, ...this.mayOvertakeWith(entry.claim)]);
      if (more.size > 0) queue = inOrder(new Set([...queue, ...more])).toReversed();
    }
  }

  /**
   * Returns the waiting claims that this claim's grant may have made free (`grantWith` explains why). They belong to
   * the same holder, or to a holder for which it waits.
   */
  mayOvertakeWith(claim: Claim): Entry<Kind>[] {
    return this.#isAwaited(claim) ? this.mayOvertakeAs([claim.holder]) : [];
  }

  /**
   * Returns the waiting claims that may be free now because more claims wait for the holders in `first`. They belong to
   * these holders, or to holders for which these wait.
   */
  mayOvertakeAs(first: readonly string[]): Entry<Kind>[] {
    const holders = new Set(first);
    const found: Entry<Kind>[] = [];
    for (const next of holders) {
      for (const { claim: child } of inOrder(this.#entries.byParent.get(next) ?? [])) holders.add(child.holder);
      for (const entry of inOrder(this.#entries.byHolder.get(next) ?? [])) {
        if (entry.held) continue;
        if (this.#entries.behindWaiting.get(next)?.has(entry) === true) found.push(entry);
        for (const holder of this.#graph.heldBlockersOf(entry)) holders.add(holder);
      }
    }
    return found;
  }

  /** Returns whether a claim of another party waits for a held claim. */
  #isAwaited(held: Claim): boolean {
    const where = (other: Entry<Kind>, wanted: Resource): boolean =>
      !other.held && this.#graph.compete(other.claim, held, wanted);
    return this.#entries.index.meeting(held.resources, where).next().done !== true;
  }
}
