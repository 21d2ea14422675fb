/** The rules of all projects or of one, and what became of one of them. */
import { getJson } from "../../api/client.js";
import { apiPath, query } from "../../base/path.js";
import type { Loader } from "../../api/resource.js";
import type { AuditEntry, Rule, RuleList } from "../../api/types.js";
import { nameOf } from "./model.js";

/** Rows of the audit log that are asked for of each action; older ones are not seen. */
export const AUDIT_ROWS = 500;

/** Actions that name the rule, and the one that replaces all rules of a project. */
const OF_RULE = ["rule.propose", "rule.accept", "rule.reject", "rule.delete"];
export const REPLACED = "rules.put";

/** What names one rule. */
export type RuleAddress = Pick<Rule, "project" | "rule_id">;

export const allRules: Loader<readonly Rule[]> = {
  key: "rules",
  kinds: ["rule"],
  fetch: async (signal) => (await getJson<RuleList>("/api/rules", signal)).rules,
};

/** One rule; null where there is none. */
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
 * What was done to a rule, the newest first. It changes with the rules, so the audit log's own changes are not heard.
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

/** Where a text is held against one rule, whatever its status. */
export function previewPath({ project, rule_id }: RuleAddress): string {
  return apiPath("rules", project, rule_id, "preview");
}

/** Where a text is held against the rules that hold in a project. */
export function validatePath(project: string): string {
  return apiPath("validate", project);
}
