/** Who waits for what, by its name: only those are woken whom a thing concerns. */
import { Groups } from "./groups.js";
import type { Wakeable } from "./waiter.js";

export class Waiters<Key extends string | number> {
  readonly #by_key = new Groups<Key, Wakeable>();
  #size = 0;

  /** How many wait; one that waits for two things counts twice. */
  get size(): number {
    return this.#size;
  }

  /** From now on the waiter is woken for this key; until the function that is returned is called. */
  add(key: Key, waiter: Wakeable): () => void {
    if (this.#by_key.add(key, waiter)) this.#size += 1;
    return () => {
      if (this.#by_key.remove(key, waiter)) this.#size -= 1;
    };
  }

  wake(key: Key): void {
    for (const waiter of this.#by_key.get(key) ?? []) waiter.wake();
  }

  wakeAll(): void {
    for (const waiter of this.#by_key.items()) waiter.wake();
  }

  /** Ends all waiting. */
  end(): void {
    for (const waiter of this.#by_key.items()) waiter.finish(null);
  }
}
