/**
 * Limits the work of a validation that runs without a permit, because other requests wait for the same thread. The cost
 * of a rule depends on the text: to search a line, a compiled regex takes as many steps as it has instructions, for
 * each character of the line. Pure but for the clock that it is given.
 */
export class WorkBudget {
  readonly #until_ms: number;
  readonly #now: () => number;
  #steps: number;
  #spent = false;

  /**
   * @param steps_max the steps (instructions times characters) of all searches together
   * @param ms_max the time limit, in milliseconds from now; the time of other work counts, too
   * @param now returns the milliseconds of a clock that never goes back
   */
  constructor(steps_max: number, ms_max: number, now: () => number = () => performance.now()) {
    this.#steps = steps_max;
    this.#now = now;
    this.#until_ms = now() + ms_max;
  }

  /** Returns whether work of this many steps may begin. After it has returned false once, it always does. */
  allow(steps: number): boolean {
    this.#steps -= steps;
    this.#spent ||= this.#steps < 0 || this.#now() > this.#until_ms;
    return !this.#spent;
  }

  /** Whether some work was not allowed. If so, the results are incomplete. */
  get spent(): boolean {
    return this.#spent;
  }
}
