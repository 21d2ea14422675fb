/**
 * Holds the kinds of changes that clients watch, in memory that the front and the writer share. Each kind has one bit,
 * which the front sets. The writer reads the bits once for each commit, and publishes only the kinds whose bits are
 * set.
 */
import { CHANGE_KINDS, type ChangeKind } from "../../../schemas/changes.js";
import { SharedCounter } from "../../base/shared-counter.js";

export class WatchedKinds {
  readonly #bits: SharedCounter;

  /** @param memory the memory of the other thread's WatchedKinds; new memory by default */
  constructor(readonly memory = new SharedCounter().memory) {
    this.#bits = new SharedCounter(memory);
  }

  set(kinds: ReadonlySet<ChangeKind>): void {
    this.#bits.set(CHANGE_KINDS.reduce((bits, kind) => (kinds.has(kind) ? bits | bitOf(kind) : bits), 0));
  }

  /** Reads the bits once. Returns a function that checks whether a kind is watched, or null if no kind is watched. */
  load(): ((kind: ChangeKind) => boolean) | null {
    const bits = this.#bits.value;
    return bits === 0 ? null : (kind) => (bits & bitOf(kind)) !== 0;
  }
}

function bitOf(kind: ChangeKind): number {
  return 1 << CHANGE_KINDS.indexOf(kind);
}
