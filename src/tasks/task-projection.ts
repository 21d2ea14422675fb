/**
 * The tasks that are ready, as the front knows them: what each commit has left of them, who may claim one now, and who
 * is told when there is one more to be claimed. The writer decides; this knows whom it is worth asking it for. Pure but
 * for its state.
 */
import type { LeaseRecord } from "../../schemas/leases.js";
import { CLAIM_LOOK_STEPS, TASK_OFFER_STEPS_MAX } from "../../schemas/limits.js";
import { TASK_STATES, type ReadyRecord, type TasksPush, type TaskState } from "../../schemas/tasks.js";
import type { Wakeable } from "../base/waiter.js";
import { Waiters } from "../base/waiters.js";
import { resourcesOf } from "../claims/lease.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import type { Resource } from "../claims/resource.js";
import { ResourceIndex } from "../claims/resource-index.js";
import type { Exposition, Measured } from "../measure/exposition.js";
import { ReadinessIndex, type DatedTask, type Freed, NEVER_LEASED, type SortKey, since } from "./readiness-index.js";
import { type Claimant, mayClaim, ReadyQueue } from "./ready-queue.js";
import { hasEnded } from "./task.js";

/** A task that is ready, as the front has it. */
export interface ClaimableTask extends DatedTask {
  readonly id: string;
  readonly resources: readonly Resource[];
}

/** A task that is ready but for a resource that somebody holds. */
export interface BusyTask {
  readonly task: ClaimableTask;
  /** The task's resource, and the one of the lease that meets it. */
  readonly wanted: string;
  readonly resource: string;
  readonly lease: LeaseRecord;
}

/** What the database says, at the start and after a crash. */
export interface StoredTasks {
  ready(): readonly ReadyRecord[];
  counts(): readonly number[];
}

/** Who is told what has become of tasks. */
export interface TaskListener {
  /** Somebody may claim a task who could not before. */
  claimable?(task: ClaimableTask): void;
  /** A commit has changed a task; at the end of one, for good. */
  changed?(id: string, state: TaskState): void;
  /** Anything may have happened that nobody was told of. */
  lost?(): void;
}

export class TaskProjection implements Measured {
  readonly #stored: StoredTasks;
  readonly #leases: LeaseProjection;
  readonly #ready = new ReadyQueue<ClaimableTask>();
  readonly #by_resource = new ResourceIndex<ClaimableTask>();
  readonly #readiness = new ReadinessIndex<ClaimableTask>((task) => this.#ready.get(task.row) === task);
  readonly #listeners = new Set<TaskListener>();
  /** Who waits for a task to become another, by its id. */
  readonly #waiters = new Waiters<string>();
  /** From when a task was ready to its claim, in seconds: how many were claimed, and how long they waited together. */
  readonly #waited = { count: 0, sum_s: 0 };
  #counts: readonly number[] = [];
  /** Those whose time has come since the last tick. */
  #due: ClaimableTask[] = [];

  constructor(stored: StoredTasks, leases: LeaseProjection, now_ms: number) {
    this.#stored = stored;
    this.#leases = leases;
    leases.listen((record) => {
      if (record.state !== "held" && record.state !== "waiting") this.#freed(record);
    });
    this.#read(now_ms);
  }

  listen(listener: TaskListener): void {
    this.#listeners.add(listener);
  }

  unlisten(listener: TaskListener): void {
    this.#listeners.delete(listener);
  }

  /** Has a waiter woken when a task has become another; until the function that is returned is called. */
  wakeBy(id: string, waiter: Wakeable): () => void {
    return this.#waiters.add(id, waiter);
  }

  /** The task of a row, where it is ready. */
  get(row: number): ClaimableTask | undefined {
    return this.#ready.get(row);
  }

  /** What a commit did. */
  accept({ changed, counts }: TasksPush, now_ms: number): void {
    this.#counts = counts;
    const claimable: ClaimableTask[] = [];
    for (const { row, ready, waited_ms } of changed) {
      this.#remove(row);
      if (ready !== null) claimable.push(this.#add(ready, now_ms, NEVER_LEASED));
      if (waited_ms === null) continue;
      this.#waited.count += 1;
      this.#waited.sum_s += waited_ms / 1000;
    }
    for (const { id, state } of changed) {
      this.#waiters.wake(id);
      for (const listener of this.#listeners) listener.changed?.(id, state);
    }
    // What is not ready any more by what came later in the commit is offered to nobody.
    for (const task of claimable)
      if (this.#ready.get(task.row) === task && (task.not_before ?? 0) <= now_ms) this.#notifyClaimable(task);
  }

  /** Anything may have happened: the writer crashed, or a snapshot was restored. */
  catchUp(now_ms: number): void {
    this.#read(now_ms);
    for (const listener of [...this.#listeners]) listener.lost?.();
  }

  tick(now_ms: number): void {
    const due = this.#due.splice(0);
    this.#advance(now_ms);
    // Once more: the writer's clock may be a little behind, and have refused them.
    for (const task of due) this.#notifyClaimable(task);
  }

  /**
   * The best task that an instance could claim now. Behind so many that are busy that it is not found in
   * TASK_OFFER_STEPS_MAX steps, only the writer finds one; what is offered anew is found all the same.
   * @param wants whether it is one that is looked for
   */
  best(claimant: Claimant, now_ms: number, wants: (task: ClaimableTask) => boolean): ClaimableTask | undefined {
    return this.#search(claimant, now_ms, (task) => wants(task) && this.isFree(task, claimant.id));
  }

  /**
   * The best tasks that an instance could claim now, were what they need not held by others; each with one such lease.
   * Those that are found in TASK_OFFER_STEPS_MAX steps.
   */
  busyFor(claimant: Claimant, now_ms: number, most: number): BusyTask[] {
    const busy: BusyTask[] = [];
    this.#search(claimant, now_ms, (task) => {
      const [held] = this.#leases.heldByOthers(task.resources, claimant.id, false);
      if (held !== undefined)
        busy.push({ task, wanted: held.wanted.text, resource: held.resource.text, lease: held.filed.record });
      return busy.length >= most;
    });
    return busy;
  }

  /** The tasks that an instance could claim now, but not yet at a moment: in the order in which it could. */
  *claimableAfter(key: SortKey, claimant: Claimant, now_ms: number): Generator<ClaimableTask> {
    this.#advance(now_ms);
    for (const { task, at_ms } of this.#readiness.after(key, now_ms))
      if (at_ms === since(task, claimant) && mayClaim(task, claimant, now_ms) && this.isFree(task, claimant.id))
        yield task;
  }

  /** Whether nobody else holds what a task needs. */
  isFree({ resources }: ClaimableTask, holder: string): boolean {
    return resources.length === 0 || this.#leases.heldByOthers(resources, holder, false).next().done === true;
  }

  expose(out: Exposition): void {
    out.metric("koor_tasks", "gauge", "Tasks that have not ended, by state.");
    for (const [at, state] of TASK_STATES.entries())
      if (!hasEnded(state)) out.sample("koor_tasks", this.#counts[at] ?? 0, { state });
    out
      .metric("koor_task_claim_seconds", "summary", "From when a task is ready to its claim.")
      .sample("koor_task_claim_seconds_sum", this.#waited.sum_s)
      .sample("koor_task_claim_seconds_count", this.#waited.count);
  }

  /** The first task of those that an instance may claim, the best first, that is admitted. */
  #search(claimant: Claimant, now_ms: number, admits: (task: ClaimableTask) => boolean): ClaimableTask | undefined {
    // The pool says only once whose time has come.
    this.#advance(now_ms);
    let steps = 0;
    for (const { task, fits } of this.#ready.inOrder(claimant, now_ms)) {
      if (steps >= TASK_OFFER_STEPS_MAX) return undefined;
      if (fits && admits(task)) return task;
      const { resources } = task;
      steps += 1;
      if (fits && resources.length > 0) steps += CLAIM_LOOK_STEPS + this.#leases.stepsFor(resources);
    }
    return undefined;
  }

  #advance(now_ms: number): void {
    for (const task of this.#ready.advance(now_ms)) {
      this.#due.push(task);
      this.#notifyClaimable(task);
    }
  }

  #read(now_ms: number): void {
    this.#ready.clear();
    this.#by_resource.clear();
    this.#readiness.clear();
    this.#due = [];
    this.#counts = this.#stored.counts();
    const freed = { ...NEVER_LEASED, at_ms: now_ms };
    // What was leased and released when nobody listened is not known: it may have been now.
    for (const record of this.#stored.ready()) this.#add(record, 0, record.resources.length > 0 ? freed : NEVER_LEASED);
  }

  #add({ resources: texts, ...record }: ReadyRecord, now_ms: number, freed: Freed): ClaimableTask {
    const resources = resourcesOf(texts, record.workspace);
    const task = { ...record, resources, freed };
    this.#ready.add(task, now_ms);
    if (resources.length > 0) this.#by_resource.add(task);
    this.#readiness.add(task);
    return task;
  }

  #remove(row: number): void {
    const task = this.#ready.get(row);
    if (task === undefined) return;
    this.#ready.remove(row);
    this.#by_resource.remove(task);
    this.#readiness.removed();
  }

  #notifyClaimable(task: ClaimableTask): void {
    for (const listener of [...this.#listeners]) listener.claimable?.(task);
  }

  /** A lease is in nobody's way any more: what needs the same may be claimed now. */
  #freed(lease: LeaseRecord): void {
    if (this.#by_resource.size === 0) return;
    const resources = resourcesOf(lease.resources, lease.workspace);
    const freed = new Set<ClaimableTask>();
    for (const { filed } of this.#by_resource.meeting(resources, (task) => !freed.has(task))) freed.add(filed);
    for (const task of freed) this.#readiness.free(task, lease.holder, lease.ended_at ?? 0);
    for (const task of [...freed].toSorted((a, b) => a.row - b.row))
      if (this.#ready.get(task.row) === task) this.#notifyClaimable(task);
  }
}
