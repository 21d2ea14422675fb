/**
 * Implements a semaphore, which bounds how many jobs of a kind run at once. If no permit is free, a caller waits for
 * one, for a bounded time and in a bounded queue that serves callers round-robin. Pure but for its timer.
 */
import { WaitQueue, Waiting } from "../base/wait-queue.js";
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

class PermitWait extends Waiting {
  constructor(
    readonly caller: string,
    readonly grant: (permit: Permit | null) => void,
    readonly fair: FairQueue<PermitWait>,
  ) {
    super();
  }

  end(): void {
    this.fair.takeWhere((other) => other === this);
    this.grant(null);
  }
}

export class Semaphore {
  readonly #waitMs: number;
  #free: number;
  /** The waiters, with their limits and deadlines. */
  readonly #waiting: WaitQueue<PermitWait>;
  /** The same waiters in the order in which they get permits. */
  readonly #fair = new FairQueue<PermitWait>();

  constructor({ permits, waitingMax, waitingOfCallerMax, waitMsMax }: SemaphoreOptions) {
    this.#free = permits;
    this.#waitMs = waitMsMax;
    this.#waiting = new WaitQueue({ weightMax: waitingMax, weightOfCallerMax: waitingOfCallerMax });
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
    return new Promise((resolve) => {
      const wait = new PermitWait(caller, resolve, this.#fair);
      if (this.#waiting.add(wait, { waitMs: this.#waitMs, caller })) this.#fair.push(wait);
      else resolve(null);
    });
  }

  #makePermit(): Permit {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = this.#fair.take();
      if (next === undefined) {
        this.#free += 1;
        return;
      }
      this.#waiting.remove(next);
      next.grant(this.#makePermit());
    };
  }
}
