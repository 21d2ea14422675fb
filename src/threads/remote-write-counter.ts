/**
 * Counts the commits in which calls of other nodes changed something of which the front keeps copies. The front and the
 * writer share the memory. The writer counts before it commits, and sends the changed keys afterwards. If the front has
 * received fewer messages than the count says, the database may be newer than the front's copies, so the front reads
 * the database. A single server never counts.
 *
 * The other effects of a commit follow from the dirty set of its transaction after the commit. The counter cannot,
 * because the front may read the new rows before it gets any message about them.
 */
export class RemoteWriteCounter {
  readonly #count: Int32Array;

  /** @param memory four bytes that the other thread has created; new memory by default */
  constructor(readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.#count = new Int32Array(memory);
  }

  /**
   * Adds one and returns the count. The count wraps around after some billions, which is harmless, because counts are
   * only tested for equality.
   */
  raise(): number {
    return (Atomics.add(this.#count, 0, 1) + 1) | 0;
  }

  get count(): number {
    return Atomics.load(this.#count, 0);
  }
}
