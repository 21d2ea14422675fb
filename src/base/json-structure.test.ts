/**
 * Tests the limits on the depth and on the number of values: a body that exceeds one is rejected, and the contents of
 * strings are not counted.
 */
import t from "tap";
import { JSON_DEPTH_MAX, JSON_VALUES_MAX } from "../../schemas/limits/request-bodies.js";
import { Failure } from "./result.js";
import { refuseStructure } from "./json-structure.js";

function messageOf(text: string): string {
  const refusal = refuseStructure(Buffer.from(text));
  return refusal instanceof Failure ? refusal.message : "taken";
}

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const list = (items: number, item = "1"): string => `[${`${item},`.repeat(items - 1)}${item}]`;

t.test("depth and number of values", (t) => {
  const tooDeep = `JSON is nested deeper than ${JSON_DEPTH_MAX} levels`;
  const tooMany = `the body has more than ${JSON_VALUES_MAX} values`;
  for (const [text, message] of [
    ["", "taken"],
    ["{", "taken"],
    [nested(JSON_DEPTH_MAX), "taken"],
    [nested(JSON_DEPTH_MAX + 1), tooDeep],
    [`${'{"a":'.repeat(JSON_DEPTH_MAX + 1)}1`, tooDeep],
    [list(JSON_VALUES_MAX - 1), "taken"],
    [list(JSON_VALUES_MAX), tooMany],
    [list(JSON_VALUES_MAX / 2 - 1, "{}"), "taken"],
    [list(JSON_VALUES_MAX / 2, "[]"), tooMany],
    [`["${"[,{".repeat(JSON_VALUES_MAX)}"]`, "taken"],
    [String.raw`["\\","\"${"[,".repeat(JSON_VALUES_MAX)}\\\"["]`, "taken"],
    [`["${"[,".repeat(JSON_VALUES_MAX)}`, "taken"],
    [`["${"\\\\".repeat(1_000_000)}",${list(JSON_VALUES_MAX)}]`, tooMany],
    // Strings with a quote or a backslash near byte 32 (`STEPPED_BYTES`). There, the search for the end of a string
    // switches to `indexOf`.
    ...Array.from(
      { length: 70 },
      (_, at) => [`["${"a".repeat(at)}\\"${"[,".repeat(JSON_VALUES_MAX)}"]`, "taken"] as const,
    ),
    ...Array.from(
      { length: 70 },
      (_, at) => [`["${"a".repeat(at)}\\\\",${list(JSON_VALUES_MAX)},"${"a".repeat(40)}\\\\"]`, tooMany] as const,
    ),
  ] as const)
    t.equal(messageOf(text), message, text.slice(0, 40));
  t.end();
});

t.test("another bound on the values", (t) => {
  t.equal(refuseStructure(Buffer.from("[1,2,3]"), 4), null);
  t.equal(refuseStructure(Buffer.from("[1,{}]"), 4), null);
  t.match(refuseStructure(Buffer.from('[1,2,{"a":[]}]'), 4), { message: "the body has more than 4 values" });
  t.end();
});
