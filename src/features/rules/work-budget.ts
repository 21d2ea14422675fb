/**
 * Limits the work of a validation that runs without a permit. Such a validation must be short, because other requests
 * wait for the same thread. Work is counted in steps. The search of a line takes as many steps as the line has
 * characters, times the number of instructions in the regex. Pure but for the given clock.
 */
export class WorkBudget {
  readonly #untilMs: number;
  readonly #now: () => number;
  #steps: number;
  #spent = false;

  /**
   * @param stepsMax the maximum number of steps for all searches together
   * @param msMax the time limit in ms from now, for all work
   * @param now monotonic time in ms
   */
  constructor(stepsMax: number, msMax: number, now: () => number = () => performance.now()) {
    this.#steps = stepsMax;
    this.#now = now;
    this.#untilMs = now() + msMax;
  }

  /**
   * Subtracts steps from the budget, and returns whether work of this size may begin. Once it has returned false, it
   * always returns false.
   */
  allow(steps: number): boolean {
    this.#steps -= steps;
    this.#spent ||= this.#steps < 0 || this.#now() > this.#untilMs;
    return !this.#spent;
  }

  /** Whether some work was not allowed. The results are then incomplete. */
  get spent(): boolean {
    return this.#spent;
  }
}
