/**
 * Wakes the waiters for a key when a write may have changed the key. Each method of the writer declares which keys it
 * changes, so the watch need not ask the writer. While there are no waiters, it does not listen to writes. Runs on the
 * front.
 */
import { Failure } from "../../base/result.js";
import type { Wakeable } from "../../base/waiter.js";
import { Waiters } from "../../base/waiters.js";
import type { ChangeFeed, ChangeListener } from "../../platform/threads/changes.js";
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

  /** Wakes a waiter when a write may have changed the key. @returns the function that removes the waiter */
  listen(key: string, waiter: Wakeable): () => void {
    if (this.#waiters.size === 0) this.#leave = this.#feed.listen(this.#space.name, this);
    const leave = this.#waiters.add(key, waiter);
    return () => {
      leave();
      if (this.#waiters.size === 0) this.#leave();
    };
  }

  begin(): void {
    // Wake no waiter. A call in flight has changed nothing yet.
  }

  end(asked: readonly string[] | null, made: readonly string[] | null | Failure): void {
    if (made instanceof Failure && !made.outcomeUnknown) return;
    const keys = made instanceof Failure ? asked : made;
    if (keys === null) this.#waiters.wakeAll();
    else for (const key of keys) this.#waiters.wake(key);
  }
}
