/**
 * Limits the number of jobs of one kind that run at once. A job needs a permit. If no permit is free, the job waits in
 * a queue that serves the callers round-robin. The length of the queue and the time of each wait are limited. Pure
 * except for its timer.
 */
import { WaitQueue, Waiting } from "../../base/wait-queue.js";
import { FairQueue } from "../../base/fair-queue.js";

/** Releases the permit. Only the first call has an effect. */
export type Permit = () => void;

export interface SemaphoreOptions {
  /** The number of permits. */
  readonly permits: number;
  /** The maximum number of waiters. A further waiter is refused. */
  readonly waitingMax: number;
  /** The maximum number of waiters of one caller. A further waiter of the caller is refused. */
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
  /** The same waiters, in the order in which they get permits. */
  readonly #fair = new FairQueue<PermitWait>();

  constructor({ permits, waitingMax, waitingOfCallerMax, waitMsMax }: SemaphoreOptions) {
    this.#free = permits;
    this.#waitMs = waitMsMax;
    this.#waiting = new WaitQueue({ weightMax: waitingMax, weightOfCallerMax: waitingOfCallerMax });
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Takes a permit, or waits for one. Resolves to null if no permit becomes free in time, or if the queue is full. */
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
