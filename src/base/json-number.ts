/**
 * Comparing JSON numbers by their exact decimal value, however they are written: 1.0 equals 1 and 1e2
 * equals 100, while 12345678901234567890 differs from 12345678901234567891. Pure, any thread.
 */
import { must } from "./assert.js";

const PARTS = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
const ZERO = 0x30;

interface Decimal {
  readonly negative: boolean;
  /** Significant digits without zeros at either end; "" for zero. */
  readonly digits: string;
  /** The value is 0.digits times ten to this power. */
  readonly exponent: bigint;
}

function toDecimal(text: string): Decimal {
  const parts = must(PARTS.exec(text), "a JSON number");
  const whole = parts[2] ?? "";
  const all = whole + (parts[3] ?? "");
  let start = 0;
  let end = all.length;
  while (start < end && all.charCodeAt(start) === ZERO) start++;
  while (end > start && all.charCodeAt(end - 1) === ZERO) end--;
  const exponent = BigInt(parts[4] ?? "0") + BigInt(whole.length - start);
  return { negative: parts[1] === "-", digits: all.slice(start, end), exponent };
}

/** Whether two texts, each a number by the grammar of JSON, have the same value; -0 equals 0. */
export function jsonNumbersEqual(a: string, b: string): boolean {
  if (a === b) return true;
  // Equal values round to equal doubles, so most pairs that differ are told apart here.
  if (Number(a) !== Number(b)) return false;
  const decimal_a = toDecimal(a);
  const decimal_b = toDecimal(b);
  if (decimal_a.digits !== decimal_b.digits) return false;
  if (decimal_a.digits === "") return true;
  return decimal_a.negative === decimal_b.negative && decimal_a.exponent === decimal_b.exponent;
}
