/**
 * What may be granted now: who holds what, who waits in which order, and what follows from an end. Claims go in,
 * grants come out; what is stored of them is the caller's. Pure but for its state.
 *
 * A claim is granted when it conflicts neither with one that another holder has nor with an earlier one that waits;
 * it may pass one that waits, directly or through others, for what its own holder holds. One that is new may pass one
 * that waits for its holder behind others in line, too. Each that waits keeps an eye on one of those in its way, the
 * latest: in a line, on the one before it. So who is looked at when a claim ends is who had an eye on it, however long
 * the line is.
 */
import { GLOB_STEPS_MAX } from "../../schemas/limits.js";
import { assert, must } from "../base/assert.js";
import { Groups } from "../base/groups.js";
import { TurnoverMap } from "../base/turnover-map.js";
import type { Resource } from "./resource.js";
import { ResourceIndex, type HasResources, type Meeting } from "./resource-index.js";

export interface Claim extends HasResources {
  /** Unique; who asked first has the smallest. */
  readonly order: number;
  readonly holder: string;
  /** Conflicts with exclusive claims only. */
  readonly shared: boolean;
}

/** Two resources that are not to be had together. */
export interface Conflict<Kind extends Claim> {
  /** What was asked for. */
  readonly wanted: Resource;
  /** What stands in the way, and whose it is. */
  readonly resource: Resource;
  readonly claim: Kind;
}

/** One holder of a circle, and the claim by which it waits for the next; null for the one that was asked for. */
export interface CycleStep<Kind extends Claim> {
  readonly holder: string;
  readonly claim: Kind | null;
}

/** Conflicts with what is held; where there are none, with what waits. At most as many as were asked for. */
export interface Conflicts<Kind extends Claim> {
  readonly held: boolean;
  readonly conflicts: readonly Conflict<Kind>[];
}

export type LockDecision<Kind extends Claim> =
  /** `passes`: before others that wait in line behind its holder. */
  | { readonly kind: "free"; readonly overtakes: boolean }
  | ({ readonly kind: "taken" } & Conflicts<Kind>)
  /** To wait for it would close a circle. */
  | { readonly kind: "deadlock"; readonly cycle: readonly CycleStep<Kind>[] };

/** How many that wait are followed to the ones for whom they wait, where a new claim may pass them by that. */
const FOLLOWED_MAX = 1_000;

/** A claim as it stands here. */
class Entry<Kind extends Claim> implements HasResources {
  held = false;
  /** One of those in its way, while it waits. */
  watches: Entry<Kind> | null = null;
  /** Null for nobody, which is most. */
  watched_by: Set<Entry<Kind>> | null = null;

  constructor(readonly claim: Kind) {}

  get resources(): readonly Resource[] {
    return this.claim.resources;
  }
}

/** Who waits for a holder, directly or through others. */
interface Dependents<Kind extends Claim> {
  readonly claims: ReadonlySet<Entry<Kind>>;
  /** Of each other holder the claim by which it waits, and for whom; each is nearer to the holder than who waits. */
  readonly by_holder: ReadonlyMap<string, { readonly claim: Kind; readonly next: string }>;
}

export class LockTable<Kind extends Claim> {
  /** By the order of their claims. */
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

  /** Of one holder, held or waiting. */
  countOf(holder: string): number {
    return this.#by_holder.get(holder)?.size ?? 0;
  }

  /** Of one holder, held or waiting. */
  *claimsOf(holder: string): Generator<Kind> {
    for (const { claim } of this.#by_holder.get(holder) ?? []) yield claim;
  }

  /**
   * What would become of a new claim.
   * @param waits whether it waits where it is not free
   * @param conflicts_max how many conflicts are told
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

  /** What is in the way of a claim, which may wait already, or be no more than thought of. */
  conflictsOf(claim: Claim, conflicts_max: number): Conflicts<Kind> {
    return this.#conflicts(claim, this.#blockers(claim), conflicts_max);
  }

  /** Whether comparing these with all claims takes more steps than it may; the same on every node. */
  costsTooMuch(resources: readonly Resource[]): boolean {
    return this.#index.stepsFor(resources, GLOB_STEPS_MAX) > GLOB_STEPS_MAX;
  }

  /**
   * Looks whether resources are free for a holder, and says in how many steps it takes at most. What takes more than
   * GLOB_STEPS_MAX is not free. The claims must not change from one look to the next.
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
      // The sum of a part depends on the order in which the claims came.
      if (steps > GLOB_STEPS_MAX) return { free: false, steps: GLOB_STEPS_MAX };
      const free = steps === 0 || this.#index.meeting(resources, obstructs).next().done === true;
      return { free, steps };
    };
  }

  /** What others than `holder` hold of these; "" is nobody. */
  *heldByOthers(resources: readonly Resource[], holder: string, shared: boolean): Generator<Conflict<Kind>> {
    const where = ({ held, claim }: Entry<Kind>): boolean =>
      held && claim.holder !== holder && !(shared && claim.shared);
    for (const meeting of this.#index.meeting(resources, where)) yield conflictOf(meeting);
  }

  /**
   * Takes a claim that is free, or was held when it was stored.
   * @param overtakes as its verdict says: more may wait for what its holder holds by that
   * @returns those that are held now because of it, in the order in which they were granted
   */
  hold(claim: Kind, overtakes = false): Kind[] {
    this.#hold(this.#add(claim));
    const granted: Kind[] = [];
    if (overtakes) this.#grantWith(claim.holder, granted);
    return granted;
  }

  /** Puts a claim into the line, at the place of its order. False where it is free: then it is held. */
  enqueue(claim: Kind): boolean {
    const entry = this.#add(claim);
    return !this.#settle(entry);
  }

  /** Takes a claim out, held or waiting; those that are held now, in the order in which they were granted. */
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
   * Somebody was granted a claim, so that more may wait for them: these they may pass, and so may those for whom they
   * wait themselves.
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

  /** Holds what is free; has it watch what is not. True where it is held now. */
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

  /** All that is in the way of a claim; what it may pass goes to `passed`. */
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
   * Whether all of these wait in line, and for a holder: directly or through others, for what they hold or behind them.
   * To wait for any of them would only lock up both.
   */
  #allWaitFor(holder: string, blockers: ReadonlySet<Entry<Kind>>): boolean {
    for (const { held } of blockers) if (held) return false;
    const { claims } = this.#dependentsOf(holder, "anything");
    for (const blocker of blockers) if (!claims.has(blocker)) return false;
    let followed = 0;
    const waitsFor = (first: Entry<Kind>): boolean => {
      const waiting = new Set([first]);
      for (const entry of waiting) {
        // What is too long to follow is not passed.
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
   * Who waits for a holder.
   * @param through for what is held, or for anything that comes before them, even if they could pass it now: should
   *   it be granted first, they wait for it
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
   * The circle that a claim would close by waiting; null where there is none.
   * @param overtaken what it could pass: of these holders it is in the way already, by these claims
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
      // Should this be granted first, the new one waits for its holder, who waits by another claim, too.
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

/** Whether two are not to be had together. A holder is never in its own way. */
export function conflict(a: Claim, b: Claim): boolean {
  return a.holder !== b.holder && !(a.shared && b.shared);
}

function inOrder<Kind extends Claim>(entries: Iterable<Entry<Kind>>): Entry<Kind>[] {
  return [...entries].toSorted((a, b) => a.claim.order - b.claim.order);
}

function conflictOf<Kind extends Claim>({ wanted, resource, filed }: Meeting<Entry<Kind>>): Conflict<Kind> {
  return { wanted, resource, claim: filed.claim };
}
