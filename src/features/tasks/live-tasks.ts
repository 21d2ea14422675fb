/**
 * Keeps all tasks that have not ended in memory. It finds tasks by id, queues the ready ones, and groups the blocked
 * ones by their blockers. It also counts the tasks in each state. task-changes.ts decides when a task is added or
 * removed. Pure except for its state.
 */
import { CLAIM_STEPS_MAX } from "../../../schemas/limits/tasks.js";
import { TASK_STATES, type TaskState } from "../../../schemas/tasks.js";
import { Groups } from "../../base/groups.js";
import { TurnoverMap } from "../../base/turnover-map.js";
import { type Claimant, type Rank, type ReadyTask, ReadyQueue } from "./ready-queue.js";
import { BLOCKER_BYTES, taskBytes } from "./task-bytes.js";
import { hasEnded, type LiveTask, type TaskLife } from "./task.js";

/** A task in the ready queue. */
interface QueuedTask extends ReadyTask {
  readonly task: LiveTask;
}

/** The result of checking a task's resources: whether they are free, and how many steps the check took. */
export interface Looked {
  readonly free: boolean;
  readonly steps: number;
}

/**
 * The result of a search for a task. `more` is null if the search is complete. If the search stopped at its step limit,
 * `more` is the rank after which it must continue.
 */
export interface Found {
  readonly task: LiveTask | null;
  readonly more: Rank | null;
}

export class LiveTasks {
  readonly #byId = new TurnoverMap<string, LiveTask>();
  readonly #byRow = new TurnoverMap<number, LiveTask>();
  readonly #ready = new ReadyQueue<QueuedTask>();
  /** The blocked tasks, grouped by each of their blockers. The key is the row of the blocker. */
  readonly #blocked = new Groups<number, LiveTask>();
  /** The ready tasks with a reservation, by the id of the instance that has the reservation. It may have expired. */
  readonly #reserved = new Groups<string, LiveTask>();
  #counts = TASK_STATES.map(() => 0);
  /**
   * Maps the row of each stuck task to the number of its lost blockers. A blocker is lost if it has ended without being
   * done, or if it is stuck itself. Every change of a task updates these numbers, so a read need not search the graph
   * of tasks.
   */
  readonly #lostBlockers = new TurnoverMap<number, number>();
  /** True if `#lostBlockers` may have changed since the last commit. */
  #stuckChanged = false;
  /** The estimated memory of each task, in bytes, by row. */
  readonly #bytesOf = new TurnoverMap<number, number>();
  #bytes = 0;

  /** Returns the estimated memory of all tasks, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Makes the changes since the last commit final. Called after each commit. */
  committed(): void {
    this.#stuckChanged = false;
  }

  /** Called after a rollback. Each task is then again in its state of the last commit. */
  rolledBack(): void {
    if (this.#stuckChanged) this.findStuck(this.#byRow.values());
    this.#stuckChanged = false;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Returns the number of tasks in each state, in the order of TASK_STATES. */
  get counts(): readonly number[] {
    return this.#counts;
  }

  get(id: string): LiveTask | undefined {
    return this.#byId.get(id);
  }

  byRow(row: number): LiveTask | undefined {
    return this.#byRow.get(row);
  }

  clear(): void {
    this.#byId.clear();
    this.#byRow.clear();
    this.#bytesOf.clear();
    this.#lostBlockers.clear();
    this.#bytes = 0;
    this.#ready.clear();
    this.#blocked.clear();
    this.#reserved.clear();
    this.#counts = TASK_STATES.map(() => 0);
  }

  /** Adds a task in its current state. Does nothing if the task has ended. */
  add(task: LiveTask, nowMs: number): void {
    const { state, reserved } = task.life;
    if (hasEnded(state)) return;
    this.#byId.set(task.id, task);
    this.#byRow.set(task.row, task);
    this.weigh(task);
    this.#count(state, 1);
    if (state === "ready") this.#ready.add(queuedTask(task), nowMs);
    if (reserved !== null) this.#reserved.add(reserved, task);
    let lost = 0;
    for (const blocker of task.blockers) {
      this.#blocked.add(blocker, task);
      if (this.isLost(blocker)) lost += 1;
    }
    this.#setLost(task.row, lost);
    if (task.blockers.size > 0) this.#stuckChanged = true;
  }

  /** Removes a task before its state changes. This also empties the task's set of blockers. */
  remove(task: LiveTask): void {
    if (!this.#byId.delete(task.id)) return;
    this.#byRow.delete(task.row);
    this.#bytes -= this.bytesOf(task.row);
    this.#bytesOf.delete(task.row);
    const { state, reserved } = task.life;
    this.#count(state, -1);
    if (state === "ready") this.#ready.remove(task.row);
    if (reserved !== null) this.#reserved.remove(reserved, task);
    if (task.blockers.size > 0) this.#stuckChanged = true;
    for (const blocker of task.blockers) this.unblock(task, blocker);
    this.#lostBlockers.delete(task.row);
  }

  /**
   * Returns whether a task is stuck. A stuck task waits, directly or through others, for a task that has ended without
   * being done.
   */
  isStuck({ row }: LiveTask): boolean {
    return this.#lostBlockers.has(row);
  }

  /** Returns whether a blocker is lost: it has ended without being done, or it is stuck itself. */
  isLost(row: number): boolean {
    return this.#byRow.get(row) === undefined || this.#lostBlockers.has(row);
  }

  /** Counts a task as a lost blocker. Returns the tasks that are stuck from now on because of it, the oldest first. */
  lose(row: number): LiveTask[] {
    return this.#spread([row], 1);
  }

  /** No longer counts a task as a lost blocker. Returns the tasks that are no longer stuck, the oldest first. */
  regain(row: number): LiveTask[] {
    return this.#spread([row], -1);
  }

  /**
   * Finds out which of these tasks are stuck. They may have any order. If a task is among them, every task that waits
   * for it must be among them too.
   */
  findStuck(tasks: readonly LiveTask[]): void {
    const rows = new Set(tasks.map(({ row }) => row));
    for (const row of rows) this.#lostBlockers.delete(row);
    for (const task of tasks) {
      let lost = 0;
      // Count only the lost blockers outside the list. If a blocker in the list turns out to be stuck, `#spread` counts
      // it.
      for (const blocker of task.blockers) if (!this.#isLive(blocker, rows)) lost += 1;
      if (lost === 0) continue;
      const before = this.#lostBlockers.get(task.row) ?? 0;
      this.#setLost(task.row, before + lost);
      if (before === 0) this.#spread([task.row], 1);
    }
  }

  /**
   * Updates a ready task's position in the queue, because its priority or its reservation has changed. The task's state
   * stays the same.
   * @param before the instance for which the task was reserved before the change
   */
  requeue(task: LiveTask, { reserved: before }: TaskLife, nowMs: number): void {
    const { state, reserved } = task.life;
    if (before !== null && before !== reserved) this.#reserved.remove(before, task);
    if (state === "ready") this.#ready.add(queuedTask(task), nowMs);
  }

  /** Returns the estimated memory of a task, in bytes; 0 if it has ended. */
  bytesOf(row: number): number {
    return this.#bytesOf.get(row) ?? 0;
  }

  /** Updates the memory estimate of a task after its texts or its blockers have changed. */
  weigh(task: LiveTask): void {
    const bytes = taskBytes(task);
    this.#bytes += bytes - this.bytesOf(task.row);
    this.#bytesOf.set(task.row, bytes);
  }

  /** Returns the tasks that are reserved for an instance, the oldest first. */
  reservedFor(instance: string): LiveTask[] {
    return [...(this.#reserved.get(instance) ?? [])].toSorted((a, b) => a.row - b.row);
  }

  /**
   * Finds the best task that the claimant may have and whose resources are free. The search stops after CLAIM_STEPS_MAX
   * steps. The steps depend only on stored data, so every node stops at the same task.
   * @param after the rank after which the search begins; null to begin at the start
   * @param look checks the resources of one task
   */
  best(claimant: Claimant, nowMs: number, after: Rank | null, look: (task: LiveTask) => Looked): Found {
    let steps = 0;
    let last = after;
    for (const { task, level, fits } of this.#ready.inOrder(claimant, nowMs, after)) {
      if (steps >= CLAIM_STEPS_MAX) return { task: null, more: last };
      last = { level, row: task.row };
      steps += 1;
      if (!fits) continue;
      const looked = look(task.task);
      if (looked.free) return { task: task.task, more: null };
      steps += looked.steps;
    }
    return { task: null, more: null };
  }

  /** Returns the tasks that wait for a given task, the oldest first. */
  blockedBy(row: number): LiveTask[] {
    return [...(this.#blocked.get(row) ?? [])].toSorted((a, b) => a.row - b.row);
  }

  /** Returns the number of tasks that wait for a given task. */
  waitersOf(row: number): number {
    return this.#blocked.get(row)?.size ?? 0;
  }

  /** Removes a blocker from a task. */
  unblock(task: LiveTask, blocker: number): void {
    const waited = task.blockers.delete(blocker);
    this.#blocked.remove(blocker, task);
    // Update the memory estimate too. It must be the same as on a node that has just read the task from the database.
    if (!waited || !this.#bytesOf.has(task.row)) return;
    this.#bytesOf.set(task.row, this.bytesOf(task.row) - BLOCKER_BYTES);
    this.#bytes -= BLOCKER_BYTES;
  }

  #isLive(row: number, rows: ReadonlySet<number>): boolean {
    return rows.has(row) ? this.#byRow.get(row) !== undefined : !this.isLost(row);
  }

  /**
   * Adds `by` to the number of lost blockers of each task that waits for a task in `rows`. If this makes a task stuck,
   * or no longer stuck, the tasks that wait for it are updated in the same way. Returns the tasks that are stuck, or no
   * longer stuck, because of the change.
   */
  #spread(rows: number[], by: 1 | -1): LiveTask[] {
    this.#stuckChanged = true;
    const changed: LiveTask[] = [];
    for (const row of rows) {
      for (const task of this.#blocked.get(row) ?? []) {
        const before = this.#lostBlockers.get(task.row) ?? 0;
        this.#setLost(task.row, before + by);
        if (before !== 0 && before + by !== 0) continue;
        rows.push(task.row);
        changed.push(task);
      }
    }
    return changed.sort((a, b) => a.row - b.row);
  }

  #setLost(row: number, lost: number): void {
    if (lost > 0) this.#lostBlockers.set(row, lost);
    else this.#lostBlockers.delete(row);
  }

  #count(state: TaskState, by: 1 | -1): void {
    const at = TASK_STATES.indexOf(state);
    this.#counts[at] = (this.#counts[at] ?? 0) + by;
  }
}

function queuedTask(task: LiveTask): QueuedTask {
  return { ...readyTask(task), task };
}

/** Returns the members of a ready task that decide which instance may claim it. */
export function readyTask(task: LiveTask): ReadyTask {
  const { row, workspace, labels, requires, life, created_at } = task;
  const { priority, ready_at, not_before, assignee, reserved, reserved_until } = life;
  return {
    row,
    workspace,
    labels,
    requires,
    priority,
    ready_at: ready_at ?? created_at,
    not_before,
    assignee,
    reserved,
    reserved_until,
  };
}
