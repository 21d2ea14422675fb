/** A multimap from a group key to items. Empty groups are removed. Pure. */
import { TurnoverMap } from "./turnover-map.js";

export class Groups<Key extends string | number, Item> {
  readonly #groups = new TurnoverMap<Key, Set<Item>>();

  /** The number of groups. */
  get size(): number {
    return this.#groups.size;
  }

  /** Returns all items, group by group. */
  items(): Item[] {
    return this.#groups.values().flatMap((group) => [...group]);
  }

  /** Returns a snapshot of the groups' keys, as texts. */
  keys(): string[] {
    return this.#groups.keys();
  }

  /** Returns the group, or undefined if it is empty. */
  get(key: Key): ReadonlySet<Item> | undefined {
    return this.#groups.get(key);
  }

  /** Adds an item. Returns whether the item was not in the group before. */
  add(key: Key, item: Item): boolean {
    const group = this.#groups.get(key);
    if (group === undefined) {
      this.#groups.set(key, new Set([item]));
      return true;
    }
    const size = group.size;
    return group.add(item).size > size;
  }

  /** Removes an item. Returns whether the item was in the group. */
  remove(key: Key, item: Item): boolean {
    const group = this.#groups.get(key);
    const removed = group?.delete(item) ?? false;
    if (group?.size === 0) this.#groups.delete(key);
    return removed;
  }

  /** Removes a whole group and returns it. */
  take(key: Key): ReadonlySet<Item> {
    const group = this.#groups.get(key);
    this.#groups.delete(key);
    return group ?? new Set();
  }

  clear(): void {
    this.#groups.clear();
  }
}
