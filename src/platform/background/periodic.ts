/**
 * Runs a piece of work at intervals and on request, one run at a time. Pure except for its state.
 *
 * A request during a run starts another run after it. So the run sees every change that was made before the request.
 * All requests during one run share the next run.
 */
export interface PeriodicOptions<Result> {
  readonly intervalMs: number;
  /** The current time in ms. The first run is due one interval later. */
  readonly nowMs: number;
  readonly work: () => Promise<Result>;
  /** Returns true if a run is due before the interval has passed. */
  readonly urgent?: () => boolean;
  /** Returns false if a run would be useless now. The run then stays due. */
  readonly ready?: () => boolean;
}

export class Periodic<Result> {
  readonly #options: PeriodicOptions<Result>;
  #dueMs: number;
  #running: Promise<Result> | null = null;
  #next: Promise<Result> | null = null;
  #closed = false;

  constructor(options: PeriodicOptions<Result>) {
    this.#options = options;
    this.#dueMs = options.nowMs + options.intervalMs;
  }

  /** True after `close` was called. A run in progress should then stop. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Starts a run if one is due and none is in progress. */
  tick(nowMs: number): void {
    const { intervalMs, urgent, ready } = this.#options;
    if (this.#closed || this.#running !== null || ready?.() === false) return;
    // If the clock was set back, make the next run due within one interval.
    this.#dueMs = Math.min(this.#dueMs, nowMs + intervalMs);
    if (nowMs < this.#dueMs && urgent?.() !== true) return;
    this.#dueMs = nowMs + intervalMs;
    void this.run();
  }

  /** Starts a run now, or after the run in progress. */
  run(): Promise<Result> {
    if (this.#running === null) return this.#begin();
    this.#next ??= this.#running.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  /** Starts no more runs at intervals. Resolves when all runs that were requested have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#next;
    await this.#running;
  }

  #begin(): Promise<Result> {
    this.#next = null;
    const running = this.#options.work().finally(() => {
      this.#running = null;
    });
    this.#running = running;
    return running;
  }
}
