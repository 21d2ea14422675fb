/**
 * Holds the kinds of changes that clients watch, one bit for each kind, in memory that the front and the writer share.
 * The front sets the bits. The writer reads them once for each commit, and publishes no changes while no bit is set.
 */
import { CHANGE_KINDS, type ChangeKind } from "../../schemas/changes.js";

export class WatchedKinds {
  readonly #bits: Int32Array;

  /** @param memory four bytes that the other thread has created; new memory by default */
  constructor(readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.#bits = new Int32Array(memory);
  }

  set(kinds: ReadonlySet<ChangeKind>): void {
    Atomics.store(
      this.#bits,
      0,
      CHANGE_KINDS.reduce((bits, kind) => (kinds.has(kind) ? bits | bitOf(kind) : bits), 0),
    );
  }

  /** Returns a function that tells whether a kind is watched now; null if no kind is watched. */
  load(): ((kind: ChangeKind) => boolean) | null {
    const bits = Atomics.load(this.#bits, 0);
    return bits === 0 ? null : (kind) => (bits & bitOf(kind)) !== 0;
  }
}

function bitOf(kind: ChangeKind): number {
  return 1 << CHANGE_KINDS.indexOf(kind);
}
