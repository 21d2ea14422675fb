/**
 * Limits the steps of a search that may end early. The parts of a search share one budget, so that their number has no
 * limit of its own. Pure except for its state.
 */
export class StepBudget {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  /** The number of steps that are left; -1 after a part that needed more. */
  get left(): number {
    return this.#left;
  }

  /**
   * Takes the steps of a part of the search. Returns false if too few are left. The search then ends, because later
   * parts get no steps either.
   */
  take(steps: number): boolean {
    this.#left = steps <= this.#left ? this.#left - steps : -1;
    return this.#left >= 0;
  }
}
