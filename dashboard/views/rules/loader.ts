/** Loads rules: all of them, one rule, and a rule's history. */
import { getJson } from "../../api/client.js";
import { apiPath, query } from "../../base/path.js";
import type { Loader } from "../../api/resource.js";
import type { AuditEntry, Rule, RuleList } from "../../api/types.js";
import { nameOf } from "./model.js";

/** The maximum number of audit rows that are read for each action. Older rows are not shown. */
export const AUDIT_ROWS = 500;

/**
 * The audit actions that are recorded under a rule's name. REPLACED is not among them: it replaces all rules of a
 * project, so it is recorded under the project.
 */
const OF_RULE = ["rule.propose", "rule.accept", "rule.reject", "rule.delete"];
export const REPLACED = "rules.put";

/** Identifies one rule. */
export type RuleAddress = Pick<Rule, "project" | "rule_id">;

export const allRules: Loader<readonly Rule[]> = {
  key: "rules",
  kinds: ["rule"],
  fetch: async (signal) => (await getJson<RuleList>("/api/rules", signal)).rules,
};

/** Loads one rule; null if it does not exist. */
export function oneRule(rule: RuleAddress): Loader<Rule | null> {
  const { project, rule_id } = rule;
  return {
    key: `rule ${nameOf(rule)}`,
    kinds: ["rule"],
    fetch: async (signal) => {
      const { rules } = await getJson<RuleList>(`/api/rules${query({ project })}`, signal);
      return rules.find((one) => one.rule_id === rule_id) ?? null;
    },
  };
}

/**
 * Loads the audit rows of a rule, newest first. They are loaded again only when rules change, because only a change of
 * rules adds rows of these kinds.
 */
export function ruleHistory(rule: RuleAddress): Loader<readonly AuditEntry[]> {
  const name = nameOf(rule);
  return {
    key: `history of rule ${name}`,
    kinds: ["rule"],
    fetch: async (signal) => {
      const rows = await Promise.all(
        [...OF_RULE, REPLACED].map((action) =>
          getJson<AuditEntry[]>(`/api/audit${query({ action, limit: AUDIT_ROWS })}`, signal),
        ),
      );
      return rows
        .flat()
        .filter(({ action, resource }) => resource === (action === REPLACED ? rule.project : name))
        .toSorted((a, b) => b.id - a.id);
    },
  };
}

/** Returns the API path that checks a text against one rule, whatever the rule's status. */
export function previewPath({ project, rule_id }: RuleAddress): string {
  return apiPath("rules", project, rule_id, "preview");
}

/** Returns the API path that checks a text against the accepted rules of a project. */
export function validatePath(project: string): string {
  return apiPath("validate", project);
}
