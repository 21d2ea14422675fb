/**
 * Keeps a copy of the live claims on the front, as of the latest commit. The front uses it to answer lists, checks and
 * queue positions without a call to the writer. It wakes the waiters of a claim that changes. Pure except for its
 * state.
 */
import type { LeaseRecord } from "../../../schemas/leases.js";
import {
  ACQUIRE_COSTLY_COUNTED_MAX,
  ACQUIRE_COSTLY_GLOBS_MIN,
  ACQUIRE_COSTLY_STEPS_MIN,
  ACQUIRE_COSTLY_WAITING_MIN,
  GLOB_STEPS_MAX,
} from "../../../schemas/limits/claims.js";
import type { StepBudget } from "../../base/step-budget.js";
import { Groups } from "../../base/groups.js";
import { TurnoverMap } from "../../base/turnover-map.js";
import { WaitQueue } from "../../base/wait-queue.js";
import { type Wakeable, waitFor } from "../../base/waiter.js";
import { Waiters } from "../../base/waiters.js";
import type { Exposition, Measured } from "../../platform/measure/exposition.js";
import { areNear, type Contender, mayExclude } from "./contention.js";
import { isLease, type LiveLease, liveLease, resourcesOf } from "./lease.js";
import { wantedBy } from "./lock-entry.js";
import type { Resource } from "./resource.js";
import { type Meeting, ResourceIndex } from "./resource-index.js";

/** Called with each lease that a commit has changed, including leases that have ended. */
export type LeaseListener = (record: LeaseRecord) => void;

export class LeaseProjection implements Measured {
  readonly #live = new TurnoverMap<number, LiveLease>();
  readonly #byHolder = new Groups<string, LiveLease>();
  /** The live leases that wait, by their rows. */
  readonly #waits = new TurnoverMap<number, LiveLease>();
  readonly #index = new ResourceIndex<LiveLease>(wantedBy);
  /** The calls that wait for a single lease. */
  readonly #calls = new WaitQueue();
  /**
   * The waiters of each lease, by its row. They include the calls in `#calls`, and calls that wait for one of several
   * conditions (`koor wait`).
   */
  readonly #waiters = new Waiters<number>();
  readonly #listeners: LeaseListener[] = [];
  /** The number of grants, and the sum of the seconds from each request to its grant. Both are for the metrics. */
  readonly #waited = { count: 0, sumS: 0 };
  #held = 0;
  #waiting = 0;

  /** Registers a listener of every change. */
  listen(listener: LeaseListener): void {
    this.#listeners.push(listener);
  }

  /** Loads all live claims from the database: at the start, after a crash of the writer, and after a restore. */
  load(records: readonly LeaseRecord[]): void {
    const before = this.#live.values();
    this.#live.clear();
    this.#byHolder.clear();
    this.#waits.clear();
    this.#index.clear();
    this.#held = 0;
    this.#waiting = 0;
    for (const record of records) this.#put(record);
    for (const { order, record } of before) if (!this.#live.has(order)) this.#notify({ ...record, state: "lost" });
    for (const record of records) this.#notify(record);
  }

  /** Applies the changed claims of a commit, in the order of their changes. */
  accept(records: readonly LeaseRecord[]): void {
    for (const record of records) {
      const known = this.#live.get(record.row);
      if (isLease(record) && record.state === "held" && known?.record.state !== "held") {
        this.#waited.count += 1;
        this.#waited.sumS += ((record.granted_at ?? 0) - record.requested_at) / 1000;
      }
      this.#put(record);
    }
    for (const record of records) this.#notify(record);
  }

  /** The number of leases that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  get(row: number): LeaseRecord | undefined {
    return this.#live.get(row)?.record;
  }

  /** Returns the live leases, held or waiting. The newest request comes first. */
  list(): LeaseRecord[] {
    const records = this.#live.values().map(({ record }) => record);
    return records.filter(isLease).toSorted((a, b) => b.row - a.row);
  }

  /** Yields all claims, held or waiting, in no order. */
  *live(): Generator<LeaseRecord> {
    for (const { record } of this.#live.values()) yield record;
  }

  /** Yields the claims of a holder, held or waiting. */
  *of(holder: string): Generator<LeaseRecord> {
    for (const { record } of this.#byHolder.get(holder) ?? []) yield record;
  }

  /** Returns the workspaces of the live claims. */
  workspaces(): ReadonlySet<string> {
    const workspaces = new Set<string>();
    for (const { record } of this.#live.values()) workspaces.add(record.workspace);
    return workspaces;
  }

  /**
   * Yields the held leases that a claim of these resources would conflict with, in no particular order. Counted claims
   * conflict only if the name is full.
   * @param holder the holder of the leases; null for all holders
   */
  heldByOthers(
    resources: readonly Resource[],
    asked: Contender,
    holder: string | null = null,
  ): Generator<Meeting<LiveLease>> {
    return this.#index.meeting(
      resources,
      (lease, wanted) =>
        (holder === null || lease.holder === holder) &&
        lease.record.state === "held" &&
        mayExclude(lease, asked, wanted),
    );
  }

  /** Returns the requests that wait, in no particular order. */
  waits(): LiveLease[] {
    return this.#waits.values();
  }

  /**
   * Returns the held leases of a resource in other checkouts. They overlap the resource, but a claim of it does not
   * conflict with them. The oldest request comes first.
   */
  nearbyOf(wanted: Resource, asked: Contender): Meeting<LiveLease>[] {
    const nearby = new Map<LiveLease, Meeting<LiveLease>>();
    if (asked.limitedTo === null) return [];
    const where = (lease: LiveLease): boolean =>
      lease.record.state === "held" && areNear(lease, asked, wanted) && !nearby.has(lease);
    for (const meeting of this.#index.meeting([wanted], where)) nearby.set(meeting.filed, meeting);
    return [...nearby.values()].toSorted((a, b) => a.filed.order - b.filed.order);
  }

  /** Yields the held leases of one holder that overlap these resources, in no particular order. */
  heldBy(holder: string, resources: readonly Resource[]): Generator<Meeting<LiveLease>> {
    return this.#index.meeting(resources, (lease) => lease.holder === holder && lease.record.state === "held");
  }

  /**
   * Returns the held leases for which requests wait, in no particular order. The search begins at the side with fewer
   * leases, which is that of the holder or that of the waiting requests. If the budget is used up, the search ends, and
   * the result has only the leases that were found until then.
   * @param holder the holder of the leases; null for all holders
   */
  awaited(holder: string | null, budget: StepBudget): ReadonlySet<LiveLease> {
    const found = new Set<LiveLease>();
    const own = holder === null ? this.#live.values() : [...(this.#byHolder.get(holder) ?? [])];
    if (own.length < this.#waits.size) {
      for (const lease of own) {
        if (lease.record.state !== "held") continue;
        if (!this.#takeSteps(lease.resources, budget)) break;
        if (this.#requestsFor(lease).next().done !== true) found.add(lease);
      }
      return found;
    }
    for (const waiting of this.#waits.values()) {
      const wanted = wantedBy(waiting);
      if (!this.#takeSteps(wanted, budget)) break;
      for (const { filed } of this.heldByOthers(wanted, waiting, holder)) found.add(filed);
    }
    return found;
  }

  /** Takes the steps to compare these resources with all leases. Returns false if the budget is used up. */
  #takeSteps(resources: readonly Resource[], budget: StepBudget): boolean {
    return budget.take(1 + this.stepsFor(resources, budget.left));
  }

  /** Yields the waiting requests that a held lease may exclude. A request may be yielded several times. */
  *#requestsFor(lease: LiveLease): Generator<LiveLease> {
    const where = (other: LiveLease, wanted: Resource): boolean =>
      other.record.state === "waiting" && mayExclude(other, lease, wanted);
    for (const { filed } of this.#index.meeting(lease.resources, where)) yield filed;
  }

  /**
   * Returns the requests that wait because of a held lease, the oldest first. Other leases may block them, too. Returns
   * none if the budget is used up.
   */
  waitingFor(row: number, budget: StepBudget): LeaseRecord[] {
    const lease = this.#live.get(row);
    if (lease?.record.state !== "held" || !this.#takeSteps(lease.resources, budget)) return [];
    const found = new Set(this.#requestsFor(lease));
    return [...found].toSorted((a, b) => a.order - b.order).map(({ record }) => record);
  }

  /**
   * Returns the maximum number of steps to compare these resources with all leases.
   * @param stepsMax counting stops above this number
   */
  stepsFor(resources: readonly Resource[], stepsMax = GLOB_STEPS_MAX): number {
    return this.#index.stepsFor(resources, stepsMax);
  }

  /** Returns whether comparing these resources with all leases takes more than GLOB_STEPS_MAX steps. */
  costsTooMuch(resources: readonly Resource[]): boolean {
    return this.stepsFor(resources) > GLOB_STEPS_MAX;
  }

  /**
   * Returns whether a holder's request for these resources takes the writer more than about a millisecond. It does if
   * many leases are held or wait for them. It does, too, if many leases wait for the holder's leases: they may wait for
   * the request, and this must not become a deadlock. A request of a holder with very many resources counts as costly,
   * too, because counting would take long.
   */
  isCostly(holder: string, resources: readonly Resource[]): boolean {
    let compared = Math.max(resources.length, this.#index.countNear(resources));
    const own = this.#waits.size < ACQUIRE_COSTLY_WAITING_MIN ? [] : (this.#byHolder.get(holder) ?? []);
    let counted = 0;
    for (const lease of own) {
      const wanted = wantedBy(lease);
      counted += wanted.length;
      if (compared > ACQUIRE_COSTLY_GLOBS_MIN || counted > ACQUIRE_COSTLY_COUNTED_MAX) return true;
      // The lease itself is among those that are near it.
      compared += Math.max(0, this.#index.countNear(wanted) - wanted.length);
    }
    const steps = this.#index.stepsFor(resources, ACQUIRE_COSTLY_STEPS_MIN);
    return compared > ACQUIRE_COSTLY_GLOBS_MIN || steps > ACQUIRE_COSTLY_STEPS_MIN;
  }

  /** Returns whether a call about a live lease takes the writer as long as `isCostly` says. */
  isCostlyAt(row: number): boolean {
    const lease = this.#live.get(row);
    return lease !== undefined && this.isCostly(lease.holder, wantedBy(lease));
  }

  /**
   * Returns whether the end of a live lease takes the writer more than about a millisecond. The writer compares
   * requests that wait for the lease with the leases near these requests. How many of the requests that takes is not
   * known here, so all of them are counted.
   */
  isEndCostly(row: number): boolean {
    const lease = this.#live.get(row);
    if (lease === undefined || this.#waits.size < ACQUIRE_COSTLY_WAITING_MIN) return false;
    let steps = this.stepsFor(lease.resources, ACQUIRE_COSTLY_STEPS_MIN);
    if (steps > ACQUIRE_COSTLY_STEPS_MIN) return true;
    let counted = 0;
    for (const waiting of this.#requestsFor(lease)) {
      const wanted = wantedBy(waiting);
      counted += wanted.length;
      if (counted > ACQUIRE_COSTLY_COUNTED_MAX) return true;
      steps += this.#index.countNear(wanted);
      if (steps > ACQUIRE_COSTLY_STEPS_MIN) return true;
    }
    return false;
  }

  /**
   * Returns the position of a waiting lease in its queue: 1 for the first. Only waiting leases that conflict with it
   * count. Returns null if the lease does not wait.
   */
  positionOf(row: number): number | null {
    const lease = this.#live.get(row);
    if (lease?.record.state !== "waiting") return null;
    const before = new Set<LiveLease>();
    const where = (other: LiveLease, wanted: Resource): boolean =>
      other.record.state === "waiting" &&
      other.order < lease.order &&
      mayExclude(other, lease, wanted) &&
      !before.has(other);
    for (const { filed } of this.#index.meeting(wantedBy(lease), where)) before.add(filed);
    return before.size + 1;
  }

  /**
   * Waits until a lease is granted or ends, at most `waitMs`.
   * @param client registers a listener that is called when the client disconnects
   */
  async whileWaiting(row: number, waitMs: number, client: { onAbort(listener: () => void): void }): Promise<void> {
    const waits = (): boolean => this.#live.get(row)?.record.state === "waiting";
    if (!waits()) return;
    await waitFor({
      queue: this.#calls,
      look: () => (waits() ? null : true),
      waitMs,
      listen: (waiter) => this.wakeBy(row, waiter),
      onAbort: (listener) => client.onAbort(listener),
    });
  }

  /**
   * Wakes a waiter when a lease changes, unless the lease still waits after the change.
   * @returns a function that removes the waiter
   */
  wakeBy(row: number, waiter: Wakeable): () => void {
    return this.#waiters.add(row, waiter);
  }

  /** Ends the calls that wait for one lease, because the server is shutting down. */
  end(): void {
    this.#calls.close();
  }

  expose(out: Exposition): void {
    out
      .metric("koor_leases", "gauge", "Leases by state.")
      .sample("koor_leases", this.#held, { state: "held" })
      .sample("koor_leases", this.#waiting, { state: "waiting" })
      .metric("koor_lease_wait_seconds", "summary", "Time from the request of a lease to its grant.")
      .sample("koor_lease_wait_seconds_sum", this.#waited.sumS)
      .sample("koor_lease_wait_seconds_count", this.#waited.count);
  }

  #put(record: LeaseRecord): void {
    const known = this.#live.get(record.row);
    if (known !== undefined) this.#count(known.record, -1);
    if (record.ended_at !== null) {
      if (known !== undefined) this.#remove(known);
      return;
    }
    this.#count(record, 1);
    const lease = known ?? liveLease(record);
    if (known === undefined) this.#add(lease);
    else this.#change(known, record);
    if (record.state === "waiting") this.#waits.set(record.row, lease);
    else this.#waits.delete(record.row);
  }

  #change(lease: LiveLease, record: LeaseRecord): void {
    lease.record = record;
    if (lease.alternatives.length === 0 || record.state === "waiting") return;
    // The grant has chosen the names of the lease. Index the lease again under these names.
    this.#index.remove(lease);
    lease.resources = resourcesOf(record.resources, record.workspace);
    lease.alternatives = [];
    lease.chosen = liveLease(record).chosen;
    this.#index.add(lease);
  }

  #count(record: LeaseRecord, by: 1 | -1): void {
    if (!isLease(record)) return;
    if (record.state === "held") this.#held += by;
    else this.#waiting += by;
  }

  #add(lease: LiveLease): void {
    this.#live.set(lease.order, lease);
    this.#index.add(lease);
    this.#byHolder.add(lease.holder, lease);
  }

  #remove(lease: LiveLease): void {
    this.#live.delete(lease.order);
    this.#waits.delete(lease.order);
    this.#index.remove(lease);
    this.#byHolder.remove(lease.holder, lease);
  }

  #notify(record: LeaseRecord): void {
    for (const listener of this.#listeners) listener(record);
    if (record.state !== "waiting") this.#waiters.wake(record.row);
  }
}
