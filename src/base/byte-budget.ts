/**
 * Limits the memory of several users by one budget of bytes. A user takes bytes from the budget before it allocates
 * them, and gives them back later. So data that does not fit is rejected before it is in memory. Pure, any thread.
 */
import { assert } from "./assert.js";

export class ByteBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The bytes that are taken now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes the bytes if they fit. Otherwise takes nothing and returns false. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false;
    this.#bytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
    assert(this.#bytes >= 0, "no more is released than was taken");
  }
}
