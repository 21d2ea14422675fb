/**
 * The keywords of both drafts that assert something about a single value, such as `minimum`. Each has a function that
 * reads the keyword's value in a schema, for example the 5 of `minimum: 5`. The function returns a test, or an error
 * that says which values the keyword may have. Pure, any thread.
 */
import { compareNumbers, isInteger, isJsonNumber, isMultipleOf, type JsonNumber } from "../../../base/exact-number.js";
import type { CheckSteps } from "../check-steps.js";
import { canonicalText, isObject, type JsonObject } from "../contract.js";
import { MESSAGES } from "../violations.js";
import { countCodePoints } from "./code-points.js";

/** The test of a value, and the message for a value that fails it. */
export interface Assertion {
  /**
   * @param steps the budget. The caller charges one step for each test. A test that needs more steps charges the
   * further steps itself.
   */
  readonly test: (value: unknown, steps: CheckSteps) => boolean;
  readonly message: (value: unknown) => string;
}

/** The error of a keyword with an invalid value. It says which values are allowed. */
export class WrongValue {
  constructor(readonly must: string) {}
}

/** Reads the value of a keyword in a schema; null if the keyword asserts nothing. */
export type ReadAssertion = (value: unknown, schema: JsonObject) => Assertion | WrongValue | null;

/** Multiplying or dividing numbers of n digits takes n² / DIGITS_SQUARED_A_STEP steps. */
const DIGITS_SQUARED_A_STEP = 16;

/** Computing a power of ten modulo the divisor takes this many multiplications for each digit of the exponent. */
const MULTIPLICATIONS_A_DIGIT = 5;
const MULTIPLICATION_STEPS = 4;
/** A multiplication modulo a divisor of n digits takes n² / MULTIPLIED_SQUARED_A_STEP further steps. */
const MULTIPLIED_SQUARED_A_STEP = 2_048;

function exponentDigits(number: JsonNumber): number {
  return /e[+-]?(\d+)$/i.exec(shownNumber(number))?.[1]?.length ?? 0;
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  string: (value) => typeof value === "string",
  number: isJsonNumber,
  integer: (value) => isJsonNumber(value) && isInteger(value),
  array: Array.isArray,
  object: isObject,
};

function readType(value: unknown): Assertion | WrongValue {
  const names = (Array.isArray(value) ? value : [value]) as readonly unknown[];
  const tests = names.map((name) => (typeof name === "string" && Object.hasOwn(TYPES, name) ? TYPES[name] : undefined));
  if (names.length === 0 || tests.includes(undefined))
    return new WrongValue("must be equal to one of the allowed values");
  const expected = names.join(" or ");
  return {
    test: (one) => tests.some((test) => test?.(one) === true),
    message: (one) => MESSAGES.type(expected, one),
  };
}

function shownNumber(value: JsonNumber): string {
  return typeof value === "number" ? String(value) : value.text;
}

/** Returns the reader of a keyword that is a bound on numbers, for example `minimum`. */
function bound(sign: string, fits: (order: number) => boolean): ReadAssertion {
  return (limit) =>
    isJsonNumber(limit)
      ? {
          test: (value) => !isJsonNumber(value) || fits(compareNumbers(value, limit)),
          message: () => `must be ${sign} ${shownNumber(limit)}`,
        }
      : new WrongValue("must be a number");
}

/**
 * Returns the reader of an exclusive limit. In OpenAPI 3.0, `exclusiveMinimum` is a boolean, and the limit is the value
 * of `minimum` (here `beside`).
 */
function exclusiveBound(beside: "minimum" | "maximum", read: ReadAssertion): ReadAssertion {
  return (value, schema) => {
    if (typeof value !== "boolean") return read(value, schema);
    const limit = schema[beside];
    return value && isJsonNumber(limit) ? read(limit, schema) : null;
  };
}

function readMultipleOf(divisor: unknown): Assertion | WrongValue {
  if (!isJsonNumber(divisor) || compareNumbers(divisor, 0) <= 0) return new WrongValue("must be a number above 0");
  return {
    test: (value, steps) => {
      if (!isJsonNumber(value)) return true;
      const digits = Math.max(shownNumber(value).length, shownNumber(divisor).length);
      // Charge the steps before the arithmetic, which takes more than linear time for long numbers.
      steps.take(digits ** 2 / DIGITS_SQUARED_A_STEP);
      steps.take(
        MULTIPLICATIONS_A_DIGIT *
          Math.max(exponentDigits(value), exponentDigits(divisor)) *
          (MULTIPLICATION_STEPS + shownNumber(divisor).length ** 2 / MULTIPLIED_SQUARED_A_STEP),
      );
      return isMultipleOf(value, divisor);
    },
    message: () => `must be multiple of ${shownNumber(divisor)}`,
  };
}

/**
 * Returns the reader of a keyword that limits a count, for example `maxItems`. `of` counts a value (here the array's
 * items), or returns null if the keyword does not apply to the value.
 */
function count(
  of: (value: unknown, steps: CheckSteps) => number | null,
  sign: "least" | "most",
  things: string,
): ReadAssertion {
  return (limit) => {
    if (!isJsonNumber(limit) || !isInteger(limit) || compareNumbers(limit, 0) < 0)
      return new WrongValue("must be an integer of 0 or more");
    return {
      test: (value, steps) => {
        const counted = of(value, steps);
        if (counted === null) return true;
        const order = compareNumbers(counted, limit);
        return sign === "least" ? order >= 0 : order <= 0;
      },
      message: () => `must NOT have ${sign === "least" ? "fewer" : "more"} than ${shownNumber(limit)} ${things}`,
    };
  };
}

const characters = (value: unknown, steps: CheckSteps): number | null => {
  if (typeof value !== "string") return null;
  steps.take(value.length);
  return countCodePoints(value);
};
const items = (value: unknown): number | null => (Array.isArray(value) ? value.length : null);
const properties = (value: unknown, steps: CheckSteps): number | null =>
  isObject(value) ? steps.namesOf(value).length : null;

function readUniqueItems(wanted: unknown): Assertion | WrongValue | null {
  if (typeof wanted !== "boolean") return new WrongValue("must be true or false");
  if (!wanted) return null;
  return {
    test: (value, steps) => {
      if (!Array.isArray(value)) return true;
      steps.take(4 * value.length);
      return new Set(value.map((element) => steps.canonical(element))).size === value.length;
    },
    message: () => "must NOT have duplicate items",
  };
}

function readEnum(allowed: unknown): Assertion | WrongValue {
  if (!Array.isArray(allowed)) return new WrongValue("must be an array");
  const texts = new Set(allowed.map(canonicalText));
  return {
    test: (value, steps) => texts.has(steps.canonical(value)),
    message: (value) => MESSAGES.notAllowed(value, allowed),
  };
}

function readConst(constant: unknown): Assertion {
  const text = canonicalText(constant);
  return { test: (value, steps) => steps.canonical(value) === text, message: () => "must be equal to constant" };
}

const MINIMUM = bound(">=", (order) => order >= 0);
const MAXIMUM = bound("<=", (order) => order <= 0);
const EXCLUSIVE_MINIMUM = exclusiveBound(
  "minimum",
  bound(">", (order) => order > 0),
);
const EXCLUSIVE_MAXIMUM = exclusiveBound(
  "maximum",
  bound("<", (order) => order < 0),
);

export const ASSERTIONS: Readonly<Record<string, ReadAssertion>> = {
  type: readType,
  enum: readEnum,
  const: readConst,
  minimum: MINIMUM,
  maximum: MAXIMUM,
  exclusiveMinimum: EXCLUSIVE_MINIMUM,
  exclusiveMaximum: EXCLUSIVE_MAXIMUM,
  multipleOf: readMultipleOf,
  maxLength: count(characters, "most", "characters"),
  minLength: count(characters, "least", "characters"),
  maxItems: count(items, "most", "items"),
  minItems: count(items, "least", "items"),
  uniqueItems: readUniqueItems,
  maxProperties: count(properties, "most", "properties"),
  minProperties: count(properties, "least", "properties"),
};
