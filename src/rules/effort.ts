/**
 * How much work a validation may do that did not wait its turn, because others wait for its thread. What is dear
 * about a rule shows only with the text: a look for a match costs as many steps as the compiled regex has
 * instructions for each character of the line. Pure but for the clock it is given.
 */
export class Effort {
  readonly #until_ms: number;
  readonly #now: () => number;
  #steps: number;
  #spent = false;

  /**
   * @param steps_max instructions times characters, all looks together
   * @param ms_max from now, whatever it is spent on
   * @param now milliseconds of a clock that never goes back
   */
  constructor(steps_max: number, ms_max: number, now: () => number = () => performance.now()) {
    this.#steps = steps_max;
    this.#now = now;
    this.#until_ms = now() + ms_max;
  }

  /** Whether work of so many steps may be begun. Once it may not, nothing may. */
  allow(steps: number): boolean {
    this.#steps -= steps;
    this.#spent ||= this.#steps < 0 || this.#now() > this.#until_ms;
    return !this.#spent;
  }

  /** Whether something was not allowed: what was found is not all there is. */
  get spent(): boolean {
    return this.#spent;
  }
}
