/**
 * A Map that knows its oldest entry, which is the one that was inserted first. A `set` of a key that the map has does
 * not make it newer. Pure.
 *
 * `for (const oldest of map.keys())` is unsuitable for a map that loses its oldest entry again and again: the iteration
 * passes over all that was deleted at the start of the map. With 10 000 entries each insertion takes 27 µs then, with
 * 65 000 more than 40. Here it takes 1 to 3, because one iterator continues where it was.
 */
export class AgingMap<Key, Value> extends Map<Key, Value> {
  /** All keys but `#first` are ahead of this iterator. */
  #ahead = this.keys();
  /** The key that the iterator passed last, if the map still has it. */
  #first: { readonly key: Key } | null = null;

  /** The oldest key; undefined if the map is empty. */
  get oldest(): Key | undefined {
    if (this.#first === null && this.size > 0) {
      let next = this.#ahead.next();
      if (next.done === true) {
        // An iterator that has met the end does not see what is inserted later.
        this.#ahead = this.keys();
        next = this.#ahead.next();
      }
      if (next.done !== true) this.#first = { key: next.value };
    }
    return this.#first?.key;
  }

  override delete(key: Key): boolean {
    if (this.#first?.key === key) this.#first = null;
    return super.delete(key);
  }

  override clear(): void {
    this.#first = null;
    super.clear();
  }

  /** Drops the oldest entries until the map has at most `most`. */
  limitTo(most: number): void {
    while (this.size > most) this.delete(this.oldest as Key);
  }
}
