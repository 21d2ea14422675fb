/**
 * Work that must not be done by many at once: who finds no room waits for a turn, for a bounded time in a
 * bounded queue. Pure but for its timers.
 */

/** Gives the turn back; to be called once. */
export type Release = () => void;

interface Waiting {
  readonly begin: (release: Release | null) => void;
  readonly timer: NodeJS.Timeout;
}

export class Turns {
  #free: number;
  readonly #waiting: Waiting[] = [];

  /**
   * @param together turns that may be taken at once
   * @param waiting_max who comes when so many wait already is refused
   * @param wait_ms_max who has waited for so long is refused
   */
  constructor(
    together: number,
    readonly waiting_max: number,
    readonly wait_ms_max: number,
  ) {
    this.#free = together;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Waits for a turn, the first come first; null where there is none in time. */
  take(): Promise<Release | null> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve(this.#release());
    }
    if (this.#waiting.length >= this.waiting_max) return Promise.resolve(null);
    return new Promise((resolve) => {
      const waiting: Waiting = {
        begin: resolve,
        timer: setTimeout(() => {
          this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
          resolve(null);
        }, this.wait_ms_max),
      };
      this.#waiting.push(waiting);
    });
  }

  #release(): Release {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#free += 1;
        return;
      }
      clearTimeout(next.timer);
      next.begin(this.#release());
    };
  }
}
