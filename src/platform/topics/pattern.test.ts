/**
 * Tests topic patterns: each wildcard, malformed patterns, and random patterns against a naive matcher. Also tests
 * patterns that would make a naive matcher slow.
 */
import * as fc from "fast-check";
import t from "tap";
import { TopicPattern } from "../../../schemas/events.js";
import { PATTERN_BYTES_MAX, TOPIC_BYTES_MAX } from "../../../schemas/limits/names.js";
import { arbitraryOf } from "../../../test/support/schema-arbitrary.js";
import { Failure } from "../../base/result.js";
import { publishedSchema } from "../front/published-schema.js";
import { compilePattern, type Pattern } from "./pattern.js";
import { countRounds } from "../../../test/support/test-size.js";

function compile(text: string): Pattern {
  const pattern = compilePattern(text);
  if (pattern instanceof Failure) throw new Error(pattern.message);
  return pattern;
}

t.test("matching and other patterns", (t) => {
  const matching: [string, readonly string[]][] = [
    ["", ["a", "a.b", "", ".", "a..b"]],
    ["*", ["a", "a.b", "", ".", "a..b"]],
    ["**", ["a", "a.b", "", "a.b.c"]],
    ["api.*", ["api.change", "api.", "api.a/b"]],
    ["api.**", ["api.change", "api.change.contract", "api.", "api.."]],
    ["a.*.c", ["a.b.c", "a..c", "a.*.c"]],
    ["**.c", ["b.c", "a.b.c", ".c"]],
    ["a.**.c", ["a.b.c", "a.b.b.c", "a.c.c", "a.c.c.c"]],
    ["**.**", ["a.b", "a.b.c"]],
    ["**.b.**", ["a.b.c", "b.b.b", "b.b.b.b", "a.x.b.y.z"]],
    ["*.*", ["a.b", "."]],
    ["a**b", ["ab", "axb", "axxb"]],
    ["job-*", ["job-", "job-17"]],
    ["*-done", ["-done", "job-done"]],
    ["a*b*c", ["abc", "aXbYc", "abbcc", "abcbc"]],
    ["?", ["a", "é", "😀", "?"]],
    ["a?c", ["abc", "a😀c"]],
    ["??", ["ab", "😀😀"]],
    ["[a-c]x", ["ax", "bx", "cx"]],
    ["[^a-c]", ["d", "A", "😀"]],
    ["[a-cx-z]", ["b", "y"]],
    ["[abc]", ["a", "c"]],
    ["[\\]]", ["]"]],
    ["[\\-a]", ["-", "a"]],
    ["[a\\-z]", ["a", "-", "z"]],
    ["[\\[-\\]]", ["[", "\\", "]"]],
    ["[a^]", ["a", "^"]],
    ["[!a]", ["!", "a"]],
    ["[*]", ["*"]],
    ["[?]", ["?"]],
    ["[^z-a]", ["a", "m"]],
    ["[α-ω]", ["λ"]],
    ["[😀-😂]", ["😁"]],
    ["\\*", ["*"]],
    ["\\a\\?", ["a?"]],
    ["\\\\", ["\\"]],
    ["a]", ["a]"]],
    ["a-b", ["a-b"]],
    ["a..b", ["a..b"]],
    [".", ["."]],
    ["Ä.*", ["Ä.x"]],
  ];
  for (const [text, topics] of matching)
    for (const topic of topics) t.ok(compile(text).matches(topic), `"${text}" matches "${topic}"`);

  const other: [string, readonly string[]][] = [
    ["api.*", ["api", "api.change.contract", "apis.change", "API.change"]],
    ["api.**", ["api", "apis.x"]],
    ["**.c", ["c", "a.b"]],
    ["a.**.c", ["a.c", "a", "c"]],
    ["**.**", ["a"]],
    ["**.b.**", ["b", "a.b", "b.c", "a.c.d"]],
    ["*.*", ["a", "a.b.c"]],
    ["a**b", ["a.b"]],
    ["?", ["", "ab", "a."]],
    ["[a-c]", ["d", "", "ab", "-"]],
    ["[^a-c]", ["b", ""]],
    ["[z-a]", ["a", "m", "z"]],
    ["[^^]", ["^"]],
    ["\\*", ["a", "\\*"]],
    ["a", ["A", "", "ab", "a."]],
    ["a.", ["a", "a.b"]],
    ["a*b", ["a", "b", "ba"]],
    ["aa*aa", ["aaa"]],
    ["*[^😀]b", ["😀b"]],
  ];
  for (const [text, topics] of other)
    for (const topic of topics) t.notOk(compile(text).matches(topic), `"${text}" does not match "${topic}"`);
  t.end();
});

t.test("malformed patterns are refused", (t) => {
  for (const text of [
    "[",
    "[]",
    "[^]",
    "[a",
    "[a-",
    "[a-]",
    "[-a]",
    "[]a]",
    "[^]a]",
    "[a-b-c]",
    "[--a]",
    "a.[b",
    "[a.b]",
    "\\",
    "a\\",
    "a\\.b",
    "[a\\",
    "[\\",
    "[a-\\",
    "a.b.[]",
    "*.[",
    "\ud800",
    "a\udc00b",
    "[\ud800-\udfff]",
  ]) {
    const refused = compilePattern(text);
    t.ok(refused instanceof Failure, `${JSON.stringify(text)} is refused`);
    if (refused instanceof Failure)
      t.same([refused.status, refused.message], ["INVALID_ARGUMENT", `malformed pattern "${text}"`]);
  }
  t.notOk(compilePattern("é".repeat(PATTERN_BYTES_MAX)) instanceof Failure, "the maximum length");
  const tooLong = compilePattern(`${"é".repeat(PATTERN_BYTES_MAX)}a`);
  t.match(tooLong, { status: "INVALID_ARGUMENT", message: `pattern is longer than ${PATTERN_BYTES_MAX} characters` });
  t.end();
});

/**
 * Interprets a class of characters, which begins after its `[`. Returns whether the class contains the character, and
 * the rest of the pattern. The real matcher compiles the class instead.
 */
function modelClass(pattern: readonly string[], character: string): { holds: boolean; rest: readonly string[] } {
  let at = 0;
  const negated = pattern[0] === "^";
  if (negated) at++;
  const next = (): string => {
    if (pattern[at] === "\\") at++;
    return pattern[at++] ?? "";
  };
  let inside = false;
  for (let first = true; first || pattern[at] !== "]"; first = false) {
    const low = next();
    let high = low;
    if (pattern[at] === "-") {
      at++;
      high = next();
    }
    const code = character.codePointAt(0) ?? 0;
    if (code >= (low.codePointAt(0) ?? 0) && code <= (high.codePointAt(0) ?? 0)) inside = true;
  }
  return { holds: inside !== negated, rest: pattern.slice(at + 1) };
}

/** Matches one segment by trying all possibilities. */
function modelSegment(pattern: readonly string[], segment: readonly string[]): boolean {
  const [token, ...rest] = pattern;
  const [character, ...others] = segment;
  if (token === undefined) return character === undefined;
  if (token === "*") return modelSegment(rest, segment) || (character !== undefined && modelSegment(pattern, others));
  if (character === undefined) return false;
  if (token === "?") return modelSegment(rest, others);
  if (token === "[") {
    const read = modelClass(rest, character);
    return read.holds && modelSegment(read.rest, others);
  }
  const literal = token === "\\" ? rest[0] : token;
  return literal === character && modelSegment(token === "\\" ? rest.slice(1) : rest, others);
}

function modelSegments(pattern: readonly string[], topic: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  const [segment, ...others] = topic;
  if (first === undefined || segment === undefined) return first === segment;
  if (first === "**") return modelSegments(rest, others) || modelSegments(pattern, others);
  return modelSegment(Array.from(first), Array.from(segment)) && modelSegments(rest, others);
}

t.test("it matches as a matcher that tries everything", (t) => {
  const character = fc.constantFrom("a", "b", "c", "-", "😀");
  const inClass = fc.constantFrom("a", "b", "c", "\\-", "\\]", "😀");
  const characterClass = fc
    .tuple(
      fc.constantFrom("", "^"),
      fc.array(
        fc.oneof(
          inClass,
          fc.tuple(inClass, inClass).map(([low, high]) => `${low}-${high}`),
        ),
        { minLength: 1, maxLength: 2 },
      ),
    )
    .map(([negation, members]) => `[${negation}${members.join("")}]`);
  const token = fc.oneof(
    { weight: 4, arbitrary: character },
    { weight: 3, arbitrary: fc.constant("*") },
    fc.constantFrom("?", "\\*", "\\a"),
    characterClass,
  );
  const segment = fc.oneof(
    { weight: 4, arbitrary: fc.array(token, { maxLength: 5 }).map((tokens) => tokens.join("")) },
    fc.constant("**"),
  );
  const pattern = fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => segments.join("."));
  const topic = fc.string({ unit: fc.oneof({ weight: 2, arbitrary: character }, fc.constant(".")), maxLength: 10 });
  const runs = countRounds(2_500, 10_000);
  let matched = 0;
  const property = fc.property(pattern, topic, (text, subject) => {
    const expected = text === "" || text === "*" || modelSegments(text.split("."), subject.split("."));
    if (expected) matched++;
    return compile(text).matches(subject) === expected;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: runs }));
  t.ok(matched > runs / 20, `the random patterns match often enough to say something: ${matched}`);
  t.end();
});

t.test("any text is either compiled or refused, and a compiled one matches without errors", (t) => {
  const text = fc.string({
    unit: fc.constantFrom("[", "]", "^", "-", "\\", "*", "?", ".", "a", "😀", "\ud800"),
    maxLength: 12,
  });
  const property = fc.property(text, text, (source, topic) => {
    const pattern = compilePattern(source);
    return pattern instanceof Failure
      ? pattern.status === "INVALID_ARGUMENT"
      : typeof pattern.matches(topic) === "boolean";
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: countRounds(1_250, 5_000) }));
  t.end();
});

t.test("no pattern makes matching exponential", (t) => {
  // A matcher that tries all possibilities of every star would need years for the first of these patterns.
  const segment = "a".repeat(TOPIC_BYTES_MAX);
  const segments = "a.".repeat(TOPIC_BYTES_MAX / 2 - 1) + "a";
  t.notOk(compile(`${"*a".repeat(200)}*b`).matches(segment));
  t.ok(compile("*a".repeat(200)).matches(segment));
  t.notOk(compile(`${"*?[a-z]".repeat(100)}*b`).matches(segment));
  t.notOk(compile(`${"**.a.".repeat(60)}**.b`).matches(segments));
  t.ok(compile(`${"**.a.".repeat(60)}**.a`).matches(segments));
  t.notOk(compile(`${"**.*a*.".repeat(60)}*b`).matches(segments));
  t.end();
});

t.test("error messages about patterns are well-formed", (t) => {
  const property = fc.property(
    arbitraryOf(publishedSchema(TopicPattern)),
    (text) => !(compilePattern(text as string) instanceof Failure),
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: countRounds(1_250, 5_000) }));
  t.end();
});
