/**
 * Rate-limits reports of something that happens with every request: the first is reported at once, then at most one in
 * each interval, with the count.
 */
export class SparseReport {
  readonly #interval_ms: number;
  readonly #write: (times: number, error: unknown) => void;
  readonly #now: () => number;
  #times = 0;
  #written_ms = Number.NEGATIVE_INFINITY;

  /**
   * @param write receives the number of occurrences since the last report, and the last error
   * @param now in ms; only differences matter
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
