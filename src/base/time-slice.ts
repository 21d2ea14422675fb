/**
 * Limits the time that long work may take in each event-loop tick. After that, all other callers get their share. Work
 * that is done in pieces checks the limit between the pieces. Users of the same slice share its time. The result
 * depends on a clock, so do not use this for anything that must be the same on every node of a cluster.
 */
import { TIME_SLICE_MS } from "../../schemas/limits/process.js";

export class TimeSlice {
  /** The time at which the work of this tick started; null before that. */
  #began: number | null = null;
  /** The work that waits for a later tick, in order. */
  #waiting: (() => void)[] = [];

  /** Whether the time of this tick is used up. The first check in a tick starts the measurement. */
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
   * Begins the next share. Waiting work gets it first. Otherwise, new work that comes at the beginning of each tick
   * could use up every share.
   */
  #renew(): void {
    this.#began = null;
    this.#resumeNext();
  }

  #resumeNext(): void {
    if (this.#waiting.length === 0 || this.isOver) return;
    this.#waiting.shift()?.();
    // Wakes the next work only after the resumed work has reached its next pause.
    queueMicrotask(() => process.nextTick(() => this.#resumeNext()));
  }
}
