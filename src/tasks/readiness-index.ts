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
export interface SortKey {
  readonly at_ms: number;
  readonly row: number;
}

interface ReadyEntry<Task> extends SortKey {
  readonly task: Task;
}

/** No instance has this id. */
const NO_INSTANCE = "?";

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
  const reservedForOther = reserved !== null && reserved !== id && reserved !== name;
  const open = openSince(task, id);
  return reservedForOther ? Math.max(open, reserved_until) : open;
}

/** Whether a place is behind another. */
export function isAfter(one: SortKey, other: SortKey): boolean {
  return one.at_ms > other.at_ms || (one.at_ms === other.at_ms && one.row > other.row);
}

export class ReadinessIndex<Task extends DatedTask> {
  readonly #isCurrent: (task: Task) => boolean;
  #entries: ReadyEntry<Task>[] = [];
  /** How many tasks are there. */
  #size = 0;

  /** @param isCurrent whether a task that was added was neither removed nor replaced */
  constructor(isCurrent: (task: Task) => boolean) {
    this.#isCurrent = isCurrent;
  }

  add(task: Task): void {
    this.#size += 1;
    this.#insertKeys(task);
  }

  /** What a task needs was freed: it stands further behind. */
  free(task: Task, holder: string, at_ms: number): void {
    const { freed } = task;
    const others_at_ms = freed.holder === holder ? freed.others_at_ms : freed.at_ms;
    task.freed = { at_ms: Math.max(at_ms, freed.at_ms), holder, others_at_ms };
    this.#insertKeys(task);
    this.#compact();
  }

  /** A task is not there any more. */
  removed(): void {
    this.#size -= 1;
    this.#compact();
  }

  clear(): void {
    this.#entries = [];
    this.#size = 0;
  }

  /** What stands behind a place, up to now: where a task has several places, `since` says which counts for whom. */
  *after(key: SortKey, now_ms: number): Generator<ReadyEntry<Task>> {
    for (let at = this.#find(key); at < this.#entries.length; at++) {
      const entry = this.#entries[at];
      if (entry === undefined || entry.at_ms > now_ms) return;
      if (this.#isCurrent(entry.task)) yield entry;
    }
  }

  #insertKeys(task: Task): void {
    const { row, reserved, reserved_until } = task;
    const open = openSince(task, NO_INSTANCE);
    this.#insert({ at_ms: open, row, task });
    if (reserved !== null && reserved_until > open) this.#insert({ at_ms: reserved_until, row, task });
  }

  /** Drops the places that count for nobody, where there are many. */
  #compact(): void {
    if (this.#entries.length <= 3 * this.#size + DROPPED_TOGETHER) return;
    this.#entries = this.#entries.filter(
      ({ task, at_ms }) =>
        this.#isCurrent(task) &&
        [openSince(task, NO_INSTANCE), openSince(task, task.freed.holder), task.reserved_until].includes(at_ms),
    );
  }

  #insert(entry: ReadyEntry<Task>): void {
    const last = this.#entries.at(-1);
    if (last === undefined || isAfter(entry, last)) this.#entries.push(entry);
    else this.#entries.splice(this.#find(entry), 0, entry);
  }

  /** The first of those behind a place. */
  #find(key: SortKey): number {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && isAfter(entry, key)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
