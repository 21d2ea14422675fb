/**
 * Limits the time of a call with a signal, which ends the requests and pauses of the call. The signal fires when the
 * time is over, or when one of the caller's signals fires.
 */
import { TimeoutError } from "./errors.js";

/** The maximum delay of a timer, in ms. Node and browsers would run a timer with a longer delay at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The options of every call. */
export interface CallOptions {
  /** A signal that ends the call when it fires. The call then fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** The maximum time for the call, including all its retries, in ms. */
  readonly timeoutMs?: number | undefined;
}

export class Deadline {
  readonly #controller = new AbortController();
  readonly #endsMs: number;
  readonly #undo: (() => void)[] = [];
  readonly #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param timeoutMs the time limit in ms; Infinity for none */
  constructor(timeoutMs: number, signals: readonly (AbortSignal | undefined)[]) {
    this.#endsMs = performance.now() + timeoutMs;
    for (const signal of signals) {
      if (signal === undefined) continue;
      const abort = (): void => this.#controller.abort(signal.reason);
      if (signal.aborted) abort();
      signal.addEventListener("abort", abort);
      this.#undo.push(() => signal.removeEventListener("abort", abort));
    }
    if (timeoutMs > TIMER_MS_MAX) return;
    this.#timer = setTimeout(() => {
      this.#controller.abort(
        new TimeoutError(`no answer within ${Math.round(timeoutMs)} ms`, { outcomeUnknown: true }),
      );
    }, timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  leftMs(): number {
    return this.#endsMs - performance.now();
  }

  /** Waits for this time. If the signal fires first, fails at once with the signal's reason. */
  async pause(timeMs: number): Promise<void> {
    const { signal } = this;
    signal.throwIfAborted();
    let finish = (): void => undefined;
    const over = new Promise<void>((resolve) => {
      finish = resolve;
    });
    // Limit the delay, because a timer with a longer delay would fire at once.
    const timer = setTimeout(finish, Math.min(timeMs, TIMER_MS_MAX));
    signal.addEventListener("abort", finish);
    await over;
    clearTimeout(timer);
    signal.removeEventListener("abort", finish);
    signal.throwIfAborted();
  }

  /** Removes the time limit. The caller's signals still end the call. */
  lift(): void {
    clearTimeout(this.#timer);
  }

  /** Stops the timer, and removes the listeners of the caller's signals. */
  end(): void {
    this.lift();
    for (const undo of this.#undo.splice(0)) undo();
  }
}
