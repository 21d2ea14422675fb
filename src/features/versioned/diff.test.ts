/**
 * Tests diffs of random and of hostile documents. A diff must equal the one of a naive recursive model. Applied to the
 * older document, it must give the newer one.
 */
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import t from "tap";
import { DIFF_BYTES_MAX } from "../../../schemas/limits/versioned.js";
import { must } from "../../base/assert.js";
import { parseJsonText } from "../../base/json-node.js";
import { elementTexts, memberTexts } from "../../../shared/json-text.js";
import { Failure } from "../../base/result.js";
import { diffNodes } from "./diff.js";
import { countRounds } from "../../../test/support/test-size.js";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

interface Entry {
  readonly operation: "add" | "remove" | "replace";
  readonly path: string;
  readonly old_value?: Json;
  readonly new_value?: Json;
}

function diffJson(before: string, after: string): string | Failure {
  return diffNodes(before, must(parseJsonText(before), "JSON"), after, must(parseJsonText(after), "JSON"));
}

function diffText(before: string, after: string): string {
  const diffs = diffJson(before, after);
  if (diffs instanceof Failure) throw new Error(diffs.message);
  return diffs;
}

function isObject(value: Json): value is { [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function ownMember(object: { [name: string]: Json }, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function escapeName(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** Compares two names by code point, with a simple and slow method. */
function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The model: computes a diff exactly as it is defined, without any optimization. */
function modelDiff(before: Json, after: Json, path = ""): Entry[] {
  if (Array.isArray(before) && Array.isArray(after)) {
    const longest = Math.max(before.length, after.length);
    return Array.from({ length: longest }, (_, index) =>
      modelChild(before[index], after[index], `${path}/${index}`),
    ).flat();
  }
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    const sorted = names.sort((a, b) => compareNames(escapeName(a), escapeName(b)));
    return sorted.flatMap((name) =>
      modelChild(ownMember(before, name), ownMember(after, name), `${path}/${escapeName(name)}`),
    );
  }
  return before === after ? [] : [{ operation: "replace", path, old_value: before, new_value: after }];
}

function modelChild(before: Json | undefined, after: Json | undefined, path: string): Entry[] {
  if (before === undefined) return after === undefined ? [] : [{ operation: "add", path, new_value: after }];
  if (after === undefined) return [{ operation: "remove", path, old_value: before }];
  return modelDiff(before, after, path);
}

function childOf(value: Json, token: string): Json {
  if (Array.isArray(value)) return value[Number(token)] ?? null;
  return isObject(value) ? (ownMember(value, token) ?? null) : null;
}

/**
 * Applies the entries of a diff to `document`. Removals come first, in reverse order, so that an array is truncated
 * from its end.
 */
function applyDiff(document: Json, entries: readonly Entry[]): Json {
  const holder: { [name: string]: Json } = { root: document };
  const removals = entries.filter((entry) => entry.operation === "remove").toReversed();
  const others = entries.filter((entry) => entry.operation !== "remove");
  for (const { operation, path, new_value } of [...removals, ...others]) {
    const tokens = ["root", ...path.split("/").slice(1)].map((token) =>
      token.replaceAll("~1", "/").replaceAll("~0", "~"),
    );
    const last = tokens.pop() ?? "";
    let target: Json = holder;
    for (const token of tokens) target = childOf(target, token);
    if (Array.isArray(target)) {
      if (operation === "remove") target.splice(Number(last), 1);
      else target[Number(last)] = new_value ?? null;
    } else if (isObject(target)) {
      if (operation === "remove") delete target[last];
      else
        Object.defineProperty(target, last, {
          value: new_value ?? null,
          enumerable: true,
          configurable: true,
          writable: true,
        });
    }
  }
  return holder["root"] ?? null;
}

/**
 * Writes a document as JSON in a random way. Blanks, the order of members, escapes and forms of numbers are random. It
 * also adds duplicate members, of which only the last one counts. `pick` makes the random choices.
 */
function scribble(value: Json, pick: () => number): string {
  const blank = ["", "", " ", "\n", "\r\n\t"][pick() % 5] ?? "";
  const name = (text: string): string => {
    const plain = JSON.stringify(text);
    return pick() % 3 === 0 ? plain.replace(/[a-z]/, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`) : plain;
  };
  if (typeof value === "string") return blank + name(value) + blank;
  if (typeof value === "number") {
    const forms = [`${value}`, `${value}.0`, `${value}0e-1`, `${value}E+0`];
    return blank + (forms[pick() % forms.length] ?? "") + blank;
  }
  if (Array.isArray(value)) return `[${blank}${value.map((item) => scribble(item, pick)).join(",")}]`;
  if (!isObject(value)) return blank + JSON.stringify(value) + blank;
  const members = Object.keys(value).map((key) => {
    const overruled = pick() % 4 === 0 ? `${name(key)}:[{"overruled":0}],` : "";
    return `${overruled}${blank}${name(key)}:${scribble(ownMember(value, key) ?? null, pick)}`;
  });
  if (pick() % 2 === 0) members.reverse();
  return `{${blank}${members.join(",")}}`;
}

const anyName = fc.constantFrom(
  "a",
  "b",
  "ab",
  "a-b",
  "",
  "/",
  "~",
  "a/b",
  "a0",
  "~1",
  "0",
  "10",
  "2",
  "__proto__",
  "constructor",
  "\uffee",
  "😀",
);
const anyDocument = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "medium" },
    fc.oneof(fc.constantFrom<Json>(null, true, false, "", "a", "1", 1, 12, -3), anyName),
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .uniqueArray(fc.tuple(anyName, tie("value")), { maxLength: 5, selector: ([name]) => name })
      .map((members) => Object.fromEntries(members) as Json),
  ),
})).value;
/** Generates two documents. Most pairs have much in common. */
const anyPair = fc.oneof(
  fc.tuple(anyDocument, anyDocument),
  fc
    .tuple(
      fc.uniqueArray(fc.tuple(anyName, anyDocument), { maxLength: 6, selector: ([name]) => name }),
      fc.array(fc.tuple(anyName, anyDocument), { maxLength: 2 }),
    )
    .map(([members, changes]): [Json, Json] => [
      Object.fromEntries(members),
      Object.fromEntries([...members, ...changes]),
    ]),
  fc
    .tuple(
      fc.array(anyDocument, { maxLength: 12, size: "max" }),
      fc.nat({ max: 12 }),
      fc.array(anyDocument, { maxLength: 2 }),
    )
    .map(([items, from, put]): [Json, Json] => [items, [...items.slice(0, from), ...put, ...items.slice(from + 1)]]),
);

t.test("the contract's examples", (t) => {
  const before = '{"version":"1.0","c":[1,2],"same":{"x":1}}';
  const after = '{"same":{"x":1.0},"version":"3.0","b":1}';
  t.equal(
    diffText(before, after),
    '[{"operation":"add","path":"/b","new_value":1},{"operation":"remove","path":"/c","old_value":[1,2]},' +
      '{"operation":"replace","path":"/version","old_value":"1.0","new_value":"3.0"}]',
  );
  t.equal(diffText("[1]", " [1] "), "[]");
  t.equal(
    diffText('{"a":1}', "[1,\n2]"),
    '[{"operation":"replace","path":"","old_value":{"a":1},"new_value":[1, 2]}]',
    "the root itself",
  );
  t.end();
});

t.test("values are compared by meaning and quoted as written", (t) => {
  const changed: [string, string, string][] = [
    [
      "12345678901234567890",
      "12345678901234567891",
      '[{"operation":"replace","path":"","old_value":12345678901234567890,"new_value":12345678901234567891}]',
    ],
    [
      '["\\u0061"]',
      '["b",1e400]',
      '[{"operation":"replace","path":"/0","old_value":"\\u0061","new_value":"b"},' +
        '{"operation":"add","path":"/1","new_value":1e400}]',
    ],
    ["[true]", "[false]", '[{"operation":"replace","path":"/0","old_value":true,"new_value":false}]'],
    ["[null]", "[]", '[{"operation":"remove","path":"/0","old_value":null}]'],
    ["[0]", '["0"]', '[{"operation":"replace","path":"/0","old_value":0,"new_value":"0"}]'],
    ['{"a":{}}', '{"a":[]}', '[{"operation":"replace","path":"/a","old_value":{},"new_value":[]}]'],
    ['{"a":1,"a":2}', '{"a":3,"a":4}', '[{"operation":"replace","path":"/a","old_value":2,"new_value":4}]'],
    ['{"\\u0022\\n":1}', "{}", '[{"operation":"remove","path":"/\\"\\n","old_value":1}]'],
    ['{"__proto__":1}', '{"__proto__":2}', '[{"operation":"replace","path":"/__proto__","old_value":1,"new_value":2}]'],
    ["{}", '{"a" : {\r\n "b" : "\\n" }}', '[{"operation":"add","path":"/a","new_value":{   "b" : "\\n" }}]'],
  ];
  for (const [before, after, diffs] of changed) t.equal(diffText(before, after), diffs, diffs);
  const equal: [string, string][] = [
    ["1", "1.0"],
    ["100", "1e2"],
    ["-0", "0"],
    ['"a"', '"\\u0061"'],
    ['{"a":1,"b":[{}]}', '{"b":[{}],"\\u0061":1}'],
    ['{"a":1,"a":2}', '{"a":2}'],
    ["\ufeff[]", "[]"],
  ];
  for (const [before, after] of equal)
    t.equal(diffText(before, after), "[]", `${JSON.stringify(before)} equals ${after}`);
  t.end();
});

t.test("entries are sorted by path", (t) => {
  const names = ["b", "a", "a-b", "a/b", "a0", "~", "A", "10", "2", "é", "\uffee", "😀", ""];
  const before = `{${names.map((name) => `${JSON.stringify(name)}:1`).join(",")},"list":[${"0,".repeat(11)}0]}`;
  const after = `{"list":[${"1,".repeat(11)}1]}`;
  const paths = (JSON.parse(diffText(before, after)) as Entry[]).map((entry) => entry.path);
  const list = Array.from({ length: 12 }, (_, index) => `/list/${index}`);
  t.same(
    paths,
    ["/", "/10", "/2", "/A", "/a", "/a-b", "/a0", "/a~1b", "/b", ...list].concat(["/~0", "/é", "/\uffee", "/😀"]),
  );
  t.same(
    (JSON.parse(diffText('{"a":{"z":1},"a-b":1}', '{"a":{"z":2},"a-b":2}')) as Entry[]).map((entry) => entry.path),
    ["/a/z", "/a-b"],
    "segment by segment: paths within a come before a-b",
  );
  t.end();
});

t.test("the diff is that of the naive model, and gives the other document when applied", (t) => {
  let entriesSeen = 0;
  const property = fc.property(anyPair, fc.infiniteStream(fc.nat({ max: 59 })), ([before, after], choices) => {
    const pick = (): number => choices.next().value as number;
    const beforeText = scribble(before, pick);
    const afterText = scribble(after, pick);
    const text = diffText(beforeText, afterText);
    const entries = JSON.parse(text) as Entry[];
    entriesSeen += entries.length;
    if (!isDeepStrictEqual(entries, modelDiff(before, after))) return false;
    if (!isDeepStrictEqual(applyDiff(JSON.parse(beforeText) as Json, entries), after)) return false;
    // A diff quotes each value as its document spells it, but on one line.
    const oneLineBefore = beforeText.replace(/[\r\n]/g, " ");
    const oneLineAfter = afterText.replace(/[\r\n]/g, " ");
    return (elementTexts(text) ?? []).every((entry) => {
      const members = memberTexts(entry);
      return (
        oneLineBefore.includes(members?.get("old_value") ?? "") &&
        oneLineAfter.includes(members?.get("new_value") ?? "")
      );
    });
  });
  const runs = countRounds(750, 3_000);
  t.doesNotThrow(() => fc.assert(property, { numRuns: runs }));
  t.ok(entriesSeen > runs, `the random documents differ often enough to say something: ${entriesSeen}`);
  t.end();
});

t.test("parsed once, compared twice", (t) => {
  const before = '{"a":[1,{"b":2}]}';
  const after = '{"a":[1,{"b":3}]}';
  const beforeNode = parseJsonText(before);
  const afterNode = parseJsonText(after);
  if (beforeNode === undefined || afterNode === undefined) throw new Error("both are JSON");
  t.equal(diffNodes(before, beforeNode, after, afterNode), diffText(before, after));
  t.equal(diffNodes(before, beforeNode, before, beforeNode), "[]");
  t.end();
});

t.test("depth costs no stack, and a path is built only for an entry", (t) => {
  const depth = 200_000;
  const nest = (open: string, value: string, close: string): string => open.repeat(depth) + value + close.repeat(depth);
  t.equal(diffText(nest("[", "1", "]"), nest("[", "1.0", "]")), "[]", "equal arrays");
  t.equal(diffText(nest('{"a":', "1", "}"), nest('{"a":', "1.0", "}")), "[]", "equal objects");
  t.equal(
    diffText(nest("[", "1", "]"), nest("[", "2", "]")),
    `[{"operation":"replace","path":"${"/0".repeat(depth)}","old_value":1,"new_value":2}]`,
  );
  t.equal(
    diffText(nest('{"":[', "1", "]}"), nest('{"":[', "1,2", "]}")),
    `[{"operation":"add","path":"${"//0".repeat(depth - 1)}//1","new_value":2}]`,
  );
  t.end();
});

t.test("an answer that is too long is refused", (t) => {
  const depth = 12_000;
  const deepPaths = (value: number): string => `${"[".repeat(depth)}${`,${value}]`.repeat(depth)}`.replace("[,", "[");
  const refused = diffJson(deepPaths(1), deepPaths(2));
  t.match(refused, { status: "OUT_OF_RANGE", http: 413 }, "a long path for each of many changes");

  const half = `"${"x".repeat(DIFF_BYTES_MAX / 2)}"`;
  t.match(diffJson(half, half.replace("x", "y")), { status: "OUT_OF_RANGE" }, "long values");
  const fitting = `"${"x".repeat(DIFF_BYTES_MAX / 2 - 200)}"`;
  t.notOk(diffJson(fitting, fitting.replace("x", "y")) instanceof Failure, "just short enough");
  const wide = `"${"é".repeat(DIFF_BYTES_MAX / 4)}"`;
  t.match(diffJson(wide, wide.replace("é", "ö")), { status: "OUT_OF_RANGE" }, "bytes are counted, not characters");
  t.end();
});
