/**
 * The in-memory lock table. It records which claims are held and which claims wait, in the order of their requests. It
 * decides which waiting claims are granted when a claim ends. It does no I/O: the caller stores the claims.
 *
 * A claim is granted if it conflicts neither with a held claim of another holder nor with an earlier waiting claim. Two
 * exceptions prevent deadlocks. A claim of holder H may overtake a waiting claim that waits, directly or through
 * others, for claims that H holds. A new claim of H may also overtake a claim that waits for H's waiting claims.
 *
 * A parent counts as waiting for its children, because a subagent runs inside the work of its parent. So a claim that
 * waits for a parent also waits for the parent's children. A child may overtake such a claim. It may not wait for the
 * holder of such a claim, because that would be a deadlock.
 *
 * Each waiting claim watches one of its blockers, and is checked again when that blocker ends. A new claim watches its
 * most recent blocker, which is usually the claim before it in the queue. So the end of a claim causes only one check,
 * however long the queue is.
 *
 * A counted claim shares names with a limited number of holders. A claim with alternatives needs one of several names.
 * blockers.ts has the rule for both. Such a claim may watch several blockers, and can become free when any of them
 * ends. It is deadlocked only if none of its blockers can end. While the table has no such claim, the rule costs
 * nothing.
 *
 * The rules are in several files. wait-graph.ts finds which claims wait for which others. deadlock.ts decides whether a
 * request may wait. grants.ts grants waiting claims. conflicts.ts lists the conflicts for a refusal. lock-entries.ts
 * stores the claims.
 */
import { GLOB_STEPS_MAX } from "../../../schemas/limits/claims.js";
import { conflictOf, ConflictFinder, type Conflict, type Conflicts } from "./conflicts.js";
import { type Contender, exclude } from "./contention.js";
import { type CycleStep, DeadlockFinder } from "./deadlock.js";
import { Grants } from "./grants.js";
import { LockEntries } from "./lock-entries.js";
import { type Claim, inOrder, type LockEntry as Entry } from "./lock-entry.js";
import type { Resource } from "./resource.js";
import { WaitGraph } from "./wait-graph.js";

export type { Conflict } from "./conflicts.js";
export type { CycleStep } from "./deadlock.js";
export type { Claim } from "./lock-entry.js";

export type LockDecision<Kind extends Claim> =
  /**
   * The claim can be granted. `overtakes` is true if it overtakes a claim that itself waits for a waiting claim of the
   * new claim's holder. `chosen` has one name of each group of alternatives.
   */
  | { readonly kind: "free"; readonly overtakes: boolean; readonly chosen: readonly Resource[] }
  | ({ readonly kind: "taken" } & Conflicts<Kind>)
  /** Waiting would close a cycle, which is a deadlock. */
  | { readonly kind: "deadlock"; readonly cycle: readonly CycleStep<Kind>[] };

export class LockTable<Kind extends Claim> {
  readonly #entries = new LockEntries<Kind>();
  readonly #graph = new WaitGraph(this.#entries);
  readonly #deadlocks = new DeadlockFinder(this.#entries, this.#graph);
  readonly #grants = new Grants(this.#entries, this.#graph);
  readonly #conflicts = new ConflictFinder(this.#entries);

  get held(): number {
    return this.#entries.held;
  }

  get waiting(): number {
    return this.#entries.byOrder.size - this.#entries.held;
  }

  /** Returns the number of claims of a holder, held or waiting. */
  countOf(holder: string): number {
    return this.#entries.byHolder.get(holder)?.size ?? 0;
  }

  /** Yields the claims of a holder, held or waiting. */
  *claimsOf(holder: string): Generator<Kind> {
    for (const { claim } of this.#entries.byHolder.get(holder) ?? []) yield claim;
  }

  /**
   * Decides whether a new claim would be granted, without adding it.
   * @param waits whether the claim would wait if it cannot be granted
   * @param conflictsMax the maximum number of conflicts to return
   */
  evaluate(claim: Claim, waits: boolean, conflictsMax: number): LockDecision<Kind> {
    const overtaken = new Set<Entry<Kind>>();
    const found = this.#graph.find(claim, { overtaken });
    const { chosen, blockers, blocking } = found;
    if (blockers.size === 0) return { kind: "free", overtakes: false, chosen };
    if (claim.alternatives.length === 0 && this.#deadlocks.allWaitFor(claim, blockers))
      return { kind: "free", overtakes: true, chosen };
    const cycle = waits ? this.#deadlocks.cycle(claim, blockers, overtaken) : null;
    if (cycle !== null && !(blocking !== null && this.#deadlocks.canFinish(claim))) return { kind: "deadlock", cycle };
    return { kind: "taken", ...this.#conflicts.find(claim, found, conflictsMax) };
  }

  /** Returns the conflicts of a claim. The claim may be waiting in the table, or it may be hypothetical. */
  conflictsOf(claim: Claim, conflictsMax: number): Conflicts<Kind> {
    return this.#conflicts.find(claim, this.#graph.find(claim), conflictsMax);
  }

  /**
   * Returns whether comparing these resources with all claims takes more than `stepsMax` steps. The result is the same
   * on every node.
   */
  costsTooMuch(resources: readonly Resource[], stepsMax = GLOB_STEPS_MAX): boolean {
    return this.#entries.index.stepsFor(resources, stepsMax) > stepsMax;
  }

  /**
   * Returns a function that checks whether resources are free for a claim. The function also returns the maximum number
   * of comparison steps that the check takes.
   *
   * Resources that need more than GLOB_STEPS_MAX steps count as not free. The claims must not change between two calls
   * of the function.
   */
  lookFor(asked: Contender): (resources: readonly Resource[]) => { readonly free: boolean; readonly steps: number } {
    let dependents: ReadonlySet<Entry<Kind>> | undefined;
    const obstructs = (other: Entry<Kind>, wanted: Resource): boolean => {
      if (!exclude(other.claim, asked, wanted)) return false;
      if (other.held) return true;
      dependents ??= this.#graph.dependentsOf(asked, "held").claims;
      return !dependents.has(other);
    };
    return (resources) => {
      const steps = this.#entries.index.stepsFor(resources, GLOB_STEPS_MAX);
      // Return the limit and not the sum, because counting has stopped early. The sum would depend on the order of the
      // claims, which differs between nodes.
      if (steps > GLOB_STEPS_MAX) return { free: false, steps: GLOB_STEPS_MAX };
      const free = steps === 0 || this.#entries.index.meeting(resources, obstructs).next().done === true;
      return { free, steps };
    };
  }

  /** Yields the held claims that a claim of these resources would conflict with, in no particular order. */
  *heldByOthers(resources: readonly Resource[], asked: Contender): Generator<Conflict<Kind>> {
    const where = ({ claim }: Entry<Kind>, wanted: Resource): boolean => exclude(claim, asked, wanted);
    for (const meeting of this.#entries.heldIndex.meeting(resources, where)) yield conflictOf(meeting);
  }

  /**
   * Adds a claim as held. It is a new claim that is free, or a stored claim that was already held.
   * @param overtakes the value from the claim's `LockDecision`. If it is true, more claims may wait for the holder's
   * held claims from now on.
   * @returns the waiting claims that are granted because of this, in the order of their grants
   */
  hold(claim: Kind, overtakes = false): Kind[] {
    this.#entries.hold(this.#entries.add(claim));
    const granted: Kind[] = [];
    if (overtakes && this.#entries.hasLimited) this.#grants.grantInOrder(this.#grants.mayOvertakeWith(claim), granted);
    else if (overtakes) this.#grants.grantWith(claim, granted);
    return granted;
  }

  /**
   * Adds a claim to the queue, at the position of its `order`. Returns true if the claim waits. Returns false if
   * nothing blocks it: the claim is then held.
   */
  enqueue(claim: Kind): boolean {
    const entry = this.#entries.add(claim);
    return !this.#grants.settle(entry, new Map());
  }

  /**
   * Grants the waiting claims that become free because this claim was added to the queue. Holder A made the claim, and
   * B blocks it. So A waits for B now, and the holders that wait for A also wait for B. Waiting claims of B may
   * overtake the claims of these holders. In a table without limited claims, these waits would be a deadlock, so A's
   * claim would be refused. So in such a table, nothing is granted. Returns the granted claims in the order of their
   * grants.
   */
  grantBehind(claim: Kind): Kind[] {
    const granted: Kind[] = [];
    const entry = this.#entries.byOrder.get(claim.order);
    if (this.#entries.hasLimited && entry !== undefined)
      this.#grants.grantInOrder(this.#grants.mayOvertakeAs(this.#graph.heldBlockersOf(entry)), granted);
    return granted;
  }

  /**
   * Removes a claim, held or waiting. Returns the waiting claims that are granted because of that, in the order of
   * their grants.
   */
  remove(claim: Kind): Kind[] {
    const entry = this.#entries.byOrder.get(claim.order);
    if (entry === undefined) return [];
    const isPlainTable = !this.#entries.hasLimited;
    this.#entries.drop(entry);
    const granted: Kind[] = [];
    if (!isPlainTable) {
      this.#grants.grantInOrder(entry.watchedBy ?? [], granted);
      return granted;
    }
    for (const watcher of inOrder(entry.watchedBy ?? [])) {
      if (watcher.held || this.#grants.watchHeld(watcher) || !this.#grants.settle(watcher, new Map())) continue;
      granted.push(watcher.claim);
      this.#grants.grantWith(watcher.claim, granted);
    }
    return granted;
  }

  clear(): void {
    this.#entries.clear();
  }
}
