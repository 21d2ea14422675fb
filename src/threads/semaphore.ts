/**
 * A semaphore for work that only a few may do at once. Without a free permit a caller waits for one, for a bounded time
 * in a bounded queue that serves callers round-robin. Pure but for its timers.
 */
import { FairQueue } from "./fair-queue.js";

/** Releases the permit; further calls do nothing. */
export type Permit = () => void;

export interface SemaphoreOptions {
  /** The number of permits. */
  readonly permits: number;
  /** The limit of waiters; a further one is refused. */
  readonly waitingMax: number;
  /** The limit of waiters of one caller. */
  readonly waitingOfCallerMax: number;
  /** The time after which a waiter is refused. */
  readonly waitMsMax: number;
}

interface Waiting {
  readonly caller: string;
  readonly grant: (permit: Permit | null) => void;
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

  /** Takes a permit, or waits for one; resolves to null if there is none in time or no room to wait. */
  take(caller: string): Promise<Permit | null> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve(this.#makePermit());
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

  #makePermit(): Permit {
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
      next.grant(this.#makePermit());
    };
  }
}
