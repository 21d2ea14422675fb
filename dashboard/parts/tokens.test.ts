/**
 * Tests which parts of a text are coloured in each language. Also tests that no part of a text is lost, and that no
 * text takes long.
 */
import * as fc from "fast-check";
import t from "tap";
import { COLOURED_CHARACTERS_MAX, type Language } from "./code-text.js";
import { PIECES_MAX, tokensOf } from "./tokens.js";

const coloured = (text: string, language: Language): readonly (readonly [string, string])[] =>
  tokensOf(text, language).flatMap((token) =>
    token.colour === undefined ? [] : [[token.colour, token.text] as const],
  );
const LANGUAGES: readonly Language[] = ["json", "yaml", "ini", "markdown", "xml", "typescript", "plain"];

t.test("JSON: names, texts, numbers, literals and punctuation", (t) => {
  t.same(coloured('{"a\\"b" : ["x: y", -1.5e3, null]}', "json"), [
    ["quiet", "{"],
    ["key", '"a\\"b"'],
    ["quiet", ":"],
    ["quiet", "["],
    ["string", '"x: y"'],
    ["quiet", ","],
    ["number", "-1.5e3"],
    ["quiet", ","],
    ["number", "null"],
    ["quiet", "]"],
    ["quiet", "}"],
  ]);
  t.end();
});

t.test("YAML and ini: comments, names and values", (t) => {
  t.same(coloured("# why\non: 'a # b'\nport: 80 # here\nurl: http://x#y", "yaml"), [
    ["quiet", "# why"],
    ["key", "on"],
    ["string", "'a # b'"],
    ["key", "port"],
    ["number", "80"],
    ["quiet", "# here"],
    ["key", "url"],
  ]);
  t.same(coloured('; why\n[server]\nport = 80\nname = "a=b"', "ini"), [
    ["quiet", "; why"],
    ["key", "[server]"],
    ["key", "port"],
    ["number", "80"],
    ["key", "name"],
    ["string", '"a=b"'],
  ]);
  t.end();
});

t.test("Markdown: headings, lists, code, quotes", (t) => {
  t.same(coloured("# One\n- `a` and **b**\n> said\n```js\n# no heading\n```\n2. two", "markdown"), [
    ["key", "# One"],
    ["number", "-"],
    ["string", "`a`"],
    ["word", "**b**"],
    ["quiet", "> said"],
    ["string", "```js\n# no heading\n```"],
    ["number", "2."],
  ]);
  t.end();
});

t.test("XML: tags, attributes, comments", (t) => {
  t.same(coloured('<!-- <a> --><a b="1 > 0">c</a>', "xml"), [
    ["quiet", "<!-- <a> -->"],
    ["word", "<a"],
    ["key", "b"],
    ["string", '"1 > 0"'],
    ["word", ">"],
    ["word", "</a"],
    ["word", ">"],
  ]);
  t.end();
});

t.test("scripts: words, texts, comments, numbers", (t) => {
  const text = "export const a = `x${1}\n` + \"it's\"; // not a 'text'\n/* 2 */ return a === null ? 0x1f : 1.5e3;";
  t.same(coloured(text, "typescript"), [
    ["word", "export"],
    ["word", "const"],
    ["string", "`x${1}\n`"],
    ["string", '"it\'s"'],
    ["quiet", "// not a 'text'"],
    ["quiet", "/* 2 */"],
    ["word", "return"],
    ["number", "null"],
    ["number", "0x1f"],
    ["number", "1.5e3"],
  ]);
  t.end();
});

t.test("the pieces of any text are the text, in every language", (t) => {
  const piece = fc.constantFrom(
    '"',
    "'",
    "`",
    "```\n",
    "<!--",
    "-->",
    "<a",
    "/*",
    "\\",
    "\n",
    "#",
    ": ",
    "1",
    "x",
    "[",
  );
  fc.assert(
    fc.property(fc.array(piece), fc.constantFrom(...LANGUAGES), (pieces, language) => {
      const text = pieces.join("");
      t.equal(
        tokensOf(text, language)
          .map((token) => token.text)
          .join(""),
        text,
      );
    }),
  );
  t.end();
});

t.test("a hostile text takes no longer than another, in any language", (t) => {
  const hostile = [
    "a",
    "1",
    " ",
    "\n",
    "\\",
    '"',
    '\\"',
    "'",
    "\\'",
    "`",
    "\\`",
    "<!--",
    "<!",
    "/*",
    "](",
    "**",
    '="',
    "-1",
    "[",
    "a.",
    "~~~\n",
  ];
  for (const language of LANGUAGES)
    for (const piece of hostile) {
      const text = `'"\`${piece.repeat(Math.floor(COLOURED_CHARACTERS_MAX / piece.length) - 8)}`;
      // A pattern that takes quadratic time would take minutes here.
      const length = tokensOf(text, language).reduce((sum, token) => sum + token.text.length, 0);
      t.equal(length, text.length, `${language}: ${JSON.stringify(piece)}`);
      const bare = text.slice(3);
      const pieces = tokensOf(bare, language).length;
      t.ok(pieces > 0 && pieces <= PIECES_MAX, `${pieces} pieces`);
    }
  t.end();
});

t.test("a text of many pieces has colours at its beginning", (t) => {
  const text = "1,".repeat(PIECES_MAX);
  const tokens = tokensOf(text, "json");
  t.equal(tokens.length, PIECES_MAX - 1);
  t.equal(tokens.map((token) => token.text).join(""), text);
  t.end();
});

t.test("a text that is too long has no colours", (t) => {
  t.same(tokensOf("1 ".repeat(COLOURED_CHARACTERS_MAX), "json").length, 1);
  t.same(tokensOf("a 1", "plain"), [{ text: "a 1" }]);
  t.end();
});
