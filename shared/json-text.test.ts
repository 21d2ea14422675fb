/**
 * Compares the processing of JSON text with JSON.parse and JSON.stringify on random values. Also tests texts that these
 * functions would change.
 */
import { deepStrictEqual, strictEqual } from "node:assert";
import * as fc from "fast-check";
import t from "tap";

import { CLI_PRETTY_CHARACTERS_MAX } from "../schemas/limits/cli.js";
import { elementTexts, indentJson, isJson, memberTexts, parseJson, toOneLine } from "./json-text.js";
import { countRounds } from "../test/support/test-size.js";

const jsonText = fc.json({ maxDepth: 5 });
const jsonValue = fc.jsonValue({ maxDepth: 5 });
/** Whitespace that JSON allows between its tokens. */
const whitespace = fc.stringMatching(/^[ \t\r\n]{0,3}$/);

t.test("a text that is not JSON has no value", (t) => {
  for (const [text, parsed] of [
    ["null", null],
    ["0", 0],
    [' {"a":[1]}\n', { a: [1] }],
  ] as const) {
    t.same(parseJson(text), parsed, text);
    t.equal(isJson(text), true, text);
  }
  for (const text of ["", " ", "undefined", "{", "[1,]", "\ufeff1"]) {
    t.equal(parseJson(text), undefined, text);
    t.equal(isJson(text), false, text);
  }
  t.end();
});

t.test("text is indented as JSON.stringify does", (t) => {
  const holds = fc.property(jsonValue, (v) => {
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
  t.equal(indentJson("[".repeat(depth) + "]".repeat(depth), CLI_PRETTY_CHARACTERS_MAX), undefined);
  t.end();
});

t.test("an array is split into the texts of its elements", (t) => {
  const holds = fc.property(fc.array(jsonText), whitespace, (texts, gap) => {
    const array = `${gap}[${texts.map((text) => gap + text + gap).join(",")}${gap}]${gap}`;
    deepStrictEqual(
      elementTexts(array),
      texts.map((text) => text.trim()),
    );
  });
  t.doesNotThrow(() => fc.assert(holds));
  t.end();
});

t.test("the text of a member is found as it was written", (t) => {
  const text = '{ "a" : 1.0 , "task":{"id":"\\"task","b":[1, 2]},"\\u0061b":"x" , "lease":null,"a":2}';
  t.equal(memberTexts(text)?.get("task"), '{"id":"\\"task","b":[1, 2]}');
  t.equal(memberTexts(text)?.get("lease"), "null");
  t.equal(memberTexts(text)?.get("ab"), '"x"');
  t.equal(memberTexts(text)?.get("a"), "2", "the last duplicate counts");
  t.equal(memberTexts(text)?.get("id"), undefined);
  t.equal(memberTexts("{}")?.get("a"), undefined);
  t.end();
});

t.test("the last of duplicate members counts, __proto__ is a member", (t) => {
  t.same(
    [...(memberTexts('{"a":1,"__proto__":{"x":1},"\\u0061":2,"constructor":3}') ?? [])],
    [
      ["a", "2"],
      ["__proto__", '{"x":1}'],
      ["constructor", "3"],
    ],
  );
  t.end();
});

t.test("a byte order mark in front is ignored", (t) => {
  t.same([...(memberTexts('\ufeff{"a":1}') ?? [])], [["a", "1"]]);
  t.same(elementTexts("\ufeff[1]"), ["1"]);
  t.end();
});

t.test("texts of members and elements are the source's own", (t) => {
  const text =
    '{ "topic" : "a.b" ,\n"data":{"n":12345678901234567890,"s":"}\\"]{\\\\"}, ' +
    '"x\\ty":[ 1,[2 ],"]" ] ,"n":1.0e0,"t":true}';
  t.same(
    [...(memberTexts(text) ?? [])],
    [
      ["topic", '"a.b"'],
      ["data", '{"n":12345678901234567890,"s":"}\\"]{\\\\"}'],
      ["x\ty", '[ 1,[2 ],"]" ]'],
      ["n", "1.0e0"],
      ["t", "true"],
    ],
  );
  t.same(elementTexts(' [ {"a":[1]} , 1.50,"]," ,null\n] '), ['{"a":[1]}', "1.50", '"],"', "null"]);
  t.same(memberTexts(" { } "), new Map());
  t.same(elementTexts(" [ ] "), []);
  for (const other of ["1", '"{}"', "null", "[]", ""]) t.equal(memberTexts(other), undefined, `${other} is no object`);
  for (const other of ["1", '"[]"', "null", "{}", ""]) t.equal(elementTexts(other), undefined, `${other} is no array`);

  const spaced = fc
    .tuple(fc.jsonValue(), fc.constantFrom("", " ", "\n\t"))
    .map(([value, indent]) => JSON.stringify(value, null, indent));
  const name = fc.string({ unit: "binary", maxLength: 4 });
  const blank = fc.constantFrom("", " ", "\r\n");
  const objects = fc.property(fc.array(fc.tuple(name, spaced, blank), { maxLength: 6 }), (members) => {
    const pairs = members.map(
      ([key, value, space]) => `${space}${JSON.stringify(key)}${space}:${space}${value}${space}`,
    );
    const object = `{${pairs.join(",")}}`;
    JSON.parse(object);
    const expected = new Map(members.map(([key, value]) => [key, value]));
    const read = memberTexts(object);
    return (
      read !== undefined &&
      read.size === expected.size &&
      [...expected].every(([key, value]) => read.get(key) === value)
    );
  });
  const arrays = fc.property(fc.array(fc.tuple(spaced, blank), { maxLength: 6 }), (elements) => {
    const array = elements.map(([value, space]) => `${space}${value}${space}`).join(",");
    const read = elementTexts(`[${array}]`);
    return read !== undefined && read.length === elements.length && elements.every(([value], at) => read[at] === value);
  });
  t.doesNotThrow(() => {
    fc.assert(objects, { numRuns: countRounds(500, 2_000) });
    fc.assert(arrays, { numRuns: countRounds(250, 1_000) });
  });
  t.end();
});

t.test("texts that are not JSON, against the contract, still end", (t) => {
  const soup = fc.string({ unit: fc.constantFrom("{", "}", "[", "]", ",", ":", '"', "1", " ", "a"), maxLength: 12 });
  const property = fc.property(soup, (rest) => {
    memberTexts(`{${rest}`);
    elementTexts(`[${rest}`);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: countRounds(500, 2_000) }));
  t.end();
});

t.test("a text is put on one line", (t) => {
  const single = '{"a":"\\n"}';
  t.equal(toOneLine(single), single);
  t.equal(toOneLine('{\r\n"a":\n1\r}'), '{  "a": 1 }');
  t.end();
});

t.test("depth and size of texts cost no stack", (t) => {
  const depth = 1_000_000;
  const deep = "[".repeat(depth) + "]".repeat(depth);
  t.equal(memberTexts(`{"a":${deep}}`)?.get("a")?.length, 2 * depth);
  t.equal(elementTexts(`[${deep},1]`)?.length, 2);
  t.equal(memberTexts(`{"a":"${'\\"'.repeat(depth)}"}`)?.size, 1, "a string of escaped quotes");
  t.equal(memberTexts(`{"a":"${"\\\\".repeat(depth)}"}`)?.size, 1, "a string of backslashes");
  t.end();
});
