/**
 * A byte budget that several users share: each takes the bytes that it is about to hold, and gives them back. The
 * caller refuses data that does not fit before the data is in memory. Pure, any thread.
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

  /** Takes the bytes. Returns false, and takes nothing, if they do not fit. */
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
