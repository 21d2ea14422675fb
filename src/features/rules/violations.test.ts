/**
 * Tests the violations of rules against a model that searches each line separately. Covers ends of lines, empty matches
 * and missing patterns.
 */
import * as fc from "fast-check";
import { RE2JS } from "re2js";
import t from "tap";
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import { WorkBudget } from "./work-budget.js";
import { compileRegex, loadRegexEngine, type Regex } from "./regex.js";
import { Content, defaultMessage, violationsOf, type Found } from "./violations.js";
import { countRounds } from "../../../test/support/test-size.js";

await loadRegexEngine();

const BOUNDLESS = new WorkBudget(Infinity, Infinity);

function compiled(pattern: string): Regex {
  const result = compileRegex(pattern);
  if (result instanceof Failure) throw new Error(`${pattern}: ${result.message}`);
  return result;
}

function find(pattern: string, text: string, matchType: "regex" | "missing" | "custom" = "regex"): Found[] {
  return [...violationsOf({ matchType: matchType, regex: compiled(pattern) }, new Content(text), BOUNDLESS)];
}

/** The model: searches each line of a text separately, using only the engine. */
function naive(pattern: string, text: string): Found[] {
  const program = RE2JS.compile(pattern);
  const lines = text.split("\n");
  return lines.flatMap((raw, at) => {
    const line = at < lines.length - 1 && raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    const matcher = program.matcher(line);
    const match = matcher.find() ? (matcher.group() ?? "") : "";
    return match === "" ? [] : [{ line: at + 1, match }];
  });
}

const atom = fc.constantFrom(
  "a",
  "b",
  "\\n",
  "\\r",
  "\\s",
  "\\S",
  "\\w",
  "\\W",
  ".",
  "(?s:.)",
  "[^a]",
  "[^\\n]",
  "[\\s\\S]",
  "^",
  "$",
  "\\A",
  "\\z",
  "\\b",
  "\\B",
  "(?m:^)",
  "(?m:$)",
  "(?-m:^)",
  "(?-m:$)",
  "(?i)A",
  "\\x{1F600}",
  "\\pL",
  "é",
  "\\Qa.\\E",
);
const regex: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    atom,
    fc.array(tie("any"), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("")),
    fc.tuple(tie("any"), tie("any")).map(([left, right]) => `(?:${left}|${right})`),
    fc
      .tuple(tie("any"), fc.constantFrom("*", "+", "?", "*?", "{0,2}", "{2}"))
      .map(([inner, times]) => `(?:${inner})${times}`),
    tie("any").map((inner) => `(${inner})`),
  ),
})).any;
const flagged = fc
  .tuple(
    fc.constantFrom("", "", "(?m)", "(?s)", "(?i)", "(?sm)", "(?U)"),
    regex,
    fc.constantFrom("", "", "", "\\Q", "(?-m)$"),
  )
  .map((parts) => parts.join(""));
/** A text with more lines than one block, which has `BLOCK_LINES` lines. */
const LINES = "b\n\n".repeat(12);
const text = fc
  .array(
    fc.constantFrom(
      "a",
      "b",
      "A",
      "\n",
      "\r\n",
      "\r",
      " ",
      "é",
      "\u{1F600}",
      "\ud83d",
      "a.",
      "_",
      "\u2028",
      "\n\n",
      LINES,
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.join(""));

t.test("searching all lines together gives the same result", (t) => {
  const runs = countRounds(1_500, 6_000);
  let hits = 0;
  let shortcuts = 0;
  fc.assert(
    fc.property(flagged, text, (pattern, content) => {
      const result = compileRegex(pattern);
      // Skip a generated regex that is malformed, for example one that ends with `\Q`.
      fc.pre(!(result instanceof Failure));
      const expected = naive(pattern, content);
      const found = [...violationsOf({ matchType: "regex", regex: result }, new Content(content), BOUNDLESS)];
      if (expected.length > 0) hits += 1;
      else if (!result.mayMatchLine(new Content(content).lines)) shortcuts += 1;
      if (JSON.stringify(found) !== JSON.stringify(expected))
        throw new Error(`${JSON.stringify(found)} is not ${JSON.stringify(expected)}`);
    }),
    { numRuns: runs },
  );
  t.ok(hits > runs / 12, "many of them matched");
  t.ok(shortcuts > runs / 12, "and many did not, which one search decided");
  t.end();
});

t.test("lines end at \\n, a \\r before it is not part of the line", (t) => {
  t.same(find(".+$", "a\r\nb\r\r\n\rc\nd\r"), [
    { line: 1, match: "a" },
    { line: 2, match: "b\r" },
    { line: 3, match: "\rc" },
    { line: 4, match: "d\r" },
  ]);
  t.same(find("^b$", "a\r\nb\r\nb"), [
    { line: 2, match: "b" },
    { line: 3, match: "b" },
  ]);
  t.same(find("a\\nb", "a\nb"), [], "no match crosses a line's end");
  t.same(find("\\Ab\\z", "a\nb\nc"), [{ line: 2, match: "b" }], "\\A and \\z match at the edges of a line");
  t.end();
});

t.test("the first match of a line, if it is not empty", (t) => {
  t.same(find("\\d+", "a1 22\n\n333"), [
    { line: 1, match: "1" },
    { line: 3, match: "333" },
  ]);
  t.same(find("x*", "axx\nxx"), [{ line: 2, match: "xx" }], "an empty match does not count");
  t.same(find("a|ab", "ab"), [{ line: 1, match: "a" }], "the leftmost alternative, as in Go");
  t.end();
});

t.test('a "missing" rule searches the whole text', (t) => {
  t.same(find("b", "a\nb", "missing"), []);
  t.same(find("c", "a\nb", "missing"), [{ line: 0, match: "" }]);
  t.same(find("^b$", "a\nb", "missing"), [{ line: 0, match: "" }]);
  t.same(find("(?m)^b$", "a\nb", "missing"), []);
  t.same(find("a\\r\\nb", "a\r\nb", "missing"), [], "its line ends are kept");
  t.same(find("x*", "", "missing"), [], "an empty match counts");
  t.end();
});

t.test("custom rules", (t) => {
  const found = [
    ...violationsOf(
      { matchType: "custom", regex: null },
      new Content("console.log(1)\nconsole.logs()\n  a;console.log("),
      BOUNDLESS,
    ),
  ];
  t.same(found, [
    { line: 1, match: "console.log(" },
    { line: 3, match: "console.log(" },
  ]);
  t.same(find("console\\.\\w+", "console.warn()", "custom"), [{ line: 1, match: "console.warn" }]);
  t.same(defaultMessage("custom", "no-console-log"), "console.log found");
  t.same(defaultMessage("custom", "a"), "pattern 'a' matched");
  t.same(defaultMessage("regex", "no-console-log"), "pattern 'no-console-log' matched");
  t.same(defaultMessage("missing", "a"), "required pattern 'a' not found");
  t.end();
});

t.test("compiling is bounded, and a refusal says why", (t) => {
  const refusals: readonly [string, RegExp][] = [
    ["(", /does not compile: missing closing \)/],
    ["(?=a)", /does not compile/],
    ["(a)\\1", /invalid escape/],
    ["a{1001}", /invalid repeat count/],
    ["a".repeat(4097), /longer than 4096 characters/],
    ["a{1000}b{1001}", /repeats more than 2000 times/],
    [".{0,999}.{0,999}", /^$/],
    ["(?:x{1,30}){1,30}".repeat(10), /too large/],
  ];
  for (const [pattern, says] of refusals) {
    const result = compileRegex(pattern);
    t.match(result instanceof Failure ? result.message : "", says, pattern.slice(0, 40));
  }
  t.ok(compiled("\\{9000\\}") instanceof Object, "an escaped brace repeats nothing");
  t.end();
});

t.test("the memory of matching does not grow with the texts", (t) => {
  const program = compiled("a[ab]{20}$");
  const line = `${Array.from({ length: 20_000 }, (_, at) => ((at * 2654435761) % 7 < 3 ? "a" : "b")).join("")}x`;
  t.equal(program.test(line), false);
  program.trim();
  t.equal(program.test(line), false, "and it still matches as before");
  t.equal(
    program.find(line.slice(0, -1), () => true) === null,
    must(naive("a[ab]{20}$", line.slice(0, -1)), "a list").length === 0,
  );
  t.end();
});

t.test("expensive searches do not start while other requests wait", (t) => {
  const program = compiled("(?:a{1,30}){1,30}");
  const content = new Content(`b\n${"a".repeat(100)}\nb\n${"a".repeat(10)}`);
  const steps = program.size * 110;
  const look = (budget: WorkBudget): [lines: number[], spent: boolean] => [
    [...violationsOf({ matchType: "regex", regex: program }, content, budget)].map(({ line }) => line),
    budget.spent,
  ];
  t.same(
    look(new WorkBudget(steps, Infinity)),
    [[2, 4], false],
    "a step for each instruction and character of the lines that match",
  );
  t.same(look(new WorkBudget(steps - 1, Infinity)), [[2], true], "the matches within the budget were found");
  t.same(look(new WorkBudget(program.size * 100 - 1, Infinity)), [[], true]);
  const clock = { now: 5 };
  const timed = new WorkBudget(steps, 10, () => clock.now);
  clock.now = 15;
  t.same(look(timed), [[2, 4], false]);
  clock.now = 16;
  t.same(look(timed), [[], true], "time is up, whatever used it");
  clock.now = 5;
  t.equal(timed.allow(0), false, "it stays exhausted");
  t.end();
});
