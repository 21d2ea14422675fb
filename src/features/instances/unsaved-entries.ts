/**
 * Queues the instances whose last_seen is not in the database yet. `Entry.unsaved` is true for those in the queue. Pure
 * except for its state.
 */
import type { Entry } from "./entry.js";

export class UnsavedEntries {
  #queue: Entry[] = [];
  #urgent = false;

  /** True if some activity must be stored at once, for example because a stale instance was seen. */
  get urgent(): boolean {
    return this.#urgent;
  }

  /** Queues an instance, unless it is already in the queue. */
  add(entry: Entry): void {
    if (entry.unsaved) return;
    entry.unsaved = true;
    this.#queue.push(entry);
  }

  /** Makes the queue urgent until it is empty. */
  hurry(): void {
    this.#urgent = true;
  }

  /** Takes at most `most` instances from the queue, the first queued first. */
  take(most: number): Entry[] {
    const taken = this.#queue.splice(0, most);
    for (const entry of taken) entry.unsaved = false;
    if (this.#queue.length === 0) this.#urgent = false;
    return taken;
  }

  /** Replaces the queue. If there are such instances, the queue is urgent. */
  load(entries: Entry[]): void {
    this.#queue = entries;
    this.#urgent = entries.length > 0;
  }
}
