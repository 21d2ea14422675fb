/**
 * Holds one whole number in memory that several threads share. Each thread creates a SharedCounter of its own over the
 * same memory. Every access is atomic. The number is stored in 64 bits, so it never wraps around.
 */
export class SharedCounter {
  readonly #cell: BigInt64Array;

  /** @param memory the memory of another thread's SharedCounter; new memory by default, which holds 0 */
  constructor(readonly memory = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.#cell = new BigInt64Array(memory);
  }

  get value(): number {
    return Number(Atomics.load(this.#cell, 0));
  }

  set(value: number): void {
    Atomics.store(this.#cell, 0, BigInt(value));
  }

  /** Adds one and returns the new number. */
  increment(): number {
    return Number(Atomics.add(this.#cell, 0, 1n)) + 1;
  }

  /** Sets the number, unless it is already larger. */
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
