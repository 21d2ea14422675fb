/**
 * Tests which fault is reported for a text. The result must agree with a simple implementation of the rules, and with
 * the text's schema.
 */
import * as fc from "fast-check";
import t from "tap";
import * as Type from "typebox";
import { Compile } from "typebox/compile";
import { Name, Text, textProblem, textRulesOf, utf8Length, type TextRules } from "./text.js";
import { findHiddenCharacter } from "./visible-text.js";

const anyUnit = fc.oneof(
  fc.constantFrom(
    "a",
    "\u00e9",
    "\u20ac",
    "\u{1f600}",
    "\n",
    "\0",
    "\u007f",
    "\u0085",
    "\u00a0",
    "\u200b",
    "\ud800",
    "\udc00",
  ),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
);
const anyText = fc.array(anyUnit, { maxLength: 12 }).map((units) => units.join(""));
const anyRules: fc.Arbitrary<TextRules> = fc.record(
  { charactersMax: fc.nat({ max: 12 }), required: fc.constant(true as const), line: fc.constant(true as const) },
  { requiredKeys: ["charactersMax"] },
);

/**
 * Returns the UTF-8 length of a text, counted character by character. An unpaired surrogate counts like the replacement
 * character.
 */
function naiveLength(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}

t.test("each rule has its own message, and the first violated rule is reported", (t) => {
  const rows: readonly (readonly [text: string, rules: TextRules, problem: string | null])[] = [
    ["", { charactersMax: 3 }, null],
    ["", { charactersMax: 3, required: true }, "is required"],
    ["", { charactersMax: 3, line: true }, null],
    ["abc", { charactersMax: 3 }, null],
    ["abcd", { charactersMax: 3 }, "is longer than 3 characters"],
    ["\u00e9\u20ace\u0301", { charactersMax: 4 }, null],
    ["\u00e9\u20ace\u0301", { charactersMax: 3 }, "is longer than 3 characters"],
    ["\u{1f600}\u{1f600}\u{1f600}", { charactersMax: 3 }, null],
    ["\u{1f600}\u{1f600}\u{1f600}a", { charactersMax: 3 }, "is longer than 3 characters"],
    ["\u{1f600}\u{1f600}", { charactersMax: 1 }, "is longer than 1 characters"],
    ["a\ud800", { charactersMax: 4 }, "must be valid Unicode"],
    ["\udc00\ud800", { charactersMax: 9 }, "must be valid Unicode"],
    ["a\nb", { charactersMax: 3 }, null],
    ["a\nb", { charactersMax: 3, line: true }, "must not contain control characters"],
    ["a\nb", { charactersMax: 2, line: true }, "is longer than 2 characters"],
    ["\u00e9a", { charactersMax: 3, bytesMax: 3 }, null],
    ["\u00e9\u00e9", { charactersMax: 3, bytesMax: 3 }, "is longer than 3 bytes"],
    ["\ud800\n", { charactersMax: 9, line: true }, "must be valid Unicode"],
    ["a\u200b", { charactersMax: 3 }, null],
    ["a\u200b", { charactersMax: 3, line: true }, "must not contain characters that cannot be seen (U+200B)"],
    ["\u202e\n", { charactersMax: 3, line: true }, "must not contain control characters"],
    // The two `promised_…` rules affect only the published description, so the check ignores them.
    ["abc", { charactersMax: 3, promisedCharactersMax: 1, promisedPattern: "^x$" }, null],
  ];
  for (const [text, rules, problem] of rows)
    t.equal(textProblem(text, rules), problem, `${JSON.stringify(text)} ${JSON.stringify(rules)}`);
  const line = { charactersMax: 3, line: true } as const;
  t.equal(textProblem("a\u200b", line, true), null, "an older name may be asked for");
  t.equal(textProblem("a\n", line, true), "must not contain control characters");
  t.end();
});

t.test("the reported problem of any text is that of a simple implementation", (t) => {
  const problems = new Set<string | null>();
  const property = fc.property(anyText, anyRules, (text, rules) => {
    const problem = textProblem(text, rules);
    const hidden = findHiddenCharacter(text);
    problems.add(problem?.replace(/\d+/, "n").replace(/U\+\w+/, "U+n") ?? null);
    const wellFormed = !/\p{Surrogate}/u.test(text);
    const naive =
      rules.required === true && text === ""
        ? "is required"
        : Array.from(text).length > rules.charactersMax
          ? `is longer than ${rules.charactersMax} characters`
          : !wellFormed
            ? "must be valid Unicode"
            : rules.line === true && /\p{Cc}/u.test(text)
              ? "must not contain control characters"
              : rules.line === true && hidden !== undefined
                ? `must not contain characters that cannot be seen (${hidden})`
                : null;
    return problem === naive && utf8Length(text) === naiveLength(text);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 3000 }));
  t.equal(problems.size, 6, "each of them was met");
  t.end();
});

t.test("a schema accepts what its rules accept, and has their messages", (t) => {
  const property = fc.property(anyText, anyRules, (text, rules) => {
    const schema = Type.Object({ name: Text(rules) });
    const validator = Compile(schema);
    const problem = textProblem(text, rules);
    if (validator.Check({ name: text })) return problem === null;
    return validator.Errors({ name: text })[0]?.message === problem;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }));
  const validator = Compile(Text({ charactersMax: 3 }));
  for (const value of [1, null, ["a"], {}]) t.notOk(validator.Check(value), JSON.stringify(value));
  t.end();
});

t.test("a schema returns its rules, also if it is optional, and no other schema has any", (t) => {
  const name = Name(7, "A name.");
  t.same(textRulesOf(name), { charactersMax: 7, required: true, line: true });
  t.match(name, { type: "string", description: "A name." });
  t.same(textRulesOf(Type.Optional(name)), textRulesOf(name));
  t.match(Text({ charactersMax: 3, default: "x" }), { type: "string", default: "x", text: { charactersMax: 3 } });
  t.equal(textRulesOf(Type.String()), undefined);
  t.equal(textRulesOf(Type.Object({ text: Type.String() })), undefined);
  t.end();
});
