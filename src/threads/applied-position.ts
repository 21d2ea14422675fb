/**
 * How far the log is whose effects can be read, in memory that a node's writer and front share. The writer says so
 * before it commits: what the front reads is never newer than what it then says of it. It may be older for a moment, and
 * who asks another node to come so far waits for an entry that the log has. A server alone never says anything.
 */
export class AppliedPosition {
  readonly #id: BigInt64Array;

  /** @param memory that of the other side, eight bytes; its own where there is none yet */
  constructor(readonly memory = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.#id = new BigInt64Array(memory);
  }

  /** What is about to be committed goes up to this entry. */
  set(id: number): void {
    Atomics.store(this.#id, 0, BigInt(id));
  }

  /** Id of the newest entry whose effect can be in what was read until now; 0 before there is one. */
  get id(): bigint {
    return Atomics.load(this.#id, 0);
  }
}
