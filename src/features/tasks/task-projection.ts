/**
 * Keeps the front's copy of the ready tasks, as of the latest commit. It knows which instance may claim which task now,
 * and notifies listeners when a task becomes claimable. Pure except for its state.
 *
 * The writer decides which call gets a task. This copy shows only which calls should ask the writer.
 */
import type { LeaseRecord } from "../../../schemas/leases.js";
import { CLAIM_LOOK_STEPS, TASK_OFFER_STEPS_MAX } from "../../../schemas/limits/tasks.js";
import { TASK_STATES, type ReadyRecord, type TasksPush, type TaskState } from "../../../schemas/tasks.js";
import type { Wakeable } from "../../base/waiter.js";
import { Waiters } from "../../base/waiters.js";
import { resourcesOf } from "../claims/lease.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import type { Resource } from "../claims/resource.js";
import { ResourceIndex } from "../claims/resource-index.js";
import type { Exposition, Measured } from "../../platform/measure/exposition.js";
import { ReadinessIndex, type DatedTask, type Freed, NEVER_LEASED, type SortKey, since } from "./readiness-index.js";
import { type Claimant, mayClaim, ReadyQueue } from "./ready-queue.js";
import { contenderForTask, hasEnded } from "./task.js";

/** A ready task on the front. */
export interface ClaimableTask extends DatedTask {
  readonly id: string;
  readonly resources: readonly Resource[];
}

/** A task that an instance could claim if its resources were free. `lease` is another holder's lease on one of them. */
export interface BusyTask {
  readonly task: ClaimableTask;
  /** `wanted` is the resource that the task needs. `resource` is the resource of the lease that overlaps it. */
  readonly wanted: string;
  readonly resource: string;
  readonly lease: LeaseRecord;
}

/** Reads the stored tasks. The projection reads them at the start and after a crash of the writer. */
export interface StoredTasks {
  ready(): readonly ReadyRecord[];
  counts(): readonly number[];
}

/** A listener that is called when tasks change. */
export interface TaskListener {
  /** Called when a task becomes claimable for at least one more instance. */
  claimable?(task: ClaimableTask): void;
  /** Called when a commit has changed a task. After a task has ended, the next reported change is its retry. */
  changed?(id: string, state: TaskState): void;
  /** Called when the listener may have missed changes. */
  lost?(): void;
}

export class TaskProjection implements Measured {
  readonly #stored: StoredTasks;
  readonly #leases: LeaseProjection;
  readonly #ready = new ReadyQueue<ClaimableTask>();
  readonly #byResource = new ResourceIndex<ClaimableTask>();
  readonly #readiness = new ReadinessIndex<ClaimableTask>((task) => this.#ready.get(task.row) === task);
  readonly #listeners = new Set<TaskListener>();
  /** The waiters for the next change of a task, by the task's id. */
  readonly #waiters = new Waiters<string>();
  /** The number of claims, and the sum of the seconds from ready to claimed. Both are metrics. */
  readonly #waited = { count: 0, sumS: 0 };
  #counts: readonly number[] = [];
  /**
   * The tasks that have become claimable since the last tick because their `not_before` has come, or because their
   * reservation has expired.
   */
  #due: ClaimableTask[] = [];

  constructor(stored: StoredTasks, leases: LeaseProjection, nowMs: number) {
    this.#stored = stored;
    this.#leases = leases;
    leases.listen((record) => {
      if (record.state !== "held" && record.state !== "waiting") this.#freed(record);
    });
    this.#read(nowMs);
  }

  listen(listener: TaskListener): void {
    this.#listeners.add(listener);
  }

  /**
   * Wakes a waiter when the task with this id changes.
   * @returns a function that removes the waiter
   */
  wakeBy(id: string, waiter: Wakeable): () => void {
    return this.#waiters.add(id, waiter);
  }

  /** Returns the task with this row if it is ready. */
  get(row: number): ClaimableTask | undefined {
    return this.#ready.get(row);
  }

  /** Applies the changes of a commit. */
  accept({ changed, counts }: TasksPush, nowMs: number): void {
    this.#counts = counts;
    const claimable: ClaimableTask[] = [];
    for (const { row, ready, waited_ms } of changed) {
      this.#remove(row);
      if (ready !== null) claimable.push(this.#add(ready, nowMs, NEVER_LEASED));
      if (waited_ms === null) continue;
      this.#waited.count += 1;
      this.#waited.sumS += waited_ms / 1000;
    }
    for (const { id, state } of changed) {
      this.#waiters.wake(id);
      for (const listener of this.#listeners) listener.changed?.(id, state);
    }
    // Notify only about tasks that are still ready. A later change in the same commit may have claimed or ended the
    // task.
    for (const task of claimable)
      if (this.#ready.get(task.row) === task && (task.not_before ?? 0) <= nowMs) this.#notifyClaimable(task);
  }

  /**
   * Reads all tasks again after a crash of the writer or a restore. Listeners are notified that they may have missed
   * changes.
   */
  catchUp(nowMs: number): void {
    this.#read(nowMs);
    for (const listener of [...this.#listeners]) listener.lost?.();
  }

  tick(nowMs: number): void {
    const due = this.#due.splice(0);
    this.#advance(nowMs);
    // Notify about these tasks a second time. The writer may have rejected the claims after the first time, because its
    // clock was slightly behind.
    for (const task of due) this.#notifyClaimable(task);
  }

  /**
   * Returns the best task that an instance could claim now. The search stops after TASK_OFFER_STEPS_MAX steps, even if
   * it has found only busy tasks. After that, only the writer can find a task. Listeners are still notified of each
   * task that becomes claimable.
   * @param wants returns false for a task that the search must skip
   */
  best(claimant: Claimant, nowMs: number, wants: (task: ClaimableTask) => boolean): ClaimableTask | undefined {
    return this.#search(claimant, nowMs, (task) => wants(task) && this.isFree(task, claimant));
  }

  /**
   * Returns the best tasks that an instance could claim if their resources were free. Each comes with one of the other
   * holders' leases on these resources. The search stops after TASK_OFFER_STEPS_MAX steps.
   */
  busyFor(claimant: Claimant, nowMs: number, most: number): BusyTask[] {
    const busy: BusyTask[] = [];
    this.#search(claimant, nowMs, (task) => {
      const [held] = this.#leases.heldByOthers(task.resources, contenderForTask(claimant));
      if (held !== undefined)
        busy.push({ task, wanted: held.wanted.text, resource: held.resource.text, lease: held.filed.record });
      return busy.length >= most;
    });
    return busy;
  }

  /**
   * Yields the tasks that an instance can claim now, in the order in which they became claimable. Begins after a key.
   */
  *claimableAfter(key: SortKey, claimant: Claimant, nowMs: number): Generator<ClaimableTask> {
    this.#advance(nowMs);
    for (const { task, at_ms } of this.#readiness.after(key, nowMs))
      if (at_ms === since(task, claimant) && mayClaim(task, claimant, nowMs) && this.isFree(task, claimant)) yield task;
  }

  /** Returns whether no lease conflicts with the resources that a task needs. */
  isFree({ resources }: ClaimableTask, claimant: Claimant): boolean {
    if (resources.length === 0) return true;
    return this.#leases.heldByOthers(resources, contenderForTask(claimant)).next().done === true;
  }

  expose(out: Exposition): void {
    out.metric("koor_tasks", "gauge", "Tasks that have not ended, by state.");
    for (const [at, state] of TASK_STATES.entries())
      if (!hasEnded(state)) out.sample("koor_tasks", this.#counts[at] ?? 0, { state });
    out
      .metric("koor_task_claim_seconds", "summary", "Time from when a task became ready to its claim.")
      .sample("koor_task_claim_seconds_sum", this.#waited.sumS)
      .sample("koor_task_claim_seconds_count", this.#waited.count);
  }

  /** Returns the best task that an instance may claim and that `admits` accepts. */
  #search(claimant: Claimant, nowMs: number, admits: (task: ClaimableTask) => boolean): ClaimableTask | undefined {
    // Advance the queue here and not in `inOrder`, because the queue reports only once that a task has become
    // claimable.
    this.#advance(nowMs);
    let steps = 0;
    for (const { task, fits } of this.#ready.inOrder(claimant, nowMs)) {
      if (steps >= TASK_OFFER_STEPS_MAX) return undefined;
      if (fits && admits(task)) return task;
      const { resources } = task;
      steps += 1;
      if (fits && resources.length > 0) steps += CLAIM_LOOK_STEPS + this.#leases.stepsFor(resources);
    }
    return undefined;
  }

  #advance(nowMs: number): void {
    for (const task of this.#ready.advance(nowMs)) {
      this.#due.push(task);
      this.#notifyClaimable(task);
    }
  }

  #read(nowMs: number): void {
    this.#ready.clear();
    this.#byResource.clear();
    this.#readiness.clear();
    this.#due = [];
    this.#counts = this.#stored.counts();
    const freed = { ...NEVER_LEASED, at_ms: nowMs };
    // Assume that the last leases on a task's resources ended just now. This server does not know the leases that ended
    // before it started.
    for (const record of this.#stored.ready()) this.#add(record, 0, record.resources.length > 0 ? freed : NEVER_LEASED);
  }

  #add({ resources: texts, ...record }: ReadyRecord, nowMs: number, freed: Freed): ClaimableTask {
    const resources = resourcesOf(texts, record.workspace);
    const task = { ...record, resources, freed };
    this.#ready.add(task, nowMs);
    if (resources.length > 0) this.#byResource.add(task);
    this.#readiness.add(task);
    return task;
  }

  #remove(row: number): void {
    const task = this.#ready.get(row);
    if (task === undefined) return;
    this.#ready.remove(row);
    this.#byResource.remove(task);
    this.#readiness.removed();
  }

  #notifyClaimable(task: ClaimableTask): void {
    for (const listener of [...this.#listeners]) listener.claimable?.(task);
  }

  /** Notifies listeners about the tasks that need a resource of a lease that has just ended. */
  #freed(lease: LeaseRecord): void {
    if (this.#byResource.size === 0) return;
    const resources = resourcesOf(lease.resources, lease.workspace);
    const freed = new Set<ClaimableTask>();
    for (const { filed } of this.#byResource.meeting(resources, (task) => !freed.has(task))) freed.add(filed);
    for (const task of freed) this.#readiness.free(task, lease.holder, lease.ended_at ?? 0);
    for (const task of [...freed].toSorted((a, b) => a.row - b.row))
      if (this.#ready.get(task.row) === task) this.#notifyClaimable(task);
  }
}
