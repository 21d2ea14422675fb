/**
 * Holds one integer in memory that several threads share. Each thread creates its own SharedCounter over that memory.
 *
 * Every access is atomic. The integer has 64 bits, so it never wraps around.
 */
export class SharedCounter {
  readonly #cell: BigInt64Array;

  /**
   * Uses the given memory, or allocates new memory that holds 0.
   * @param memory the memory of another thread's SharedCounter
   */
  constructor(readonly memory = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.#cell = new BigInt64Array(memory);
  }

  get value(): number {
    return Number(Atomics.load(this.#cell, 0));
  }

  set(value: number): void {
    Atomics.store(this.#cell, 0, BigInt(value));
  }

  /** Adds 1 to the number and returns the sum. */
  increment(): number {
    return Number(Atomics.add(this.#cell, 0, 1n)) + 1;
  }

  /** Sets the number to `value`, unless the number is already larger. */
  raise(value: number): void {
    const raised = BigInt(value);
    let current = Atomics.load(this.#cell, 0);
    while (current < raised) {
      const found = Atomics.compareExchange(this.#cell, 0, current, raised);
      if (found === current) return;
      current = found;
    }
  }
}
