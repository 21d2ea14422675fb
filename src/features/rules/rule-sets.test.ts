/**
 * Tests the rule sets that a worker caches. A rule set stays cached while its version is the same, and the cache never
 * exceeds its limits.
 */
import t from "tap";
import { COMPILED_INSTRUCTIONS_KEPT_MAX } from "../../../schemas/limits/rules.js";
import { loadRegexEngine } from "./regex.js";
import { RuleSets, type StoredRule } from "./rule-sets.js";

await loadRegexEngine();

const row = (ruleId: string, size = 1): StoredRule => ({
  rule_id: ruleId,
  severity: "error",
  match_type: "regex",
  pattern: "x",
  message: "",
  stack: "",
  applies_to: '["*"]',
  size,
});

t.test("a set is loaded once for each version", (t) => {
  const sets = new RuleSets();
  let loads = 0;
  const get = (version: number): unknown =>
    sets.get("p", version, () => {
      loads += 1;
      return [row("a")];
    });
  const first = get(1);
  t.equal(get(1), first);
  t.equal(loads, 1);
  t.not(get(2), first, "another version, another set");
  t.not(get(1), first, "a version that returns is loaded again");
  t.equal(loads, 3);
  t.end();
});

t.test("the least recently used sets are evicted", (t) => {
  const sets = new RuleSets();
  const loaded: string[] = [];
  const get = (project: string): void => {
    sets.get(project, 1, () => {
      loaded.push(project);
      return [row("a", COMPILED_INSTRUCTIONS_KEPT_MAX / 2)];
    });
  };
  for (const project of ["a", "b", "a", "c", "a", "b"]) get(project);
  t.same(loaded, ["a", "b", "c", "b"], "a was used meanwhile, and stayed");
  t.end();
});

t.test("which texts a rule applies to", (t) => {
  const [rule] = new RuleSets().get("p", 1, () => [{ ...row("a"), stack: "go", applies_to: '["*.go","cmd/**"]' }]);
  const paths = (path: string): string[][] => [path.split("/"), path.split("/").slice(-1)];
  t.equal(rule?.appliesTo(null, ""), true, "no name, no stack: every rule");
  t.equal(rule?.appliesTo(null, "go"), true);
  t.equal(rule?.appliesTo(null, "rust"), false);
  t.equal(rule?.appliesTo(paths("a/b.go"), ""), true, "by its base name");
  t.equal(rule?.appliesTo(paths("cmd/x/y.ts"), ""), true, "by its path");
  t.equal(rule?.appliesTo(paths("b.ts"), ""), false);
  t.end();
});
