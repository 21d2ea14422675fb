/**
 * What of one turn of the event loop work for some callers may take before all others have theirs. Work that comes in
 * pieces asks between them; whoever shares a slice shares its time. Never for what is the same on every node of a
 * cluster: it goes by a clock.
 */
import { TIME_SLICE_MS } from "../../schemas/limits.js";

export class TimeSlice {
  /** When this turn's work began; null before it has. */
  #began: number | null = null;

  /** Whether this turn has had its share. Begins it where it has not begun. */
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

  /** Goes on in a later turn where this one has had its share. */
  async yieldIfOver(): Promise<void> {
    while (this.isOver) await new Promise((resolve) => setImmediate(resolve));
  }
}
