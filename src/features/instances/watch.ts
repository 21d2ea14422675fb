/**
 * Wakes waiters when an instance is added or removed, or when its status or capabilities change. A waiter names its
 * instance by the id or the name. For each name, the watch also remembers the newest instance of which it was notified.
 * Runs on the front, called by the directory.
 */
import { WAIT_NAMES_REMEMBERED_MAX } from "../../../schemas/limits/wait.js";
import { AgingMap } from "../../base/aging-map.js";
import type { Wakeable } from "../../base/waiter.js";
import { Waiters } from "../../base/waiters.js";
import type { Entry } from "./entry.js";

export class InstanceWatch {
  readonly #waiters = new Waiters<string>();
  /**
   * For each name, the row of the newest instance of which the watch was notified, in each workspace and in all of
   * them. The most recent names are last.
   */
  readonly #last = new AgingMap<string, number>();

  /**
   * Adds a waiter for changes of instances.
   * @param named the id or the name of the instances
   * @returns a function that removes the waiter
   */
  listen(named: string, waiter: Wakeable): () => void {
    return this.#waiters.add(named, waiter);
  }

  /** Wakes the waiters for an instance that has changed. */
  notify({ row, id, name, workspace }: Pick<Entry, "row" | "id" | "name" | "workspace">): void {
    this.#record(keyOf(name, null), row);
    this.#record(keyOf(name, workspace), row);
    this.#waiters.wake(id);
    if (name !== id) this.#waiters.wake(name);
  }

  /**
   * Returns the row of the newest instance with this name of which the watch was notified, even if it was deleted
   * since. Returns undefined if none is remembered.
   */
  lastOf(name: string, workspace: string | null): number | undefined {
    return this.#last.get(keyOf(name, workspace));
  }

  #record(key: string, row: number): void {
    const known = this.#last.get(key) ?? 0;
    this.#last.delete(key);
    this.#last.set(key, Math.max(known, row));
    this.#last.limitTo(2 * WAIT_NAMES_REMEMBERED_MAX);
  }
}

function keyOf(name: string, workspace: string | null): string {
  return JSON.stringify([name, workspace]);
}
