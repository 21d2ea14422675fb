/**
 * Tests the reading of JSON as text: it accepts the same texts as JSON.parse, returns the exact source of each part,
 * and handles extreme sizes.
 */
import * as fc from "fast-check";
import t from "tap";
import { parseJsonText, type JsonNode } from "./json-node.js";

/** Returns the value of a node. Children are read through `members` and `items`. */
function valueOf(text: string, node: JsonNode): unknown {
  if (node.items !== undefined) return node.items.map((item) => valueOf(text, item));
  if (node.members === undefined) return JSON.parse(text.slice(node.start, node.end));
  const value: Record<string, unknown> = {};
  for (const [name, member] of node.members) {
    Object.defineProperty(value, name, {
      value: valueOf(text, member),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return value;
}

/** Returns a text in a form that can be the name of a test: on one line, in ASCII. */
function show(text: string): string {
  return JSON.stringify(text).replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function parseOrUndefined(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

t.test("kinds, offsets, members and items", (t) => {
  const text = ' { "a" : [ 1.50 , "x\\n" ] , "b":{},"c":true,"d":false,"e":null, "\\u0066":-0 } ';
  const root = parseJsonText(text);
  t.equal(root?.kind, "object");
  t.equal(root?.items, undefined);
  const sources = [...(root?.members ?? [])].map(([name, node]) => [name, node.kind, text.slice(node.start, node.end)]);
  t.same(sources, [
    ["a", "array", '[ 1.50 , "x\\n" ]'],
    ["b", "object", "{}"],
    ["c", "true", "true"],
    ["d", "false", "false"],
    ["e", "null", "null"],
    ["f", "number", "-0"],
  ]);
  const items = root?.members?.get("a")?.items ?? [];
  t.same(
    items.map((node) => [node.kind, text.slice(node.start, node.end), node.members]),
    [
      ["number", "1.50", undefined],
      ["string", '"x\\n"', undefined],
    ],
  );
  t.end();
});

t.test("the last of duplicate members counts, __proto__ is a member", (t) => {
  const text = '{"a":1,"__proto__":{"x":1},"\\u0061":2,"constructor":3}';
  const members = parseJsonText(text)?.members;
  t.same(
    [...(members ?? [])].map(([name, node]) => [name, text.slice(node.start, node.end)]),
    [
      ["a", "2"],
      ["__proto__", '{"x":1}'],
      ["constructor", "3"],
    ],
  );
  t.end();
});

t.test("a byte order mark is ignored once, and only in front", (t) => {
  const node = parseJsonText('\ufeff{"a":1}');
  t.equal(node?.start, 1);
  t.equal(node?.members?.size, 1);
  t.equal(parseJsonText('\ufeff\ufeff{"a":1}'), undefined);
  t.equal(parseJsonText(" \ufeff1"), undefined);
  t.equal(parseJsonText("1\ufeff"), undefined);
  t.equal(parseJsonText("\ufeff"), undefined);
  t.end();
});

t.test("the grammar is that of JSON.parse", (t) => {
  const malformed = [
    "",
    " ",
    "{",
    "}",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1]]",
    "{}{}",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    "{a:1}",
    "{'a':1}",
    '{"a":1 "b":2}',
    "{1:2}",
    "[1}",
    '{"a":1]',
    "01",
    "-",
    "-01",
    "+1",
    "1.",
    ".5",
    "1e",
    "1e+",
    "1.e1",
    "0x1",
    "1_0",
    "NaN",
    "Infinity",
    "-Infinity",
    "tru",
    "truex",
    "True",
    "nulL",
    "nullnull",
    "undefined",
    '"',
    '"\\"',
    '"\\x41"',
    '"\\u12"',
    '"\\u12g4"',
    '"\\',
    '"\n"',
    '"\t"',
    '"\u0000"',
    '"\u001f"',
    "'a'",
    "/*c*/1",
    "1//",
    "\u00a01",
    "1\u2028",
    "\u000b1",
    "\f1",
  ];
  for (const text of malformed) {
    t.equal(parseOrUndefined(text), undefined, `${show(text)} is malformed`);
    t.equal(parseJsonText(text), undefined, `${show(text)} is refused`);
  }
  const wellFormed = [
    "0",
    "-0",
    "-0.0e-0",
    "1E+10",
    "1.25e5",
    "true",
    "\t\r\n null \n",
    '""',
    '"\u007f\u2028\ud800"',
    '"\\ud83d\\ude00\\/\\b\\f\\"\\\\"',
    "[[],{}]",
    '{"":{"":[]}}',
    "[1 ,\n2]",
  ];
  for (const text of wellFormed) {
    const node = parseJsonText(text);
    t.ok(node, `${show(text)} is accepted`);
    if (node !== undefined)
      t.equal(JSON.stringify(valueOf(text, node)), JSON.stringify(JSON.parse(text)), `${show(text)} means the same`);
  }

  const fragment = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "\\",
    "u",
    "0",
    "1",
    "-",
    ".",
    "e",
    "+",
    "true",
    "null",
    '"a"',
    '"b":',
    " ",
    "\n",
    "\u0001",
    "é",
  );
  const soup = fc.array(fragment, { maxLength: 9 }).map((parts) => parts.join(""));
  const almost = fc.tuple(fc.json(), fc.nat(), fc.option(fragment, { nil: "" })).map(([text, at, put]) => {
    const cut = at % (text.length + 1);
    return text.slice(0, cut) + put + text.slice(cut + 1);
  });
  const property = fc.property(fc.oneof(soup, almost, fc.json()), (text) => {
    const expected = parseOrUndefined(text);
    const node = parseJsonText(text);
    if (expected === undefined || node === undefined) return expected === node;
    return JSON.stringify(valueOf(text, node)) === JSON.stringify(expected.value);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 5000 }));
  t.end();
});

t.test("depth and size cost no stack", (t) => {
  const depth = 1_000_000;
  const deep = "[".repeat(depth) + "]".repeat(depth);
  t.equal(parseJsonText(deep)?.end, 2 * depth, "nested arrays");
  t.equal(parseJsonText("[".repeat(depth)), undefined, "arrays that stay open");
  t.equal(parseJsonText(`${'{"":'.repeat(depth)}1${"}".repeat(depth)}`)?.members?.size, 1, "nested objects");
  t.end();
});
