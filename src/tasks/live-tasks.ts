/**
 * The tasks that have not ended, by heart: by id, which are ready and for whom, which wait for which, how many there
 * are of each state. What becomes of one is the book's to decide (task-registry.ts). Pure but for its state.
 */
import { CLAIM_STEPS_MAX } from "../../schemas/limits.js";
import { TASK_STATES, type TaskState } from "../../schemas/tasks.js";
import { Groups } from "../base/groups.js";
import { TurnoverMap } from "../base/turnover-map.js";
import { type Claimant, type Rank, type ReadyTask, ReadyQueue } from "./ready-queue.js";
import { BLOCKER_BYTES, taskBytes } from "./task-bytes.js";
import { hasEnded, type LiveTask, type TaskLife } from "./task.js";

/** A task in the pool. */
interface QueuedTask extends ReadyTask {
  readonly task: LiveTask;
}

/** What was found of the resources of a task, and in how many steps. */
export interface Looked {
  readonly free: boolean;
  readonly steps: number;
}

/** The task that was found; or, where the steps were used up, the place behind which others may be. */
export interface Found {
  readonly task: LiveTask | null;
  readonly more: Rank | null;
}

export class LiveTasks {
  readonly #by_id = new TurnoverMap<string, LiveTask>();
  readonly #by_row = new TurnoverMap<number, LiveTask>();
  readonly #ready = new ReadyQueue<QueuedTask>();
  /** The tasks that are blocked, by the row of what each of them waits for. */
  readonly #blocked = new Groups<number, LiveTask>();
  /** Those that are ready and were kept for an instance, by its id, whether or not its time has passed. */
  readonly #reserved = new Groups<string, LiveTask>();
  #counts = TASK_STATES.map(() => 0);
  /**
   * Of those that cannot go on by themselves, by row: how many of what each waits for have ended and are not done, or
   * cannot go on either. Kept, so that no call has to walk what a task waits for.
   */
  readonly #lost_blockers = new TurnoverMap<number, number>();
  /** Whether that has changed since the last commit. */
  #stuckChanged = false;
  /** What each takes in memory, by its row. */
  readonly #bytes_of = new TurnoverMap<number, number>();
  #bytes = 0;

  /** Bytes of memory that they take together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What was changed since the last commit stays. */
  committed(): void {
    this.#stuckChanged = false;
  }

  /** What was changed since the last commit has been taken back, task by task. */
  rolledBack(): void {
    if (this.#stuckChanged) this.findStuck(this.#by_row.values());
    this.#stuckChanged = false;
  }

  get size(): number {
    return this.#by_id.size;
  }

  /** How many there are of each state, in the order of TASK_STATES. */
  get counts(): readonly number[] {
    return this.#counts;
  }

  get(id: string): LiveTask | undefined {
    return this.#by_id.get(id);
  }

  byRow(row: number): LiveTask | undefined {
    return this.#by_row.get(row);
  }

  clear(): void {
    this.#by_id.clear();
    this.#by_row.clear();
    this.#bytes_of.clear();
    this.#lost_blockers.clear();
    this.#bytes = 0;
    this.#ready.clear();
    this.#blocked.clear();
    this.#reserved.clear();
    this.#counts = TASK_STATES.map(() => 0);
  }

  /** Takes a task in as it is now; one that has ended it does not know. */
  add(task: LiveTask, now_ms: number): void {
    const { state, reserved } = task.life;
    if (hasEnded(state)) return;
    this.#by_id.set(task.id, task);
    this.#by_row.set(task.row, task);
    this.weigh(task);
    this.#count(state, 1);
    if (state === "ready") this.#ready.add(queuedTask(task), now_ms);
    if (reserved !== null) this.#reserved.add(reserved, task);
    let lost = 0;
    for (const blocker of task.blockers) {
      this.#blocked.add(blocker, task);
      if (this.isLost(blocker)) lost += 1;
    }
    this.#setLost(task.row, lost);
    if (task.blockers.size > 0) this.#stuckChanged = true;
  }

  /** Lets a task go, before it becomes another: it waits for nothing then. */
  remove(task: LiveTask): void {
    if (!this.#by_id.delete(task.id)) return;
    this.#by_row.delete(task.row);
    this.#bytes -= this.bytesOf(task.row);
    this.#bytes_of.delete(task.row);
    const { state, reserved } = task.life;
    this.#count(state, -1);
    if (state === "ready") this.#ready.remove(task.row);
    if (reserved !== null) this.#reserved.remove(reserved, task);
    if (task.blockers.size > 0) this.#stuckChanged = true;
    for (const blocker of task.blockers) this.unblock(task, blocker);
    this.#lost_blockers.delete(task.row);
  }

  /** Whether a task cannot go on by itself: it waits, directly or through others, for one that has ended undone. */
  isStuck({ row }: LiveTask): boolean {
    return this.#lost_blockers.has(row);
  }

  /** Whether what is waited for will not be done by itself: it has ended undone, or is stuck. */
  isLost(row: number): boolean {
    return this.#by_row.get(row) === undefined || this.#lost_blockers.has(row);
  }

  /** One is lost that was not: the tasks that cannot go on because of it alone, the oldest first. */
  lose(row: number): LiveTask[] {
    return this.#spread([row], 1);
  }

  /** One is not lost any more: the tasks that can go on again, the oldest first. */
  regain(row: number): LiveTask[] {
    return this.#spread([row], -1);
  }

  /** Finds out which of these are stuck: they were added in any order, and nothing else waits for them. */
  findStuck(tasks: readonly LiveTask[]): void {
    const rows = new Set(tasks.map(({ row }) => row));
    for (const row of rows) this.#lost_blockers.delete(row);
    for (const task of tasks) {
      let lost = 0;
      // Of those that are judged, it hears when they turn out to be stuck.
      for (const blocker of task.blockers) if (!this.#isLive(blocker, rows)) lost += 1;
      if (lost === 0) continue;
      const before = this.#lost_blockers.get(task.row) ?? 0;
      this.#setLost(task.row, before + lost);
      if (before === 0) this.#spread([task.row], 1);
    }
  }

  /**
   * A task of the same state is another than it was for those who would claim it.
   * @param before what it was
   */
  requeue(task: LiveTask, { reserved: before }: TaskLife, now_ms: number): void {
    const { state, reserved } = task.life;
    if (before !== null && before !== reserved) this.#reserved.remove(before, task);
    if (state === "ready") this.#ready.add(queuedTask(task), now_ms);
  }

  /** What a task takes of them; 0 where it has ended. */
  bytesOf(row: number): number {
    return this.#bytes_of.get(row) ?? 0;
  }

  /** Its texts are others than they were, or what it waits for. */
  weigh(task: LiveTask): void {
    const bytes = taskBytes(task);
    this.#bytes += bytes - this.bytesOf(task.row);
    this.#bytes_of.set(task.row, bytes);
  }

  /** The tasks that are kept for an instance, the oldest first. */
  reservedFor(instance: string): LiveTask[] {
    return [...(this.#reserved.get(instance) ?? [])].toSorted((a, b) => a.row - b.row);
  }

  /**
   * The best task whose resources are free. It ends after CLAIM_STEPS_MAX steps, which are counted by what is stored:
   * each node ends at the same task.
   * @param after the place behind which it begins; null for all
   * @param look at the resources of one
   */
  best(claimant: Claimant, now_ms: number, after: Rank | null, look: (task: LiveTask) => Looked): Found {
    let steps = 0;
    let last = after;
    for (const { task, level, fits } of this.#ready.inOrder(claimant, now_ms, after)) {
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

  /** The tasks that wait for one, the oldest first. */
  blockedBy(row: number): LiveTask[] {
    return [...(this.#blocked.get(row) ?? [])].toSorted((a, b) => a.row - b.row);
  }

  /** How many tasks wait for one. */
  waitersOf(row: number): number {
    return this.#blocked.get(row)?.size ?? 0;
  }

  /** A task does not wait for another any more. */
  unblock(task: LiveTask, blocker: number): void {
    const waited = task.blockers.delete(blocker);
    this.#blocked.remove(blocker, task);
    // Whoever reads the same tasks from the database counts the same.
    if (!waited || !this.#bytes_of.has(task.row)) return;
    this.#bytes_of.set(task.row, this.bytesOf(task.row) - BLOCKER_BYTES);
    this.#bytes -= BLOCKER_BYTES;
  }

  #isLive(row: number, rows: ReadonlySet<number>): boolean {
    return rows.has(row) ? this.#by_row.get(row) !== undefined : !this.isLost(row);
  }

  /** Counts a blocker that is lost, or is not any more, through all that waits for it. */
  #spread(rows: number[], by: 1 | -1): LiveTask[] {
    this.#stuckChanged = true;
    const changed: LiveTask[] = [];
    for (const row of rows) {
      for (const task of this.#blocked.get(row) ?? []) {
        const before = this.#lost_blockers.get(task.row) ?? 0;
        this.#setLost(task.row, before + by);
        if (before !== 0 && before + by !== 0) continue;
        rows.push(task.row);
        changed.push(task);
      }
    }
    return changed.sort((a, b) => a.row - b.row);
  }

  #setLost(row: number, lost: number): void {
    if (lost > 0) this.#lost_blockers.set(row, lost);
    else this.#lost_blockers.delete(row);
  }

  #count(state: TaskState, by: 1 | -1): void {
    const at = TASK_STATES.indexOf(state);
    this.#counts[at] = (this.#counts[at] ?? 0) + by;
  }
}

function queuedTask(task: LiveTask): QueuedTask {
  return { ...readyTask(task), task };
}

/** A task that is ready, as far as it matters who may claim it. */
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
