/**
 * Tests paths and queries: they are decoded exactly once, malformed escapes are rejected, and encoded texts decode to
 * the original.
 */
import * as fc from "fast-check";
import t from "tap";
import { decodePathSegment, parseQueryString } from "./path.js";

t.test("a path segment is decoded once", (t) => {
  const cases: [string, string][] = [
    ["", ""],
    ["plain", "plain"],
    ["a+b", "a+b"],
    ["a%2Bb", "a+b"],
    ["a%2fb%2Fc", "a/b/c"],
    ["a%20b", "a b"],
    ["%252F", "%2F"],
    ["%E2%82%AC", "€"],
    ["%f0%9f%98%80", "😀"],
    ["€", "€"],
    ["..", ".."],
    ["%2e%2e", ".."],
    ["%00", "\u0000"],
    ["%EF%BB%BF", "\ufeff"],
  ];
  for (const [raw, text] of cases) t.equal(decodePathSegment(raw), text, raw);
  for (const raw of [
    "%",
    "%2",
    "a%",
    "%zz",
    "%2g",
    "%%20",
    "%u0041",
    "%80",
    "%ff",
    "%c0%af",
    "%e2%82",
    "%ed%a0%80",
    "%f4%90%80%80",
  ]) {
    t.equal(decodePathSegment(raw), undefined, `${raw} is malformed`);
  }
  t.end();
});

t.test("a query is a form", (t) => {
  const cases: [string, [string, string][]][] = [
    ["", []],
    ["&", []],
    [
      "a=1&b=2",
      [
        ["a", "1"],
        ["b", "2"],
      ],
    ],
    ["a=1&a=2", [["a", "1"]]],
    ["a", [["a", ""]]],
    ["a=", [["a", ""]]],
    ["=1", [["", "1"]]],
    ["a=b=c", [["a", "b=c"]]],
    ["a+b=c+d", [["a b", "c d"]]],
    ["a%2Bb=c%2Bd", [["a+b", "c+d"]]],
    [
      "a%26=%3D&&b=%E2%82%AC",
      [
        ["a&", "="],
        ["b", "€"],
      ],
    ],
    ["from=2026-02-09T14:30:00Z", [["from", "2026-02-09T14:30:00Z"]]],
    ["__proto__=1", [["__proto__", "1"]]],
  ];
  for (const [raw, parameters] of cases) t.same([...(parseQueryString(raw) ?? [])], parameters, raw);
  for (const raw of ["a=%", "a=%zz", "%=1", "a=1&b=%ff", "a=%e2%82", "x&%1"])
    t.equal(parseQueryString(raw), undefined, `${raw} is malformed`);
  t.end();
});

t.test("encoded text is decoded, and nothing throws", (t) => {
  const text = fc.string({ unit: "binary", maxLength: 20 });
  const pairs = fc.uniqueArray(fc.tuple(text, text), { selector: ([name]) => name });
  t.doesNotThrow(() => {
    fc.assert(fc.property(text, (name) => decodePathSegment(encodeURIComponent(name)) === name));
    fc.assert(
      fc.property(pairs, (parameters) => {
        const read = parseQueryString(new URLSearchParams(parameters).toString());
        return (
          read !== undefined &&
          read.size === parameters.length &&
          parameters.every(([name, value]) => read.get(name) === value)
        );
      }),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("%", "2", "f", "F", "8", "c", "&", "=", "+", "é"), maxLength: 12 }),
        (raw) => {
          // The platform's own reader is more lenient. It must give the same result for every query that is accepted.
          const read = parseQueryString(raw);
          const lenient = new URLSearchParams(raw);
          return read === undefined || [...read].every(([name, value]) => lenient.get(name) === value);
        },
      ),
      { numRuns: 1000 },
    );
  });
  t.end();
});
