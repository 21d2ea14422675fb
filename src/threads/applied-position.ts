/**
 * Holds the applied position: the id of the newest log entry whose effect may be visible to reads. A node's writer and
 * its front share the memory. The writer sets the position before it commits. So data that the front reads is never
 * newer than the position that the front reports with it. The data may be older for a moment. That is harmless: a
 * client that then requests this position at another node waits for an entry that the log already has. A single server
 * never sets the position.
 */
export class AppliedPosition {
  readonly #id: BigInt64Array;

  /** @param memory eight bytes that the other thread has created; new memory by default */
  constructor(readonly memory = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.#id = new BigInt64Array(memory);
  }

  /** Sets the position, before the commit of a transaction that contains the entries up to `id`. */
  set(id: number): void {
    Atomics.store(this.#id, 0, BigInt(id));
  }

  /** The id of the newest entry whose effect an earlier read may have seen; 0 before the first entry. */
  get id(): bigint {
    return Atomics.load(this.#id, 0);
  }
}
