/** Tests the order and the filters of rules, and texts with marked violations. */
import t from "tap";
import type { Rule, RuleViolation } from "../../api/types.js";
import { filterRules, markedBlocks, scopeOf, splitRules, FOUND_LINES_MAX } from "./model.js";

function rule(name: string, more: Partial<Rule> = {}): Rule {
  const [project = "", ruleId = ""] = name.split("/");
  return {
    project,
    rule_id: ruleId,
    severity: "error",
    match_type: "regex",
    pattern: "x",
    message: "",
    stack: "",
    applies_to: ["*"],
    source: "local",
    status: "accepted",
    proposed_by: "",
    context: "",
    created_at: "2026-11-21T10:00:00.000Z",
    ...more,
  };
}

const ANY = { project: "", status: "", source: "", words: "" };
const ids = (rules: readonly Rule[]): string[] => rules.map(({ project, rule_id }) => `${project}/${rule_id}`);

t.test("proposals are sorted by age, the others by project, with those of every project first", (t) => {
  const { proposed, decided } = splitRules([
    rule("Trucks/b"),
    rule("trucks/new", { status: "proposed", created_at: "2026-11-21T12:00:00.000Z" }),
    rule("Trucks/a", { status: "rejected" }),
    rule("_global/z"),
    rule("alpha/old", { status: "proposed" }),
  ]);
  t.same(ids(proposed), ["alpha/old", "trucks/new"]);
  t.same(ids(decided), ["_global/z", "Trucks/a", "Trucks/b"]);
  t.end();
});

t.test("a filter combines its parts, and its words may be anywhere in the rule", (t) => {
  const rules = [
    rule("trucks/no-any", { message: "Say what it is", source: "learned", status: "proposed" }),
    rule("trucks/no-todo", { context: "they stay for years" }),
    rule("ships/no-any", { source: "learned" }),
  ];
  t.same(ids(filterRules(rules, ANY)), ids(rules));
  t.same(ids(filterRules(rules, { ...ANY, project: "trucks" })), ["trucks/no-any", "trucks/no-todo"]);
  t.same(ids(filterRules(rules, { ...ANY, source: "learned", status: "accepted" })), ["ships/no-any"]);
  t.same(ids(filterRules(rules, { ...ANY, words: " SAY  any " })), ["trucks/no-any"]);
  t.same(ids(filterRules(rules, { ...ANY, words: "years" })), ["trucks/no-todo"]);
  t.same(filterRules(rules, { ...ANY, words: "years say" }), []);
  t.end();
});

t.test("a rule's scope is shown unless it is everything", (t) => {
  t.equal(scopeOf({ stack: "", applies_to: ["*"] }), "");
  t.equal(scopeOf({ stack: "", applies_to: [] }), "");
  t.equal(scopeOf({ stack: "react", applies_to: ["*.css", "src/**"] }), "react · *.css, src/**");
  t.end();
});

function found(line: number | undefined, match?: string): RuleViolation {
  return {
    rule_id: "r",
    severity: "error",
    message: "m",
    ...(line === undefined ? {} : { line }),
    ...(match === undefined ? {} : { match }),
  };
}

/** Formats marked lines: `3:a[b]!` is line 3 with b marked and one violation. */
function linesOf(content: string, violations: readonly RuleViolation[]): string[] {
  return markedBlocks(content, violations).flatMap((block) =>
    "left_out" in block
      ? [`-${block.left_out}`]
      : block.lines.map(
          (line) =>
            `${line.number}:${line.pieces.map(({ text, marked }) => (marked ? `[${text}]` : text)).join("")}${"!".repeat(line.violations.length)}`,
        ),
  );
}

t.test("lines with findings are shown with some around them, and the others are counted", (t) => {
  const content = Array.from({ length: 20 }, (_, at) => `line ${at + 1}`).join("\n");
  t.same(linesOf(content, [found(6, "6"), found(12, "line")]), [
    "-3",
    "4:line 4",
    "5:line 5",
    "6:line [6]!",
    "7:line 7",
    "8:line 8",
    "9:line 9",
    "10:line 10",
    "11:line 11",
    "12:[line] 12!",
    "13:line 13",
    "14:line 14",
    "-6",
  ]);
  t.same(linesOf(content, [found(1), found(20)]), [
    "1:line 1!",
    "2:line 2",
    "3:line 3",
    "-14",
    "18:line 18",
    "19:line 19",
    "20:line 20!",
  ]);
  t.end();
});

t.test("a violation of the whole text marks no line", (t) => {
  t.same(linesOf("a\nb", [found(undefined)]), []);
  t.end();
});

t.test("two findings of a line are both marked, and one that could be either is not", (t) => {
  t.same(linesOf("let a: any = b", [found(1, "any"), found(1, "b")]), ["1:let a: [any] = [b]!!"]);
  t.same(linesOf("many any", [found(1, "any")]), ["1:many any!"]);
  t.same(linesOf("abcd", [found(1, "abc"), found(1, "bcd")]), ["1:[abcd]!!"]);
  t.end();
});

t.test("very long lists are cut", (t) => {
  const long = "x".repeat(10_000);
  const [line = ""] = linesOf(long, [found(1, "nowhere")]);
  t.equal(line.length, "1:".length + 400 + "…!".length);
  const content = "bad\n".repeat(5_000);
  const lines = linesOf(
    content,
    Array.from({ length: 5_000 }, (_, at) => found(at + 1, "bad")),
  );
  t.equal(lines.filter((one) => one.endsWith("!")).length, FOUND_LINES_MAX);
  t.equal(lines.at(-1), `-${5_000 - FOUND_LINES_MAX - 2}`);
  t.end();
});
