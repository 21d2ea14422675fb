/**
 * Wakes the waiters of a key when a write may have changed it. The writer's calls declare what they change, so nothing
 * is asked of the writer, and without waiters no write is even examined. Runs on the front.
 */
import { Failure } from "../base/result.js";
import type { Wakeable } from "../base/waiter.js";
import { Waiters } from "../base/waiters.js";
import type { ChangeFeed, ChangeListener } from "../threads/changes.js";
import type { Space } from "./space.js";

export class KeyWatch implements ChangeListener {
  readonly #feed: ChangeFeed;
  readonly #space: Space;
  readonly #waiters = new Waiters<string>();
  #leave: () => void = () => undefined;

  constructor(feed: ChangeFeed, space: Space) {
    this.#feed = feed;
    this.#space = space;
  }

  /** @returns the function that ends the waiting */
  listen(key: string, waiter: Wakeable): () => void {
    if (this.#waiters.size === 0) this.#leave = this.#feed.listen(this.#space.name, this);
    const leave = this.#waiters.add(key, waiter);
    return () => {
      leave();
      if (this.#waiters.size === 0) this.#leave();
    };
  }

  begin(): void {
    // A call in flight has changed nothing yet.
  }

  end(asked: readonly string[] | null, made: readonly string[] | null | Failure): void {
    if (made instanceof Failure && !made.outcome_unknown) return;
    const keys = made instanceof Failure ? asked : made;
    if (keys === null) this.#waiters.wakeAll();
    else for (const key of keys) this.#waiters.wake(key);
  }
}
