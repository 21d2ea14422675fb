/**
 * Tests how stored bytes are shown. The tests cover which bytes are text, and the language of a text. They also check
 * that indented JSON stays the same JSON.
 */
import * as fc from "fast-check";
import t from "tap";
import { indented, languageOf, SHOWN_CHARACTERS_MAX, textOf } from "./code-text.js";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Returns the tokens of a JSON text, without what is between them. */
const tokensOf = (json: string): string[] => json.match(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g) ?? [];

t.test("the language is that of the content type, and JSON in any case", (t) => {
  t.equal(languageOf("application/json", '{"a":1}'), "json");
  t.equal(languageOf("application/json", "{a:1}"), "plain", "a text with the type of JSON that is none");
  t.equal(languageOf("application/octet-stream", ' [1, "a"]'), "json");
  t.equal(languageOf("text/plain", "plain words"), "plain");
  t.equal(languageOf("TEXT/HTML; charset=utf-8", "<b>1</b>"), "xml");
  t.equal(languageOf("image/svg+xml", "<svg/>"), "xml");
  t.equal(languageOf("application/yaml", "1"), "yaml", "the type decides where the text does not");
  t.equal(languageOf("text/markdown", "# a"), "markdown");
  t.equal(languageOf("application/javascript", "1"), "typescript");
  t.equal(languageOf("", ""), "plain");
  t.end();
});

t.test("text is UTF-8 without control characters other than white space", (t) => {
  t.equal(textOf(utf8("grüße\t\r\n")), "grüße\t\r\n");
  t.equal(textOf(utf8("")), "");
  t.equal(textOf(Uint8Array.of(0xff, 0xfe)), undefined);
  t.equal(textOf(utf8("a\u0000b")), undefined);
  t.equal(textOf(utf8("\u001b[31m")), undefined);
  t.end();
});

t.test("JSON is indented as JSON.stringify does", (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      t.equal(indented(text, "json"), JSON.stringify(JSON.parse(text), null, 2));
    }),
  );
  t.end();
});

t.test("the tokens stay in any white space: digits, escapes, order, duplicate members", (t) => {
  const space = fc.constantFrom("", " ", "\n", "\t \r\n");
  const token = fc.constantFrom(
    "12345678901234567890.1230",
    "-0",
    "1E400",
    "null",
    '"\\u00e9\\" [,:"',
    '" {  } "',
    '{"b":1,"a":2,"b":3}',
    "[]",
    "{}",
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(token, space)), space, (items, between) => {
      const text = `[${between}${items.map(([item, after]) => item + after).join(`,${between}`)}]`;
      const shown = indented(text, "json");
      t.same(tokensOf(shown), tokensOf(text));
      t.same(JSON.parse(shown), JSON.parse(text));
    }),
  );
  t.end();
});

t.test("other languages and very long text stay unchanged", (t) => {
  t.equal(indented("a: [1,2]", "yaml"), "a: [1,2]");
  const long = `[${"1,".repeat(SHOWN_CHARACTERS_MAX / 2)}1]`;
  t.equal(indented(long, "json"), long);
  t.end();
});

t.test("the cost of deep nesting does not grow with its square", (t) => {
  const depth = 50_000;
  const text = "[".repeat(depth) + "]".repeat(depth);
  const shown = indented(text, "json");
  t.same(tokensOf(shown).join(""), text);
  t.ok(shown.length < text.length * 200, `${shown.length} characters of ${text.length}`);
  t.equal(indented("[[]]]]]", "json"), "[\n  []\n]\n]\n]\n]", "more ends than beginnings cause no failure");
  t.end();
});
