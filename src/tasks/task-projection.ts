/**
 * Keeps the ready tasks on the front: a replica of the writer's state after each commit. It knows which instance may
 * claim a task now, and notifies listeners when a task can be claimed. The writer decides; this replica shows which
 * calls should ask it. Pure except for its state.
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

/** A ready task on the front. */
export interface ClaimableTask extends DatedTask {
  readonly id: string;
  readonly resources: readonly Resource[];
}

/** A task that an instance could claim if another holder had not leased a resource. */
export interface BusyTask {
  readonly task: ClaimableTask;
  /** The task's resource, and the overlapping resource of the lease. */
  readonly wanted: string;
  readonly resource: string;
  readonly lease: LeaseRecord;
}

/** The stored tasks, read at the start and after a crash. */
export interface StoredTasks {
  ready(): readonly ReadyRecord[];
  counts(): readonly number[];
}

/** A listener for changes of tasks. */
export interface TaskListener {
  /** An instance may claim a task that it could not claim before. */
  claimable?(task: ClaimableTask): void;
  /** A commit has changed a task. An ended task is not reported again unless it is retried. */
  changed?(id: string, state: TaskState): void;
  /** Changes may have been missed. */
  lost?(): void;
}

export class TaskProjection implements Measured {
  readonly #stored: StoredTasks;
  readonly #leases: LeaseProjection;
  readonly #ready = new ReadyQueue<ClaimableTask>();
  readonly #by_resource = new ResourceIndex<ClaimableTask>();
  readonly #readiness = new ReadinessIndex<ClaimableTask>((task) => this.#ready.get(task.row) === task);
  readonly #listeners = new Set<TaskListener>();
  /** Waiters for the next change of a task, by its id. */
  readonly #waiters = new Waiters<string>();
  /** Time from ready to claimed, in seconds: the number of claims and the sum of their waits. */
  readonly #waited = { count: 0, sum_s: 0 };
  #counts: readonly number[] = [];
  /** Tasks whose time has come since the last tick. */
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

  /**
   * Wakes a waiter when a task changes.
   * @returns the function that removes the waiter
   */
  wakeBy(id: string, waiter: Wakeable): () => void {
    return this.#waiters.add(id, waiter);
  }

  /** The task of a row if it is ready. */
  get(row: number): ClaimableTask | undefined {
    return this.#ready.get(row);
  }

  /** Applies the changes of a commit. */
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
    // A later change of the same commit may have ended its readiness.
    for (const task of claimable)
      if (this.#ready.get(task.row) === task && (task.not_before ?? 0) <= now_ms) this.#notifyClaimable(task);
  }

  /** Reads all tasks again, because the writer crashed or a snapshot was restored. */
  catchUp(now_ms: number): void {
    this.#read(now_ms);
    for (const listener of [...this.#listeners]) listener.lost?.();
  }

  tick(now_ms: number): void {
    const due = this.#due.splice(0);
    this.#advance(now_ms);
    // Notify again: the writer's clock may have been slightly late and have refused them.
    for (const task of due) this.#notifyClaimable(task);
  }

  /**
   * The best task that an instance could claim now. It stops after TASK_OFFER_STEPS_MAX steps; after that many busy
   * tasks only the writer finds one. A newly claimable task is reported regardless of that.
   * @param wants filters the tasks
   */
  best(claimant: Claimant, now_ms: number, wants: (task: ClaimableTask) => boolean): ClaimableTask | undefined {
    return this.#search(claimant, now_ms, (task) => wants(task) && this.isFree(task, claimant.id));
  }

  /**
   * The best tasks that an instance could claim now if others did not hold their resources, each with one such lease.
   * The search stops after TASK_OFFER_STEPS_MAX steps.
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

  /** The tasks that an instance can claim now and that became claimable after a key, in that order. */
  *claimableAfter(key: SortKey, claimant: Claimant, now_ms: number): Generator<ClaimableTask> {
    this.#advance(now_ms);
    for (const { task, at_ms } of this.#readiness.after(key, now_ms))
      if (at_ms === since(task, claimant) && mayClaim(task, claimant, now_ms) && this.isFree(task, claimant.id))
        yield task;
  }

  /** Returns whether no other holder has a resource that a task needs. */
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

  /** The first task that is admitted, among those that an instance may claim, the best first. */
  #search(claimant: Claimant, now_ms: number, admits: (task: ClaimableTask) => boolean): ClaimableTask | undefined {
    // The queue reports only once that a task's time has come.
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
    // Leases that ended before this server listened are unknown. They may have ended just now.
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

  /** Reports tasks that need the resources of an ended lease. */
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
