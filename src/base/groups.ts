/** Things by what they belong to; a group that nobody belongs to is not there. Pure. */
import { TurnoverMap } from "./turnover-map.js";

export class Groups<Key extends string | number, Item> {
  readonly #groups = new TurnoverMap<Key, Set<Item>>();

  /** How many groups there are. */
  get size(): number {
    return this.#groups.size;
  }

  /** All of them, group by group. */
  items(): Item[] {
    return this.#groups.values().flatMap((group) => [...group]);
  }

  /** Undefined for none. */
  get(key: Key): ReadonlySet<Item> | undefined {
    return this.#groups.get(key);
  }

  /** Whether it was not there yet. */
  add(key: Key, item: Item): boolean {
    const group = this.#groups.get(key);
    if (group === undefined) {
      this.#groups.set(key, new Set([item]));
      return true;
    }
    const size = group.size;
    return group.add(item).size > size;
  }

  /** Whether it was there. */
  remove(key: Key, item: Item): boolean {
    const group = this.#groups.get(key);
    const removed = group?.delete(item) ?? false;
    if (group?.size === 0) this.#groups.delete(key);
    return removed;
  }

  /** A whole group, which is not there any more. */
  take(key: Key): ReadonlySet<Item> {
    const group = this.#groups.get(key);
    this.#groups.delete(key);
    return group ?? new Set();
  }

  clear(): void {
    this.#groups.clear();
  }
}
