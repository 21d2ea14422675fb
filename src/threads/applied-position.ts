/**
 * The applied position: the id of the newest log entry whose effect can be read. A node's writer and its front share
 * the memory. The writer sets the position before it commits, so what the front reads is never newer than the position
 * that it reports with it. The read can be older for a moment; a client that then asks another node for this position
 * waits for an entry that the log already has. A single server never sets it.
 */
export class AppliedPosition {
  readonly #id: BigInt64Array;

  /**
   * @param memory the memory of the other side, eight bytes; new memory by default
   */
  constructor(readonly memory = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.#id = new BigInt64Array(memory);
  }

  /** The transaction that is about to commit contains the entries up to this one. */
  set(id: number): void {
    Atomics.store(this.#id, 0, BigInt(id));
  }

  /** The id of the newest entry whose effect can be in an earlier read; 0 before the first entry. */
  get id(): bigint {
    return Atomics.load(this.#id, 0);
  }
}
