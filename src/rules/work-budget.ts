/**
 * Limits the work of a validation that did not wait for a permit, because other requests wait for its thread. The cost
 * of a rule is known only with the text: a search for a match costs as many steps as the compiled regex has
 * instructions for each character of the line. Pure but for the clock that it is given.
 */
export class WorkBudget {
  readonly #until_ms: number;
  readonly #now: () => number;
  #steps: number;
  #spent = false;

  /**
   * @param steps_max instructions times characters, of all searches together
   * @param ms_max from now, whatever work takes it
   * @param now milliseconds of a clock that never goes back
   */
  constructor(steps_max: number, ms_max: number, now: () => number = () => performance.now()) {
    this.#steps = steps_max;
    this.#now = now;
    this.#until_ms = now() + ms_max;
  }

  /** Returns whether work of this many steps may begin. Once it has returned false, it always returns false. */
  allow(steps: number): boolean {
    this.#steps -= steps;
    this.#spent ||= this.#steps < 0 || this.#now() > this.#until_ms;
    return !this.#spent;
  }

  /** Whether some work was not allowed: the results are then incomplete. */
  get spent(): boolean {
    return this.#spent;
  }
}
