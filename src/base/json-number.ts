/**
 * Comparing JSON numbers by their exact decimal value, however they are written: 1.0 equals 1 and 1e2
 * equals 100, while 12345678901234567890 differs from 12345678901234567891. Pure, any thread. The digits are
 * lossless-json's business, in a time linear in their length (BigInt's is not).
 */
import { compareNumber } from "lossless-json";

/** Longer exponents are read as doubles, which would take neighbours for equal. */
const LONG_EXPONENT = /[eE][+-]?\d{16}/;

/**
 * Whether two texts, each a number by the grammar of JSON, have the same value; -0 equals 0. With an exponent
 * of more than 15 digits a number equals only its own text.
 */
export function jsonNumbersEqual(a: string, b: string): boolean {
  if (a === b) return true;
  // Equal values round to equal doubles, so most pairs that differ are told apart here.
  if (Number(a) !== Number(b) || LONG_EXPONENT.test(a) || LONG_EXPONENT.test(b)) return false;
  return compareNumber(a, b) === 0;
}
