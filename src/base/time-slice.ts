/**
 * The share of an event-loop tick that work for some callers may take before all other callers get theirs. Work in
 * pieces checks it between the pieces; users of one slice share its time. It depends on a clock, so do not use it for
 * anything that must be the same on every node of a cluster.
 */
import { TIME_SLICE_MS } from "../../schemas/limits.js";

export class TimeSlice {
  /** When this tick's work began; null before that. */
  #began: number | null = null;

  /** Whether the share of this tick is used up. The first check in a tick starts the slice. */
  get isOver(): boolean {
    const now = performance.now();
    if (this.#began === null) {
      this.#began = now;
      setImmediate(() => {
        this.#began = null;
      });
    }
    return now - this.#began > TIME_SLICE_MS;
  }

  /** Resumes in a later tick if the share of this one is used up. */
  async yieldIfOver(): Promise<void> {
    while (this.isOver) await new Promise((resolve) => setImmediate(resolve));
  }
}
