/** Tests how the rules of requests are parsed: the default values, and the error messages for invalid rules. */
import * as fc from "fast-check";
import t from "tap";
import { APPLIES_TO_GLOBS_MAX, RULES_TOGETHER_MAX } from "../../../schemas/limits/rules.js";
import { ProposedRule } from "../../../schemas/rules.js";
import { arbitraryOf } from "../../../test/support/schema-arbitrary.js";
import { Failure } from "../../base/result.js";
import { publishedSchema } from "../../platform/front/published-schema.js";
import {
  IMPORTED,
  loadRuleReading,
  proposalBy,
  readRule,
  readRules,
  RESTORED,
  rulesOf,
  subjectOf,
  TEMPLATED,
  WHOLE_BODY,
} from "./rule.js";
import { countRounds } from "../../../test/support/test-size.js";

await loadRuleReading();

const good = { rule_id: "good", pattern: "x" };
const says = (result: unknown): unknown => (result instanceof Failure ? result.message : result);

t.test("defaults of missing and empty members", (t) => {
  const missing = {
    rule_id: "r",
    severity: "error",
    match_type: "regex",
    pattern: "x",
    message: "",
    stack: "",
    applies_to: ["*"],
    proposed_by: "",
    context: "",
  };
  const sent = { rule_id: "r", pattern: "x", more: 1 };
  const empty = { severity: "", match_type: "", message: "", stack: "", applies_to: [], source: "", proposed_by: "" };
  for (const rule of [sent, { ...sent, ...empty }]) {
    t.match(readRules([{ ...rule, project: "other" }], WHOLE_BODY, rulesOf("p")), [
      { ...missing, project: "p", source: "local" },
    ]);
    t.match(readRules([{ ...rule, project: "q" }], WHOLE_BODY, IMPORTED), [
      { ...missing, project: "q", source: "external" },
    ]);
    t.match(readRules([rule], WHOLE_BODY, TEMPLATED), [{ ...missing, project: "", source: "external" }]);
    t.match(readRule({ ...rule, project: "q" }, proposalBy("me", false)), {
      ...missing,
      project: "q",
      source: "learned",
      proposed_by: "me",
    });
  }
  t.match(readRule({ ...sent, project: "q", source: "local", proposed_by: "ana" }, proposalBy("me", false)), {
    source: "learned",
    proposed_by: "ana",
  });
  for (const proposedBy of ["ana", ""])
    t.match(readRule({ ...sent, project: "q", proposed_by: proposedBy }, proposalBy("me", true)), {
      proposed_by: "me",
    });
  t.match(readRules([{ ...sent, source: "s" }], WHOLE_BODY, rulesOf("p")), [{ source: "s" }]);
  t.match(readRule({ ...sent, match_type: "custom", pattern: "no-console-log", project: "q" }, IMPORTED), { size: 1 });
  t.end();
});

t.test("invalid rules are refused by their names", (t) => {
  const rows: readonly (readonly [rules: unknown, sentence: string])[] = [
    [{}, "the body must be an array"],
    [[good, 5], "rule [1]: must be an object"],
    [[good, { pattern: "x" }], "rule [1]: rule_id is required"],
    [[good, { rule_id: "", pattern: "x" }], "rule [1]: rule_id is required"],
    [[good, { rule_id: 5, pattern: "x" }], "rule [1]: rule_id must be a string"],
    [[{ rule_id: "x" }], 'rule "x": pattern is required'],
    [[{ rule_id: "x", pattern: "" }], 'rule "x": pattern is required'],
    [[{ rule_id: "x", pattern: "(" }], 'rule "x": pattern does not compile: missing closing ): `(`'],
    [[{ rule_id: "x", pattern: "\ud800" }], 'rule "x": pattern must be valid Unicode'],
    [[{ rule_id: "x", pattern: "a", severity: "fatal" }], 'rule "x": severity must be error or warning'],
    [[{ rule_id: "x", pattern: "a", match_type: null }], 'rule "x": match_type must be regex, missing or custom'],
    [[{ rule_id: "x", pattern: "a", applies_to: "*" }], 'rule "x": applies_to must be an array'],
    [[{ rule_id: "x", pattern: "a", applies_to: ["*", 1] }], 'rule "x": applies_to[1] must be a string'],
    [[{ rule_id: "x", pattern: "a", applies_to: [""] }], 'rule "x": applies_to[0] is required'],
    [
      [{ rule_id: "x", pattern: "a", applies_to: ["["] }],
      'rule "x": applies_to has a malformed glob: "[": it has a [ without its ]: write \\[ for one in a name',
    ],
    [
      [{ rule_id: "x", pattern: "a", applies_to: Array.from({ length: APPLIES_TO_GLOBS_MAX + 1 }, () => "*") }],
      `rule "x": applies_to must have at most ${APPLIES_TO_GLOBS_MAX} items`,
    ],
    [[{ rule_id: "x\n", pattern: "a" }], 'rule "x\\n": rule_id must not contain control characters'],
    [[{ rule_id: "\ud800", pattern: "a" }], 'rule "\\ud800": rule_id must be valid Unicode'],
    [[{ rule_id: "x", pattern: "a".repeat(4097) }], 'rule "x": pattern is longer than 4096 characters'],
    [[{ rule_id: "x", pattern: "a", stack: "é".repeat(257) }], 'rule "x": stack is longer than 256 characters'],
    [[{ rule_id: "x", pattern: "a", message: null }], 'rule "x": message must be a string'],
    [[good, { rule_id: "a", pattern: "a" }, good], 'rule "good": is in the array twice'],
    [
      Array.from({ length: RULES_TOGETHER_MAX + 1 }, () => good),
      `the body must have at most ${RULES_TOGETHER_MAX} items`,
    ],
  ];
  for (const [rules, sentence] of rows) t.equal(says(readRules(rules, WHOLE_BODY, rulesOf("p"))), sentence);
  t.same(readRules([], WHOLE_BODY, rulesOf("p")), []);
  t.equal(says(readRules([], WHOLE_BODY, IMPORTED)), "the body is empty");
  t.equal(says(readRules({}, { name: "data.rules", at: "/data/rules" }, TEMPLATED)), "data.rules must be an array");
  t.equal(says(readRules([good], WHOLE_BODY, IMPORTED)), 'rule "good": project is required');
  const proposals: readonly (readonly [rule: unknown, sentence: string])[] = [
    [[], "the body must be an object"],
    [null, "the body must be an object"],
    [good, 'rule "good": project is required'],
    [{ project: "p", pattern: "x" }, "rule_id is required"],
    [{ ...good, project: "p\0" }, 'rule "good": project must not contain control characters'],
  ];
  for (const [rule, sentence] of proposals) t.equal(says(readRule(rule, proposalBy("", false))), sentence);
  t.end();
});

t.test("the details give the place in the body", (t) => {
  t.match(readRules([good, { rule_id: "x", severity: "?" }], { name: "data", at: "/data" }, TEMPLATED), {
    members: {
      details: [
        { path: "/data/1/pattern", message: 'rule "x": pattern is required' },
        { path: "/data/1/severity", message: 'rule "x": severity must be error or warning' },
      ],
    },
  });
  t.end();
});

t.test("the subject of a refused proposal", (t) => {
  t.same(subjectOf({ project: "p", rule_id: "r", pattern: "(" }), { project: "p", rule_id: "r" });
  t.same(subjectOf({ project: "p", rule_id: "r\n" }), { project: "p" });
  for (const none of [null, 5, "x", [], { rule_id: 5 }]) t.same(subjectOf(none), {});
  t.end();
});

t.test("a rule of the published schema is accepted if its regex and its globs compile", (t) => {
  const property = fc.property(arbitraryOf(publishedSchema(ProposedRule)), (rule) => {
    const read = readRule(rule, proposalBy("me", false));
    if (read instanceof Failure) throw new Error(read.message);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: countRounds(250, 1_000) }));
  t.end();
});

t.test("globs of an older version are restored from a snapshot, but not accepted again", (t) => {
  const old = { ...good, project: "p", applies_to: ["src/", "*.ts,*.tsx", "["] };
  t.match(readRule(old, RESTORED), { applies_to: old.applies_to });
  t.match(
    says(readRule(old, IMPORTED)),
    /malformed glob: "src\/": it must not have an empty segment: write src\/\*\*$/,
  );
  const many = {
    ...good,
    project: "p",
    applies_to: Array.from({ length: 5 }, (_, at) => `${at}.{${"a,".repeat(63)}a}`),
  };
  t.match(says(readRule(many, IMPORTED)), /more than 256 alternatives together/);
  t.end();
});
