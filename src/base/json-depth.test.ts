/**
 * Tests the limit on the nesting. A text that exceeds the limit is rejected, whether it is scanned in one piece or in
 * many. Brackets in strings do not count, and neither do brackets after the first value.
 */
import * as fc from "fast-check";
import t from "tap";
import { JSON_DEPTH_MAX } from "../../schemas/limits/request-bodies.js";
import { DepthScan, refuseDepth } from "./json-depth.js";

const MESSAGE = `JSON is nested deeper than ${JSON_DEPTH_MAX} levels`;
const nested = (depth: number, inside = ""): string => "[".repeat(depth) + inside + "]".repeat(depth);

/** Scans a text in pieces of `count` bytes. */
function scanned(text: string, count: number): string | null {
  const scan = new DepthScan(Buffer.from(text));
  let pieces = 0;
  for (; !scan.hasEnded && pieces <= text.length; pieces++) scan.advance(count);
  return pieces > text.length ? "it does not end" : (scan.refusal?.message ?? null);
}

const ROWS: readonly (readonly [text: string, isTooDeep: boolean])[] = [
  ["", false],
  [nested(JSON_DEPTH_MAX), false],
  [nested(JSON_DEPTH_MAX, "1"), false],
  [nested(JSON_DEPTH_MAX + 1), true],
  [`\uFEFF \t\r\n${nested(JSON_DEPTH_MAX + 1)}`, true],
  // Texts that are not JSON, and whose beginning is nested too deep. They are rejected, because a recursive parser
  // would go equally deep before it finds the error.
  ["[".repeat(JSON_DEPTH_MAX + 1), true],
  [`{"a":${'{"b":['.repeat(JSON_DEPTH_MAX / 2)}`, true],
  [`[${`${nested(JSON_DEPTH_MAX - 1)},`.repeat(5)}1]`, false],
  [`[${`${nested(JSON_DEPTH_MAX - 1)},`.repeat(5)}${nested(JSON_DEPTH_MAX)}]`, true],
  [`["${"[".repeat(2 * JSON_DEPTH_MAX)}"]`, false],
  [String.raw`["a\"${"[".repeat(2 * JSON_DEPTH_MAX)}"]`, false],
  [String.raw`["a\\",${nested(JSON_DEPTH_MAX)}]`, true],
  // Texts that are not JSON, and are nested only after the first value. They are not rejected, because a parser stops
  // before the nesting.
  [`text ${nested(JSON_DEPTH_MAX + 1)}`, false],
  [`"text" ${nested(JSON_DEPTH_MAX + 1)}`, false],
  [`[a link](b) ${nested(JSON_DEPTH_MAX + 1)}`, false],
];

t.test("the depth of a text, in one piece and in many", (t) => {
  for (const [text, isTooDeep] of ROWS) {
    const expected = isTooDeep ? MESSAGE : null;
    t.equal(refuseDepth(Buffer.from(text))?.message ?? null, expected, text.slice(0, 40));
    for (const count of [1, 7, 1_000]) t.equal(scanned(text, count), expected, `${text.slice(0, 40)} by ${count}`);
  }
  t.end();
});

/**
 * Measures the nesting one character at a time. Returns the deepest level of the first value, at most one level above
 * the limit.
 */
function deepest(text: string): number {
  let [depth, most, isString] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (isString && character === "\\") at += 1;
    else if (character === '"') isString = !isString;
    else if (!isString && "[{".includes(character)) most = Math.max(most, ++depth);
    else if (!isString && "]}".includes(character) && --depth === 0) break;
    if (most > JSON_DEPTH_MAX) break;
  }
  return most;
}

t.test("text of any characters is followed as one character at a time", (t) => {
  // The characters that are special in JSON, and characters that share bits with a bracket, a quote or a backslash.
  const piece = fc.constantFrom("[", "{", "]", "}", '"', "\\", '\\"', "Y", "_", "y", "\u007f", "\u00db", "Z", "b", " ");
  const property = fc.property(
    fc.array(piece, { maxLength: 60 }),
    fc.integer({ min: 0, max: 5 }),
    fc.integer({ min: 1, max: 9 }),
    (pieces, less, count) => {
      // The nesting starts near the limit.
      const text = `${"[".repeat(JSON_DEPTH_MAX - less)}${pieces.join("")}  `;
      const expected = deepest(text) > JSON_DEPTH_MAX ? MESSAGE : null;
      return (refuseDepth(Buffer.from(text))?.message ?? null) === expected && scanned(text, count) === expected;
    },
  );
  fc.assert(property, { numRuns: 2_000 });
  t.end();
});

t.test("any JSON that is not too deep is accepted", (t) => {
  const property = fc.property(fc.json({ depthSize: "large" }), fc.integer({ min: 1, max: 99 }), (text, count) => {
    // Make the text longer than the limit by padding, because a shorter text is not scanned.
    const padded = text.padEnd(JSON_DEPTH_MAX + text.length);
    return refuseDepth(Buffer.from(padded)) === null && scanned(padded, count) === null;
  });
  fc.assert(property);
  t.end();
});
