/**
 * Work that is done at intervals and when somebody asks for it, one run at a time. Who asks while a run is under
 * way gets the next one, which sees what was changed before the question; all who ask meanwhile share it. Pure but
 * for its state.
 */
export interface PeriodicOptions<Result> {
  readonly interval_ms: number;
  /** The first run is due one interval from here. */
  readonly now_ms: number;
  readonly work: () => Promise<Result>;
  /** Whether it is due although the interval has not passed. */
  readonly urgent?: () => boolean;
  /** False where a run would be in vain: it stays due. */
  readonly ready?: () => boolean;
}

export class Periodic<Result> {
  readonly #options: PeriodicOptions<Result>;
  #due_ms: number;
  #running: Promise<Result> | null = null;
  #next: Promise<Result> | null = null;
  #closed = false;

  constructor(options: PeriodicOptions<Result>) {
    this.#options = options;
    this.#due_ms = options.now_ms + options.interval_ms;
  }

  /** True after `close`: a run that is under way should come to its end. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Begins a run where one is due and none is under way. */
  tick(now_ms: number): void {
    const { interval_ms, urgent, ready } = this.#options;
    if (this.#closed || this.#running !== null || ready?.() === false) return;
    // Where the time went back it is due after an interval all the same.
    this.#due_ms = Math.min(this.#due_ms, now_ms + interval_ms);
    if (now_ms < this.#due_ms && urgent?.() !== true) return;
    this.#due_ms = now_ms + interval_ms;
    void this.run();
  }

  /** A run that begins now, or when the one under way has ended. */
  run(): Promise<Result> {
    if (this.#running === null) return this.#begin();
    this.#next ??= this.#running.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  /** No run is begun by the time any more; those that were asked for have ended when it resolves. */
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
