/**
 * Limits the rate of reports about something that may happen in every request. The first occurrence is reported at
 * once. After that there is at most one report in each interval, with the number of occurrences.
 */
export class SparseReport {
  readonly #interval_ms: number;
  readonly #write: (times: number, error: unknown) => void;
  readonly #now: () => number;
  #times = 0;
  #written_ms = Number.NEGATIVE_INFINITY;

  /**
   * @param write called with the number of occurrences since the last report, and the last error
   * @param now returns a time in ms; only differences of times matter
   */
  constructor(
    interval_ms: number,
    write: (times: number, error: unknown) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#interval_ms = interval_ms;
    this.#write = write;
    this.#now = now;
  }

  report(error?: unknown): void {
    this.#times += 1;
    const now_ms = this.#now();
    if (now_ms - this.#written_ms < this.#interval_ms) return;
    this.#written_ms = now_ms;
    this.#write(this.#times, error);
    this.#times = 0;
  }
}
