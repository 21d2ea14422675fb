/**
 * The tasks that are ready in the order in which somebody could claim them: so that who was told of all up to a moment
 * looks only at what came later, however many there are. Pure but for its state.
 */
import type { ReadyTask } from "./ready-queue.js";

/** A task with the times (ms) that decide since when somebody may claim it. */
export interface DatedTask extends ReadyTask {
  /** When somebody changed it last; not before it was ready. */
  readonly updated_at: number;
  freed: Freed;
}

/** When leases of what a task needs have ended last, as far as that is known. */
export interface Freed {
  readonly at_ms: number;
  /** Whose lease it was: in the holder's own way it never was. */
  readonly holder: string;
  /** When the last of anybody else has ended. */
  readonly others_at_ms: number;
}

/** What nobody is known to have leased. */
export const NEVER_LEASED: Freed = { at_ms: 0, holder: "", others_at_ms: 0 };

/** A place in the order: behind all of before `at_ms`, and of that moment behind those up to a row. */
export interface Place {
  readonly at_ms: number;
  readonly row: number;
}

interface Arrival<Task> extends Place {
  readonly task: Task;
}

/** No instance has this id. */
const NOBODY = "?";

/** How many that are not there any more are dropped together. */
const DROPPED_TOGETHER = 64;

/** Since when an instance may claim a task, if it is not kept for another. */
function openSince({ ready_at, updated_at, not_before, freed }: DatedTask, claimant: string): number {
  const freed_ms = freed.holder === claimant ? freed.others_at_ms : freed.at_ms;
  return Math.max(ready_at, updated_at, not_before ?? 0, freed_ms);
}

/** Since when one instance may claim a task; it may be kept for another for a while. */
export function since(task: DatedTask, { id, name }: { readonly id: string; readonly name: string }): number {
  const { reserved, reserved_until } = task;
  const kept = reserved !== null && reserved !== id && reserved !== name;
  const open = openSince(task, id);
  return kept ? Math.max(open, reserved_until) : open;
}

/** Whether a place is behind another. */
export function isAfter(one: Place, other: Place): boolean {
  return one.at_ms > other.at_ms || (one.at_ms === other.at_ms && one.row > other.row);
}

export class ReadinessIndex<Task extends DatedTask> {
  readonly #isThere: (task: Task) => boolean;
  #line: Arrival<Task>[] = [];
  /** How many tasks are there. */
  #there = 0;

  /** @param isThere whether a task that was added was neither removed nor replaced */
  constructor(isThere: (task: Task) => boolean) {
    this.#isThere = isThere;
  }

  add(task: Task): void {
    this.#there += 1;
    this.#stand(task);
  }

  /** What a task needs was freed: it stands further behind. */
  free(task: Task, holder: string, at_ms: number): void {
    const { freed } = task;
    const others_at_ms = freed.holder === holder ? freed.others_at_ms : freed.at_ms;
    task.freed = { at_ms: Math.max(at_ms, freed.at_ms), holder, others_at_ms };
    this.#stand(task);
    this.#clear();
  }

  /** A task is not there any more. */
  left(): void {
    this.#there -= 1;
    this.#clear();
  }

  clear(): void {
    this.#line = [];
    this.#there = 0;
  }

  /** What stands behind a place, up to now: where a task has several places, `since` says which counts for whom. */
  *behind(place: Place, now_ms: number): Generator<Arrival<Task>> {
    for (let at = this.#find(place); at < this.#line.length; at++) {
      const arrival = this.#line[at];
      if (arrival === undefined || arrival.at_ms > now_ms) return;
      if (this.#isThere(arrival.task)) yield arrival;
    }
  }

  #stand(task: Task): void {
    const { row, reserved, reserved_until } = task;
    const open = openSince(task, NOBODY);
    this.#insert({ at_ms: open, row, task });
    if (reserved !== null && reserved_until > open) this.#insert({ at_ms: reserved_until, row, task });
  }

  /** Drops the places that count for nobody, where there are many. */
  #clear(): void {
    if (this.#line.length <= 3 * this.#there + DROPPED_TOGETHER) return;
    this.#line = this.#line.filter(
      ({ task, at_ms }) =>
        this.#isThere(task) &&
        [openSince(task, NOBODY), openSince(task, task.freed.holder), task.reserved_until].includes(at_ms),
    );
  }

  #insert(arrival: Arrival<Task>): void {
    const last = this.#line.at(-1);
    if (last === undefined || isAfter(arrival, last)) this.#line.push(arrival);
    else this.#line.splice(this.#find(arrival), 0, arrival);
  }

  /** The first of those behind a place. */
  #find(place: Place): number {
    let [low, high] = [0, this.#line.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const arrival = this.#line[middle];
      if (arrival !== undefined && isAfter(arrival, place)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
