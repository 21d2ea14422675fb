/**
 * Compares sets of tokens with a simple table of all pairs of positions. The patterns are up to several words (of 32
 * tokens) long.
 */
import * as fc from "fast-check";
import t from "tap";
import { compileTopicSegment } from "../platform/topics/topic-segment.js";
import { TokenSet, type TokenTest } from "./token-set.js";

const A = 97;
const B = 98;

/** Finds the possible pairs of positions in two patterns, one pair at a time. */
function naiveMeets(a: readonly TokenTest[], b: readonly TokenTest[]): boolean {
  const agree = (one: TokenTest, other: TokenTest): boolean =>
    one === "any" || other === "any" || (typeof one === "function" ? one(other as number) : one === other);
  let row = new Set([0]);
  for (let i = 0; i <= a.length; i++) {
    const below = new Set<number>();
    for (let j = 0; j <= b.length; j++) {
      if (!row.has(j)) continue;
      const [one, other] = [a[i], b[j]];
      if (other === null || (one === null && j < b.length)) row.add(j + 1);
      if (one === null || (other === null && i < a.length)) below.add(j);
      if (i < a.length && j < b.length && one !== null && other !== null && agree(one as TokenTest, other as TokenTest))
        below.add(j + 1);
    }
    if (i === a.length) return row.has(b.length);
    row = below;
  }
  return false;
}

function withoutDoubleGaps(tokens: readonly TokenTest[]): TokenTest[] {
  return tokens.filter((token, at) => token !== null || tokens[at - 1] !== null);
}

const literal = fc.constantFrom<TokenTest>(A, A, A, B);
const plain = fc
  .array(fc.oneof({ weight: 5, arbitrary: literal }, fc.constantFrom<TokenTest>("any", null)), { maxLength: 80 })
  .map(withoutDoubleGaps);
const isA = (codePoint: number): boolean => codePoint === A;
const tested = fc
  .array(fc.oneof({ weight: 5, arbitrary: literal }, fc.constantFrom<TokenTest>("any", null, isA)), { maxLength: 80 })
  .map(withoutDoubleGaps);

t.test("patterns that meet", (t) => {
  let met = 0;
  fc.assert(
    fc.property(plain, plain, (a, b) => {
      const expected = naiveMeets(a, b);
      if (expected) met += 1;
      return new TokenSet(a).meets(b) === expected && new TokenSet(b).meets(a) === expected;
    }),
    { numRuns: 3_000 },
  );
  t.ok(met > 300, `${met} did`);
  t.end();
});

t.test("texts that match", (t) => {
  let matched = 0;
  fc.assert(
    // Generate longer runs of gaps, because they match more often.
    fc.property(tested, fc.array(fc.constantFrom("a", "a", "b", "😀"), { maxLength: 70 }), (tokens, characters) => {
      const text = characters.join("");
      const expected = naiveMeets(
        tokens,
        characters.map((character) => character.codePointAt(0) as number),
      );
      if (expected) matched += 1;
      const set = new TokenSet(tokens);
      return set.matches(text) === expected && set.matches(text) === expected;
    }),
    { numRuns: 3_000 },
  );
  const every = new TokenSet([null, ...Array<TokenTest>(64).fill(isA), null]);
  t.ok(every.matches("b".repeat(40) + "a".repeat(64)));
  t.notOk(every.matches("b".repeat(40) + "a".repeat(63)));
  t.ok(matched > 20, `${matched} did`);
  t.end();
});

t.test("more characters than the cache holds", (t) => {
  // A set with only one function uses no cache.
  for (const functions of [1, 12]) {
    const isEven = (codePoint: number): boolean => codePoint % 2 === 0;
    const set = new TokenSet([null, ...Array<TokenTest>(functions).fill(isEven), 0x100]);
    for (let codePoint = 1_000; codePoint < 1_400; codePoint++)
      t.equal(set.matches(`${String.fromCodePoint(codePoint).repeat(functions)}\u0100`), codePoint % 2 === 0);
  }
  t.end();
});

t.test("literals between stars must come in their order, and not overlap", (t) => {
  for (const [pattern, text, expected] of [
    ["a*ab*b", "axabb", true],
    ["a*ab*b", "axxab", false],
    ["a*ab*b", "aabxx", false],
    ["*ab*ba*", "abba", true],
    ["*ab*ba*", "abab", false],
    ["*ab*ba*", "baab", false],
    ["*😀*", "a😀", true],
    ["*?*😀*", "😀", false],
    ["a*?*", "a", false],
    ["a?*", "abc", true],
  ] as const)
    t.equal(compileTopicSegment(pattern)?.matches(text), expected, `${pattern} ${text}`);
  t.end();
});

t.test("a segment that would need much backtracking gives the same result", (t) => {
  const a = "a".repeat(100);
  for (const [pattern, text, expected] of [
    [`*${"a".repeat(60)}b*`, `${a}${a}`, false],
    [`*${"a".repeat(60)}b*`, `${a}b${a}`, true],
    [`*${"?".repeat(60)}b`, `${a}${a}`, false],
    [`*${"?".repeat(60)}b`, `${a}b`, true],
    [`*${"[ab]".repeat(60)}c*`, `${a}b${a}`, false],
    [`*${"[ab]".repeat(60)}c*`, `${a}b${a}c${a}`, true],
    [`${"*a".repeat(40)}*b`, `${a}${a}`, false],
    [`${"*a".repeat(40)}*b`, `${a}b`, true],
  ] as const)
    t.equal(compileTopicSegment(pattern)?.matches(text), expected, `${pattern.slice(0, 8)} ${text.length}`);
  t.end();
});
