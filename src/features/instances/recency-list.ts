/**
 * A list of items in the order in which they were last seen, the newest first. The items themselves have the links of
 * this doubly linked list. So moving an item to the front, removing an item, and finding the oldest item take constant
 * time. Pure.
 */
import { assert } from "../../base/assert.js";

/** The links of an item in its list. An item is in at most one list. */
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

  /** Adds an item as the newest one. The item must not be in any list. */
  addNewest(item: Item): void {
    assert(item.newer === null && item.older === null && this.#newest !== item, "an item is in one list at a time");
    item.older = this.#newest;
    if (this.#newest === null) this.#oldest = item;
    else this.#newest.newer = item;
    this.#newest = item;
    this.#size += 1;
  }

  /** Removes an item of this list. */
  remove(item: Item): void {
    if (item.newer === null) this.#newest = item.older;
    else item.newer.older = item.older;
    if (item.older === null) this.#oldest = item.newer;
    else item.older.newer = item.newer;
    item.newer = null;
    item.older = null;
    this.#size -= 1;
  }

  /** Makes an item of this list the newest one. */
  touch(item: Item): void {
    if (this.#newest === item) return;
    this.remove(item);
    this.addNewest(item);
  }
}
