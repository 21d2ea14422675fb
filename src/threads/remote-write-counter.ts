/**
 * Counts the commits in which calls of other nodes changed something that the front keeps copies of. The front and the
 * writer share the memory. The writer counts before it commits and sends the keys afterwards. A front that has received
 * fewer counts knows that the database may be newer than its copies, and reads the database. A single server never
 * counts.
 */
export class RemoteWriteCounter {
  readonly #count: Int32Array;

  /**
   * @param memory the memory of the other side, four bytes; new memory by default
   */
  constructor(readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.#count = new Int32Array(memory);
  }

  /** Adds one and returns the count. It wraps after some billions, which an equality test tolerates. */
  raise(): number {
    return (Atomics.add(this.#count, 0, 1) + 1) | 0;
  }

  get count(): number {
    return Atomics.load(this.#count, 0);
  }
}
