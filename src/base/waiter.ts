/**
 * Waits for a result. A waiter looks for the result at once, and again each time that it is woken, until it finds one.
 * Only one look runs at a time, and several wake-ups in one event-loop tick cause one look.
 */

/** Looks for a result; returns null if there is none yet. */
export type Look<Found> = () => Found | null | Promise<Found | null>;

/** The methods with which other code wakes or ends a waiter. */
export interface Wakeable {
  wake(): void;
  finish(found: null): void;
}

export class Waiter<Found> implements Wakeable {
  readonly #look: Look<Found>;
  readonly #settle: (found: Found | null) => void;
  readonly #fail: (error: unknown) => void;
  #due = false;
  #looking = false;
  /** Whether the waiter was woken while a look was running, so that it must look again. */
  #again = false;
  #settled = false;

  /** @param fail called with the error if a look throws; after that the waiter stops looking, as after `settle` */
  constructor(look: Look<Found>, settle: (found: Found | null) => void, fail: (error: unknown) => void) {
    this.#look = look;
    this.#settle = settle;
    this.#fail = fail;
  }

  /** Schedules a look for the next tick. */
  wake(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      this.check();
    });
  }

  check(): void {
    if (this.#settled) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#again = false;
    let found: Found | null | Promise<Found | null>;
    try {
      found = this.#look();
    } catch (error) {
      this.#reject(error);
      return;
    }
    if (!(found instanceof Promise)) {
      if (found !== null) this.finish(found);
      return;
    }
    this.#looking = true;
    found.then(
      (later) => {
        this.#looking = false;
        if (later !== null) this.finish(later);
        else if (this.#again) this.check();
      },
      (error: unknown) => this.#reject(error),
    );
  }

  /**
   * Ends the wait with a result, or with null if the time is up or the client has gone. Only the first call has an
   * effect.
   */
  finish(found: Found | null): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#settle(found);
  }

  /** Called when a look has thrown, which is a bug. The error ends this wait, not the process. */
  #reject(error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#fail(error);
  }
}

export interface Wait<Found> {
  readonly look: Look<Found>;
  readonly wait_ms: number;
  /** Subscribes the waiter to the changes that may produce a result. Returns the function that unsubscribes it. */
  readonly listen: (waiter: Waiter<Found>) => () => void;
  /** Registers a listener that is called when the client has gone. */
  readonly onAbort: (listener: () => void) => void;
}

/**
 * Waits until `look` finds a result. Resolves with null if the time is up, the client has gone, or the wait was ended.
 * Rejects with the error if `look` throws.
 */
export function waitFor<Found>({ look, wait_ms, listen, onAbort }: Wait<Found>): Promise<Found | null> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      leave();
    };
    const waiter = new Waiter<Found>(
      look,
      (found) => {
        end();
        resolve(found);
      },
      (error) => {
        end();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
    // The waiter is subscribed before it looks. So a change that happens in between is noticed either by the look or by
    // the subscription.
    const leave = listen(waiter);
    const timer = setTimeout(() => waiter.finish(null), wait_ms);
    onAbort(() => waiter.finish(null));
    waiter.check();
  });
}
