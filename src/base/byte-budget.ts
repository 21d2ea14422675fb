/**
 * A number of bytes that many share: each takes what it is about to hold, and gives it back. Pure, any thread. What
 * does not fit is refused by the caller, before it is in memory.
 */
import { assert } from "./assert.js";

export class ByteBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes that are taken now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes the bytes; false, and nothing is taken, where they do not fit. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
    assert(this.#bytes >= 0, "no more is given back than was taken");
  }
}
