/**
 * Limits the work of checking one payload by a budget of steps. One step is some tens of nanoseconds of work. All code
 * that walks the payload or the contract charges its steps to the budget. So a check that would take exponential time
 * is stopped early. The number of steps is the same on every machine. Pure, any thread.
 */
import {
  CONTRACT_STEPS_A_CHARACTER,
  CONTRACT_STEPS_LEAST,
  CONTRACT_STEPS_MAX,
} from "../../../schemas/limits/contracts.js";
import { canonicalText, type JsonObject } from "./contract.js";

/** Thrown when a check needs more steps than its budget allows. */
export class TooManySteps extends Error {
  override readonly name = "TooManySteps";
}

/** Returns the budget for a payload of this many characters. */
export function stepsFor(characters: number): number {
  return Math.min(CONTRACT_STEPS_LEAST + CONTRACT_STEPS_A_CHARACTER * characters, CONTRACT_STEPS_MAX);
}

/** The number of characters that native code processes in the time of one step. */
const CHARACTERS_A_STEP = 16;

/** The number of steps for collecting the name of one member. */
const STEPS_A_NAME = 4;
/**
 * The number of steps for looking up a member by its name, or for recording that it was evaluated. The number is more
 * than one, because the members of a large object are far apart in memory.
 */
export const STEPS_A_LOOKUP = 4;

let checks = 0;

export class CheckSteps {
  /** The id of this check. It is unique within the thread. */
  readonly id = ++checks;
  readonly allowed: number;
  #left: number;
  readonly #canonical = new Map<object, string>();
  readonly #names = new Map<object, readonly string[]>();

  /** @param allowed the number of steps that the check may take */
  constructor(allowed: number) {
    this.allowed = allowed;
    this.#left = allowed;
  }

  get taken(): number {
    return this.allowed - this.#left;
  }

  /** @throws TooManySteps if the budget is exhausted */
  take(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new TooManySteps(`more than ${this.allowed} steps`);
  }

  /** Charges the steps of a native operation whose cost is proportional to the length of the text. */
  takeFor(text: string): void {
    this.take(text.length / CHARACTERS_A_STEP);
  }

  /**
   * Returns the names of an object's members. They are cached, because V8 collects the names of a large object at each
   * call, which takes several steps for each name.
   */
  namesOf(value: JsonObject): readonly string[] {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const names = Object.keys(value);
    this.take(names.length * STEPS_A_NAME);
    this.#names.set(value, names);
    return names;
  }

  /** Like `canonicalText`, but computes the text of each object or array only once. */
  canonical(value: unknown): string {
    const kept = typeof value === "object" && value !== null;
    const known = kept ? this.#canonical.get(value) : undefined;
    const text = known ?? canonicalText(value);
    if (known === undefined) {
      this.take(text.length);
      if (kept) this.#canonical.set(value, text);
    }
    // Charge the steps of the caller's next operation, which compares this text with other texts.
    this.takeFor(text);
    return text;
  }
}
