/**
 * A map for keys that are added and removed all the time. The order of its entries is undefined. Pure.
 *
 * A Map is unsuitable, because its old hash tables may never be freed. When a Map replaces its hash table, the old
 * table references the new one. As soon as one table is in V8's old generation, all later ones stay alive, with their
 * former entries. In a server of leases, half of the allocated memory got into the old generation that way. An object
 * without a prototype does not have this problem.
 */

export class TurnoverMap<Key extends string | number, Value> {
  #values: Record<Key, Value> = Object.create(null) as Record<Key, Value>;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(key: Key): boolean {
    return this.#values[key] !== undefined;
  }

  get(key: Key): Value | undefined {
    return this.#values[key];
  }

  /** @param value any value except undefined */
  set(key: Key, value: Value): void {
    if (this.#values[key] === undefined) this.#size += 1;
    this.#values[key] = value;
  }

  /** Removes a key. Returns whether the map had the key. */
  delete(key: Key): boolean {
    if (this.#values[key] === undefined) return false;
    delete this.#values[key];
    this.#size -= 1;
    return true;
  }

  clear(): void {
    this.#values = Object.create(null) as Record<Key, Value>;
    this.#size = 0;
  }

  /** Returns a snapshot of the keys, as texts. */
  keys(): string[] {
    return Object.keys(this.#values);
  }

  /** Returns a snapshot of the values. */
  values(): Value[] {
    return Object.values(this.#values);
  }
}
