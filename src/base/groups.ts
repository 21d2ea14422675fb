/** Things by what they belong to; a group that nobody belongs to is not there. Pure. */

export class Groups<Key, Item> {
  readonly #groups = new Map<Key, Set<Item>>();

  /** How many groups there are. */
  get size(): number {
    return this.#groups.size;
  }

  /** Those that have somebody, as they were made. */
  keys(): IterableIterator<Key> {
    return this.#groups.keys();
  }

  /** Undefined for none. */
  get(key: Key): ReadonlySet<Item> | undefined {
    return this.#groups.get(key);
  }

  add(key: Key, item: Item): void {
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, new Set([item]));
    else group.add(item);
  }

  remove(key: Key, item: Item): void {
    const group = this.#groups.get(key);
    group?.delete(item);
    if (group?.size === 0) this.#groups.delete(key);
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
