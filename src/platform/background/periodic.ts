/**
 * Runs a piece of work at intervals and on request, one run at a time. Pure except for its state.
 *
 * A request that comes during a run is served by the next run, because the current run may have missed the change that
 * led to the request. All requests that come during one run share the next run.
 */
export interface PeriodicOptions<Result> {
  readonly intervalMs: number;
  /** The current time in ms. The first run is due one interval later. */
  readonly nowMs: number;
  readonly work: () => Promise<Result>;
  /** Returns true if the work must run before the interval has passed. */
  readonly urgent?: () => boolean;
  /** Returns false while a run would be useless. A due run then waits until this returns true. */
  readonly ready?: () => boolean;
}

export class Periodic<Result> {
  readonly #options: PeriodicOptions<Result>;
  #dueMs: number;
  #running: Promise<Result> | null = null;
  #next: Promise<Result> | null = null;
  /** The exception of a run that `tick` has started. The next tick throws it. */
  #exception: { readonly error: unknown } | null = null;
  #closed = false;

  constructor(options: PeriodicOptions<Result>) {
    this.#options = options;
    this.#dueMs = options.nowMs + options.intervalMs;
  }

  /** True after `close` was called. A run in progress should then stop. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Starts a run if one is due and none is in progress.
   * @throws the exception of the run that an earlier tick has started; the registry of background tasks logs it
   */
  tick(nowMs: number): void {
    const { intervalMs, urgent, ready } = this.#options;
    const exception = this.#exception;
    this.#exception = null;
    if (exception !== null) throw exception.error;
    if (this.#closed || this.#running !== null || ready?.() === false) return;
    // If the clock was set back, the due time would be too far in the future. Then the next run is due one interval
    // from now.
    this.#dueMs = Math.min(this.#dueMs, nowMs + intervalMs);
    if (nowMs < this.#dueMs && urgent?.() !== true) return;
    this.#dueMs = nowMs + intervalMs;
    this.run().catch((error: unknown) => {
      this.#exception = { error };
    });
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

  /** Starts no more runs at intervals. Resolves when the run in progress and all requested runs have ended. */
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
