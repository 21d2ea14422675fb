/**
 * Runs short tasks in the order in which they were added. All tasks that run in one event-loop tick share one time
 * slice, which also covers their microtasks.
 *
 * The order of the tasks does not depend on the clock, but the tick in which a task runs does. So do not use this class
 * for work that must have the same result on every node of a cluster.
 */
import { TIME_SLICE_MS } from "../../schemas/limits/process.js";

export interface LookTurnsOptions {
  /** A clock in ms. */
  readonly now?: () => number;
  /** Calls the function in the next tick. */
  readonly later?: (run: () => void) => void;
}

export class LookTurns {
  readonly #now: () => number;
  readonly #later: (run: () => void) => void;
  #due: (() => void)[] = [];
  #next = 0;
  #scheduled = false;

  constructor({ now = () => performance.now(), later = setImmediate }: LookTurnsOptions = {}) {
    this.#now = now;
    this.#later = later;
  }

  /** Runs a task in a later tick. */
  add(task: () => void): void {
    this.#due.push(task);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#later(() => {
      const began = this.#now();
      this.#run(began, this.#due.length);
    });
  }

  /**
   * Runs tasks until the slice is used up or the next task was added during this tick.
   * @param end the number of tasks that were added before this tick
   */
  #run(began: number, end: number): void {
    if (this.#next < end && this.#now() - began <= TIME_SLICE_MS) {
      this.#due[this.#next++]?.();
      // Let the microtasks of this task end before the next task runs.
      queueMicrotask(() => process.nextTick(() => this.#run(began, end)));
      return;
    }
    this.#due = this.#due.slice(this.#next);
    this.#next = 0;
    this.#scheduled = false;
    if (this.#due.length > 0) this.#schedule();
  }
}

/** The instance that all waiters on the front share. */
export const lookTurns = new LookTurns();
