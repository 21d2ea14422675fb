/**
 * How often calls of other nodes have changed what the front keeps copies of, in memory that the front and the writer
 * share. The writer counts before it commits and tells the keys behind it, so a front that has heard of fewer knows
 * that the database may be ahead of its copies, and reads there. A server alone never counts.
 */
export class RemoteWriteCounter {
  readonly #count: Int32Array;

  /** @param memory that of the other side, four bytes; its own where there is none yet */
  constructor(readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.#count = new Int32Array(memory);
  }

  /** Counts one more; the count. It begins anew after some billions, as whoever compares two of them does. */
  raise(): number {
    return (Atomics.add(this.#count, 0, 1) + 1) | 0;
  }

  get count(): number {
    return Atomics.load(this.#count, 0);
  }
}
