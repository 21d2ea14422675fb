/**
 * Tests the walk over the bytes of JSON: it accepts the same texts as JSON.parse. Some texts are nested so deep that a
 * recursive walk would overflow the stack.
 */
import * as fc from "fast-check";
import t from "tap";
import { JsonScan, NotJson } from "./json-scan.js";

function isJson(text: string): boolean {
  const scan = new JsonScan(Buffer.from(text));
  try {
    scan.skip();
    scan.end();
    return true;
  } catch (error) {
    if (error instanceof NotJson) return false;
    throw error;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The pieces from which the test generates JSON texts, and texts that are almost JSON. */
const PIECES = [
  ...Array.from("[]{},: \n\r\t\"\\-+.eE0159ux/bfnrt'"),
  ...["true", "false", "null", "tru", "\\u", "\\u12aF", "12ag", '"a"', '"a":', "1.5e-3", "\u00a0", "\u0001", "я"],
];

t.test("it accepts the texts that JSON.parse accepts", (t) => {
  for (const text of ["", " ", "-", "01", "-0", "1.", "1.e1", "1e+", "1E5", '"\\u00', '"\\u000g"', '"', "[", "[1,]"])
    t.equal(isJson(text), parses(text), JSON.stringify(text));
  const text = fc.oneof(
    fc.json(),
    fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join("")),
    fc.tuple(fc.json(), fc.nat(), fc.constantFrom("", ...PIECES)).map(([json, place, piece]) => {
      const at = place % (json.length + 1);
      return json.slice(0, at) + piece + json.slice(at + (piece === "" ? 1 : 0));
    }),
  );
  fc.assert(
    fc.property(text, (json) => isJson(json) === parses(json)),
    { numRuns: 5_000 },
  );
  t.end();
});

t.test("members and items are reported with their ranges", (t) => {
  const text = ' { "a" : [ 1 , {"x":[]} ] , "b\\"":{} } ';
  const scan = new JsonScan(Buffer.from(text));
  const reported: string[] = [];
  t.equal(scan.kind(), "object");
  scan.members((from, to) => {
    reported.push(text.slice(from, to));
    if (scan.kind() !== "array") {
      scan.skip();
      return;
    }
    scan.items(() => {
      reported.push(scan.kind());
      scan.skip();
    });
  });
  scan.end();
  t.same(reported, ["a", "scalar", "object", 'b\\"']);
  t.end();
});

t.test("a hundred thousand levels", (t) => {
  t.ok(isJson("[".repeat(100_000) + "]".repeat(100_000)));
  t.ok(isJson('{"a":'.repeat(100_000) + "1" + "}".repeat(100_000)));
  t.notOk(isJson("[".repeat(100_000) + "]".repeat(99_999)));
  t.notOk(isJson("[".repeat(100_000) + "}".repeat(100_000)));
  t.end();
});
