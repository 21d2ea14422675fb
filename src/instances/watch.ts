/**
 * Who waits for an instance, by its id or its name, and is woken when it comes, goes, has another status or can do
 * something else; and who had a name last, as far as that was told of. Runs on the front, over what its directory
 * tells.
 */
import { WAIT_NAMES_REMEMBERED_MAX } from "../../schemas/limits.js";
import { dropOldest } from "../base/drop-oldest.js";
import type { Wakeable } from "../base/waiter.js";
import { Waiters } from "../base/waiters.js";
import type { Entry } from "./directory.js";

export class InstanceWatch {
  readonly #waiters = new Waiters<string>();
  /** Rows, by name in a workspace and in any; who was told of last comes last. */
  readonly #last = new Map<string, number>();

  /** @param named an id or a name; the function that is returned ends the waiting */
  listen(named: string, waiter: Wakeable): () => void {
    return this.#waiters.add(named, waiter);
  }

  /** An instance is not what it was. */
  notify({ row, id, name, workspace }: Pick<Entry, "row" | "id" | "name" | "workspace">): void {
    this.#record(keyOf(name, null), row);
    this.#record(keyOf(name, workspace), row);
    this.#waiters.wake(id);
    if (name !== id) this.#waiters.wake(name);
  }

  /** The row of the newest instance of a name that was told of, there or gone; undefined where none is remembered. */
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
