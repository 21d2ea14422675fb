/**
 * Tests the processing of JSON text: against JSON.parse and JSON.stringify on random values, and on text that these
 * would change.
 */
import { deepStrictEqual, strictEqual } from "node:assert";
import * as fc from "fast-check";
import t from "tap";

import { indentJson, listElementTexts, memberText } from "./json-text.js";

const json = fc.json({ maxDepth: 5 });
const value = fc.jsonValue({ maxDepth: 5 });
/** Whitespace that JSON allows between its tokens. */
const blank = fc.stringMatching(/^[ \t\r\n]{0,3}$/);

t.test("text is indented as JSON.stringify does", (t) => {
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

t.test("an array is split into the texts of its elements", (t) => {
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

t.test("the text of a member is found as it was written", (t) => {
  const text = '{ "a" : 1.0 , "task":{"id":"\\"task","b":[1, 2]},"\\u0061b":"x" , "lease":null,"a":2}';
  t.equal(memberText(text, "task"), '{"id":"\\"task","b":[1, 2]}');
  t.equal(memberText(text, "lease"), "null");
  t.equal(memberText(text, "ab"), '"x"');
  t.equal(memberText(text, "a"), "2", "the last duplicate counts");
  t.equal(memberText(text, "id"), undefined);
  t.equal(memberText("{}", "a"), undefined);
  t.end();
});
