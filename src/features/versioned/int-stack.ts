/**
 * A growing stack of 32-bit integers outside the JavaScript heap. It is for walks whose depth depends on the input, so
 * that they need not recurse. Pure.
 */
import { assert } from "../../base/assert.js";

const CELLS_INITIAL = 64;

export class IntStack {
  #cells = new Int32Array(CELLS_INITIAL);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get(at: number): number {
    assert(at >= 0 && at < this.#length, "inside the stack");
    return this.#cells[at] as number;
  }

  set(at: number, value: number): void {
    assert(at >= 0 && at < this.#length, "inside the stack");
    this.#cells[at] = value;
  }

  push(value: number): void {
    if (this.#length === this.#cells.length) {
      const larger = new Int32Array(this.#cells.length * 2);
      larger.set(this.#cells);
      this.#cells = larger;
    }
    this.#cells[this.#length++] = value;
  }

  pop(): number {
    assert(this.#length > 0, "something to pop");
    return this.#cells[--this.#length] as number;
  }
}
