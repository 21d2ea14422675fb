/**
 * Runs long jobs in steps. All jobs together take one time slice of each tick. The slices alternate between the
 * callers, so a caller with many jobs gets no more time than a caller with one job. For each caller, the oldest job
 * that can continue runs first. So few jobs are half done, and take memory, at any time. Runs on the front.
 */
import { FairSlices } from "../../base/fair-slices.js";

interface Step {
  readonly run: () => void;
}

interface Caller {
  /** The next step of each job that waits to continue. The key is the number of the job. */
  readonly steps: Map<number, Step>;
  jobs: number;
  isServed: boolean;
}

export class CallerSlices {
  readonly #slices: FairSlices;
  readonly #callers = new Map<string, Caller>();
  #jobs = 0;

  constructor(slices = new FairSlices()) {
    this.#slices = slices;
  }

  /**
   * Begins a job.
   * @param caller the key of the caller on whose time the job runs
   */
  begin(caller: string): SlicedJob {
    const known = this.#callers.get(caller) ?? { steps: new Map<number, Step>(), jobs: 0, isServed: false };
    this.#callers.set(caller, known);
    known.jobs += 1;
    const job = ++this.#jobs;
    return {
      run: (step) =>
        new Promise((resolve, reject) => {
          const run = (): void => {
            try {
              resolve(step());
            } catch (error) {
              reject(error);
            }
          };
          known.steps.set(job, { run });
          if (!known.isServed) void this.#serve(known);
        }),
      end: () => {
        known.jobs -= 1;
        if (known.jobs === 0) this.#callers.delete(caller);
      },
    };
  }

  async #serve(caller: Caller): Promise<void> {
    caller.isServed = true;
    while (caller.steps.size > 0) {
      await this.#slices.next(caller);
      const oldest = Math.min(...caller.steps.keys());
      const step = caller.steps.get(oldest);
      caller.steps.delete(oldest);
      step?.run();
    }
    caller.isServed = false;
  }
}

export interface SlicedJob {
  /** Runs a step in a slice of the job's caller, and returns its result. A job runs one step at a time. */
  run<Result>(step: () => Result): Promise<Result>;
  /** Ends the job. It must be called once, and `run` must not be called afterwards. */
  end(): void;
}
