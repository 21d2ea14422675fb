/**
 * Notifies the waiters for an instance, by its id or its name, when it is added or removed, or when its status or
 * capabilities change. For each name, it also remembers the newest instance that was reported. Runs on the front,
 * called by the directory.
 */
import { WAIT_NAMES_REMEMBERED_MAX } from "../../schemas/limits/wait.js";
import { dropOldest } from "../base/drop-oldest.js";
import type { Wakeable } from "../base/waiter.js";
import { Waiters } from "../base/waiters.js";
import type { Entry } from "./directory.js";

export class InstanceWatch {
  readonly #waiters = new Waiters<string>();
  /**
   * The row of the newest instance of each name: one entry for each workspace, and one for all workspaces. The entries
   * that were reported most recently are last.
   */
  readonly #last = new Map<string, number>();

  /**
   * Adds a waiter for the instances with an id or a name.
   * @param named an id or a name
   * @returns a function that removes the waiter
   */
  listen(named: string, waiter: Wakeable): () => void {
    return this.#waiters.add(named, waiter);
  }

  /** Wakes the waiters of an instance that has changed. */
  notify({ row, id, name, workspace }: Pick<Entry, "row" | "id" | "name" | "workspace">): void {
    this.#record(keyOf(name, null), row);
    this.#record(keyOf(name, workspace), row);
    this.#waiters.wake(id);
    if (name !== id) this.#waiters.wake(name);
  }

  /**
   * Returns the row of the newest instance of a name that was reported, even if it is deleted by now; undefined if none
   * is remembered.
   */
  lastOf(name: string, workspace: string | null): number | undefined {
    return this.#last.get(keyOf(name, workspace));
  }

  #record(key: string, row: number): void {
    const known = this.#last.get(key) ?? 0;
    this.#last.delete(key);
    this.#last.set(key, Math.max(known, row));
    dropOldest(this.#last, 2 * WAIT_NAMES_REMEMBERED_MAX);
  }
}

function keyOf(name: string, workspace: string | null): string {
  return JSON.stringify([name, workspace]);
}
