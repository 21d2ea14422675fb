/**
 * Who waits for an instance, by its id or its name, and is woken when it comes, goes, has another status or can do
 * something else. Runs on the front, over what its directory tells.
 */
import type { Wakeable } from "../base/waiter.js";
import { Waiters } from "../base/waiters.js";

export class InstanceWatch {
  readonly #waiters = new Waiters<string>();

  /** @param named an id or a name; the function that is returned ends the waiting */
  listen(named: string, waiter: Wakeable): () => void {
    return this.#waiters.add(named, waiter);
  }

  /** An instance is not what it was. */
  tell({ id, name }: { readonly id: string; readonly name: string }): void {
    this.#waiters.wake(id);
    if (name !== id) this.#waiters.wake(name);
  }
}
