/**
 * Comparing JSON numbers by their exact decimal value, however they are written: 1.0 equals 1 and 1e2
 * equals 100, while 12345678901234567890 differs from 12345678901234567891. Pure, any thread. Linear in the
 * length of the texts, exponents of millions of digits included (BigInt is not).
 */
import { must } from "./assert.js";

const PARTS = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
const ZERO = 0x30;

/** Exponents are added up as numbers in pieces of so many digits, which a number holds exactly. */
const PIECE_DIGITS = 15;
const PIECE_LIMIT = 10 ** PIECE_DIGITS;

interface Decimal {
  readonly negative: boolean;
  /** Significant digits without zeros at either end; "" for zero. */
  readonly digits: string;
  /** The value is 0.digits times ten to this power: an integer without leading zeros, "0" without sign. */
  readonly exponent: string;
}

function withoutLeadingZeros(digits: string): string {
  let start = 0;
  while (digits.charCodeAt(start) === ZERO) start++;
  return digits.slice(start);
}

/** One more (`step` 1) or one less (`step` -1) than a positive integer. */
function stepDigits(digits: string, step: 1 | -1): string {
  const [rollsOver, rollsTo] = step === 1 ? ["9", "0"] : ["0", "9"];
  let at = digits.length - 1;
  while (at >= 0 && digits[at] === rollsOver) at--;
  const rest = rollsTo.repeat(digits.length - 1 - at);
  return at < 0 ? `1${rest}` : `${digits.slice(0, at)}${Number(digits[at]) + step}${rest}`;
}

/** The integer `text`, with or without a sign, plus an offset far below PIECE_LIMIT. */
function addOffset(text: string, offset: number): string {
  const negative = text.startsWith("-");
  const digits = withoutLeadingZeros(negative || text.startsWith("+") ? text.slice(1) : text);
  if (digits.length <= PIECE_DIGITS) return String((negative ? -Number(digits) : Number(digits)) + offset);
  // So large that the offset cannot change the sign: only the last piece changes, and one may be carried.
  let high = digits.slice(0, -PIECE_DIGITS);
  let low = Number(digits.slice(-PIECE_DIGITS)) + (negative ? -offset : offset);
  if (low >= PIECE_LIMIT) {
    high = stepDigits(high, 1);
    low -= PIECE_LIMIT;
  } else if (low < 0) {
    high = stepDigits(high, -1);
    low += PIECE_LIMIT;
  }
  const sum = withoutLeadingZeros(high + String(low).padStart(PIECE_DIGITS, "0"));
  return negative ? `-${sum}` : sum;
}

function toDecimal(text: string): Decimal {
  const parts = must(PARTS.exec(text), "a JSON number");
  const whole = parts[2] ?? "";
  const all = whole + (parts[3] ?? "");
  let start = 0;
  let end = all.length;
  while (start < end && all.charCodeAt(start) === ZERO) start++;
  while (end > start && all.charCodeAt(end - 1) === ZERO) end--;
  const exponent = addOffset(parts[4] ?? "0", whole.length - start);
  return { negative: parts[1] === "-", digits: all.slice(start, end), exponent };
}

/** Whether two texts, each a number by the grammar of JSON, have the same value; -0 equals 0. */
export function jsonNumbersEqual(a: string, b: string): boolean {
  if (a === b) return true;
  // Equal values round to equal doubles, so most pairs that differ are told apart here.
  if (Number(a) !== Number(b)) return false;
  const decimalA = toDecimal(a);
  const decimalB = toDecimal(b);
  if (decimalA.digits !== decimalB.digits) return false;
  if (decimalA.digits === "") return true;
  return decimalA.negative === decimalB.negative && decimalA.exponent === decimalB.exponent;
}
