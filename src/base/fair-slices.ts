/**
 * Divides the event loop's time among long jobs, round-robin. A job consists of short steps. In each tick, one job runs
 * for one time slice. So no job has to wait until another one ends. All jobs together delay other work by at most one
 * slice and one step per tick.
 *
 * The order of the steps depends on a clock, so do not use this class for work that must have the same result on every
 * node of a cluster.
 */
import { TIME_SLICE_MS } from "../../schemas/limits/process.js";

export interface FairSlicesOptions {
  /** A clock in ms. */
  readonly now?: () => number;
  /** Calls the function in the next tick. */
  readonly later?: (run: () => void) => void;
}

export class FairSlices {
  readonly #now: () => number;
  readonly #later: (run: () => void) => void;
  /** The jobs that wait for a slice, in order, each with the function that resumes it. */
  readonly #waiting = new Map<object, () => void>();
  /** The job that has the current slice. */
  #running: object | null = null;
  #began = 0;
  #scheduled = false;

  constructor({ now = () => performance.now(), later = setImmediate }: FairSlicesOptions = {}) {
    this.#now = now;
    this.#later = later;
  }

  /**
   * Resolves when the job may take its next step. That is now if the job's slice is not used up, otherwise in its next
   * slice. A job must wait for the result before it calls this again. When a job ends, it need not report that.
   * @param job any object that identifies the job
   */
  async next(job: object): Promise<void> {
    if (this.#running === job && this.#now() - this.#began <= TIME_SLICE_MS) return;
    await new Promise<void>((resolve) => {
      this.#waiting.set(job, resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#later(() => {
      this.#scheduled = false;
      this.#grant();
    });
  }

  #grant(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    const [job, resume] = first;
    this.#waiting.delete(job);
    this.#running = job;
    this.#began = this.#now();
    // If the resumed job waits again, it is queued after all others.
    if (this.#waiting.size > 0) this.#schedule();
    resume();
  }
}
