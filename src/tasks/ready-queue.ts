/**
 * The tasks that are ready: who may claim which, and which of them is the best. The highest priority first, which rises
 * while a task waits; of equal ones the oldest. Used by the writer, which decides, and by the front, which knows from
 * it whom to wake. Pure but for its state.
 *
 * A task stands in a queue for each label that it has and in one for all, by workspace, by whom it is assigned to and
 * by the first capability that it requires: so most of what is looked at may be claimed, however many others are ready,
 * and a claimant has few queues. What is not to be found in a queue any more is passed over when it comes up.
 */
import TinyQueue from "tinyqueue";
import { TASK_AGING_MS, TASK_PRIORITY_MAX } from "../../schemas/limits.js";
import { TurnoverMap } from "../base/turnover-map.js";
import { OrderedQueue } from "./ordered-queue.js";

/** A task that is ready, as far as it matters here; times in ms. */
export interface ReadyTask {
  /** Who was made first has the smallest. */
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

/** Who would claim a task, and of which. */
export interface Claimant {
  readonly id: string;
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly workspace: string;
  /** A task must have all of them. */
  readonly labels: readonly string[];
}

/** A task in its queues. It is made anew when its place changes. */
interface QueueEntry<Task extends ReadyTask> {
  readonly task: Task;
  readonly queues: readonly Queue<Task>[];
  alive: boolean;
}

/** A task whose place changes at a time: it may be claimed from then on, by others, or at a higher priority. */
interface Recheck<Task extends ReadyTask> {
  readonly at_ms: number;
  readonly task: Task;
}

/** Where a task is. */
interface Slot<Task extends ReadyTask> {
  readonly task: Task;
  /** Null where it is in no queue: its time has not come. */
  entry: QueueEntry<Task> | null;
  /** The turn that counts: others of it are passed over when they come up. */
  recheck: Recheck<Task> | null;
}

/** A place in the order in which a claimant is offered tasks. */
export interface Rank {
  readonly level: number;
  readonly row: number;
}

/** A task that was met on the way to the best one. */
export interface Candidate<Task> {
  readonly task: Task;
  readonly level: number;
  /** Whether the claimant may have it by what the two are. */
  readonly fits: boolean;
}

/** The tasks of one queue and one priority that are passed over, in order. */
interface Run<Task extends ReadyTask> {
  entry: QueueEntry<Task>;
  readonly queue: Queue<Task>;
  /** Null where nobody has asked for more than the first. */
  rest: Iterator<QueueEntry<Task>, void, void> | null;
}

/** Tasks of one kind, by priority. */
class Queue<Task extends ReadyTask> {
  readonly #levels: (OrderedQueue<QueueEntry<Task>> | undefined)[] = [];
  /** Those that are alive. */
  size = 0;
  #stored = 0;

  /** @param key of the shelf on which it stands */
  constructor(
    readonly key: string,
    readonly needs: string,
  ) {}

  push(entry: QueueEntry<Task>, level: number): void {
    this.size += 1;
    (this.#levels[level] ??= new OrderedQueue(olderFirst)).push(entry);
    this.#stored += 1;
  }

  /** One that is alive leaves: it is dropped when it comes up, or when too many have left. */
  drop(): void {
    this.size -= 1;
    if (this.#stored <= 2 * this.size + DROPPED_TOGETHER) return;
    this.#stored = 0;
    for (const entries of this.#levels) {
      entries?.retain(({ alive }) => alive);
      this.#stored += entries?.length ?? 0;
    }
  }

  /** The oldest of a priority that is alive. */
  peek(level: number): QueueEntry<Task> | undefined {
    const entries = this.#levels[level];
    let first = entries?.peek();
    for (; first !== undefined && !first.alive; first = entries?.peek()) {
      entries?.pop();
      this.#stored -= 1;
    }
    return first;
  }

  /** Those of a priority that are alive and behind a row, the oldest first. The queue must not be changed meanwhile. */
  *after(level: number, row: number): Generator<QueueEntry<Task>, void, void> {
    const sorted = this.#levels[level]?.sorted() ?? [];
    for (let at = firstAfter(sorted, row); at < sorted.length; at++) {
      const entry = sorted[at];
      if (entry?.alive === true) yield entry;
    }
  }
}

/** How many may have left a queue before it is cleared of them, however few are left. */
const DROPPED_TOGETHER = 64;

/** The highest priority first, of equal ones the oldest: what a task has gained by waiting included. */
export function levelOf({ priority, ready_at, not_before }: ReadyTask, now_ms: number): number {
  const waited_ms = Math.max(0, now_ms - Math.max(ready_at, not_before ?? 0));
  return Math.min(TASK_PRIORITY_MAX, priority + Math.floor(waited_ms / TASK_AGING_MS));
}

/** Id or name of whom a task is for; "" for anybody. */
function forWhom({ assignee, reserved, reserved_until }: ReadyTask, now_ms: number): string {
  return (reserved_until > now_ms ? reserved : assignee) ?? "";
}

/** Whether an instance may claim a task by what the two are: whether its resources are free is another matter. */
export function mayClaim(task: ReadyTask, claimant: Claimant, now_ms: number): boolean {
  const { id, name, capabilities, workspace, labels } = claimant;
  const whom = forWhom(task, now_ms);
  return (
    task.workspace === workspace &&
    (task.not_before ?? 0) <= now_ms &&
    (whom === "" || whom === id || whom === name) &&
    labels.every((label) => task.labels.includes(label)) &&
    task.requires.every((capability) => capabilities.includes(capability))
  );
}

export class ReadyQueue<Task extends ReadyTask> {
  /** By row. */
  readonly #slots = new TurnoverMap<number, Slot<Task>>();
  /** By workspace, for whom and label; then by the first capability that is required. */
  readonly #buckets = new Map<string, Map<string, Queue<Task>>>();
  #rechecks = new OrderedQueue<Recheck<Task>>(soonerFirst);

  /** How many there are. */
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

  /** Puts a task in; one of its row that is there already is another now. */
  add(task: Task, now_ms: number): void {
    this.remove(task.row);
    const slot: Slot<Task> = { task, entry: null, recheck: null };
    this.#slots.set(task.row, slot);
    this.#enqueue(slot, now_ms);
  }

  remove(row: number): void {
    const slot = this.#slots.get(row);
    if (slot === undefined) return;
    this.#slots.delete(row);
    this.#dequeue(slot);
  }

  /** The tasks that somebody may claim only now, because of the time: they waited for it, or were kept for another. */
  advance(now_ms: number): Task[] {
    const due: Task[] = [];
    for (
      let recheck = this.#rechecks.peek();
      recheck !== undefined && recheck.at_ms <= now_ms;
      recheck = this.#rechecks.peek()
    ) {
      this.#rechecks.pop();
      const { row, not_before, reserved_until } = recheck.task;
      const slot = this.#slots.get(row);
      if (slot?.recheck !== recheck) continue;
      slot.recheck = null;
      if (recheck.at_ms === not_before || recheck.at_ms === reserved_until) due.push(recheck.task);
      this.#dequeue(slot);
      this.#enqueue(slot, now_ms);
    }
    return due;
  }

  /**
   * The tasks among which is the best for an instance, the best first. Those of other labels than it asks for are among
   * them: what it costs to find none is what is yielded. The pool must not be changed meanwhile.
   * @param after the place behind which they begin; null for all
   */
  *inOrder(claimant: Claimant, now_ms: number, after: Rank | null = null): Generator<Candidate<Task>, void, void> {
    this.advance(now_ms);
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
        yield { task, level, fits: mayClaim(task, claimant, now_ms) };
        if (advanceRun(run, level, task.row)) runs.push(run);
      }
    }
  }

  /** Puts a task where it is found, and says when it is to be looked at again. */
  #enqueue(slot: Slot<Task>, now_ms: number): void {
    const { task } = slot;
    const { workspace, labels, requires, ready_at, not_before, reserved_until, priority } = task;
    if (not_before !== null && not_before > now_ms) {
      this.#scheduleRecheck(slot, not_before);
      return;
    }
    const whom = forWhom(task, now_ms);
    const level = levelOf(task, now_ms);
    const queues = ["", ...new Set(labels)].map((label) => this.#queueOf(workspace, whom, label, requires));
    const entry = { task, queues, alive: true };
    for (const queue of queues) queue.push(entry, level);
    slot.entry = entry;
    const since_ms = Math.max(ready_at, not_before ?? 0);
    const rises_ms = since_ms + (level - priority + 1) * TASK_AGING_MS;
    const reserved_ms = reserved_until > now_ms ? reserved_until : Number.POSITIVE_INFINITY;
    const next_ms = Math.min(reserved_ms, level < TASK_PRIORITY_MAX ? rises_ms : Number.POSITIVE_INFINITY);
    if (next_ms < Number.POSITIVE_INFINITY) this.#scheduleRecheck(slot, next_ms);
  }

  #scheduleRecheck(slot: Slot<Task>, at_ms: number): void {
    slot.recheck = { at_ms, task: slot.task };
    this.#rechecks.push(slot.recheck);
    // Most tasks are claimed long before.
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

  /** The queues in which there may be tasks for an instance: of its labels the rarest, the others are looked at. */
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

/** Of what a task requires the first by name; "" where it requires nothing. The same on each node. */
function needsKey(requires: readonly string[]): string {
  return requires.reduce((first, capability) => (first === "" || capability < first ? capability : first), "");
}

function bucketKey(workspace: string, whom: string, label: string): string {
  return `${workspace.length} ${whom.length} ${workspace}${whom}${label}`;
}

function olderRunFirst<Task extends ReadyTask>(a: Run<Task>, b: Run<Task>): number {
  return a.entry.task.row - b.entry.task.row;
}

/** Has a run go on behind a row; false where it is over. */
function advanceRun<Task extends ReadyTask>(run: Run<Task>, level: number, row: number): boolean {
  run.rest ??= run.queue.after(level, row);
  const next = run.rest.next();
  if (next.done === true) return false;
  run.entry = next.value;
  return true;
}

/** Where those behind a row begin. */
function firstAfter<Task extends ReadyTask>(entries: readonly QueueEntry<Task>[], row: number): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.task.row ?? 0) > row) high = middle;
    else low = middle + 1;
  }
  return low;
}
