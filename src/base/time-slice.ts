/**
 * Limits the time that long work takes in each event-loop tick. Work that is done in pieces checks the limit between
 * the pieces, and waits for a later tick if the time is used up. All work that uses the same slice shares its time.
 *
 * The pauses depend on a clock, so do not use this class for work that must have the same result on every node of a
 * cluster.
 */
import { TIME_SLICE_MS } from "../../schemas/limits/process.js";

export class TimeSlice {
  /** The time at which the work of this tick started; null if no work has started yet. */
  #began: number | null = null;
  /** The functions that resume the waiting work in a later tick, in order. */
  #waiting: (() => void)[] = [];

  /** Whether the time of this tick is used up. The time runs from the first check in the tick. */
  get isOver(): boolean {
    const now = performance.now();
    if (this.#began === null) {
      this.#began = now;
      setImmediate(() => this.#renew());
    }
    return now - this.#began > TIME_SLICE_MS;
  }

  /** Waits for a later tick if the time of this tick is used up. */
  async yieldIfOver(): Promise<void> {
    while (this.isOver) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  /**
   * Resets the time for the next tick, and resumes the waiting work before any new work. Otherwise new work at the
   * beginning of each tick could use up the time of every tick.
   */
  #renew(): void {
    this.#began = null;
    this.#resumeNext();
  }

  #resumeNext(): void {
    if (this.#waiting.length === 0 || this.isOver) return;
    this.#waiting.shift()?.();
    // Wait until the resumed work has reached its next pause. Then resume the next waiting work.
    queueMicrotask(() => process.nextTick(() => this.#resumeNext()));
  }
}
