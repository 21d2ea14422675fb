/**
 * A Map that knows its oldest entry, which is the one that was inserted first. A `set` of an existing key does not make
 * its entry newer. Pure.
 *
 * `for (const oldest of map.keys())` is unsuitable for a map that repeatedly drops its oldest entry, because the
 * iteration passes over all deleted entries at the start of the map. With 10 000 entries, each insertion then takes 27
 * µs, and with 65 000 entries more than 40 µs. This class takes 1 to 3 µs, because it keeps one iterator, which
 * continues where it stopped.
 */
export class AgingMap<Key, Value> extends Map<Key, Value> {
  /** The iterator over the keys. All keys except `#first` are still ahead of it. */
  #ahead = this.keys();
  /** The key that the iterator has returned last; null if the map no longer has this key. */
  #first: { readonly key: Key } | null = null;

  /** The oldest key; undefined if the map is empty. */
  get oldest(): Key | undefined {
    if (this.#first === null && this.size > 0) {
      let next = this.#ahead.next();
      if (next.done === true) {
        // Make a new iterator, because an iterator that has reached the end does not see later insertions.
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

  /** Drops the oldest entries until the map has at most `most` entries. */
  limitTo(most: number): void {
    while (this.size > most) this.delete(this.oldest as Key);
  }
}
