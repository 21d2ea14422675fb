/**
 * Implements a semaphore, which bounds how many jobs of a kind run at once. If no permit is free, a caller waits for
 * one, for a bounded time and in a bounded queue that serves callers round-robin. Pure but for its timers.
 */
import { FairQueue } from "./fair-queue.js";

/** A permit, as the function that releases it. Further calls of the function do nothing. */
export type Permit = () => void;

export interface SemaphoreOptions {
  /** The number of permits. */
  readonly permits: number;
  /** The largest number of waiters. A further one is refused. */
  readonly waitingMax: number;
  /** The largest number of waiters of one caller. A further one is refused. */
  readonly waitingOfCallerMax: number;
  /** The time in ms after which a waiter is refused. */
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

  /** Takes a permit, or waits for one. Resolves to null if none is free in time, or if the queue is full. */
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
