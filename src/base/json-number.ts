/**
 * Compares JSON numbers by their exact decimal value, however they are written: 1.0 equals 1 and 1e2 equals 100, while
 * 12345678901234567890 differs from 12345678901234567891. Pure, any thread. lossless-json compares digit by digit, in
 * linear time. BigInt would take more than linear time.
 */
import { compareNumber } from "lossless-json";

/**
 * Matches an exponent of 16 digits or more. lossless-json would read it as a double, in which neighbouring exponents
 * are equal.
 */
const LONG_EXPONENT = /[eE][+-]?\d{16}/;

/**
 * Returns whether two texts have the same value. Each text is a number in the grammar of JSON; -0 equals 0. If an
 * exponent has more than 15 digits, only identical texts are equal.
 */
export function jsonNumbersEqual(a: string, b: string): boolean {
  if (a === b) return true;
  // Equal numbers round to equal doubles. So if the doubles differ, the numbers differ.
  if (Number(a) !== Number(b) || LONG_EXPONENT.test(a) || LONG_EXPONENT.test(b)) return false;
  return compareNumber(a, b) === 0;
}
