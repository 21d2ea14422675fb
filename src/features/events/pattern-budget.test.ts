/**
 * Tests the limit on the steps that all subscribed patterns take together. The tests count steps and measure no time.
 */
import t from "tap";
import { SUBSCRIBED_PATTERN_STEPS_MAX, SUBSCRIBERS_MAX } from "../../../schemas/limits/events.js";
import { Failure } from "../../base/result.js";
import { PatternIndex } from "../../platform/topics/pattern-index.js";
import { compilePattern, type Pattern } from "../../platform/topics/pattern.js";
import { PatternBudget } from "./pattern-budget.js";

function compile(text: string): Pattern {
  const pattern = compilePattern(text);
  if (pattern instanceof Failure) throw new Error(pattern.message);
  return pattern;
}

function open() {
  const index = new PatternIndex();
  const budget = new PatternBudget(index);
  const refuse = (...texts: readonly string[]): Failure | null => budget.refuse(texts.map(compile));
  const add = (text: string): void => {
    const pattern = compile(text);
    index.add(pattern);
    budget.count(pattern);
  };
  return { index, refuse, add };
}

/** A pattern that takes more than half of the allowed steps. */
const DEAR = `**.${"?.".repeat(150)}**`;

t.test("patterns are refused if a topic would take too many steps, alone or together with others", (t) => {
  const { index, refuse, add } = open();
  t.match(refuse(`**.${"?.".repeat(300)}**`), { status: "INVALID_ARGUMENT", message: /would take up to \d+ steps/ });
  t.match(refuse(DEAR, `x.${DEAR}`), { status: "INVALID_ARGUMENT" }, "those of one call together");
  t.equal(refuse(DEAR), null);
  add(DEAR);
  t.equal(refuse(DEAR), null, "a pattern that is subscribed already takes no more");
  t.match(refuse(`x.${DEAR}`, DEAR), { status: "RESOURCE_EXHAUSTED", message: /all subscribed patterns/ });
  t.same([index.size, index.has(`x.${DEAR}`)], [1, false], "no pattern of a refused client is left");
  index.delete(DEAR);
  t.equal(refuse(`x.${DEAR}`), null, "there is room when it is gone");
  t.end();
});

t.test("plain patterns are accepted when others have taken all steps, and take few", (t) => {
  const { index, refuse, add } = open();
  add(DEAR);
  for (let at = 0; index.steps < SUBSCRIBED_PATTERN_STEPS_MAX; at++) add(`n${at}.${DEAR}`);
  t.match(refuse("*.done"), { status: "RESOURCE_EXHAUSTED" });
  const before = index.steps;
  for (let at = 0; at < SUBSCRIBERS_MAX; at += 5)
    for (const text of [`build.p${at}`, `task.t${at}.**`, `state.s${at}.*`, "*", "**"]) {
      if (refuse(text) !== null) t.fail(text);
      add(text);
    }
  t.ok(index.steps - before < 50, `${index.steps - before} steps more`);
  // These patterns have escapes or brackets, or a wildcard before their end, so they are not plain.
  for (const text of ["a.[b].c", "a.\\b", "**.a", "*.a", "a.*b", "a.**.b"]) t.ok(refuse(text), text);
  t.end();
});

t.test("as many ordinary patterns as there may be subscribers are far below the bound", (t) => {
  const { index, refuse, add } = open();
  for (let at = 0; at < SUBSCRIBERS_MAX; at += 5)
    for (const text of [`svc.${at}.*`, `*.${at}.done`, `job-${at}*.x`, `a.${at}.**`, `**.${at}`]) {
      if (refuse(text) !== null) t.fail(text);
      add(text);
    }
  t.ok(index.steps < SUBSCRIBED_PATTERN_STEPS_MAX / 1000, `${index.steps} steps`);
  t.end();
});

/** Adds patterns until one is refused, and returns how many were added. */
function addUntilRefused(patternOf: (n: number) => string): number {
  const { refuse, add } = open();
  for (let n = 0; n < SUBSCRIBERS_MAX; n++) {
    if (refuse(patternOf(n)) !== null) return n;
    add(patternOf(n));
  }
  return SUBSCRIBERS_MAX;
}

t.test("patterns that the same long topic tests are refused long before they fill the subscribers", (t) => {
  const hostile = [
    (n: number) => `*[ab]*[cd]*x?[a-y]${"?".repeat(n % 50)}[${"e".repeat(1 + Math.floor(n / 50))}]*`,
    (n: number) => `*[x]?[x]*[^${"y".repeat(1 + (n % 100))}]*[${"z".repeat(1 + Math.floor(n / 100))}]*`,
    (n: number) => `*xx?xx[y]${"?".repeat(n % 50)}x${"?".repeat(Math.floor(n / 50))}x*`,
  ];
  for (const patternOf of hostile) {
    const accepted = addUntilRefused(patternOf);
    t.ok(accepted > 100 && accepted < SUBSCRIBERS_MAX / 5, `${accepted} such as ${patternOf(70)}`);
  }
  t.end();
});

t.test("as many patterns as there may be subscribers are accepted if different literals tell them apart", (t) => {
  for (const pattern of ["a*s.?[x-z]N*.d[a-o]ne", "*job-?N*", "*-N-*.[a-z]*", "x?N*[a-c]y.*"])
    t.equal(
      addUntilRefused((n) => pattern.replace("N", `${n}`)),
      SUBSCRIBERS_MAX,
      pattern,
    );
  t.end();
});
