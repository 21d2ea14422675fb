/**
 * Queues the ready tasks. It decides which instance may claim which task, and which task is the best one: the oldest of
 * those with the highest priority. The priority of a task rises while it waits. The writer assigns tasks from the
 * queue. The front uses its own queue to find the waiters to wake. Pure except for its state.
 *
 * The queue consists of many smaller queues. A task is in one queue for each of its labels, and in one more queue for
 * claims without labels. There are separate queues for each workspace, for each assignee, and for the first capability
 * that a task requires. So a search reads few queues, and the claimant can claim most of the tasks in them. A removed
 * entry stays in its queue until a search reaches it.
 */
import TinyQueue from "tinyqueue";
import { TASK_AGING_MS, TASK_PRIORITY_MAX } from "../../../schemas/limits/tasks.js";
import { TurnoverMap } from "../../base/turnover-map.js";
import { OrderedQueue } from "./ordered-queue.js";

/** The members of a ready task that the queue needs. Times are in ms. */
export interface ReadyTask {
  /** The row of the task. An older task has a smaller row. */
  readonly row: number;
  readonly workspace: string;
  readonly labels: readonly string[];
  readonly requires: readonly string[];
  readonly priority: number;
  readonly ready_at: number;
  readonly not_before: number | null;
  readonly assignee: string | null;
  readonly reserved: string | null;
  readonly reserved_until: number;
}

/** The instance that makes a claim, and the conditions that its task must meet. */
export interface Claimant {
  readonly id: string;
  readonly name: string;
  /** The id of the instance that started the claimant as a subagent; null if the claimant is not a subagent. */
  readonly parent: string | null;
  readonly capabilities: readonly string[];
  readonly workspace: string;
  /** The task must have all of these labels. */
  readonly labels: readonly string[];
}

/** The entry of a task in its queues. If the position of the task changes, a new entry replaces this one. */
interface QueueEntry<Task extends ReadyTask> {
  readonly task: Task;
  readonly queues: readonly Queue<Task>[];
  alive: boolean;
}

/**
 * A time at which a task must be queued again, because it becomes claimable, its reservation expires, or its priority
 * rises.
 */
interface Recheck<Task extends ReadyTask> {
  readonly at_ms: number;
  readonly task: Task;
}

/** A task with its current entry and its next recheck. */
interface Slot<Task extends ReadyTask> {
  readonly task: Task;
  /**
   * The entry in the queues. Null while the `not_before` of the task is in the future, because the task is then in no
   * queue.
   */
  entry: QueueEntry<Task> | null;
  /** The next recheck. The task's earlier rechecks stay in the heap, and are skipped when their time comes. */
  recheck: Recheck<Task> | null;
}

/** A position in the order in which a claimant gets tasks: by priority (`level`), then by row. */
export interface Rank {
  readonly level: number;
  readonly row: number;
}

/** A task that a search has reached. */
export interface Candidate<Task> {
  readonly task: Task;
  readonly level: number;
  /** True if the claimant may have the task, provided that its resources are free. */
  readonly fits: boolean;
}

/** The position of a search among the tasks of one priority in one queue. `entry` is the next task. */
interface Run<Task extends ReadyTask> {
  entry: QueueEntry<Task>;
  readonly queue: Queue<Task>;
  /** An iterator over the entries after `entry`. It is null until the search needs them. */
  rest: Iterator<QueueEntry<Task>, void, void> | null;
}

/** The tasks with the same label, workspace, assignee and first required capability. They are grouped by priority. */
class Queue<Task extends ReadyTask> {
  readonly #levels: (OrderedQueue<QueueEntry<Task>> | undefined)[] = [];
  /** The number of live entries. */
  size = 0;
  #stored = 0;

  /** @param key the key of the queue's bucket */
  constructor(
    readonly key: string,
    readonly needs: string,
  ) {}

  push(entry: QueueEntry<Task>, level: number): void {
    this.size += 1;
    (this.#levels[level] ??= new OrderedQueue(olderFirst)).push(entry);
    this.#stored += 1;
  }

  /** Counts an entry as removed. The entry itself stays until a search reaches it, or until the queue is compacted. */
  drop(): void {
    this.size -= 1;
    if (this.#stored <= 2 * this.size + DROPPED_TOGETHER) return;
    this.#stored = 0;
    for (const entries of this.#levels) {
      entries?.retain(({ alive }) => alive);
      this.#stored += entries?.length ?? 0;
    }
  }

  /** Returns the oldest live entry of a priority. */
  peek(level: number): QueueEntry<Task> | undefined {
    const entries = this.#levels[level];
    let first = entries?.peek();
    for (; first !== undefined && !first.alive; first = entries?.peek()) {
      entries?.pop();
      this.#stored -= 1;
    }
    return first;
  }

  /**
   * Yields the live entries of one priority after a row, the oldest first. The queue must not change during the
   * iteration.
   */
  *after(level: number, row: number): Generator<QueueEntry<Task>, void, void> {
    const sorted = this.#levels[level]?.sorted() ?? [];
    for (let at = firstAfter(sorted, row); at < sorted.length; at++) {
      const entry = sorted[at];
      if (entry?.alive === true) yield entry;
    }
  }
}

/** A queue is not compacted while it has at most this number of removed entries. */
const DROPPED_TOGETHER = 64;

/**
 * Returns the current priority of a task. It is the task's own priority plus one level for each TASK_AGING_MS of
 * waiting.
 */
export function levelOf({ priority, ready_at, not_before }: ReadyTask, nowMs: number): number {
  const waitedMs = Math.max(0, nowMs - Math.max(ready_at, not_before ?? 0));
  return Math.min(TASK_PRIORITY_MAX, priority + Math.floor(waitedMs / TASK_AGING_MS));
}

/** Returns the id or name of the only instance that may claim a task; "" if any instance may. */
function forWhom({ assignee, reserved, reserved_until }: ReadyTask, nowMs: number): string {
  return (reserved_until > nowMs ? reserved : assignee) ?? "";
}

/** Returns whether an instance may claim a task. Does not check whether the task's resources are free. */
export function mayClaim(task: ReadyTask, claimant: Claimant, nowMs: number): boolean {
  const { id, name, capabilities, workspace, labels } = claimant;
  const whom = forWhom(task, nowMs);
  return (
    task.workspace === workspace &&
    (task.not_before ?? 0) <= nowMs &&
    (whom === "" || whom === id || whom === name) &&
    labels.every((label) => task.labels.includes(label)) &&
    task.requires.every((capability) => capabilities.includes(capability))
  );
}

export class ReadyQueue<Task extends ReadyTask> {
  /** Slots by row. */
  readonly #slots = new TurnoverMap<number, Slot<Task>>();
  /**
   * The smaller queues. The key of the outer map contains workspace, assignee and label. The key of the inner map is
   * the first required capability.
   */
  readonly #buckets = new Map<string, Map<string, Queue<Task>>>();
  #rechecks = new OrderedQueue<Recheck<Task>>(soonerFirst);

  /** The number of tasks. */
  get size(): number {
    return this.#slots.size;
  }

  get(row: number): Task | undefined {
    return this.#slots.get(row)?.task;
  }

  clear(): void {
    this.#slots.clear();
    this.#buckets.clear();
    this.#rechecks = new OrderedQueue<Recheck<Task>>(soonerFirst);
  }

  /** Adds a task. If the queue has a task with the same row, the new one replaces it. */
  add(task: Task, nowMs: number): void {
    this.remove(task.row);
    const slot: Slot<Task> = { task, entry: null, recheck: null };
    this.#slots.set(task.row, slot);
    this.#enqueue(slot, nowMs);
  }

  remove(row: number): void {
    const slot = this.#slots.get(row);
    if (slot === undefined) return;
    this.#slots.delete(row);
    this.#dequeue(slot);
  }

  /**
   * Advances the queue to a time. Returns the tasks that at least one instance can claim only from now on: their
   * `not_before` has come, or their reservation has expired.
   */
  advance(nowMs: number): Task[] {
    const due: Task[] = [];
    for (
      let recheck = this.#rechecks.peek();
      recheck !== undefined && recheck.at_ms <= nowMs;
      recheck = this.#rechecks.peek()
    ) {
      this.#rechecks.pop();
      const { row, not_before, reserved_until } = recheck.task;
      const slot = this.#slots.get(row);
      if (slot?.recheck !== recheck) continue;
      slot.recheck = null;
      if (recheck.at_ms === not_before || recheck.at_ms === reserved_until) due.push(recheck.task);
      this.#dequeue(slot);
      this.#enqueue(slot, nowMs);
    }
    return due;
  }

  /**
   * Yields tasks that an instance may be able to claim, the best first. A yielded task may still not fit, for example
   * because it lacks one of the claimant's labels. Such tasks are yielded too, because the caller must count them as
   * steps of its search. The queue must not change during the iteration.
   * @param after yields only the tasks after this rank; null yields all
   */
  *inOrder(claimant: Claimant, nowMs: number, after: Rank | null = null): Generator<Candidate<Task>, void, void> {
    this.advance(nowMs);
    const queues = this.#queuesFor(claimant);
    for (let level = after?.level ?? TASK_PRIORITY_MAX; level >= 0; level--) {
      const afterRow = level === after?.level ? after.row : 0;
      const runs = new TinyQueue<Run<Task>>([], olderRunFirst);
      for (const queue of queues) {
        const first = queue.peek(level);
        if (first === undefined) continue;
        const run: Run<Task> = { entry: first, queue, rest: null };
        if (first.task.row > afterRow || advanceRun(run, level, afterRow)) runs.push(run);
      }
      for (let run = runs.pop(); run !== undefined; run = runs.pop()) {
        const { task } = run.entry;
        yield { task, level, fits: mayClaim(task, claimant, nowMs) };
        if (advanceRun(run, level, task.row)) runs.push(run);
      }
    }
  }

  /** Puts a task into its queues, and schedules its next recheck. */
  #enqueue(slot: Slot<Task>, nowMs: number): void {
    const { task } = slot;
    const { workspace, labels, requires, ready_at, not_before, reserved_until, priority } = task;
    if (not_before !== null && not_before > nowMs) {
      this.#scheduleRecheck(slot, not_before);
      return;
    }
    const whom = forWhom(task, nowMs);
    const level = levelOf(task, nowMs);
    const queues = ["", ...new Set(labels)].map((label) => this.#queueOf(workspace, whom, label, requires));
    const entry = { task, queues, alive: true };
    for (const queue of queues) queue.push(entry, level);
    slot.entry = entry;
    const sinceMs = Math.max(ready_at, not_before ?? 0);
    const risesMs = sinceMs + (level - priority + 1) * TASK_AGING_MS;
    const reservedMs = reserved_until > nowMs ? reserved_until : Number.POSITIVE_INFINITY;
    const nextMs = Math.min(reservedMs, level < TASK_PRIORITY_MAX ? risesMs : Number.POSITIVE_INFINITY);
    if (nextMs < Number.POSITIVE_INFINITY) this.#scheduleRecheck(slot, nextMs);
  }

  #scheduleRecheck(slot: Slot<Task>, atMs: number): void {
    slot.recheck = { at_ms: atMs, task: slot.task };
    this.#rechecks.push(slot.recheck);
    // Drop the stale rechecks if there are many. Most tasks are claimed long before their recheck.
    if (this.#rechecks.length > 2 * this.#slots.size + DROPPED_TOGETHER)
      this.#rechecks.retain((recheck) => this.#slots.get(recheck.task.row)?.recheck === recheck);
  }

  #dequeue(slot: Slot<Task>): void {
    const { entry } = slot;
    if (entry === null) return;
    slot.entry = null;
    entry.alive = false;
    for (const queue of entry.queues) {
      queue.drop();
      if (queue.size > 0) continue;
      const bucket = this.#buckets.get(queue.key);
      bucket?.delete(queue.needs);
      if (bucket?.size === 0) this.#buckets.delete(queue.key);
    }
  }

  #queueOf(workspace: string, whom: string, label: string, requires: readonly string[]): Queue<Task> {
    const key = bucketKey(workspace, whom, label);
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new Map();
      this.#buckets.set(key, bucket);
    }
    const needs = needsKey(requires);
    let queue = bucket.get(needs);
    if (queue === undefined) {
      queue = new Queue(key, needs);
      bucket.set(needs, queue);
    }
    return queue;
  }

  /** Returns the queues that may have tasks for a claimant. Of the claimant's labels, only the rarest one counts. */
  #queuesFor({ workspace, id, name, labels, capabilities }: Claimant): Queue<Task>[] {
    const callers = name === id ? ["", id] : ["", id, name];
    const able = new Set(["", ...capabilities]);
    const queuesOf = (label: string): Queue<Task>[] => {
      const found: Queue<Task>[] = [];
      for (const whom of callers) {
        const bucket = this.#buckets.get(bucketKey(workspace, whom, label));
        for (const needs of able) {
          const queue = bucket?.get(needs);
          if (queue !== undefined) found.push(queue);
        }
      }
      return found;
    };
    const sizeOf = (queues: readonly Queue<Task>[]): number => queues.reduce((sum, { size }) => sum + size, 0);
    const [first = queuesOf(""), ...others] = labels.map(queuesOf);
    return others.reduce((best, queues) => (sizeOf(queues) < sizeOf(best) ? queues : best), first);
  }
}

function olderFirst<Task extends ReadyTask>(a: QueueEntry<Task>, b: QueueEntry<Task>): number {
  return a.task.row - b.task.row;
}

function soonerFirst<Task extends ReadyTask>(a: Recheck<Task>, b: Recheck<Task>): number {
  return a.at_ms - b.at_ms;
}

/** Returns the required capability whose name sorts first; "" if none is required. All nodes get the same result. */
function needsKey(requires: readonly string[]): string {
  return requires.reduce((first, capability) => (first === "" || capability < first ? capability : first), "");
}

function bucketKey(workspace: string, whom: string, label: string): string {
  return `${workspace.length} ${whom.length} ${workspace}${whom}${label}`;
}

function olderRunFirst<Task extends ReadyTask>(a: Run<Task>, b: Run<Task>): number {
  return a.entry.task.row - b.entry.task.row;
}

/** Moves a search in one queue to the first entry after a row. Returns false if there is none. */
function advanceRun<Task extends ReadyTask>(run: Run<Task>, level: number, row: number): boolean {
  run.rest ??= run.queue.after(level, row);
  const next = run.rest.next();
  if (next.done === true) return false;
  run.entry = next.value;
  return true;
}

/** Returns the index of the first entry after a row. */
function firstAfter<Task extends ReadyTask>(entries: readonly QueueEntry<Task>[], row: number): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.task.row ?? 0) > row) high = middle;
    else low = middle + 1;
  }
  return low;
}
