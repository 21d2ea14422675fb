/**
 * The tasks that are ready: who may claim which, and which of them is the best. The highest priority first, which rises
 * while a task waits; of equal ones the oldest. Used by the writer, which decides, and by the front, which knows from
 * it whom to wake. Pure but for its state.
 *
 * A task stands in a queue for each label that it has and in one for all, by workspace, by whom it is assigned to and
 * by what it requires: so what is looked at is what may be claimed, however many others are ready. What is not to be
 * found in a queue any more is passed over when it comes up.
 */
import { TASK_AGING_MS, TASK_PRIORITY_MAX } from "../../schemas/limits.js";
import { must } from "../base/assert.js";
import { Groups } from "../base/groups.js";
import { OrderedQueue } from "./ordered-queue.js";
import { TurnoverMap } from "../base/turnover-map.js";

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
interface Standing<Task extends ReadyTask> {
  readonly task: Task;
  readonly queues: readonly Queue<Task>[];
  alive: boolean;
}

/** A task whose place changes at a time: it may be claimed from then on, by others, or at a higher priority. */
interface Turn<Task extends ReadyTask> {
  readonly at_ms: number;
  readonly task: Task;
}

/** Where a task is. */
interface Place<Task extends ReadyTask> {
  readonly task: Task;
  /** Null where it is in no queue: its time has not come, or something is in its way. */
  standing: Standing<Task> | null;
  /** The turn that counts: others of it are passed over when they come up. */
  turn: Turn<Task> | null;
  /** What is in its way, where it is set aside for that. */
  obstacle: number | null;
}

/** Tasks of one kind, by priority. */
class Queue<Task extends ReadyTask> {
  readonly #levels: (OrderedQueue<Standing<Task>> | undefined)[] = [];
  /** Those that are alive. */
  size = 0;
  #stored = 0;

  /** @param key of the shelf on which it stands */
  constructor(
    readonly key: string,
    readonly requires: readonly string[],
  ) {}

  push(standing: Standing<Task>, level: number): void {
    this.size += 1;
    this.putBack(standing, level);
  }

  /** Puts one in that was taken out, and has not left. */
  putBack(standing: Standing<Task>, level: number): void {
    (this.#levels[level] ??= new OrderedQueue(olderFirst)).push(standing);
    this.#stored += 1;
  }

  /** One that is alive leaves: it is dropped when it comes up, or when too many have left. */
  left(): void {
    this.size -= 1;
    if (this.#stored <= 2 * this.size + DROPPED_TOGETHER) return;
    this.#stored = 0;
    for (const standings of this.#levels) {
      standings?.keep(({ alive }) => alive);
      this.#stored += standings?.length ?? 0;
    }
  }

  /** The oldest of a priority that is alive. */
  peek(level: number): Standing<Task> | undefined {
    const standings = this.#levels[level];
    let first = standings?.peek();
    for (; first !== undefined && !first.alive; first = standings?.peek()) this.take(level);
    return first;
  }

  take(level: number): void {
    this.#levels[level]?.pop();
    this.#stored -= 1;
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

export class TaskPool<Task extends ReadyTask> {
  /** By row. */
  readonly #places = new TurnoverMap<number, Place<Task>>();
  /** By workspace, for whom and label; then by what is required. */
  readonly #shelves = new Map<string, Map<string, Queue<Task>>>();
  #turns = new OrderedQueue<Turn<Task>>(soonerFirst);
  /** Set aside, by what is in their way. */
  readonly #aside = new Groups<number, Place<Task>>();

  /** How many there are, set aside or not. */
  get size(): number {
    return this.#places.size;
  }

  get(row: number): Task | undefined {
    return this.#places.get(row)?.task;
  }

  clear(): void {
    this.#places.clear();
    this.#shelves.clear();
    this.#turns = new OrderedQueue<Turn<Task>>(soonerFirst);
    this.#aside.clear();
  }

  /** Puts a task in; one of its row that is there already is another now. */
  add(task: Task, now_ms: number): void {
    this.remove(task.row);
    const place: Place<Task> = { task, standing: null, turn: null, obstacle: null };
    this.#places.set(task.row, place);
    this.#file(place, now_ms);
  }

  remove(row: number): void {
    const place = this.#places.get(row);
    if (place === undefined) return;
    this.#places.delete(row);
    this.#unfile(place);
    this.#forgetObstacle(place);
  }

  /** The tasks that somebody may claim only now, because of the time: they waited for it, or were kept for another. */
  advance(now_ms: number): Task[] {
    const due: Task[] = [];
    for (let turn = this.#turns.peek(); turn !== undefined && turn.at_ms <= now_ms; turn = this.#turns.peek()) {
      this.#turns.pop();
      const { row, not_before, reserved_until } = turn.task;
      const place = this.#places.get(row);
      if (place?.turn !== turn) continue;
      place.turn = null;
      if (turn.at_ms === not_before || turn.at_ms === reserved_until) due.push(turn.task);
      if (place.obstacle !== null) continue;
      this.#unfile(place);
      this.#file(place, now_ms);
    }
    return due;
  }

  /** What is in the way of a task: until `takeBack` it is passed over, but by those who may pass that. */
  setAside({ row }: Task, obstacle: number): void {
    const place = must(this.#places.get(row), "it is ready");
    this.#unfile(place);
    // Who passes one may have met another.
    this.#forgetObstacle(place);
    place.obstacle = obstacle;
    this.#aside.add(obstacle, place);
  }

  /** Something is not in the way any more. */
  takeBack(obstacle: number, now_ms: number): void {
    for (const place of this.#aside.take(obstacle)) {
      place.obstacle = null;
      this.#file(place, now_ms);
    }
  }

  /** Nothing is in the way of any task any more, for all that is known. */
  takeAllBack(now_ms: number): void {
    for (const { obstacle } of this.#aside.items()) if (obstacle !== null) this.takeBack(obstacle, now_ms);
  }

  /**
   * The best task for an instance.
   * @param passes obstacles that are none for it
   * @param admits whether it may have a task whose kind it may claim; it may set the task aside
   */
  best(
    claimant: Claimant,
    now_ms: number,
    passes: Iterable<number>,
    admits: (task: Task) => boolean,
  ): Task | undefined {
    this.advance(now_ms);
    const queues = this.#queuesFor(claimant);
    const aside = this.#asideFor(claimant, now_ms, passes);
    const passed: [queue: Queue<Task>, standing: Standing<Task>, level: number][] = [];
    try {
      for (let level = TASK_PRIORITY_MAX; level >= 0; level--) {
        const others = aside[level] ?? [];
        for (let at = 0; ; ) {
          const queue = oldest(queues, level);
          const standing = queue?.peek(level);
          const other = others[at];
          if (other !== undefined && (standing === undefined || other.row < standing.task.row)) {
            if (admits(other)) return other;
            at += 1;
            continue;
          }
          if (queue === undefined || standing === undefined) break;
          queue.take(level);
          passed.push([queue, standing, level]);
          if (mayClaim(standing.task, claimant, now_ms) && admits(standing.task)) return standing.task;
        }
      }
      return undefined;
    } finally {
      for (const [queue, standing, level] of passed.toReversed()) if (standing.alive) queue.putBack(standing, level);
    }
  }

  /** Puts a task where it is found, and says when it is to be looked at again. */
  #file(place: Place<Task>, now_ms: number): void {
    const { task } = place;
    const { workspace, labels, requires, ready_at, not_before, reserved_until, priority } = task;
    if (not_before !== null && not_before > now_ms) {
      this.#look(place, not_before);
      return;
    }
    const whom = forWhom(task, now_ms);
    const level = levelOf(task, now_ms);
    const queues = ["", ...new Set(labels)].map((label) => this.#queueOf(workspace, whom, label, requires));
    const standing = { task, queues, alive: true };
    for (const queue of queues) queue.push(standing, level);
    place.standing = standing;
    const since_ms = Math.max(ready_at, not_before ?? 0);
    const rises_ms = since_ms + (level - priority + 1) * TASK_AGING_MS;
    const kept_ms = reserved_until > now_ms ? reserved_until : Number.POSITIVE_INFINITY;
    const next_ms = Math.min(kept_ms, level < TASK_PRIORITY_MAX ? rises_ms : Number.POSITIVE_INFINITY);
    if (next_ms < Number.POSITIVE_INFINITY) this.#look(place, next_ms);
  }

  #look(place: Place<Task>, at_ms: number): void {
    place.turn = { at_ms, task: place.task };
    this.#turns.push(place.turn);
    // Most tasks are claimed long before.
    if (this.#turns.length > 2 * this.#places.size + DROPPED_TOGETHER)
      this.#turns.keep((turn) => this.#places.get(turn.task.row)?.turn === turn);
  }

  #unfile(place: Place<Task>): void {
    const { standing } = place;
    if (standing === null) return;
    place.standing = null;
    standing.alive = false;
    for (const queue of standing.queues) {
      queue.left();
      if (queue.size > 0) continue;
      const shelf = this.#shelves.get(queue.key);
      shelf?.delete(needsKey(queue.requires));
      if (shelf?.size === 0) this.#shelves.delete(queue.key);
    }
  }

  #forgetObstacle(place: Place<Task>): void {
    if (place.obstacle !== null) this.#aside.remove(place.obstacle, place);
    place.obstacle = null;
  }

  #queueOf(workspace: string, whom: string, label: string, requires: readonly string[]): Queue<Task> {
    const key = shelfKey(workspace, whom, label);
    let shelf = this.#shelves.get(key);
    if (shelf === undefined) {
      shelf = new Map();
      this.#shelves.set(key, shelf);
    }
    const needs = needsKey(requires);
    let queue = shelf.get(needs);
    if (queue === undefined) {
      queue = new Queue(key, requires);
      shelf.set(needs, queue);
    }
    return queue;
  }

  /** The queues in which there may be tasks for an instance: of its labels the rarest, the others are looked at. */
  #queuesFor({ workspace, id, name, labels, capabilities }: Claimant): Queue<Task>[] {
    const callers = name === id ? ["", id] : ["", id, name];
    const queuesOf = (label: string): Queue<Task>[] => {
      const found: Queue<Task>[] = [];
      for (const whom of callers) {
        const shelf = this.#shelves.get(shelfKey(workspace, whom, label));
        if (shelf !== undefined) found.push(...shelf.values());
      }
      return found;
    };
    const sizeOf = (queues: readonly Queue<Task>[]): number => queues.reduce((sum, { size }) => sum + size, 0);
    const [first = queuesOf(""), ...others] = labels.map(queuesOf);
    const rarest = others.reduce((best, queues) => (sizeOf(queues) < sizeOf(best) ? queues : best), first);
    return rarest.filter(
      ({ size, requires }) => size > 0 && requires.every((capability) => capabilities.includes(capability)),
    );
  }

  /** What was set aside, but is not in the way of an instance, by priority, the oldest first. */
  #asideFor(claimant: Claimant, now_ms: number, passes: Iterable<number>): Task[][] {
    const levels: Task[][] = [];
    if (this.#aside.size === 0) return levels;
    for (const obstacle of passes)
      for (const { task } of this.#aside.get(obstacle) ?? [])
        if (mayClaim(task, claimant, now_ms)) (levels[levelOf(task, now_ms)] ??= []).push(task);
    for (const level of levels) level?.sort((a, b) => a.row - b.row);
    return levels;
  }
}

function olderFirst<Task extends ReadyTask>(a: Standing<Task>, b: Standing<Task>): number {
  return a.task.row - b.task.row;
}

function soonerFirst<Task extends ReadyTask>(a: Turn<Task>, b: Turn<Task>): number {
  return a.at_ms - b.at_ms;
}

function needsKey(requires: readonly string[]): string {
  return requires.length === 0 ? "" : JSON.stringify(requires);
}

function shelfKey(workspace: string, whom: string, label: string): string {
  return `${workspace.length} ${whom.length} ${workspace}${whom}${label}`;
}

/** The queue whose first of a priority is the oldest. */
function oldest<Task extends ReadyTask>(queues: readonly Queue<Task>[], level: number): Queue<Task> | undefined {
  let found: Queue<Task> | undefined;
  for (const queue of queues) {
    const first = queue.peek(level);
    if (first === undefined) continue;
    if (found === undefined || first.task.row < must(found.peek(level), "it has a first").task.row) found = queue;
  }
  return found;
}
