/**
 * Who waits for something to be found: it is looked for at once, and again whenever something has come, until there is
 * something to settle with. Looks follow each other, and what comes in one turn of the event loop is looked for together.
 */

/** Looks; null where there is nothing to be told. */
export type Look<Found> = () => Found | null | Promise<Found | null>;

export class Waiter<Found> {
  readonly #look: Look<Found>;
  readonly #settle: (found: Found | null) => void;
  #due = false;
  #looking = false;
  /** Something came while it was being looked. */
  #again = false;
  #settled = false;

  constructor(look: Look<Found>, settle: (found: Found | null) => void) {
    this.#look = look;
    this.#settle = settle;
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
    const found = this.#look();
    if (!(found instanceof Promise)) {
      if (found !== null) this.finish(found);
      return;
    }
    this.#looking = true;
    void found.then((later) => {
      this.#looking = false;
      if (later !== null) this.finish(later);
      else if (this.#again) this.check();
    });
  }

  /** Settles, once; with null where the time is up, or who waits has gone. */
  finish(found: Found | null): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#settle(found);
  }
}
