/**
 * Compares JSON numbers by their exact decimal value, however they are written: 1.0 equals 1 and 1e2 equals 100, while
 * 12345678901234567890 differs from 12345678901234567891. Pure, any thread. lossless-json compares the digits, in a
 * time linear in their length (BigInt's is not).
 */
import { compareNumber } from "lossless-json";

/** Longer exponents would be read as doubles, which treat neighbours as equal. */
const LONG_EXPONENT = /[eE][+-]?\d{16}/;

/**
 * Returns whether two texts, each a number in the grammar of JSON, have the same value; -0 equals 0. A number with an
 * exponent of more than 15 digits equals only its own text.
 */
export function jsonNumbersEqual(a: string, b: string): boolean {
  if (a === b) return true;
  // Equal values round to equal doubles, so most pairs that differ are detected here.
  if (Number(a) !== Number(b) || LONG_EXPONENT.test(a) || LONG_EXPONENT.test(b)) return false;
  return compareNumber(a, b) === 0;
}
