/** JSON as text: against JSON.parse and JSON.stringify on random values, and on text that these would change. */
import { deepStrictEqual, strictEqual } from "node:assert";
import * as fc from "fast-check";
import t from "tap";

import { indentJson, listElementTexts, listMembers, setMember } from "./json-text.js";

const json = fc.json({ maxDepth: 5 });
const value = fc.jsonValue({ maxDepth: 5 });
/** Whitespace that JSON allows between its tokens. */
const blank = fc.stringMatching(/^[ \t\r\n]{0,3}$/);

t.test("indents as JSON.stringify does", (t) => {
  const holds = fc.property(value, (v) => {
    strictEqual(indentJson(JSON.stringify(v)), JSON.stringify(v, null, 2));
    strictEqual(indentJson(JSON.stringify(v, null, "\t")), JSON.stringify(v, null, 2));
  });
  t.doesNotThrow(() => fc.assert(holds));
  t.end();
});

t.test("indenting keeps digits, escapes and duplicates", (t) => {
  t.equal(
    indentJson('{"a":12345678901234567890,"a":1.50,"b":"\\u0041\\\\\\"","c":[ ],"d":{\n}}'),
    [
      "{",
      '  "a": 12345678901234567890,',
      '  "a": 1.50,',
      '  "b": "\\u0041\\\\\\"",',
      '  "c": [],',
      '  "d": {}',
      "}",
    ].join("\n"),
  );
  t.end();
});

t.test("nesting whose indents would fill the memory is not indented", (t) => {
  const depth = 50_000;
  t.equal(indentJson("[".repeat(depth) + "]".repeat(depth)), undefined);
  t.end();
});

t.test("splits an array into the texts of its elements", (t) => {
  const holds = fc.property(fc.array(json), blank, (texts, gap) => {
    const array = `${gap}[${texts.map((text) => gap + text + gap).join(",")}${gap}]${gap}`;
    deepStrictEqual(
      listElementTexts(array),
      texts.map((text) => text.trim()),
    );
  });
  t.doesNotThrow(() => fc.assert(holds));
  t.end();
});

t.test("finds the members of an object", (t) => {
  const holds = fc.property(fc.array(fc.tuple(fc.string(), json)), blank, (members, gap) => {
    const text = `{${members.map(([name, v]) => `${gap}${JSON.stringify(name)}${gap}:${gap}${v}${gap}`).join(",")}}`;
    const found = listMembers(text).map((member) => [member.name, text.slice(member.value.start, member.value.end)]);
    deepStrictEqual(
      found,
      members.map(([name, v]) => [name, v.trim()]),
    );
  });
  t.doesNotThrow(() => fc.assert(holds));
  t.end();
});

t.test("setting a member changes that member alone", (t) => {
  const holds = fc.property(
    fc.dictionary(fc.string(), value),
    fc.string(),
    value,
    fc.constantFrom(0, 2),
    (object, name, v, indent) => {
      const edited = JSON.parse(setMember(JSON.stringify(object, null, indent), name, JSON.stringify(v))) as object;
      const expected = JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
      const set = {
        value: JSON.parse(JSON.stringify(v)) as unknown,
        enumerable: true,
        configurable: true,
        writable: true,
      };
      Object.defineProperty(expected, name, set);
      deepStrictEqual(Object.entries(edited), Object.entries(expected));
    },
  );
  t.doesNotThrow(() => fc.assert(holds));
  t.end();
});

t.test("a new member is laid out like the others", (t) => {
  t.equal(setMember('{\n  "a": 1.0,\n  "b": 2\n}\n', "c", '"x"'), '{\n  "a": 1.0,\n  "b": 2,\n  "c": "x"\n}\n');
  t.equal(setMember('{"a":1}', "c", "2"), '{"a":1, "c": 2}');
  t.equal(setMember("{}", "c", "2"), '{\n  "c": 2\n}\n');
  t.equal(setMember('{"a":1 /* , */ , "b":2 // ,\n}', "c", "3"), '{"a":1 /* , */ , "b":2, "c": 3 // ,\n}');
  t.equal(setMember('{"c":1,"c":2}', "c", "3"), '{"c":1,"c":3}');
  t.end();
});
