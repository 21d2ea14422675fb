/**
 * The in-memory lock table. It records which claims are held and which claims wait, in the order of their requests. It
 * decides which waiting claims are granted when a claim ends. It does no I/O: the caller stores the claims.
 *
 * A claim is granted if it conflicts with no held claim of another holder and with no earlier waiting claim. Two
 * exceptions prevent deadlocks. A claim of holder H may overtake a waiting claim that waits, directly or through
 * others, for claims that H holds. A new claim of H may also overtake a claim that waits for H's waiting claims.
 *
 * A parent counts as waiting for its children, because a subagent runs inside the work of its parent. So a claim that
 * waits for a parent waits for the parent's children, too. A child may overtake it, and may not wait for its holder.
 *
 * Each waiting claim watches one of its blockers, and is checked again when that one ends. A new claim watches its most
 * recent blocker. In a plain queue that is the claim before it, so only one claim is checked when a claim ends, however
 * long the queue is.
 *
 * A counted claim shares its names with a limited number of holders, and a claim with alternatives needs one of several
 * names. blockers.ts has their rule. Such a claim may watch several blockers, and can become free when any of them
 * ends. It waits for each of its blockers, but only a deadlock of all of them is one (`#canFinish`). While the table has no
 * such claim, none of this costs anything.
 */
import { GLOB_STEPS_MAX } from "../../../schemas/limits/claims.js";
import { assert, must } from "../../base/assert.js";
import { Groups } from "../../base/groups.js";
import { TurnoverMap } from "../../base/turnover-map.js";
import { BlockerFinder, type Blocking, witnesses } from "./blockers.js";
import { areRelated, type Contender, exclude, mayExclude, type Party } from "./contention.js";
import { choosesName, type Claim, inOrder, isPlain, LockEntry as Entry, wantedBy } from "./lock-entry.js";
import type { Resource } from "./resource.js";
import { ResourceIndex, type Meeting } from "./resource-index.js";

export type { Claim } from "./lock-entry.js";

/** Two resources that conflict. */
export interface Conflict<Kind extends Claim> {
  /** The requested resource. */
  readonly wanted: Resource;
  /** The resource of `claim` that blocks `wanted`. */
  readonly resource: Resource;
  readonly claim: Kind;
}

/**
 * One step of a cycle: a holder, and the claim with which it waits for the next holder of the cycle. `claim` is null
 * for the new claim, which is in the first step, and for a parent, which waits for its child.
 */
export interface CycleStep<Kind extends Claim> {
  readonly holder: string;
  readonly claim: Kind | null;
}

/**
 * The conflicts of a claim with held claims. If there are none, the conflicts with waiting claims. The list has at most
 * the requested length.
 */
export interface Conflicts<Kind extends Claim> {
  readonly held: boolean;
  readonly conflicts: readonly Conflict<Kind>[];
}

export type LockDecision<Kind extends Claim> =
  /**
   * The claim is granted. `overtakes` is true if it overtakes a claim that waits for a waiting claim of the same
   * holder. `chosen` has one name of each group of alternatives.
   */
  | { readonly kind: "free"; readonly overtakes: boolean; readonly chosen: readonly Resource[] }
  | ({ readonly kind: "taken" } & Conflicts<Kind>)
  /** Waiting would close a cycle. */
  | { readonly kind: "deadlock"; readonly cycle: readonly CycleStep<Kind>[] };

const NO_NAMES: readonly Resource[] = [];

/** The maximum number of waiting claims that are examined to decide whether a new claim may overtake others. */
const FOLLOWED_MAX = 1_000;

/**
 * The maximum number of entries that are examined to decide whether all holders can finish although a claim would close
 * a cycle of waits. If more would be needed, the claim counts as a deadlock.
 */
const FINISH_STEPS_MAX = 200_000;

/** The claims of others that wait for one holder, directly or through other claims. */
interface Dependents<Kind extends Claim> {
  readonly claims: ReadonlySet<Entry<Kind>>;
  /**
   * Maps each waiting holder to the claim with which it waits, and to the next holder in its chain of waits. Every
   * chain ends at the holder for whom all the others wait. The claim is null for a parent that waits for its child.
   */
  readonly byHolder: ReadonlyMap<string, { readonly claim: Kind | null; readonly next: string }>;
}

/**
 * The claims that wait for each holder, kept while no claim is granted or removed: they are expensive to find, and many
 * decisions about the same holder follow each other.
 */
type KnownDependents<Kind extends Claim> = Map<string, Dependents<Kind>>;

export class LockTable<Kind extends Claim> {
  /** Entries by the order of their claims. */
  readonly #entries = new TurnoverMap<number, Entry<Kind>>();
  readonly #byHolder = new Groups<string, Entry<Kind>>();
  /** The entries of the children of each parent. */
  readonly #byParent = new Groups<string, Entry<Kind>>();
  /** All entries. */
  readonly #index = new ResourceIndex<Entry<Kind>>();
  /**
   * The held entries. The question whether a held claim blocks a waiting one is asked much more often than the question
   * which claims do, and the queue of a resource may be long.
   */
  readonly #heldIndex = new ResourceIndex<Entry<Kind>>();
  /**
   * The waiting entries of each holder that watch a waiting entry. Only these may have no held blocker. So only these
   * can become free because more claims wait for their holder.
   */
  readonly #behindWaiting = new Groups<string, Entry<Kind>>();
  readonly #finder = new BlockerFinder(this.#index);
  readonly #heldFinder = new BlockerFinder(this.#heldIndex);
  /** Whether the alternatives of a waiting claim are what it lacks, kept until the next change. */
  readonly #lacking = new Map<Entry<Kind>, boolean>();
  /** The number of claims that are counted, or wait with alternatives. */
  #limited = 0;
  #held = 0;

  get held(): number {
    return this.#held;
  }

  get waiting(): number {
    return this.#entries.size - this.#held;
  }

  /** Returns the number of claims of a holder, held or waiting. */
  countOf(holder: string): number {
    return this.#byHolder.get(holder)?.size ?? 0;
  }

  /** Yields the claims of a holder, held or waiting. */
  *claimsOf(holder: string): Generator<Kind> {
    for (const { claim } of this.#byHolder.get(holder) ?? []) yield claim;
  }

  /**
   * Decides whether a new claim would be granted, without adding it.
   * @param waits whether the claim would wait if it cannot be granted
   * @param conflictsMax the maximum number of conflicts to return
   */
  evaluate(claim: Claim, waits: boolean, conflictsMax: number): LockDecision<Kind> {
    const overtaken = new Set<Entry<Kind>>();
    const limits = this.#isLimited(claim);
    const { chosen, blockers } = limits
      ? this.#limitedBlockers(claim, { overtaken })
      : { chosen: NO_NAMES, blockers: this.#blockers(claim, { overtaken }) };
    if (blockers.size === 0) return { kind: "free", overtakes: false, chosen };
    if (claim.alternatives.length === 0 && this.#allWaitFor(claim, blockers))
      return { kind: "free", overtakes: true, chosen };
    const cycle = waits ? this.#cycle(claim, blockers, overtaken) : null;
    if (cycle !== null && !(limits && this.#canFinish(claim))) return { kind: "deadlock", cycle };
    return { kind: "taken", ...this.#conflicts(claim, blockers, conflictsMax) };
  }

  /** Returns the conflicts of a claim. The claim may be waiting in the table, or it may be hypothetical. */
  conflictsOf(claim: Claim, conflictsMax: number): Conflicts<Kind> {
    return this.#conflicts(claim, this.#blockers(claim), conflictsMax);
  }

  /**
   * Returns whether comparing these resources with all claims takes more than `stepsMax` steps. The result is the same
   * on every node.
   */
  costsTooMuch(resources: readonly Resource[], stepsMax = GLOB_STEPS_MAX): boolean {
    return this.#index.stepsFor(resources, stepsMax) > stepsMax;
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
      dependents ??= this.#dependentsOf(asked, "held").claims;
      return !dependents.has(other);
    };
    return (resources) => {
      const steps = this.#index.stepsFor(resources, GLOB_STEPS_MAX);
      // Return the limit instead of the sum. Counting has stopped early, so the sum depends on the order of the claims.
      if (steps > GLOB_STEPS_MAX) return { free: false, steps: GLOB_STEPS_MAX };
      const free = steps === 0 || this.#index.meeting(resources, obstructs).next().done === true;
      return { free, steps };
    };
  }

  /** Yields the held claims with which a claim of these resources would conflict, in no particular order. */
  *heldByOthers(resources: readonly Resource[], asked: Contender): Generator<Conflict<Kind>> {
    const where = ({ claim }: Entry<Kind>, wanted: Resource): boolean => exclude(claim, asked, wanted);
    for (const meeting of this.#heldIndex.meeting(resources, where)) yield conflictOf(meeting);
  }

  /**
   * Adds a claim as held. The claim is new and free, or was stored as held.
   * @param overtakes the value from the claim's `LockDecision`. If it is true, more claims may wait for the holder's
   * held claims from now on.
   * @returns the waiting claims that are granted because of this, in the order of their grants
   */
  hold(claim: Kind, overtakes = false): Kind[] {
    this.#hold(this.#add(claim));
    const granted: Kind[] = [];
    if (overtakes && this.#limited > 0) this.#grantInOrder(this.#mayOvertakeWith(claim), granted);
    else if (overtakes) this.#grantWith(claim, granted);
    return granted;
  }

  /**
   * Adds a claim to the queue, at the position of its `order`. Returns true if the claim waits. Returns false if
   * nothing blocks it: the claim is then held.
   */
  enqueue(claim: Kind): boolean {
    const entry = this.#add(claim);
    return !this.#settle(entry, new Map());
  }

  /**
   * Grants the waiting claims that may overtake others because a claim was added to the queue: its holder waits for
   * more holders now, and so do those that wait for it. In a table without limited claims that would be a deadlock, so none
   * is granted. Returns them in the order of their grants.
   */
  grantBehind(claim: Kind): Kind[] {
    const granted: Kind[] = [];
    const entry = this.#entries.get(claim.order);
    if (this.#limited > 0 && entry !== undefined)
      this.#grantInOrder(this.#mayOvertakeAs(this.#heldBlockersOf(entry)), granted);
    return granted;
  }

  /**
   * Removes a claim, held or waiting. Returns the waiting claims that are granted because of that, in the order of
   * their grants.
   */
  remove(claim: Kind): Kind[] {
    const entry = this.#entries.get(claim.order);
    if (entry === undefined) return [];
    const isPlainTable = this.#limited === 0;
    this.#drop(entry);
    const granted: Kind[] = [];
    if (!isPlainTable) {
      this.#grantInOrder(entry.watchedBy ?? [], granted);
      return granted;
    }
    for (const watcher of inOrder(entry.watchedBy ?? [])) {
      if (watcher.held || this.#watchHeld(watcher) || !this.#settle(watcher, new Map())) continue;
      granted.push(watcher.claim);
      this.#grantWith(watcher.claim, granted);
    }
    return granted;
  }

  clear(): void {
    this.#entries.clear();
    this.#byHolder.clear();
    this.#byParent.clear();
    this.#index.clear();
    this.#heldIndex.clear();
    this.#behindWaiting.clear();
    this.#lacking.clear();
    this.#limited = 0;
    this.#held = 0;
  }

  /** Returns whether a claim has to be compared with others by the rule of blockers.ts. */
  #isLimited(claim: Claim): boolean {
    return this.#limited > 0 || !isPlain(claim);
  }

  #add(claim: Kind): Entry<Kind> {
    assert(!this.#entries.has(claim.order), "a claim stands once");
    const entry = new Entry(claim);
    this.#entries.set(claim.order, entry);
    this.#lacking.clear();
    if (!isPlain(claim)) this.#limited += 1;
    this.#index.add(entry);
    this.#byHolder.add(claim.holder, entry);
    if (claim.parent !== null) this.#byParent.add(claim.parent, entry);
    return entry;
  }

  #drop(entry: Entry<Kind>): void {
    const { claim } = entry;
    this.#watch(entry, []);
    this.#lacking.clear();
    if (!isPlain(claim)) this.#limited -= 1;
    this.#entries.delete(claim.order);
    this.#index.remove(entry);
    if (entry.held) {
      this.#heldIndex.remove(entry);
      this.#held -= 1;
      for (const watcher of entry.watchedBy ?? []) this.#behindWaiting.add(watcher.claim.holder, watcher);
    }
    this.#byHolder.remove(claim.holder, entry);
    if (claim.parent !== null) this.#byParent.remove(claim.parent, entry);
  }

  /**
   * Grants the waiting claims that are free now because a holder got this claim.
   *
   * Since it got the claim, more claims wait for that holder. The holder's own waiting claims may overtake those
   * claims. So may the waiting claims of each holder for which this holder waits.
   */
  #grantWith(claim: Claim, granted: Kind[]): void {
    if (!this.#isAwaited(claim)) return;
    const holders = new Set([claim.holder]);
    let known: KnownDependents<Kind> = new Map();
    let further: string[] | undefined;
    // Whether a claim of a holder that was not reached yet may become free. Most of the time there is none.
    const goesOn = (): boolean => {
      further ??= this.#behindWaiting.keys();
      for (let last = further.at(-1); last !== undefined; last = further.at(-1)) {
        if (!holders.has(last) && this.#behindWaiting.get(last) !== undefined) return true;
        further.pop();
      }
      return false;
    };
    for (const next of holders) {
      for (const { claim: child } of inOrder(this.#byParent.get(next) ?? [])) holders.add(child.holder);
      for (const entry of inOrder(this.#byHolder.get(next) ?? [])) {
        if (entry.held) continue;
        const mayBeFree = this.#behindWaiting.get(next)?.has(entry) === true && !this.#watchHeld(entry);
        if (mayBeFree && this.#settle(entry, known)) {
          granted.push(entry.claim);
          known = new Map();
        } else if (goesOn()) {
          for (const holder of this.#heldBlockersOf(entry)) holders.add(holder);
        }
      }
    }
  }

  /**
   * Grants those of some waiting claims that are free, and the claims that become free because of that, in the order of
   * their requests.
   */
  #grantInOrder(candidates: Iterable<Entry<Kind>>, granted: Kind[]): void {
    let queue = inOrder(candidates).toReversed();
    for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) {
      if (entry.held || this.#watchHeld(entry)) continue;
      const chooses = entry.claim.alternatives.length > 0;
      if (!this.#settle(entry, new Map())) continue;
      granted.push(entry.claim);
      // The claim no longer waits for the names that it has not got.
      const freed = chooses ? [...(entry.watchedBy ?? [])] : [];
      const more = new Set([...freed, ...this.#mayOvertakeWith(entry.claim)]);
      if (more.size > 0) queue = inOrder(new Set([...queue, ...more])).toReversed();
    }
  }

  /**
   * Returns the waiting claims that may be free now because a holder got this claim (`#grantWith`): the holder's own,
   * and those of each holder for which this holder waits.
   */
  #mayOvertakeWith(claim: Claim): Entry<Kind>[] {
    return this.#isAwaited(claim) ? this.#mayOvertakeAs([claim.holder]) : [];
  }

  /** Returns the waiting claims of some holders that may be free now because more claims wait for these holders. */
  #mayOvertakeAs(first: readonly string[]): Entry<Kind>[] {
    const holders = new Set(first);
    const found: Entry<Kind>[] = [];
    for (const next of holders) {
      for (const { claim: child } of inOrder(this.#byParent.get(next) ?? [])) holders.add(child.holder);
      for (const entry of inOrder(this.#byHolder.get(next) ?? [])) {
        if (entry.held) continue;
        if (this.#behindWaiting.get(next)?.has(entry) === true) found.push(entry);
        for (const holder of this.#heldBlockersOf(entry)) holders.add(holder);
      }
    }
    return found;
  }

  /** Returns whether two claims exclude each other, or may do so together with others. */
  #compete(a: Claim, b: Claim, wanted: Resource): boolean {
    return this.#limited > 0 || exclude(a, b, wanted);
  }

  /** Returns whether a claim of another party waits for a held claim. */
  #isAwaited(held: Claim): boolean {
    const where = (other: Entry<Kind>, wanted: Resource): boolean =>
      !other.held && this.#compete(other.claim, held, wanted);
    return this.#index.meeting(held.resources, where).next().done !== true;
  }

  /** Returns the holders of the held claims that block a waiting claim, in the order of these claims. */
  #heldBlockersOf({ claim }: Entry<Kind>): string[] {
    const found = new Set<Entry<Kind>>();
    const where = (other: Entry<Kind>, wanted: Resource): boolean =>
      !found.has(other) && this.#compete(other.claim, claim, wanted);
    for (const { filed } of this.#heldIndex.meeting(wantedBy(claim), where)) found.add(filed);
    return inOrder(found).map((blocker) => blocker.claim.holder);
  }

  /** If a held claim blocks a waiting claim, makes the waiting claim watch it. Returns whether there is one. */
  #watchHeld(entry: Entry<Kind>): boolean {
    const where = ({ claim }: Entry<Kind>, wanted: Resource): boolean => exclude(claim, entry.claim, wanted);
    const first = this.#heldIndex.meeting(entry.claim.resources, where).next();
    if (first.done === true) return false;
    this.#watch(entry, [first.value.filed]);
    return true;
  }

  /**
   * Grants a waiting claim if it is free. Otherwise makes it watch its most recent blocker. Returns whether it is held
   * now.
   */
  #settle(entry: Entry<Kind>, known: KnownDependents<Kind>): boolean {
    if (this.#limited > 0) return this.#settleLimited(entry, known);
    let latest: Entry<Kind> | null = null;
    for (const blocker of this.#blockers(entry.claim, { known }))
      if (latest === null || blocker.claim.order > latest.claim.order) latest = blocker;
    this.#watch(entry, latest === null ? [] : [latest]);
    if (latest === null) this.#hold(entry);
    return entry.held;
  }

  #settleLimited(entry: Entry<Kind>, known: KnownDependents<Kind>): boolean {
    const { claim } = entry;
    const { chosen, blocking } = this.#limitedBlockers(claim, { known });
    this.#watch(entry, witnesses(claim, blocking));
    if (blocking.obstructions.length > 0) return false;
    if (claim.alternatives.length > 0) {
      this.#index.remove(entry);
      claim.resources = [...claim.resources, ...chosen];
      claim.chosen = chosen;
      claim.alternatives = [];
      this.#index.add(entry);
      if (isPlain(claim)) this.#limited -= 1;
    }
    this.#hold(entry);
    return true;
  }

  #hold(entry: Entry<Kind>): void {
    entry.held = true;
    this.#lacking.clear();
    this.#heldIndex.add(entry);
    this.#held += 1;
    for (const watcher of entry.watchedBy ?? [])
      if (watcher.watches.every(({ held }) => held)) this.#behindWaiting.remove(watcher.claim.holder, watcher);
  }

  #watch(entry: Entry<Kind>, watched: readonly Entry<Kind>[]): void {
    const { holder } = entry.claim;
    for (const blocker of entry.watches) blocker.watchedBy?.delete(entry);
    entry.watches = watched;
    for (const blocker of watched) (blocker.watchedBy ??= new Set()).add(entry);
    if (watched.every(({ held }) => held)) this.#behindWaiting.remove(holder, entry);
    else this.#behindWaiting.add(holder, entry);
  }

  /**
   * Returns all blockers of a claim. A waiting claim that it may overtake is no blocker, and is added to `overtaken`
   * instead.
   */
  #blockers(
    claim: Claim,
    { overtaken, known }: { overtaken?: Set<Entry<Kind>>; known?: KnownDependents<Kind> } = {},
  ): Set<Entry<Kind>> {
    if (this.#isLimited(claim)) return this.#limitedBlockers(claim, { overtaken, known }).blockers;
    const blockers = new Set<Entry<Kind>>();
    const where = (other: Entry<Kind>, wanted: Resource): boolean =>
      (other.held || other.claim.order < claim.order) && exclude(other.claim, claim, wanted) && !blockers.has(other);
    let dependents: Dependents<Kind> | undefined;
    for (const { filed } of this.#index.meeting(claim.resources, where)) {
      if (!filed.held) dependents ??= this.#heldDependentsOf(claim, known);
      if (!filed.held && dependents?.claims.has(filed) === true) overtaken?.add(filed);
      else blockers.add(filed);
    }
    return blockers;
  }

  /** As `#blockers`, by the rule of blockers.ts. Also returns the names that the claim gets if nothing blocks it. */
  #limitedBlockers(
    claim: Claim,
    { overtaken, known }: { overtaken?: Set<Entry<Kind>> | undefined; known?: KnownDependents<Kind> | undefined } = {},
  ): { blockers: Set<Entry<Kind>>; blocking: Blocking<Kind>; chosen: readonly Resource[] } {
    let dependents: Dependents<Kind> | undefined;
    const blocking = this.#finder.find(claim, (other, wanted) => {
      if (other.held || areRelated(other.claim, claim)) return true;
      dependents ??= this.#heldDependentsOf(claim, known);
      if (!dependents.claims.has(other)) return true;
      if (mayExclude(other.claim, claim, wanted)) overtaken?.add(other);
      return false;
    });
    const blockers = new Set<Entry<Kind>>();
    for (const { alone, together } of blocking.obstructions)
      for (const { filed } of [...alone, ...together]) blockers.add(filed);
    return { blockers, blocking, chosen: blocking.chosen };
  }

  /**
   * Returns whether a new claim of the party may overtake all of these blockers, because waiting for them would be a
   * deadlock. This is so if each blocker is a waiting claim that waits, directly or through others, for a held or
   * waiting claim of the party.
   */
  #allWaitFor(party: Party, blockers: ReadonlySet<Entry<Kind>>): boolean {
    for (const { held } of blockers) if (held) return false;
    const { claims } = this.#dependentsOf(party, "anything");
    for (const blocker of blockers) if (!claims.has(blocker)) return false;
    let followed = 0;
    const waitsFor = (first: Entry<Kind>): boolean => {
      const waiting = new Set([first]);
      for (const entry of waiting) {
        // The chain of waits is too long to follow, so the new claim may not overtake.
        if (++followed > FOLLOWED_MAX) return false;
        for (const { claim } of inOrder(this.#certainBlockers(entry.claim))) {
          if (claim.holder === party.holder || claim.holder === party.parent) return true;
          for (const other of this.#behind(claim.holder)) if (claims.has(other)) waiting.add(other);
        }
      }
      return false;
    };
    for (const blocker of inOrder(blockers)) if (!waitsFor(blocker)) return false;
    return true;
  }

  /** Returns the blockers of a claim that must all end before it is granted. Of the others, some are enough. */
  #certainBlockers(claim: Claim): Iterable<Entry<Kind>> {
    if (!this.#isLimited(claim)) return this.#blockers(claim);
    const { obstructions } = this.#limitedBlockers(claim).blocking;
    return obstructions.flatMap(({ isChoice, alone }) => (isChoice ? [] : alone.map(({ filed }) => filed)));
  }

  /** Returns the claims of a holder and of its children. While one of them waits, the holder waits. */
  #behind(holder: string): Entry<Kind>[] {
    return inOrder([...(this.#byHolder.get(holder) ?? []), ...(this.#byParent.get(holder) ?? [])]);
  }

  /** Finds the claims that wait for the held claims of a party, unless they are known. */
  #heldDependentsOf(party: Party, known: KnownDependents<Kind> | undefined): Dependents<Kind> {
    const found = known?.get(party.holder) ?? this.#dependentsOf(party, "held");
    known?.set(party.holder, found);
    return found;
  }

  /**
   * Finds the claims that wait for a party, directly or through others.
   * @param through which waits count. "held": only waits for held claims. "anything": also waits for an earlier waiting
   * claim, even if that claim could be overtaken now, because it may be granted first.
   */
  #dependentsOf({ holder, parent }: Party, through: "held" | "anything"): Dependents<Kind> {
    const claims = new Set<Entry<Kind>>();
    const byHolder = new Map<string, { claim: Kind | null; next: string }>();
    const holders = [holder];
    const add = (waits: string, claim: Kind | null, next: string): void => {
      if (waits === holder || byHolder.has(waits)) return;
      byHolder.set(waits, { claim, next });
      holders.push(waits);
    };
    if (parent !== null) add(parent, null, holder);
    for (const next of holders) {
      for (const entry of inOrder(this.#byHolder.get(next) ?? [])) {
        if (through === "held" && !entry.held) continue;
        const found = new Set<Entry<Kind>>();
        const limits = this.#limited > 0;
        const where = (other: Entry<Kind>, wanted: Resource): boolean =>
          !other.held &&
          !claims.has(other) &&
          !found.has(other) &&
          (entry.held || other.claim.order > entry.claim.order) &&
          (limits || exclude(other.claim, entry.claim, wanted));
        for (const { resource, filed } of this.#index.meeting(entry.resources, where))
          if (!limits || this.#waitsFor(filed, resource, entry, through)) found.add(filed);
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
   * Returns whether a waiting claim waits for another one at a resource that it wants.
   * @param through "held": whether it cannot be granted before the other's holder has ended a claim. "anything":
   *   whether the other is among its blockers, even if the end of another blocker would be enough.
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
    const blocks = blocksAlone || (shares && this.#finder.isFull(claim, wanted));
    return blocks && (!isChoice || this.#lacksNames(entry));
  }

  #lacksNames(entry: Entry<Kind>): boolean {
    const known = this.#lacking.get(entry) ?? this.#finder.lacksNames(entry.claim);
    this.#lacking.set(entry, known);
    return known;
  }

  /**
   * Returns whether all holders could finish if a new claim waited, although it closes a cycle of waits: one of several
   * holders or one of several names may be enough. A holder finishes when its claims are free and its children have
   * finished. What it has is then free for others.
   *
   * A waiting claim counts for all of its alternatives until its holder finishes, because it is unknown which one it
   * gets. No claim overtakes another one, because what may be overtaken now may not be later. So the result does not
   * depend on the order in which holders finish.
   */
  #canFinish(asked: Claim): boolean {
    const stepsMax = this.#finder.steps + FINISH_STEPS_MAX;
    /** The claims with which each unfinished holder waits. */
    const unfinished = new Map<string, readonly Claim[]>();
    const isBlocked = (claim: Claim): boolean =>
      this.#finder.find(claim, (other) => unfinished.has(other.claim.holder)).obstructions.length > 0;
    const reach = (holder: string): void => {
      if (unfinished.has(holder)) return;
      const waiting = inOrder(this.#byHolder.get(holder) ?? []).filter(({ held }) => !held);
      const claims: Claim[] = waiting.map(({ claim }) => claim);
      unfinished.set(holder, holder === asked.holder ? [...claims, asked] : claims);
    };
    const childrenOf = (holder: string): string[] => {
      const children = inOrder(this.#byParent.get(holder) ?? []).map(({ claim }) => claim.holder);
      return holder === asked.parent ? [...children, asked.holder] : children;
    };
    reach(asked.holder);
    for (const [holder, claims] of unfinished) {
      for (const child of childrenOf(holder)) reach(child);
      for (const claim of claims) {
        for (const { filed } of this.#index.meeting(wantedBy(claim), () => true)) {
          this.#finder.steps += 1;
          if (filed.held || filed.claim.order < claim.order) reach(filed.claim.holder);
        }
        if (this.#finder.steps > stepsMax) return false;
      }
    }
    for (let before = -1; before !== unfinished.size; ) {
      before = unfinished.size;
      for (const [holder, claims] of unfinished) {
        if (this.#finder.steps > stepsMax) return false;
        if (childrenOf(holder).some((child) => child !== holder && unfinished.has(child))) continue;
        if (!claims.some(isBlocked)) unfinished.delete(holder);
      }
    }
    return !unfinished.has(asked.holder);
  }

  /**
   * Returns whether a waiting claim waits, directly or through others, for one of several holders or one of several
   * names. If its way to a holder is cut, it may then still wait for that holder in another way.
   */
  #hasChoice(first: Entry<Kind>): boolean {
    const waiting = new Set([first]);
    for (const { claim } of waiting) {
      const { obstructions } = this.#finder.find(claim, () => true);
      if (waiting.size > FOLLOWED_MAX || !isPlain(claim)) return true;
      for (const { alone, together } of obstructions) {
        if (together.length > 0) return true;
        for (const { filed } of alone)
          for (const other of this.#behind(filed.claim.holder)) if (!other.held) waiting.add(other);
      }
    }
    return false;
  }

  /**
   * Returns the cycle that a claim would close if it waited; null if there is none.
   * @param overtaken the waiting claims that the new claim could overtake; with them, their holders already wait for
   *   the new claim's holder
   */
  #cycle(
    party: Party,
    blockers: ReadonlySet<Entry<Kind>>,
    overtaken: ReadonlySet<Entry<Kind>>,
  ): CycleStep<Kind>[] | null {
    const { holder } = party;
    const { claims, byHolder } = this.#dependentsOf(party, "anything");
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
      // When its way to the holder is cut, the new claim no longer overtakes it.
      if (this.#limited > 0 && this.#hasChoice(entry)) return stepsFrom(entry.claim.holder);
      // If the overtaken claim is granted first, the new claim waits for its holder. This closes a cycle if that holder
      // or a child of it has another claim that waits for the new claim's holder.
      for (const other of this.#behind(entry.claim.holder))
        if (other !== entry && !other.held && claims.has(other)) return stepsFrom(entry.claim.holder);
    }
    // The holder itself has one of the alternatives.
    for (const { claim } of blockers) if (claim.holder === holder) return [{ holder, claim: null }];
    return null;
  }

  /**
   * Returns the first conflicts with these blockers, in the order of the blockers' requests. The order is the same on
   * every node, because it is part of the reply to a call.
   */
  #conflicts(claim: Claim, blockers: ReadonlySet<Entry<Kind>>, conflictsMax: number): Conflicts<Kind> {
    const held = [...blockers].some((blocker) => blocker.held);
    const counted = inOrder([...blockers].filter((blocker) => blocker.held === held)).slice(0, conflictsMax);
    const meetings = new Map(counted.map((blocker) => [blocker, new Map<Resource, Set<Resource>>()]));
    for (const { wanted, resource, filed } of this.#meetingsWith(claim, blockers)) {
      const found = meetings.get(filed);
      if (found === undefined) continue;
      const known = found.get(wanted);
      if (known === undefined) found.set(wanted, new Set([resource]));
      else known.add(resource);
    }
    const conflicts: Conflict<Kind>[] = [];
    for (const [blocker, found] of meetings) {
      for (const wanted of wantedBy(claim)) {
        const met = found.get(wanted);
        if (met === undefined) continue;
        for (const resource of blocker.resources) {
          if (conflicts.length === conflictsMax) return { held, conflicts };
          if (met.has(resource)) conflicts.push({ wanted, resource, claim: blocker.claim });
        }
      }
    }
    return { held, conflicts };
  }

  /** Returns the pairs of a resource that a claim wants, and a resource of one of its blockers that blocks it. */
  #meetingsWith(claim: Claim, blockers: ReadonlySet<Entry<Kind>>): Iterable<Meeting<Entry<Kind>>> {
    if (!this.#isLimited(claim)) {
      const where = (other: Entry<Kind>, wanted: Resource): boolean =>
        blockers.has(other) && exclude(other.claim, claim, wanted);
      return this.#index.meeting(claim.resources, where);
    }
    const { obstructions } = this.#finder.find(claim, (other) => blockers.has(other));
    return obstructions.flatMap(({ alone, together }) => [...alone, ...together]);
  }
}

function conflictOf<Kind extends Claim>({ wanted, resource, filed }: Meeting<Entry<Kind>>): Conflict<Kind> {
  return { wanted, resource, claim: filed.claim };
}
