/**
 * Limits the work of a validation that runs without a permit, because other requests wait for the same thread. Work is
 * counted in steps. Searching a line takes as many steps as the regex has instructions, for each character of the line.
 * Pure but for the given clock.
 */
export class WorkBudget {
  readonly #untilMs: number;
  readonly #now: () => number;
  #steps: number;
  #spent = false;

  /**
   * @param stepsMax the steps of all searches together; a search takes instructions times characters
   * @param msMax the time limit in ms from now; the time of all other work counts too
   * @param now monotonic time in ms
   */
  constructor(stepsMax: number, msMax: number, now: () => number = () => performance.now()) {
    this.#steps = stepsMax;
    this.#now = now;
    this.#untilMs = now() + msMax;
  }

  /** Returns whether work of this number of steps may begin. After the result was false once, it is always false. */
  allow(steps: number): boolean {
    this.#steps -= steps;
    this.#spent ||= this.#steps < 0 || this.#now() > this.#untilMs;
    return !this.#spent;
  }

  /** Whether some work was not allowed, so that the results are incomplete. */
  get spent(): boolean {
    return this.#spent;
  }
}
