/**
 * How much work the check of one payload may be, in steps: some tens of nanoseconds each, the same on every machine.
 * Whatever walks the payload or the contract pays for it, so a contract whose check explodes is refused before it keeps
 * a thread busy. Pure, any thread.
 */
import { CONTRACT_STEPS_A_CHARACTER, CONTRACT_STEPS_LEAST, CONTRACT_STEPS_MAX } from "../../schemas/limits.js";
import { canonicalText, type JsonObject } from "./contract.js";

/** A check that takes more steps than it may. */
export class TooManySteps extends Error {
  override readonly name = "TooManySteps";
}

/** What a payload of so many characters may take. */
export function stepsFor(characters: number): number {
  return Math.min(CONTRACT_STEPS_LEAST + CONTRACT_STEPS_A_CHARACTER * characters, CONTRACT_STEPS_MAX);
}

/** Characters of text that are looked at natively in the time of a step. */
const CHARACTERS_A_STEP = 16;

/** To find the name of a member. */
const STEPS_A_NAME = 4;
/** To look a member up by its name, or note that it was evaluated: those of a large object lie far apart in memory. */
export const STEPS_A_LOOKUP = 4;

let checks = 0;

export class CheckSteps {
  /** Of this check in its thread. */
  readonly id = ++checks;
  readonly allowed: number;
  #left: number;
  readonly #canonical = new Map<object, string>();
  readonly #names = new Map<object, readonly string[]>();

  /** @param allowed how many steps there are */
  constructor(allowed: number) {
    this.allowed = allowed;
    this.#left = allowed;
  }

  get taken(): number {
    return this.allowed - this.#left;
  }

  /** @throws TooManySteps */
  take(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new TooManySteps(`more than ${this.allowed} steps`);
  }

  /** Steps for what is native and linear in a text. */
  takeFor(text: string): void {
    this.take(text.length / CHARACTERS_A_STEP);
  }

  /**
   * The names of an object's members, found once: V8 collects those of a large object anew whenever it is asked, which
   * takes some steps for each.
   */
  namesOf(value: JsonObject): readonly string[] {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const names = Object.keys(value);
    this.take(names.length * STEPS_A_NAME);
    this.#names.set(value, names);
    return names;
  }

  /** As `canonicalText`; that of an object or an array is made once. */
  canonical(value: unknown): string {
    const kept = typeof value === "object" && value !== null;
    const known = kept ? this.#canonical.get(value) : undefined;
    const text = known ?? canonicalText(value);
    if (known === undefined) {
      this.take(text.length);
      if (kept) this.#canonical.set(value, text);
    }
    // It is compared with others.
    this.takeFor(text);
    return text;
  }
}
