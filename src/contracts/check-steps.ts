/**
 * Budgets the work of checking one payload, in steps of some tens of nanoseconds each. The budget is the same on every
 * machine. Code that walks the payload or the contract takes steps, so a contract whose check explodes is refused
 * before it keeps a thread busy. Pure, any thread.
 */
import { CONTRACT_STEPS_A_CHARACTER, CONTRACT_STEPS_LEAST, CONTRACT_STEPS_MAX } from "../../schemas/limits.js";
import { canonicalText, type JsonObject } from "./contract.js";

/** Thrown by a check that takes more steps than its budget. */
export class TooManySteps extends Error {
  override readonly name = "TooManySteps";
}

/** Returns the budget for a payload of this many characters. */
export function stepsFor(characters: number): number {
  return Math.min(CONTRACT_STEPS_LEAST + CONTRACT_STEPS_A_CHARACTER * characters, CONTRACT_STEPS_MAX);
}

/** The characters of text that native code examines in the time of a step. */
const CHARACTERS_A_STEP = 16;

/** The steps to find the name of a member. */
const STEPS_A_NAME = 4;
/**
 * The steps to look a member up by its name, or to record that it was evaluated: the members of a large object lie far
 * apart in memory.
 */
export const STEPS_A_LOOKUP = 4;

let checks = 0;

export class CheckSteps {
  /** The number of this check in its thread. */
  readonly id = ++checks;
  readonly allowed: number;
  #left: number;
  readonly #canonical = new Map<object, string>();
  readonly #names = new Map<object, readonly string[]>();

  /** @param allowed the number of steps in the budget */
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

  /** Takes the steps for native work that is linear in a text. */
  takeFor(text: string): void {
    this.take(text.length / CHARACTERS_A_STEP);
  }

  /**
   * Returns the names of an object's members, collected once: V8 collects the names of a large object again at each
   * call, which takes some steps for each name.
   */
  namesOf(value: JsonObject): readonly string[] {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const names = Object.keys(value);
    this.take(names.length * STEPS_A_NAME);
    this.#names.set(value, names);
    return names;
  }

  /** Works as `canonicalText`, but computes the text of an object or an array only once. */
  canonical(value: unknown): string {
    const kept = typeof value === "object" && value !== null;
    const known = kept ? this.#canonical.get(value) : undefined;
    const text = known ?? canonicalText(value);
    if (known === undefined) {
      this.take(text.length);
      if (kept) this.#canonical.set(value, text);
    }
    // The caller compares the text with others.
    this.takeFor(text);
    return text;
  }
}
