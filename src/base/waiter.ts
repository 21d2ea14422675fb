/**
 * Who waits for something to be found: it is looked for at once, and again whenever something has come, until there is
 * something to settle with. Looks follow each other, and what comes in one turn of the event loop is looked for
 * together.
 */

/** Looks; null where there is nothing to be told. */
export type Look<Found> = () => Found | null | Promise<Found | null>;

/** A waiter as those know it who wake and end it. */
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
  /** Something came while it was being looked. */
  #again = false;
  #settled = false;

  /** @param fail is told what a look has thrown: then there is no more looking, as after `settle` */
  constructor(look: Look<Found>, settle: (found: Found | null) => void, fail: (error: unknown) => void) {
    this.#look = look;
    this.#settle = settle;
    this.#fail = fail;
  }

  /** Something has come. */
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
      this.#fall(error);
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
      (error: unknown) => this.#fall(error),
    );
  }

  /** Settles, once; with null where the time is up, or who waits has gone. */
  finish(found: Found | null): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#settle(found);
  }

  /** A look has thrown, which is a bug: it ends this wait, not the process. */
  #fall(error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#fail(error);
  }
}

export interface Wait<Found> {
  readonly look: Look<Found>;
  readonly wait_ms: number;
  /** Has the waiter woken when something has come; the function that is returned ends that. */
  readonly listen: (waiter: Waiter<Found>) => () => void;
  /** Is told what to call when who waits has gone. */
  readonly onAbort: (listener: () => void) => void;
}

/**
 * Waits until a look finds something; null where the time was up, who waits has gone, or somebody ended it. What a look
 * throws, this throws.
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
    // Listening comes before looking: what comes in between is seen by one of the two.
    const leave = listen(waiter);
    const timer = setTimeout(() => waiter.finish(null), wait_ms);
    onAbort(() => waiter.finish(null));
    waiter.check();
  });
}
