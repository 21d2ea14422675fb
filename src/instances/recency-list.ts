/**
 * Items in the order in which they were last seen, newest first: a doubly linked list through the items
 * themselves, so that one is moved to the front, taken out or found at the far end at a cost that does not
 * depend on how many there are. Pure.
 */
import { assert } from "../base/assert.js";

/** What an item of a list carries; it is in one list at a time. */
export interface Linked<Item> {
  newer: Item | null;
  older: Item | null;
}

export class RecencyList<Item extends Linked<Item>> {
  #newest: Item | null = null;
  #oldest: Item | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get newest(): Item | null {
    return this.#newest;
  }

  get oldest(): Item | null {
    return this.#oldest;
  }

  /** Puts an item that is in no list to the front. */
  addNewest(item: Item): void {
    assert(item.newer === null && item.older === null && this.#newest !== item, "an item is in one list at a time");
    item.older = this.#newest;
    if (this.#newest === null) this.#oldest = item;
    else this.#newest.newer = item;
    this.#newest = item;
    this.#size += 1;
  }

  /** Takes out an item of this list. */
  remove(item: Item): void {
    if (item.newer === null) this.#newest = item.older;
    else item.newer.older = item.older;
    if (item.older === null) this.#oldest = item.newer;
    else item.older.newer = item.newer;
    item.newer = null;
    item.older = null;
    this.#size -= 1;
  }

  /** Moves an item of this list to the front. */
  touch(item: Item): void {
    if (this.#newest === item) return;
    this.remove(item);
    this.addNewest(item);
  }
}
