/** Tests setting a member in JSON with comments: both the parsed value and the text change only in that member. */
import { deepStrictEqual } from "node:assert";
import * as fc from "fast-check";
import t from "tap";

import { memberAt, parseCommented, setMember } from "./json-edit.js";

t.test("setting a member changes that member only", (t) => {
  // jsonc-parser takes this name for the prototype. None of our files contains it.
  const json = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__"));
  const name = fc.string().filter((text) => text !== "__proto__");
  const members = fc.dictionary(name, fc.jsonValue({ maxDepth: 5 }));
  const holds = fc.property(members, name, json, fc.constantFrom(0, 2, 4, "\t"), (object, key, value, indent) => {
    const edited = setMember(JSON.stringify(object, null, indent), [key], value) ?? "";
    deepStrictEqual(JSON.parse(edited), JSON.parse(JSON.stringify({ ...object, [key]: value })));
  });
  t.doesNotThrow(() => fc.assert(holds));
  t.end();
});

t.test("a new member is formatted like the others", (t) => {
  const set = (text: string, value: unknown = 3): string | undefined => setMember(text, ["c"], value);
  t.equal(set("{}\n", "x"), '{\n  "c": "x"\n}\n');
  t.equal(set('{\n  "a": 1.0,\n  "b": 2\n}\n'), '{\n  "a": 1.0,\n  "b": 2,\n  "c": 3\n}\n');
  t.equal(set('{\r\n\t"a": 1e2\r\n}\r\n', {}), '{\r\n\t"a": 1e2,\r\n\t"c": {}\r\n}\r\n');
  t.equal(set('{\n    "a":   1\n}'), '{\n    "a": 1,\n    "c": 3\n}', "blanks of its own line only");
  t.equal(set('{\n  "a":   [ ],\n  "b": 2\n}'), '{\n  "a":   [ ],\n  "b": 2,\n  "c": 3\n}');
  t.equal(set('{"n":12345678901234567890,"c":1}'), '{"n":12345678901234567890,"c":3}', "at its position");
  t.match(set('{"a":1 /* , */, "b":2 // ,\n}'), /1 \/\* , \*\/,[^]*"b": 2,[^]*"c": 3[^]*\/\/ ,\n/, "comments stay");
  t.equal(set('{"c":1,"c":2}'), undefined, "the last duplicate counts");
  t.equal(setMember("{}", ["a", "b"], 1), '{\n  "a": {\n    "b": 1\n  }\n}', "missing parents are added");
  t.end();
});

t.test("comments and trailing commas are parsed, and no other extension of JSON", (t) => {
  t.same(parseCommented('/* a */{"a":[1,],} // b'), { a: [1] });
  for (const text of ["", "{", "{}}", "/* a", "{a:1}", "{'a':1}", '{"a":01}', "[1,,]", '{"a" 1}', '"\n"'])
    t.equal(parseCommented(text), undefined, text);
  t.equal(memberAt({ a: 1 }, "a"), 1);
  t.same([memberAt({}, "toString"), memberAt(null, "a"), memberAt("a", "length")], [undefined, undefined, undefined]);
  t.end();
});
