/**
 * Tests the pattern index against a naive model, which tries each pattern by itself. Patterns are added and deleted
 * between the matches.
 */
import * as fc from "fast-check";
import t from "tap";
import { PATTERN_BYTES_MAX, TOPIC_BYTES_MAX } from "../../../schemas/limits/names.js";
import { TOPIC_CACHE_MATCHES_MAX, TOPIC_CACHE_TOPICS_MAX } from "../../../schemas/limits/events.js";
import { Failure } from "../../base/result.js";
import { GlobEdges, LOOKS_A_STEP } from "./glob-edges.js";
import { PatternIndex } from "./pattern-index.js";
import { compilePattern, type Pattern } from "./pattern.js";
import { looks, type SegmentGlob } from "../../base/segment-glob.js";
import { compileTopicSegment } from "./topic-segment.js";
import { TopicMemo } from "./topic-memo.js";
import { countRounds } from "../../../test/support/test-size.js";

function compile(text: string): Pattern {
  const pattern = compilePattern(text);
  if (pattern instanceof Failure) throw new Error(pattern.message);
  return pattern;
}

function glob(text: string): SegmentGlob {
  const compiled = compileTopicSegment(text);
  if (compiled === undefined) throw new Error(`${text} is malformed`);
  return compiled;
}

function sorted(texts: Iterable<string>): string[] {
  return [...texts].sort();
}

t.test("patterns of all kinds together", (t) => {
  const index = new PatternIndex();
  for (const text of [
    "",
    "*",
    "**",
    "a.b",
    "a\\b",
    "[a]b",
    "a.*",
    "a.**",
    "**.c",
    "a.*.c",
    "job-*",
    "*-done",
    "*mid*",
    "?",
    "*.*",
  ])
    index.add(compile(text));
  t.equal(index.size, 15);
  const cases: [string, string[]][] = [
    ["a.b", ["", "*", "**", "*.*", "a.*", "a.**", "a.b"]],
    ["ab", ["", "*", "**", "[a]b", "a\\b"]],
    ["a.b.c", ["", "*", "**", "**.c", "a.**", "a.*.c"]],
    ["job-mid-done", ["", "*", "**", "*-done", "*mid*", "job-*"]],
    ["x", ["", "*", "**", "?"]],
    ["", ["", "*", "**"]],
  ];
  for (const [topic, texts] of cases) {
    t.same(sorted(index.match(topic)), texts, topic);
    t.same(sorted(index.match(topic)), texts, `${topic}, again`);
  }
  t.end();
});

t.test("adding a pattern twice and deleting a missing one change nothing", (t) => {
  const index = new PatternIndex();
  index.add(compile("a.*"));
  index.add(compile("a.*"));
  index.delete("a.b");
  index.delete("a");
  t.equal(index.size, 1);
  t.same(index.match("a.b"), ["a.*"]);
  index.delete("a.*");
  index.delete("a.*");
  t.equal(index.size, 0);
  t.same(index.match("a.b"), [], "the memo was cleared");
  index.add(compile("a.*"));
  t.same(index.match("a.b"), ["a.*"]);
  t.end();
});

t.test("it matches as all patterns tested one by one, while patterns are added and deleted", (t) => {
  const piece = fc.constantFrom("a", "b", "ab", "ba", "abab", "x");
  const segment = fc.oneof(
    { weight: 3, arbitrary: piece },
    { weight: 2, arbitrary: fc.constantFrom("*", "**", "?", "[ab]", "[^a]*", "", "\\a") },
    fc.tuple(piece, piece).map(([a, b]) => `${a}*${b}`),
    piece.map((a) => `${a}*`),
    piece.map((a) => `*${a}`),
    fc.tuple(piece, piece).map(([a, b]) => `*${a}?${b}*`),
    piece.map((a) => `*${a}*`),
  );
  const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join("."));
  const topicSegment = fc
    .array(fc.constantFrom("a", "b", "ab", "x", ""), { maxLength: 3 })
    .map((parts) => parts.join(""));
  const topic = fc.array(topicSegment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join("."));
  const command = fc.oneof(
    { weight: 3, arbitrary: pattern.map((text) => ({ kind: "add", text }) as const) },
    { weight: 1, arbitrary: fc.nat().map((which) => ({ kind: "delete", which }) as const) },
    { weight: 2, arbitrary: topic.map((text) => ({ kind: "match", text }) as const) },
  );
  // Add many patterns of one form first, so that the index files its edges under literals.
  const crowd = fc.uniqueArray(
    fc.tuple(
      fc.string({ unit: fc.constantFrom("a", "b", "x"), minLength: 1, maxLength: 4 }),
      fc.constantFrom("$*", "*$", "*$*", "?$?"),
    ),
    { maxLength: 60, size: "max", selector: ([literal, shape]) => shape.replace("$", literal) },
  );
  let matched = 0;
  const property = fc.property(crowd, fc.array(command, { maxLength: 60, size: "max" }), (many, commands) => {
    const index = new PatternIndex();
    const model = new Map<string, Pattern>();
    const add = (text: string): void => {
      const compiled = compile(text);
      index.add(compiled);
      model.set(text, compiled);
    };
    for (const [literal, shape] of many) add(shape.replace("$", literal));
    for (const each of commands) {
      if (each.kind === "add") {
        add(each.text);
      } else if (each.kind === "delete") {
        const text = [...model.keys()][each.which % Math.max(1, model.size)] ?? "absent";
        index.delete(text);
        model.delete(text);
      } else {
        const expected = [...model.values()].filter((one) => one.matches(each.text)).map((one) => one.text);
        matched += expected.length;
        const { steps, visited } = index;
        const found = sorted(index.match(each.text));
        if (index.visited - visited > steps) return false;
        if (JSON.stringify(found) !== JSON.stringify(sorted(expected))) return false;
      }
    }
    if (index.size !== model.size) return false;
    const again = new PatternIndex();
    for (const one of [...model.values()].toReversed()) again.add(one);
    if (again.steps !== index.steps || again.nodes !== index.nodes) return false;
    for (const text of model.keys()) index.delete(text);
    return index.size === 0 && index.nodes === 0 && index.match("a.b").length === 0 && index.match("ab").length === 0;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: countRounds(125, 500) }));
  t.ok(matched > 500, `the random patterns match often enough to say something: ${matched}`);
  t.end();
});

t.test("ten thousand patterns of one family: each topic matches its own", (t) => {
  const count = 10_000;
  const families: [string, string][] = [
    ["svc.N.*", "svc.N.x"],
    ["*.N.done", "job.N.done"],
    ["job-N*.x", "job-N-7.x"],
    ["a.N.**", "a.N.b.c"],
    ["*-N", "job-N"],
    ["*-N-*", "x-N-y"],
    ["**.N", "a.b.N"],
    ["N", "N"],
  ];
  for (const [pattern, topic] of families) {
    const index = new PatternIndex();
    for (let n = 0; n < count; n++) index.add(compile(pattern.replace("N", `${n}`)));
    // Test every 97th number, the largest first. So a number is searched after the numbers that begin with it.
    for (let n = count - 1; n >= 0; n -= 97) {
      const subject = topic.replace("N", `${n}`);
      const found = index.match(subject);
      const own = pattern.replace("N", `${n}`);
      if (!found.includes(own) || !found.every((text) => compile(text).matches(subject)))
        t.fail(`${subject} found ${found.join(" ")}`);
    }
    for (let n = 0; n < count; n++) index.delete(pattern.replace("N", `${n}`));
    t.equal(index.size, 0, pattern);
  }
  t.end();
});

t.test("a shared beginning is stored once, and is deleted with the last pattern that needs it", (t) => {
  const index = new PatternIndex();
  for (const text of ["a.b.c", "a.b.*", "a.**.c"]) index.add(compile(text));
  t.equal(index.nodes, 6, "a, a.b, a.b.c, a.b.*, a.**, a.**.c");
  index.delete("a.b.c");
  t.equal(index.nodes, 5);
  index.delete("a.b.*");
  t.equal(index.nodes, 3);
  t.same(index.match("a.x.c"), ["a.**.c"]);
  index.delete("a.**.c");
  t.equal(index.nodes, 0);
  t.end();
});

t.test("a pattern with one double star takes no more steps if the topic is longer", (t) => {
  const index = new PatternIndex();
  for (let n = 0; n < 100; n++)
    for (const text of ["**.N", "a.**", "a.**.N.b", "*.**.N"]) index.add(compile(text.replace("N", `${n}`)));
  const visitedBy = (topic: string): number => {
    const before = index.visited;
    index.match(topic);
    return index.visited - before;
  };
  const short = visitedBy("a.b.c.7");
  const long = visitedBy(`${"a.".repeat(TOPIC_BYTES_MAX / 2 - 1)}7`);
  t.equal(long, short);
  t.ok(long <= index.steps && index.steps < 50, `${index.steps} steps`);
  t.same(sorted(index.match("a.a.7.b")), ["a.**", "a.**.7.b"]);
  t.same(sorted(index.match("a.7")), ["**.7", "a.**"], "the double star takes at least one segment");
  t.end();
});

t.test("the bound of steps says which patterns are dear", (t) => {
  const stepsOf = (...texts: readonly string[]): number => {
    const index = new PatternIndex();
    for (const text of texts) index.add(compile(text));
    return index.steps;
  };
  const many = (text: string): string[] => Array.from({ length: 1000 }, (_, n) => text.replaceAll("N", `${n}`));
  const ordinary = ["a.N.b", "t.N.**", "**.N", "s.N.*", "s.*.N", "*.N.c", "N", "p-N*", "*.*.N"].flatMap(many);
  t.ok(stepsOf(...ordinary) < 100, `${stepsOf(...ordinary)} steps of ordinary patterns`);
  for (const texts of [["**.a.".repeat(18) + "x"], many("?N?"), many("**.a.N.**.b"), ["**.*.*.*.*.*.*.*.**"]])
    t.ok(stepsOf(...texts) > 1000, `${stepsOf(...texts)} steps of ${texts[0]}`);
  t.equal(new PatternIndex().steps, 1);

  const longest = [".", "?.", "*.", "**."].map((part) => part.repeat(PATTERN_BYTES_MAX / part.length));
  t.ok(Number.isSafeInteger(stepsOf(...longest)), "the longest patterns have a bound");
  t.end();
});

/** Returns the steps that a search takes: visits of nodes, lookups of literals, and the looks of glob tests. */
function stepsTaken(index: PatternIndex, topic: string): number {
  const { visited, lookups } = index;
  const { taken } = looks;
  index.match(topic);
  return index.visited - visited + (index.lookups - lookups) + (looks.taken - taken) / LOOKS_A_STEP;
}

t.test("a topic takes at most the steps of the bound, in whatever order the patterns were added", (t) => {
  const literal = fc.string({ unit: fc.constantFrom("x", "x", "x", "y", "z"), minLength: 1, maxLength: 6 });
  const part = fc.oneof(
    { weight: 3, arbitrary: literal },
    { weight: 4, arbitrary: fc.constantFrom("*", "?", "[x]", "[xyz]", "[^y]", "[^a-wz]", "*?*") },
    { weight: 1, arbitrary: fc.constantFrom("?".repeat(20), "[^a]".repeat(12), "x?".repeat(30), "x".repeat(70)) },
  );
  const globText = fc.array(part, { minLength: 1, maxLength: 7 }).map((parts) => parts.join(""));
  const frames = fc.constantFrom("$", "$", "$", "**.$.**", "$.*", "x.**.$", "**.$", "*.$.**.$.**");
  const pattern = fc.tuple(globText, frames).map(([text, frame]) => frame.replaceAll("$", text));
  const patterns = fc.uniqueArray(pattern, { minLength: 1, maxLength: 60, size: "max" });
  const run = fc.oneof(
    { weight: 3, arbitrary: fc.nat({ max: 200 }).map((length) => "x".repeat(length)) },
    fc
      .nat({ max: 90 })
      .map((first) => Array.from({ length: 90 }, (_, at) => String.fromCharCode(first + at + 91)).join("")),
    literal.map((text) => text.repeat(20)),
    fc.constantFrom("x.".repeat(60), "xy.".repeat(40), ".".repeat(100), "x", "y", ".", "xxxxxxxxy."),
  );
  const topic = fc
    .array(run, { minLength: 1, maxLength: 6 })
    .map((runs) => runs.join("").slice(0, TOPIC_BYTES_MAX / 2));
  // Half of the topics are doubled in length by repeating them.
  const topics = fc.array(fc.tuple(topic, fc.boolean()), { minLength: 1, maxLength: 8 });
  let nearest = 0;
  const property = fc.property(patterns, fc.nat({ max: 60 }), topics, (texts, deleted, subjects) => {
    const index = new PatternIndex();
    const ascii = (text: string): string => text.replaceAll(/[^\x21-\x7e]/gu, "x");
    for (const text of texts) index.add(compile(text));
    for (const text of texts.slice(0, Math.min(deleted, texts.length - 1))) index.delete(text);
    for (const [subject, isLong] of subjects) {
      const taken = stepsTaken(index, ascii(isLong ? subject + subject : subject));
      nearest = Math.max(nearest, taken / index.steps);
      if (taken > index.steps) return false;
    }
    const again = new PatternIndex();
    for (const text of texts.toReversed()) if (index.has(text)) again.add(compile(text));
    return again.steps === index.steps;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 400 }));
  t.ok(nearest > 0.5, `a topic takes ${nearest} of the bound`);
  t.end();
});

t.test("globs are tested only if the segment contains their literals, however they are filed", (t) => {
  const index = new PatternIndex();
  for (let n = 0; n < 300; n++) index.add(compile(`*job-?q${n}*[x]*`));
  // One edge is already filed under each literal `q<n>`. So these patterns are filed under the literal with the fewest
  // edges, and not under their rarest literal.
  for (let n = 0; n < 300; n++) index.add(compile(`*job-?q${n}*[x]*[y]*`));
  for (const topic of [
    "job-".repeat(64),
    `${"job-".repeat(40)}q7x`,
    Array.from({ length: 60 }, (_, n) => `q${n}`).join("job-"),
  ])
    t.ok(stepsTaken(index, topic.slice(0, TOPIC_BYTES_MAX)) <= index.steps, topic);
  const before = looks.taken;
  index.match("job-7".repeat(50));
  t.equal(looks.taken, before, "no glob is tested against a segment that has only the literal of all");
  t.end();
});

t.test("globs with different literals count only as far as one topic can contain their literals", (t) => {
  const letters = "abcdefghijklmnopqrst".split("");
  const pairs = letters.flatMap((first) => letters.map((second) => first + second));
  const indexOf = (texts: readonly string[]): PatternIndex => {
    const index = new PatternIndex();
    for (const text of texts) index.add(compile(`*${text}*`));
    return index;
  };
  // This topic contains all ordered pairs of the first 16 letters, except one.
  let topic = "";
  const few = letters.slice(0, 16);
  for (const [at, first] of few.entries())
    topic +=
      first +
      few
        .slice(at + 1)
        .map((second) => first + second)
        .join("");
  t.equal(topic.length, TOPIC_BYTES_MAX);
  const all = indexOf(pairs);
  const taken = stepsTaken(all, topic);
  t.ok(taken <= all.steps && taken > all.steps * 0.7, `${taken} of ${all.steps} steps`);
  t.ok(all.steps < indexOf(pairs.slice(0, TOPIC_BYTES_MAX)).steps * 1.05, `${pairs.length} globs`);
  t.end();
});

t.test("an index that has shrunk takes as many steps as one that was never larger", (t) => {
  const shrunk = new PatternIndex();
  for (let n = 0; n < 100; n++) shrunk.add(compile(`*a?${n}*`));
  for (let n = 3; n < 100; n++) shrunk.delete(`*a?${n}*`);
  const small = new PatternIndex();
  for (let n = 0; n < 3; n++) small.add(compile(`*a?${n}*`));
  t.equal(shrunk.steps, small.steps);
  const topic = "a".repeat(TOPIC_BYTES_MAX);
  // Match once before the measurement, because each glob builds its token set at its first match.
  for (const index of [shrunk, small]) index.match(topic);
  t.equal(stepsTaken(shrunk, `${topic.slice(1)}b`), stepsTaken(small, `${topic.slice(1)}b`));
  t.same(sorted(shrunk.match("xa-2x")), ["*a?2*"]);
  t.end();
});

t.test("a segment that contains a literal twice tests each glob once", (t) => {
  const edges = new GlobEdges<string>();
  for (let n = 0; n < 40; n++) edges.add(glob(`*a?${n}*`), `${n}`);
  edges.add(glob("*ab*"), "ab");
  edges.add(glob("*[x]*"), "class");
  const taken: string[] = [];
  edges.forEachMatch("ababxabab", (target) => taken.push(target));
  t.same(taken.toSorted(), ["ab", "class"]);
  t.equal(edges.size, 42);

  edges.delete("*ab*");
  edges.delete("*[x]*");
  edges.delete("absent");
  t.equal(edges.size, 40);
  edges.forEachMatch("ababxabab", (target) => taken.push(target));
  edges.forEachMatch("ab7", (target) => taken.push(target));
  t.same(taken.slice(2), ["7"], "a deleted edge is not tested again");
  t.end();
});

t.test("the memo keeps within its bounds, and recently used topics stay", (t) => {
  const memo = new TopicMemo();
  const kept = ["kept"];
  memo.set("kept", kept);
  for (let n = 0; n < 4 * TOPIC_CACHE_TOPICS_MAX; n++) {
    memo.set(`topic.${n}`, [String(n)]);
    if (memo.get("kept") !== kept) t.fail(`forgotten after ${n}`);
  }
  let remembered = 0;
  for (let n = 0; n < 4 * TOPIC_CACHE_TOPICS_MAX; n++) if (memo.get(`topic.${n}`) !== undefined) remembered++;
  t.ok(remembered > 0 && remembered < TOPIC_CACHE_TOPICS_MAX, `${remembered} topics are in the memo`);

  const wide = Array.from({ length: 10_000 }, (_, n) => String(n));
  for (let n = 0; n < 1000; n++) memo.set(`wide.${n}`, wide);
  let matches = 0;
  for (let n = 0; n < 1000; n++) matches += memo.get(`wide.${n}`)?.length ?? 0;
  t.ok(matches > 0 && matches <= TOPIC_CACHE_MATCHES_MAX, `${matches} matches are in the memo`);

  memo.set(
    "too wide",
    Array.from({ length: TOPIC_CACHE_MATCHES_MAX }, () => "x"),
  );
  t.equal(memo.get("too wide"), undefined);
  memo.clear();
  t.equal(memo.get("wide.999"), undefined);
  t.end();
});
