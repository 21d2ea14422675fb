/**
 * Handles JSON numbers that a double cannot hold exactly. `readExact` parses a JSON text and makes an ExactNumber of
 * each such number; other numbers stay plain. `writeExact` writes both kinds back.
 *
 * Comparisons and divisibility tests of both kinds are exact, and their time is bounded. Pure, any thread.
 */
import { stringify } from "lossless-json";
import { skipString } from "../../shared/json-text.js";
import { must } from "./assert.js";
import { crypto } from "./crypto.js";

/**
 * The maximum length of a number that is read exactly. A longer number becomes a double, because the time of exact
 * arithmetic grows faster than the length.
 */
const EXACT_CHARACTERS_MAX = 1024;
/**
 * Matches every text that contains a number that a double cannot hold exactly. Such a number has 16 digits in a row, or
 * an exponent of three digits. A text that does not match needs no further check.
 */
const MAY_BE_INEXACT = /[\d.]{16}|[eE][+-]?\d{3}/;
/** Matches a number, or the quote at the start of a string. */
const NUMBER_OR_QUOTE = /"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * A decimal number. Its absolute value is `digits` × 10 ^ `exponent` (120 is "12" × 10 ^ 1). `digits` has no zero at
 * either end, and is "" for the number 0.
 */
export interface Decimal {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: bigint;
}

/** Parses a number that has the grammar of JSON. */
function parseDecimal(text: string): Decimal {
  const [, sign, whole = "", fraction = "", power = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]\+?(-?\d+))?$/.exec(text) ?? [];
  const all = (whole + fraction).replace(/^0+/, "");
  const digits = all.replace(/0+$/, "");
  if (digits === "") return { negative: false, digits, exponent: 0n };
  const exponent = BigInt(power) - BigInt(fraction.length) + BigInt(all.length - digits.length);
  return { negative: sign === "-", digits, exponent };
}

function textOf({ negative, digits, exponent }: Decimal): string {
  return `${negative ? "-" : ""}${digits}e${exponent}`;
}

export class ExactNumber {
  // The text of the number. It is private, so that code that lists the members of a JSON value finds none here.
  readonly #text: string;
  readonly #decimal: Decimal;

  /** Creates a number from a text that has the grammar of a JSON number. */
  constructor(text: string) {
    this.#text = text;
    this.#decimal = parseDecimal(text);
  }

  /** The number as it was written. */
  get text(): string {
    return this.#text;
  }

  get decimal(): Decimal {
    return this.#decimal;
  }

  /** The canonical text. Two numbers have the same canonical text if and only if they are equal. */
  get canonical(): string {
    return textOf(this.decimal);
  }

  /** Returns the nearest double. */
  valueOf(): number {
    return Number(this.#text);
  }

  toJSON(): number {
    return this.valueOf();
  }
}

export type JsonNumber = number | ExactNumber;

export function isJsonNumber(value: unknown): value is JsonNumber {
  return typeof value === "number" || value instanceof ExactNumber;
}

function decimalOf(value: JsonNumber): Decimal {
  return value instanceof ExactNumber ? value.decimal : parseDecimal(String(value));
}

export function isInteger(value: JsonNumber): boolean {
  return value instanceof ExactNumber ? value.decimal.exponent >= 0n : Number.isInteger(value);
}

/**
 * Compares two numbers. Returns a negative number if `a` is less than `b`, 0 if they are equal, otherwise a positive
 * one.
 */
export function compareNumbers(a: JsonNumber, b: JsonNumber): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [one, other] = [decimalOf(a), decimalOf(b)];
  const [side, otherSide] = [one, other].map(({ negative, digits }) => (digits === "" ? 0 : negative ? -1 : 1)) as [
    number,
    number,
  ];
  if (side !== otherSide) return side - otherSide;
  return side * compareMagnitudes(one, other);
}

function compareMagnitudes(a: Decimal, b: Decimal): number {
  const [length, otherLength] = [a, b].map(({ digits, exponent }) => BigInt(digits.length) + exponent) as [
    bigint,
    bigint,
  ];
  if (length !== otherLength) return length < otherLength ? -1 : 1;
  return a.digits === b.digits ? 0 : a.digits < b.digits ? -1 : 1;
}

/** Returns 10 ^ `power` modulo `modulus`, in a number of steps that is logarithmic in `power`. */
function powerOfTen(power: bigint, modulus: bigint): bigint {
  let result = 1n % modulus;
  for (let base = 10n % modulus, rest = power; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * base) % modulus;
    base = (base * base) % modulus;
  }
  return result;
}

/**
 * Returns whether `value` is an integer multiple of `divisor`. The calculation is decimal, so 19.99 is a multiple of
 * 0.01.
 * @param divisor not 0
 */
export function isMultipleOf(value: JsonNumber, divisor: JsonNumber): boolean {
  const [a, b] = [decimalOf(value), decimalOf(divisor)];
  if (a.digits === "") return true;
  const power = a.exponent - b.exponent;
  // The last digit of `a` is not 0, so `a` cannot be divided by 10.
  if (power < 0n) return false;
  const modulus = BigInt(b.digits);
  return ((BigInt(a.digits) % modulus) * powerOfTen(power, modulus)) % modulus === 0n;
}

function isInexact(text: string): boolean {
  if (text.length > EXACT_CHARACTERS_MAX) return false;
  const double = Number(text);
  return !Number.isFinite(double) || textOf(parseDecimal(text)) !== textOf(parseDecimal(String(double)));
}

/** Replaces each number of a JSON text. Digits inside strings stay unchanged. */
function replaceNumbers(text: string, replace: (token: string) => string): string {
  const numbers = new RegExp(NUMBER_OR_QUOTE);
  const pieces: string[] = [];
  let copied = 0;
  for (let found = numbers.exec(text); found !== null; found = numbers.exec(text)) {
    const [token] = found;
    if (token === '"') {
      numbers.lastIndex = skipString(text, found.index);
      continue;
    }
    const replaced = replace(token);
    if (replaced === token) continue;
    pieces.push(text.slice(copied, found.index), replaced);
    copied = numbers.lastIndex;
  }
  pieces.push(text.slice(copied));
  return pieces.join("");
}

/**
 * Returns the value of a JSON text, with an ExactNumber for each number that a double cannot hold exactly. @param text
 * a text that is known to be JSON
 * @param json the result of JSON.parse, which is returned unchanged if doubles hold every number
 */
export function readExact(text: string, json: unknown): unknown {
  if (!MAY_BE_INEXACT.test(text)) return json;
  const exact: string[] = [];
  // Replace each inexact number by a string that starts with a random prefix. So no other string of the text starts
  // with it.
  const mark = `${crypto().randomUUID()}:`;
  const marked = replaceNumbers(text, (token) => (isInexact(token) ? `"${mark}${exact.push(token) - 1}"` : token));
  if (exact.length === 0) return json;
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === "string" && value.startsWith(mark)
      ? new ExactNumber(exact[Number(value.slice(mark.length))] ?? "0")
      : value,
  );
}

/** Returns the JSON text of a value from `readExact`. Each number has the digits with which it was written. */
export function writeExact(value: unknown): string {
  const exact = {
    test: (part: unknown) => part instanceof ExactNumber,
    stringify: (part: unknown) => (part as ExactNumber).text,
  };
  return must(stringify(value, null, undefined, [exact]), "what was read from JSON can be written as JSON");
}
