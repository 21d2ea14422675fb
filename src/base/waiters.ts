/**
 * Groups waiters by the key that they wait for, so that a change of a key wakes only its own waiters. A `WaitQueue`
 * handles the order, the deadlines and the ends of the waits.
 */
import { Groups } from "./groups.js";
import type { Wakeable } from "./waiter.js";

export class Waiters<Key extends string | number> {
  readonly #byKey = new Groups<Key, Wakeable>();
  #size = 0;

  /** The number of waiters. A waiter that waits for two keys counts twice. */
  get size(): number {
    return this.#size;
  }

  /** Adds a waiter for a key. Returns a function that removes it again. */
  add(key: Key, waiter: Wakeable): () => void {
    if (this.#byKey.add(key, waiter)) this.#size += 1;
    return () => {
      if (this.#byKey.remove(key, waiter)) this.#size -= 1;
    };
  }

  wake(key: Key): void {
    for (const waiter of this.#byKey.get(key) ?? []) waiter.wake();
  }

  wakeAll(): void {
    for (const waiter of this.#byKey.items()) waiter.wake();
  }
}
