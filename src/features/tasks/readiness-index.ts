/**
 * Indexes the ready tasks by the time at which they became claimable. If a client already knows all tasks up to a sort
 * key, a search begins after that key. So the known tasks cost nothing. Pure except for its state.
 */
import type { ReadyTask } from "./ready-queue.js";

/** A ready task, with the times (in ms) that decide since when an instance can claim it. */
export interface DatedTask extends ReadyTask {
  /** The time of the task's last change. It is not earlier than `ready_at`. */
  readonly updated_at: number;
  freed: Freed;
}

/**
 * The times in ms at which the resources of a task became free. `at_ms` is the end of the last lease that overlapped
 * them, as far as this server knows.
 */
export interface Freed {
  readonly at_ms: number;
  /**
   * The holder of the lease that ended last. This lease did not keep its own holder from claiming the task. So for this
   * holder, `othersAtMs` counts instead of `at_ms`.
   */
  readonly holder: string;
  /** The end of the last overlapping lease whose holder was not `holder`. */
  readonly othersAtMs: number;
}

/** The value for a task whose resources were never leased, as far as this server knows. */
export const NEVER_LEASED: Freed = { at_ms: 0, holder: "", othersAtMs: 0 };

/** A position in the index, which is sorted by time and then by row. */
export interface SortKey {
  readonly at_ms: number;
  readonly row: number;
}

interface ReadyEntry<Task> extends SortKey {
  readonly task: Task;
}

/** An id that no instance has. */
const NO_INSTANCE = "?";

/** The index is compacted when it has more than three entries for each task, plus this number. */
const DROPPED_TOGETHER = 64;

/** Returns the time in ms since which an instance may claim a task. Ignores reservations. */
function openSince({ ready_at, updated_at, not_before, freed }: DatedTask, claimant: string): number {
  const freedMs = freed.holder === claimant ? freed.othersAtMs : freed.at_ms;
  return Math.max(ready_at, updated_at, not_before ?? 0, freedMs);
}

/**
 * Returns the time in ms since which an instance may claim a task. If another instance has a reservation, the time is
 * not before the end of that reservation.
 */
export function since(task: DatedTask, { id, name }: { readonly id: string; readonly name: string }): number {
  const { reserved, reserved_until } = task;
  const reservedForOther = reserved !== null && reserved !== id && reserved !== name;
  const open = openSince(task, id);
  return reservedForOther ? Math.max(open, reserved_until) : open;
}

/** Returns whether `one` sorts after `other`. */
export function isAfter(one: SortKey, other: SortKey): boolean {
  return one.at_ms > other.at_ms || (one.at_ms === other.at_ms && one.row > other.row);
}

export class ReadinessIndex<Task extends DatedTask> {
  readonly #isCurrent: (task: Task) => boolean;
  #entries: ReadyEntry<Task>[] = [];
  /** The number of tasks in the index. */
  #size = 0;

  /**
   * Creates an empty index.
   * @param isCurrent returns whether an added task is still in the index, and was not removed or replaced
   */
  constructor(isCurrent: (task: Task) => boolean) {
    this.#isCurrent = isCurrent;
  }

  add(task: Task): void {
    this.#size += 1;
    this.#insertKeys(task);
  }

  /** Moves a task to a later position, because a lease on its resources has ended. */
  free(task: Task, holder: string, atMs: number): void {
    const { freed } = task;
    const othersAtMs = freed.holder === holder ? freed.othersAtMs : freed.at_ms;
    task.freed = { at_ms: Math.max(atMs, freed.at_ms), holder, othersAtMs };
    this.#insertKeys(task);
    this.#compact();
  }

  /** Counts one removed task. Its entries stay until the index is compacted. */
  removed(): void {
    this.#size -= 1;
    this.#compact();
  }

  clear(): void {
    this.#entries = [];
    this.#size = 0;
  }

  /**
   * Yields the entries after a key whose time has come. A task may have several entries, because some instances may
   * claim it later than others. For an instance, only the entry at the time that `since` returns counts.
   */
  *after(key: SortKey, nowMs: number): Generator<ReadyEntry<Task>> {
    for (let at = this.#find(key); at < this.#entries.length; at++) {
      const entry = this.#entries[at];
      if (entry === undefined || entry.at_ms > nowMs) return;
      if (this.#isCurrent(entry.task)) yield entry;
    }
  }

  #insertKeys(task: Task): void {
    const { row, reserved, reserved_until } = task;
    const open = openSince(task, NO_INSTANCE);
    this.#insert({ at_ms: open, row, task });
    if (reserved !== null && reserved_until > open) this.#insert({ at_ms: reserved_until, row, task });
  }

  /** If there are too many entries, drops the entries that no search uses any more. */
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

  /** Returns the index of the first entry after a key. */
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
