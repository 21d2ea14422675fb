/**
 * Which kinds of changes somebody watches, in memory that the front and the writer share: a bit a kind. The front
 * says it; the writer looks once a commit, and where nobody watches anything has nothing else to do.
 */
import { CHANGE_KINDS, type ChangeKind } from "../../schemas/changes.js";

export class WatchedKinds {
  readonly #bits: Int32Array;

  /** @param memory that of the other side, four bytes; its own where there is none yet */
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

  /** Whether a kind is watched, as it is now; null where none is. */
  load(): ((kind: ChangeKind) => boolean) | null {
    const bits = Atomics.load(this.#bits, 0);
    return bits === 0 ? null : (kind) => (bits & bitOf(kind)) !== 0;
  }
}

function bitOf(kind: ChangeKind): number {
  return 1 << CHANGE_KINDS.indexOf(kind);
}
