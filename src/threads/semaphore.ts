/**
 * A semaphore for work that must not be done by many at once: who finds no permit waits for one, for a bounded time in a
 * bounded queue, in which callers take turns. Pure but for its timers.
 */
import { FairQueue } from "./fair-queue.js";

/** Gives the permit back; to be called once. */
export type Permit = () => void;

export interface SemaphoreOptions {
  /** Permits that may be held at once. */
  readonly permits: number;
  /** Who comes when so many wait already is refused. */
  readonly waitingMax: number;
  /** So many of one caller may wait. */
  readonly waitingOfCallerMax: number;
  /** Who has waited for so long is refused. */
  readonly waitMsMax: number;
}

interface Waiting {
  readonly caller: string;
  readonly grant: (release: Permit | null) => void;
  readonly timer: NodeJS.Timeout;
}

export class Semaphore {
  readonly #options: SemaphoreOptions;
  #free: number;
  readonly #waiting = new FairQueue<Waiting>();

  constructor(options: SemaphoreOptions) {
    this.#options = options;
    this.#free = options.permits;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Waits for a permit, callers by turns; null where there is none in time, or no room to wait. */
  take(caller: string): Promise<Permit | null> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve(this.#release());
    }
    const { waitingMax, waitingOfCallerMax, waitMsMax } = this.#options;
    if (this.#waiting.size >= waitingMax || this.#waiting.sizeOf(caller) >= waitingOfCallerMax)
      return Promise.resolve(null);
    return new Promise((resolve) => {
      const waiting: Waiting = {
        caller,
        grant: resolve,
        timer: setTimeout(() => {
          this.#waiting.takeWhere((one) => one === waiting);
          resolve(null);
        }, waitMsMax),
      };
      this.#waiting.push(waiting);
    });
  }

  #release(): Permit {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = this.#waiting.take();
      if (next === undefined) {
        this.#free += 1;
        return;
      }
      clearTimeout(next.timer);
      next.grant(this.#release());
    };
  }
}
