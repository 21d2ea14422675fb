/**
 * Limits the work of a validation that runs without a permit, because other requests wait for the same thread. Work is
 * counted in steps. Searching a line takes as many steps as the regex has instructions, for each character of the line.
 * Pure but for the given clock.
 */
export class WorkBudget {
  readonly #until_ms: number;
  readonly #now: () => number;
  #steps: number;
  #spent = false;

  /**
   * @param steps_max the steps of all searches together; a search takes instructions times characters
   * @param ms_max the time limit in ms from now. The time of all other work counts too.
   * @param now monotonic time in ms
   */
  constructor(steps_max: number, ms_max: number, now: () => number = () => performance.now()) {
    this.#steps = steps_max;
    this.#now = now;
    this.#until_ms = now() + ms_max;
  }

  /** Whether work of this many steps may begin. After the first false, the result is always false. */
  allow(steps: number): boolean {
    this.#steps -= steps;
    this.#spent ||= this.#steps < 0 || this.#now() > this.#until_ms;
    return !this.#spent;
  }

  /** Whether some work was refused, so that the results are incomplete. */
  get spent(): boolean {
    return this.#spent;
  }
}
