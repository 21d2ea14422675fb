/**
 * Tests compiled patterns. They must match the same texts as ECMAScript's own engine. Patterns that RE2 cannot match
 * must be rejected.
 */
import t from "tap";
import { loadRegexEngine } from "../../rules/regex.js";
import { CheckSteps } from "../check-steps.js";
import { compilePattern } from "./pattern.js";

const STEPS = new CheckSteps(Number.POSITIVE_INFINITY);

await loadRegexEngine();

/** The texts against which each pattern is tried. */
const TEXTS = [
  ...[
    "",
    "a",
    "A",
    "z",
    "_",
    "-",
    "]",
    "1",
    "٤",
    "é",
    "λ",
    "Ω",
    "Ж",
    "漢",
    "\u00a0",
    "\u2028",
    "\ufeff",
    "\n",
    "\t",
    " ",
  ],
  ...[
    "😀",
    "🙏",
    "🐲🐲",
    "𝒳",
    "a\n",
    "a b",
    "ab",
    "aab",
    "a.b",
    "{a}",
    "x".repeat(1024),
    "x".repeat(1025),
    "λ".repeat(30),
  ],
  ...["\ud83d", "\ude00", "😀".repeat(1024), "ab".repeat(1100), "p@q.de", "2026-11-25", "aΩ1_"],
];

const AS_ECMASCRIPT = [
  ...["^.{1,1024}$", "^x{1025}$", "^.{1024,}$", "^.{0,100000}$", "^(?:ab){1,1500}$", "^.{0,1001}?a", "x{1,1024}"],
  ...[String.raw`\p{Letter}`, String.raw`^\p{L}+$`, String.raw`\p{Script=Greek}`, String.raw`\P{Script=Greek}`],
  ...[String.raw`\p{sc=Cyrl}`, String.raw`\p{scx=Grek}`, String.raw`\p{General_Category=Uppercase_Letter}`],
  ...[String.raw`[\p{Lu}\p{Script=Han}-]`, String.raw`[^\p{Letter}\s]`, String.raw`\p{Emoji_Presentation}`],
  ...[
    String.raw`^[\ud83d\ude00-\ud83d\ude4f]$`,
    "^[😀-🙏]+$",
    String.raw`^\u{1f600}$`,
    "^🐲*$",
    String.raw`\ud83d\ude00+`,
  ],
  ...[String.raw`^\s$`, String.raw`^\S+$`, String.raw`[\s\S]`, String.raw`[^\S]`, "^.$", "a$", "^", "$", "[^]", "[]"],
  ...[
    String.raw`^\d{4}-\d\d-\d\d$`,
    String.raw`^[\w.+-]+@[\w-]+\.\w+$`,
    String.raw`\bb`,
    String.raw`[\b]`,
    String.raw`\cJ`,
  ],
  ...[
    "(a)(?<name>b)",
    "^(?:a|b)+?$",
    String.raw`\x41`,
    String.raw`\u00e9`,
    String.raw`[\u0410-\u044f]`,
    String.raw`\0`,
  ],
  ...["[a-z]", "[^a]", String.raw`[\]]`, String.raw`\{a\}`, "a|b|", "(|a)*b"],
];

t.test("a pattern matches what it matches in ECMAScript", (t) => {
  for (const source of AS_ECMASCRIPT) {
    const pattern = compilePattern(source);
    if (typeof pattern === "string") {
      t.fail(`${source}: ${pattern}`);
      continue;
    }
    const expected = new RegExp(source, "u");
    const wrong = TEXTS.filter((text) => pattern.test(text, STEPS) !== expected.test(text));
    t.same(wrong, [], source);
  }
  t.end();
});

t.test("a pair of surrogates may be two classes, as without the flag u", (t) => {
  for (const source of [
    String.raw`^[\ud800-\udbff][\udc00-\udfff]$`,
    String.raw`^\ud83d[\ude00-\ude4f]$`,
    "^(?:\ud83c[\udf00-\udfff]|\ud83d[\udc00-\ude4f])$",
  ]) {
    const pattern = compilePattern(source);
    t.ok(
      typeof pattern !== "string" &&
        pattern.test("😀", STEPS) &&
        !pattern.test("λ", STEPS) &&
        !pattern.test("😀😀", STEPS),
      source,
    );
  }
  t.end();
});

t.test("a pattern that RE2 cannot match says why", (t) => {
  const rows: readonly (readonly [source: string, reason: RegExp])[] = [
    ["(?=a)b", /look-around/],
    ["(?!a)b", /look-around/],
    ["(?<=a)b", /look-around/],
    ["(?<!a)b", /look-around/],
    [String.raw`(a)\1`, /back-references/],
    [String.raw`(?<n>a)\k<n>`, /back-references/],
    [String.raw`\p{Foo}`, /no Unicode property Foo/],
    [String.raw`\y`, /\\y means nothing/],
    ["a{2,1}", /in reverse/],
    ["[z-a]", /in reverse/],
    ["[a", /not closed/],
    ["(a", /not closed/],
    ["a)", /not opened/],
    ["*a", /nothing to repeat/],
    ["\\", /ends with a backslash/],
    ["(?~a)", /unknown kind/],
    ["(x|a{3000})", /more than 2000 times/],
    ["((a{2000}){2000}){2000}", /more than 2000 times|too large/],
    ["(".repeat(1000), /nested too deep/],
    ["a".repeat(5000), /longer than/],
  ];
  for (const [source, reason] of rows) t.match(compilePattern(source), reason, source.slice(0, 30));
  const hostile = compilePattern("^(a+)+$");
  t.ok(typeof hostile !== "string" && !hostile.test(`${"a".repeat(100_000)}!`, STEPS), "linear in the text");
  t.end();
});
