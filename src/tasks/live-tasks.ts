/**
 * The tasks that have not ended, by heart: by id, which are ready and for whom, which wait for which, how many there
 * are of each state. What becomes of one is the book's to decide (book.ts). Pure but for its state.
 */
import { TASK_STATES, type TaskState } from "../../schemas/tasks.js";
import { Groups } from "../base/groups.js";
import { TurnoverMap } from "../base/turnover-map.js";
import { type Claimant, type ReadyTask, TaskPool } from "./pool.js";
import { taskBytes } from "./task-bytes.js";
import { hasEnded, type LiveTask, type TaskLife } from "./task.js";

/** A task in the pool. */
interface Pooled extends ReadyTask {
  readonly task: LiveTask;
}

/** Which claim is in the way of what a task needs, for who would claim it. */
export interface Obstacles {
  /** Undefined where its resources are free. */
  of(task: LiveTask): number | undefined;
  /** Those that are none for who would claim. */
  readonly passed: Iterable<number>;
}

export class LiveTasks {
  readonly #by_id = new TurnoverMap<string, LiveTask>();
  readonly #by_row = new TurnoverMap<number, LiveTask>();
  readonly #pool = new TaskPool<Pooled>();
  /** The tasks that are blocked, by the row of what each of them waits for. */
  readonly #blocked = new Groups<number, LiveTask>();
  /** Those that are ready and were kept for an instance, by its id, whether or not its time has passed. */
  readonly #reserved = new Groups<string, LiveTask>();
  #counts = TASK_STATES.map(() => 0);
  /** What each takes in memory, by its row. */
  readonly #bytes_of = new TurnoverMap<number, number>();
  #bytes = 0;

  /** Bytes of memory that they take together. */
  get bytes(): number {
    return this.#bytes;
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
    this.#bytes = 0;
    this.#pool.clear();
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
    if (state === "ready") this.#pool.add(pooled(task), now_ms);
    if (reserved !== null) this.#reserved.add(reserved, task);
    for (const blocker of task.blockers) this.#blocked.add(blocker, task);
  }

  /** Lets a task go, before it becomes another: it waits for nothing then. */
  remove(task: LiveTask): void {
    if (!this.#by_id.delete(task.id)) return;
    this.#by_row.delete(task.row);
    this.#bytes -= this.bytesOf(task.row);
    this.#bytes_of.delete(task.row);
    const { state, reserved } = task.life;
    this.#count(state, -1);
    if (state === "ready") this.#pool.remove(task.row);
    if (reserved !== null) this.#reserved.remove(reserved, task);
    for (const blocker of task.blockers) this.unblock(task, blocker);
  }

  /**
   * A task of the same state is another than it was for those who would claim it.
   * @param before what it was
   */
  refile(task: LiveTask, { reserved: before }: TaskLife, now_ms: number): void {
    const { state, reserved } = task.life;
    if (before !== null && before !== reserved) this.#reserved.remove(before, task);
    if (state === "ready") this.#pool.add(pooled(task), now_ms);
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

  /** The best task whose resources are free; one whose are not is set aside under what is in the way. */
  best(claimant: Claimant, now_ms: number, obstacles: Obstacles): LiveTask | undefined {
    const best = this.#pool.best(claimant, now_ms, obstacles.passed, (ready) => {
      const obstacle = obstacles.of(ready.task);
      if (obstacle !== undefined) this.#pool.setAside(ready, obstacle);
      return obstacle === undefined;
    });
    return best?.task;
  }

  /** Something is in nobody's way any more. */
  takeBack(obstacle: number, now_ms: number): void {
    this.#pool.takeBack(obstacle, now_ms);
  }

  /** What was in their way may never have been. */
  takeAllBack(): void {
    this.#pool.takeAllBack(0);
  }

  /** The tasks that wait for one, the oldest first. */
  blockedBy(row: number): LiveTask[] {
    return [...(this.#blocked.get(row) ?? [])].toSorted((a, b) => a.row - b.row);
  }

  /** A task does not wait for another any more. */
  unblock(task: LiveTask, blocker: number): void {
    task.blockers.delete(blocker);
    this.#blocked.remove(blocker, task);
    // Whoever reads the same tasks from the database counts the same.
    if (this.#bytes_of.has(task.row)) this.weigh(task);
  }

  #count(state: TaskState, by: 1 | -1): void {
    const at = TASK_STATES.indexOf(state);
    this.#counts[at] = (this.#counts[at] ?? 0) + by;
  }
}

function pooled(task: LiveTask): Pooled {
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
