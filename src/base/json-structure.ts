/**
 * What JSON is made of, looked at before it is parsed: a small body may hold millions of values, or be nested a million
 * levels deep, and takes seconds and gigabytes then, whatever it says. Pure, any thread.
 */
import { JSON_DEPTH_MAX, JSON_VALUES_MAX } from "../../schemas/limits.js";
import { type Failure, invalid } from "./result.js";

const TOO_DEEP = invalid(`the body is nested deeper than ${JSON_DEPTH_MAX} levels`);
const TOO_MANY = invalid(`the body has more than ${JSON_VALUES_MAX} values`);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * The 400 for a body with more than JSON_VALUES_MAX values, or nested deeper than JSON_DEPTH_MAX; null for any other,
 * whether or not it is JSON. Linear in the bytes.
 */
export function refuseStructure(body: Uint8Array): Failure | null {
  // Each level and each value is a byte at least.
  if (body.byteLength <= JSON_DEPTH_MAX) return null;
  let depth = 0;
  let values = 1;
  for (let at = 0; at < body.byteLength; at++) {
    switch (body[at]) {
      case QUOTE:
        at = endOfString(body, at);
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        depth += 1;
        values += 1;
        if (depth > JSON_DEPTH_MAX) return TOO_DEEP;
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        depth -= 1;
        break;
      case COMMA:
        values += 1;
        break;
      default:
    }
    if (values > JSON_VALUES_MAX) return TOO_MANY;
  }
  return null;
}

/** Where the quote is that ends a string; behind the last byte where none does. */
function endOfString(body: Uint8Array, from: number): number {
  for (let quote = body.indexOf(QUOTE, from + 1); quote >= 0; quote = body.indexOf(QUOTE, quote + 1)) {
    let backslashes = 0;
    while (body[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote;
  }
  return body.byteLength;
}
