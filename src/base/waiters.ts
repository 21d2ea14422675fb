/** Who waits for what, by its name: only those are woken whom a thing concerns. */
import { Groups } from "./groups.js";
import type { Wakeable } from "./waiter.js";

export class Waiters<Key> {
  readonly #by_key = new Groups<Key, Wakeable>();
  #size = 0;

  /** How many wait; one that waits for two things counts twice. */
  get size(): number {
    return this.#size;
  }

  /** From now on the waiter is woken for this key; until the function that is returned is called. */
  add(key: Key, waiter: Wakeable): () => void {
    const own = this.#by_key.get(key) ?? new Set<Wakeable>();
    this.#by_key.set(key, own.add(waiter));
    this.#size += 1;
    return () => {
      if (!own.delete(waiter)) return;
      this.#size -= 1;
      if (own.size === 0) this.#by_key.delete(key);
    };
  }

  wake(key: Key): void {
    for (const waiter of this.#by_key.get(key) ?? []) waiter.wake();
  }

  wakeAll(): void {
    for (const own of this.#by_key.values()) for (const waiter of own) waiter.wake();
  }

  /** Ends all waiting. */
  end(): void {
    for (const own of [...this.#by_key.values()]) for (const waiter of [...own]) waiter.finish(null);
  }
}
