/**
 * Limits the rate of reports about an event that may happen in every request. The first occurrence is reported at once.
 * Later ones are counted, and each interval has at most one report with the count.
 */
export class SparseReport {
  readonly #intervalMs: number;
  readonly #write: (times: number, error: unknown) => void;
  readonly #now: () => number;
  #times = 0;
  #writtenMs = Number.NEGATIVE_INFINITY;

  /**
   * @param write called with the number of occurrences since the last report, and the last error
   * @param now returns a time in ms; only differences of times matter
   */
  constructor(
    intervalMs: number,
    write: (times: number, error: unknown) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#intervalMs = intervalMs;
    this.#write = write;
    this.#now = now;
  }

  report(error?: unknown): void {
    this.#times += 1;
    const nowMs = this.#now();
    if (nowMs - this.#writtenMs < this.#intervalMs) return;
    this.#writtenMs = nowMs;
    this.#write(this.#times, error);
    this.#times = 0;
  }
}
