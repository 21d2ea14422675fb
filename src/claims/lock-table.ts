/**
 * The in-memory lock table. It knows which claims are held, which wait and in which order, and which are granted when
 * one ends. It does no I/O: the caller persists.
 *
 * A claim is granted if it conflicts with no held claim of another holder and with no earlier waiting claim. A claim
 * may overtake a waiting one that waits, directly or through others, for claims that the overtaker's holder has,
 * because otherwise both would deadlock. A new claim may also overtake one that waits for the holder's waiting claims.
 * Each waiting claim watches its most recent blocker; in a plain queue that is the claim before it. So the end of a
 * claim wakes only its watchers, whatever the length of the queue.
 */
import { GLOB_STEPS_MAX } from "../../schemas/limits.js";
import { assert, must } from "../base/assert.js";
import { Groups } from "../base/groups.js";
import { TurnoverMap } from "../base/turnover-map.js";
import type { Resource } from "./resource.js";
import { ResourceIndex, type HasResources, type Meeting } from "./resource-index.js";

export interface Claim extends HasResources {
  /** Unique. An earlier request has a smaller number. */
  readonly order: number;
  readonly holder: string;
  /** Conflicts with exclusive claims only. */
  readonly shared: boolean;
}

/** Two resources that conflict. */
export interface Conflict<Kind extends Claim> {
  /** The requested resource. */
  readonly wanted: Resource;
  /** The resource that blocks it, and its claim. */
  readonly resource: Resource;
  readonly claim: Kind;
}

/** One holder of a cycle and the claim by which it waits for the next one. The claim is null for the requested one. */
export interface CycleStep<Kind extends Claim> {
  readonly holder: string;
  readonly claim: Kind | null;
}

/** Conflicts with held claims or, if there are none, with waiting claims. The list is limited as requested. */
export interface Conflicts<Kind extends Claim> {
  readonly held: boolean;
  readonly conflicts: readonly Conflict<Kind>[];
}

export type LockDecision<Kind extends Claim> =
  /** `overtakes`: the claim overtakes others that wait for waiting claims of its holder. */
  | { readonly kind: "free"; readonly overtakes: boolean }
  | ({ readonly kind: "taken" } & Conflicts<Kind>)
  /** Waiting would close a cycle. */
  | { readonly kind: "deadlock"; readonly cycle: readonly CycleStep<Kind>[] };

/** The most waiting claims that are followed to find out whether they wait for a holder, for one new claim. */
const FOLLOWED_MAX = 1_000;

/** A claim in the table. */
class Entry<Kind extends Claim> implements HasResources {
  held = false;
  /** Its most recent blocker, while it waits. */
  watches: Entry<Kind> | null = null;
  /** The claims that watch this one. Null if there are none, as for most claims. */
  watched_by: Set<Entry<Kind>> | null = null;

  constructor(readonly claim: Kind) {}

  get resources(): readonly Resource[] {
    return this.claim.resources;
  }
}

/** The claims that wait for a holder, directly or through others. */
interface Dependents<Kind extends Claim> {
  readonly claims: ReadonlySet<Entry<Kind>>;
  /**
   * For each other holder, the claim by which it waits and the holder for which it waits. The latter is nearer to the
   * first holder.
   */
  readonly by_holder: ReadonlyMap<string, { readonly claim: Kind; readonly next: string }>;
}

export class LockTable<Kind extends Claim> {
  /** Entries by the order of their claims. */
  readonly #entries = new TurnoverMap<number, Entry<Kind>>();
  readonly #by_holder = new Groups<string, Entry<Kind>>();
  readonly #index = new ResourceIndex<Entry<Kind>>();
  #held = 0;

  get held(): number {
    return this.#held;
  }

  get waiting(): number {
    return this.#entries.size - this.#held;
  }

  /** The number of claims of a holder, held or waiting. */
  countOf(holder: string): number {
    return this.#by_holder.get(holder)?.size ?? 0;
  }

  /** The claims of a holder, held or waiting. */
  *claimsOf(holder: string): Generator<Kind> {
    for (const { claim } of this.#by_holder.get(holder) ?? []) yield claim;
  }

  /**
   * Decides about a new claim, without adding it.
   * @param waits whether it waits if it is not free
   * @param conflicts_max the most conflicts to return
   */
  evaluate(claim: Claim, waits: boolean, conflicts_max: number): LockDecision<Kind> {
    const overtaken = new Set<Entry<Kind>>();
    const blockers = this.#blockers(claim, overtaken);
    if (blockers.size === 0) return { kind: "free", overtakes: false };
    if (this.#allWaitFor(claim.holder, blockers)) return { kind: "free", overtakes: true };
    const cycle = waits ? this.#cycle(claim, blockers, overtaken) : null;
    if (cycle !== null) return { kind: "deadlock", cycle };
    return { kind: "taken", ...this.#conflicts(claim, blockers, conflicts_max) };
  }

  /** The conflicts of a claim, which may wait already or be hypothetical. */
  conflictsOf(claim: Claim, conflicts_max: number): Conflicts<Kind> {
    return this.#conflicts(claim, this.#blockers(claim), conflicts_max);
  }

  /**
   * Returns whether comparing these resources with all claims takes more than GLOB_STEPS_MAX steps. The result is the
   * same on every node.
   */
  costsTooMuch(resources: readonly Resource[]): boolean {
    return this.#index.stepsFor(resources, GLOB_STEPS_MAX) > GLOB_STEPS_MAX;
  }

  /**
   * Returns a function that reports whether resources are free for a holder, and the most steps that this takes.
   * Resources that take more than GLOB_STEPS_MAX steps are not free. The claims must not change between two calls of
   * the function.
   */
  lookFor(holder: string): (resources: readonly Resource[]) => { readonly free: boolean; readonly steps: number } {
    let dependents: ReadonlySet<Entry<Kind>> | undefined;
    const obstructs = (other: Entry<Kind>): boolean => {
      if (other.claim.holder === holder) return false;
      if (other.held) return true;
      dependents ??= this.#dependentsOf(holder, "held").claims;
      return !dependents.has(other);
    };
    return (resources) => {
      const steps = this.#index.stepsFor(resources, GLOB_STEPS_MAX);
      // A partial sum would depend on the order in which the claims were added.
      if (steps > GLOB_STEPS_MAX) return { free: false, steps: GLOB_STEPS_MAX };
      const free = steps === 0 || this.#index.meeting(resources, obstructs).next().done === true;
      return { free, steps };
    };
  }

  /** The held claims of other holders that overlap these resources. With "" as the holder, all holders count. */
  *heldByOthers(resources: readonly Resource[], holder: string, shared: boolean): Generator<Conflict<Kind>> {
    const where = ({ held, claim }: Entry<Kind>): boolean =>
      held && claim.holder !== holder && !(shared && claim.shared);
    for (const meeting of this.#index.meeting(resources, where)) yield conflictOf(meeting);
  }

  /**
   * Holds a claim that is free, or that was held when it was stored.
   * @param overtakes as in its decision. More claims may then wait for the held claims of its holder.
   * @returns the claims that are held now because of it, in the order of their grants
   */
  hold(claim: Kind, overtakes = false): Kind[] {
    this.#hold(this.#add(claim));
    const granted: Kind[] = [];
    if (overtakes) this.#grantWith(claim.holder, granted);
    return granted;
  }

  /** Puts a claim into the queue, at the position of its order. Returns false if it is free: then it is held. */
  enqueue(claim: Kind): boolean {
    const entry = this.#add(claim);
    return !this.#settle(entry);
  }

  /** Removes a claim, held or waiting. Returns the claims that are held now, in the order of their grants. */
  remove(claim: Kind): Kind[] {
    const entry = this.#entries.get(claim.order);
    if (entry === undefined) return [];
    this.#drop(entry);
    const granted: Kind[] = [];
    for (const watcher of inOrder(entry.watched_by ?? [])) {
      if (watcher.held || !this.#settle(watcher)) continue;
      granted.push(watcher.claim);
      this.#grantWith(watcher.claim.holder, granted);
    }
    return granted;
  }

  clear(): void {
    this.#entries.clear();
    this.#by_holder.clear();
    this.#index.clear();
    this.#held = 0;
  }

  #add(claim: Kind): Entry<Kind> {
    assert(!this.#entries.has(claim.order), "a claim stands once");
    const entry = new Entry(claim);
    this.#entries.set(claim.order, entry);
    this.#index.add(entry);
    this.#by_holder.add(claim.holder, entry);
    return entry;
  }

  #drop(entry: Entry<Kind>): void {
    const { claim } = entry;
    this.#watch(entry, null);
    this.#entries.delete(claim.order);
    this.#index.remove(entry);
    if (entry.held) this.#held -= 1;
    this.#by_holder.remove(claim.holder, entry);
  }

  /**
   * Grants what follows from a grant to a holder. More claims may wait for the holder now. It may overtake these, and
   * so may the holders for which it waits.
   */
  #grantWith(holder: string, granted: Kind[]): void {
    const holders = new Set([holder]);
    for (const next of holders) {
      for (const entry of inOrder(this.#by_holder.get(next) ?? [])) {
        if (entry.held) continue;
        if (this.#settle(entry)) granted.push(entry.claim);
        else for (const { held, claim } of this.#blockers(entry.claim)) if (held) holders.add(claim.holder);
      }
    }
  }

  /** Holds an entry that is free, or lets it watch its most recent blocker. Returns whether it is held now. */
  #settle(entry: Entry<Kind>): boolean {
    let latest: Entry<Kind> | null = null;
    for (const blocker of this.#blockers(entry.claim))
      if (latest === null || blocker.claim.order > latest.claim.order) latest = blocker;
    this.#watch(entry, latest);
    if (latest === null) this.#hold(entry);
    return entry.held;
  }

  #hold(entry: Entry<Kind>): void {
    entry.held = true;
    this.#held += 1;
  }

  #watch(entry: Entry<Kind>, watched: Entry<Kind> | null): void {
    entry.watches?.watched_by?.delete(entry);
    entry.watches = watched;
    if (watched !== null) (watched.watched_by ??= new Set()).add(entry);
  }

  /** All blockers of a claim. Waiting claims that it may overtake are added to `overtaken`. */
  #blockers(claim: Claim, overtaken?: Set<Entry<Kind>>): Set<Entry<Kind>> {
    const blockers = new Set<Entry<Kind>>();
    const where = (other: Entry<Kind>): boolean =>
      (other.held || other.claim.order < claim.order) && conflict(other.claim, claim) && !blockers.has(other);
    let dependents: Dependents<Kind> | undefined;
    for (const { filed } of this.#index.meeting(claim.resources, where)) {
      if (!filed.held) dependents ??= this.#dependentsOf(claim.holder, "held");
      if (!filed.held && dependents?.claims.has(filed) === true) overtaken?.add(filed);
      else blockers.add(filed);
    }
    return blockers;
  }

  /**
   * Returns whether all these blockers wait, and wait for a holder: directly or through others, for its held claims or
   * for its waiting ones. Waiting for such a blocker would only lock both.
   */
  #allWaitFor(holder: string, blockers: ReadonlySet<Entry<Kind>>): boolean {
    for (const { held } of blockers) if (held) return false;
    const { claims } = this.#dependentsOf(holder, "anything");
    for (const blocker of blockers) if (!claims.has(blocker)) return false;
    let followed = 0;
    const waitsFor = (first: Entry<Kind>): boolean => {
      const waiting = new Set([first]);
      for (const entry of waiting) {
        // A chain that is too long to follow is not overtaken.
        if (++followed > FOLLOWED_MAX) return false;
        for (const { claim } of this.#blockers(entry.claim)) {
          if (claim.holder === holder) return true;
          for (const other of this.#by_holder.get(claim.holder) ?? []) if (claims.has(other)) waiting.add(other);
        }
      }
      return false;
    };
    for (const blocker of blockers) if (!waitsFor(blocker)) return false;
    return true;
  }

  /**
   * Finds the claims that wait for a holder.
   * @param through "held": for held claims only. "anything": for every earlier claim, even one that they could overtake
   *   now. If that one is granted first, they wait for it.
   */
  #dependentsOf(holder: string, through: "held" | "anything"): Dependents<Kind> {
    const claims = new Set<Entry<Kind>>();
    const by_holder = new Map<string, { claim: Kind; next: string }>();
    const holders = [holder];
    for (const next of holders) {
      for (const entry of this.#by_holder.get(next) ?? []) {
        if (through === "held" && !entry.held) continue;
        const where = (other: Entry<Kind>): boolean =>
          !other.held &&
          !claims.has(other) &&
          (entry.held || other.claim.order > entry.claim.order) &&
          conflict(other.claim, entry.claim);
        for (const { filed } of this.#index.meeting(entry.resources, where)) {
          claims.add(filed);
          const { claim } = filed;
          if (claim.holder === holder || by_holder.has(claim.holder)) continue;
          by_holder.set(claim.holder, { claim, next });
          holders.push(claim.holder);
        }
      }
    }
    return { claims, by_holder };
  }

  /**
   * The cycle that a claim would close by waiting; null if there is none.
   * @param overtaken the claims that it could overtake. It blocks their holders already, by these claims.
   */
  #cycle(
    { holder }: Claim,
    blockers: ReadonlySet<Entry<Kind>>,
    overtaken: ReadonlySet<Entry<Kind>>,
  ): CycleStep<Kind>[] | null {
    const { claims, by_holder } = this.#dependentsOf(holder, "anything");
    if (claims.size === 0) return null;
    const stepsFrom = (first: string): CycleStep<Kind>[] => {
      const cycle: CycleStep<Kind>[] = [{ holder, claim: null }];
      for (let waits = first; waits !== holder; ) {
        const { claim, next } = must(by_holder.get(waits), "each waits for one that was found before");
        cycle.push({ holder: waits, claim });
        waits = next;
      }
      return cycle;
    };
    for (const { claim } of blockers) if (by_holder.has(claim.holder)) return stepsFrom(claim.holder);
    for (const entry of overtaken) {
      // If this one is granted first, the new claim waits for its holder, and that holder also waits by another claim.
      for (const other of this.#by_holder.get(entry.claim.holder) ?? [])
        if (other !== entry && !other.held && claims.has(other)) return stepsFrom(entry.claim.holder);
    }
    return null;
  }

  #conflicts(claim: Claim, blockers: ReadonlySet<Entry<Kind>>, conflicts_max: number): Conflicts<Kind> {
    const held = [...blockers].some((blocker) => blocker.held);
    const conflicts: Conflict<Kind>[] = [];
    const where = (other: Entry<Kind>): boolean => other.held === held && blockers.has(other);
    for (const meeting of this.#index.meeting(claim.resources, where)) {
      if (conflicts.length === conflicts_max) break;
      conflicts.push(conflictOf(meeting));
    }
    return { held, conflicts };
  }
}

/** Returns whether two claims exclude each other. A holder never blocks itself. */
export function conflict(a: Claim, b: Claim): boolean {
  return a.holder !== b.holder && !(a.shared && b.shared);
}

function inOrder<Kind extends Claim>(entries: Iterable<Entry<Kind>>): Entry<Kind>[] {
  return [...entries].toSorted((a, b) => a.claim.order - b.claim.order);
}

function conflictOf<Kind extends Claim>({ wanted, resource, filed }: Meeting<Entry<Kind>>): Conflict<Kind> {
  return { wanted, resource, claim: filed.claim };
}
