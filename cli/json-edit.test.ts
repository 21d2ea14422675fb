/** Tests that setting or removing a member of commented JSON keeps all other members and the rest of the text. */
import { deepStrictEqual } from "node:assert";
import * as fc from "fast-check";
import t from "tap";

import { appendElement, memberAt, parseCommented, removeAt, setMember } from "./json-edit.js";

t.test("setting a member changes that member only", (t) => {
  // The values do not contain `__proto__`, because jsonc-parser would set the prototype. None of the files that Koor
  // edits contains it.
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
  t.equal(set('{"a":1 /* , */, "b":2 // ,\n}'), '{"a":1 /* , */, "b":2, // ,\n  "c": 3\n}', "comments stay");
  t.equal(set('{\n  "a": 1, // about a\n  // end\n}'), '{\n  "a": 1, // about a\n  // end\n  "c": 3\n}');
  t.equal(set("{ /* none */ }", { d: 1 }), '{ /* none */ "c": {"d":1} }');
  t.equal(set('{"a":"//",/* , */}'), '{"a":"//",/* , */ "c": 3}');
  t.equal(set('{"c":1,"c":2}'), undefined, "the last duplicate counts");
  t.equal(setMember("{}", ["a", "b"], 1), '{\n  "a": {\n    "b": 1\n  }\n}', "missing parents are added");
  t.end();
});

t.test("an element is added at the end of its array, after the comments", (t) => {
  t.same(parseCommented(appendElement('{"a":[1]}', ["a"], 2) ?? ""), { a: [1, 2] });
  t.equal(appendElement('{"a":[\r\n\t1 // one\r\n]}', ["a"], 2), '{"a":[\r\n\t1, // one\r\n\t2\r\n]}');
  t.same(parseCommented(appendElement("{}", ["a", "b"], 2) ?? ""), { a: { b: [2] } });
  t.equal(appendElement('{"a":[1],"a":[]}', ["a"], 2), undefined, "the last duplicate counts");
  t.end();
});

t.test("a removed member takes its comma and its line, and no comment", (t) => {
  const remove = (text: string): string | undefined => removeAt(text, ["c"]);
  t.equal(remove('{\n  "a": 1, // about a\n  "c": 3\n}\n'), '{\n  "a": 1 // about a\n}\n');
  t.equal(remove('{\n  "c": 3, // about c\n  "d": 4,\n}'), '{\n // about c\n  "d": 4,\n}');
  t.equal(remove('{ "c": 3, "d": 4 }'), '{ "d": 4 }');
  t.equal(remove('{"a":1,"c":[3]}'), '{"a":1}');
  t.equal(remove('{"a":1, // x\n"c":3 }'), '{"a":1 // x\n }');
  t.equal(remove('{\r\n  "a": 1,\r\n  "c": {}, /* , */\r\n}'), '{\r\n  "a": 1,\r\n /* , */\r\n}');
  t.equal(remove('{"c":1,"c":2}'), undefined, "the last duplicate counts");
  t.equal(remove("{}"), undefined);
  t.equal(removeAt('{"a":[1, /* two */ 2, 3]}', ["a", 1]), '{"a":[1, /* two */ 3]}');
  t.equal(removeAt('{"a":[1, 2]}', ["a", 1]), '{"a":[1]}');
  t.end();
});

t.test("what is added can be removed again, and no comment is lost", (t) => {
  const comment = fc.constantFrom("", " ", " // x\n", "/* , */", "\n", "\r\n\t// }\r\n");
  const file = fc
    .tuple(fc.array(fc.tuple(comment, fc.constantFrom("1", '"//"', "[]", "{ }"), comment)), comment, fc.boolean())
    .map(([members, end, isTrailing]) => {
      const texts = members.map(([before, value, after], at) => `${before}"m${at}":${value}${after}`);
      return `{${texts.join(",")}${isTrailing && texts.length > 0 ? "," : ""}${end}}`;
    });
  const commentsOf = (text: string): unknown => text.match(/\/\/ [x}]|\/\* , \*\//g);
  const holds = fc.property(file, fc.nat({ max: 4 }), (text, at) => {
    const added = setMember(text, ["c"], { d: [1] }) ?? "";
    deepStrictEqual(parseCommented(added), { ...(parseCommented(text) as object), c: { d: [1] } });
    deepStrictEqual(parseCommented(removeAt(added, ["c"]) ?? ""), parseCommented(text));
    deepStrictEqual(
      [commentsOf(added), commentsOf(removeAt(added, ["c"]) ?? "")],
      [commentsOf(text), commentsOf(text)],
    );
    if (!text.includes(`"m${at}"`)) return;
    const rest = removeAt(text, [`m${at}`]) ?? "";
    const { [`m${at}`]: _, ...others } = parseCommented(text) as Readonly<Record<string, unknown>>;
    deepStrictEqual([parseCommented(rest), commentsOf(rest)], [others, commentsOf(text)]);
  });
  t.doesNotThrow(() => fc.assert(holds));
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
