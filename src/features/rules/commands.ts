/**
 * The writer methods that change rules. The pool has already parsed and compiled the rules (rules/jobs.ts). The methods
 * check the rest, which needs the database: whether a rule exists, whether its status may change, and whether the
 * project stays within its limits. They run in the writer.
 */
import * as Type from "typebox";
import { PROJECT_PROGRAM_INSTRUCTIONS_MAX, PROJECT_RULES_MAX } from "../../../schemas/limits/rules.js";
import {
  ImportRulesRequest,
  ProposeRuleRequest,
  PutRulesRequest,
  RuleCountReply,
  RuleRequest,
  ruleName,
  type CheckedRule,
  type RuleStatus,
} from "../../../schemas/rules.js";
import { Failure, invalid, notFound } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import { weightOf } from "../../platform/rpc/method.js";
import { changes, inRequest, reportByName } from "../../platform/threads/changes.js";
import { noDetail, writerMethod } from "../../platform/threads/writer-method.js";
import { ruleWriter, type RuleTotals, type RuleWriter } from "./table.js";

/**
 * The name in the audit row of an import. It is not the name of a rule, because the imported rules may belong to many
 * projects.
 */
const BULK = "bulk";

const models = { rules: ruleWriter };
/** Returns the name of a rule for the audit log; "" if its project or its id is unknown. */
function resource({ project = "", rule_id = "" }: Partial<RuleRequest>): string {
  return project === "" || rule_id === "" ? "" : ruleName(project, rule_id);
}

const projectsOf = ({ project }: { readonly project: string }): readonly string[] => [project];
const changed = [changes("rule", reportByName(resource), inRequest(projectsOf))];

export const proposeRule = writerMethod({
  name: "rule.propose",
  request: ProposeRuleRequest,
  reply: Type.Null(),
  weight: ({ project, rule_id, rule }) => project.length + rule_id.length + rule.length,
  audit: { action: "rule.propose", resource, detail: () => '{"status":"proposed"}' },
  changes: changed,
  models,
  run: ({ rules }, { project, rule_id, rule }, { nowMs }) => {
    if (rules.find(project, rule_id) !== undefined)
      return new Failure("ALREADY_EXISTS", `rule already exists: ${shorten(ruleName(project, rule_id))}`);
    const checked = JSON.parse(rule) as CheckedRule;
    const held = rules.totals(project);
    const refusal = refuseTotals(project, { rules: held.rules + 1, instructions: held.instructions + checked.size });
    if (refusal !== null) return refusal;
    rules.store(checked, "proposed", nowMs);
    rules.touch(project);
    return null;
  },
});

/**
 * Returns the writer method that accepts or rejects a proposed rule. Only these two methods change the status of a
 * stored rule.
 */
function decision(name: "rule.accept" | "rule.reject", from: RuleStatus, to: RuleStatus) {
  return writerMethod({
    name,
    request: RuleRequest,
    reply: Type.Null(),
    weight: weightOf,
    audit: { action: name, resource, detail: () => `{"status":"${to}"}` },
    changes: changed,
    models,
    run: ({ rules }, { project, rule_id }) => {
      if (rules.find(project, rule_id)?.status !== from)
        return notFound(`${from} rule not found: ${shorten(ruleName(project, rule_id))}`);
      rules.setStatus(project, rule_id, to);
      rules.touch(project);
      return null;
    },
  });
}

export const acceptRule = decision("rule.accept", "proposed", "accepted");
export const rejectRule = decision("rule.reject", "proposed", "rejected");

export const deleteRule = writerMethod({
  name: "rule.delete",
  request: RuleRequest,
  reply: Type.Null(),
  weight: weightOf,
  audit: { action: "rule.delete", resource, detail: noDetail },
  changes: changed,
  models,
  run: ({ rules }, { project, rule_id }) => {
    if (!rules.remove(project, rule_id)) return notFound(`rule not found: ${shorten(ruleName(project, rule_id))}`);
    rules.touch(project);
    return null;
  },
});

export const putRules = writerMethod({
  name: "rules.put",
  request: PutRulesRequest,
  reply: RuleCountReply,
  weight: ({ project, rules }) => project.length + rules.length,
  audit: {
    action: "rules.put",
    resource: ({ project = "" }) => project,
    detail: (_request, { count }) => `{"count":${count}}`,
  },
  changes: [
    changes(
      "rule",
      reportByName(({ project }) => project),
      inRequest(projectsOf),
    ),
  ],
  models,
  run: ({ rules }, { project, rules: sent }, { nowMs }) => {
    const given = JSON.parse(sent) as readonly CheckedRule[];
    const instructions = given.reduce((sum, rule) => sum + rule.size, 0);
    const refusal = refuseTotals(project, { rules: given.length, instructions });
    if (refusal !== null) return refusal;
    rules.replace(project, given, nowMs);
    rules.touch(project);
    return { count: given.length };
  },
});

export const importRules = writerMethod({
  name: "rules.import",
  request: ImportRulesRequest,
  reply: RuleCountReply,
  weight: ({ rules }) => rules.length,
  audit: {
    action: "rules.import",
    resource: () => BULK,
    detail: (_request, { count }) => `{"imported":${count}}`,
  },
  changes: [
    changes(
      "rule",
      reportByName(() => BULK),
    ),
  ],
  models,
  run: ({ rules }, { rules: sent }, { nowMs }) => {
    const given = JSON.parse(sent) as readonly CheckedRule[];
    const refusal = refuseImport(rules, given);
    if (refusal !== null) return refusal;
    storeImported(rules, given, nowMs);
    return { count: given.length };
  },
});

/** Returns null if these rules can be imported; otherwise the failure. */
export function refuseImport(rules: RuleWriter, given: readonly CheckedRule[]): Failure | null {
  const after = new Map<string, RuleTotals>();
  for (const { project, rule_id, size } of given) {
    const totals = after.get(project) ?? rules.totals(project);
    const old = rules.find(project, rule_id);
    after.set(project, {
      rules: totals.rules + (old === undefined ? 1 : 0),
      instructions: totals.instructions + size - (old?.size ?? 0),
    });
  }
  for (const [project, totals] of after) {
    const refusal = refuseTotals(project, totals);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** Stores the rules as accepted. A rule replaces a stored rule with the same id. Call `refuseImport` before. */
export function storeImported(rules: RuleWriter, given: readonly CheckedRule[], nowMs: number): void {
  for (const rule of given) rules.store(rule, "accepted", nowMs);
  for (const project of new Set(given.map((rule) => rule.project))) rules.touch(project);
}

/** Returns null if these totals are within the limits of a project; otherwise the failure. */
function refuseTotals(project: string, { rules, instructions }: RuleTotals): Failure | null {
  const shown = JSON.stringify(shorten(project));
  if (rules > PROJECT_RULES_MAX)
    return invalid(`project ${shown} would have ${rules} rules, at most ${PROJECT_RULES_MAX} are possible`);
  if (instructions <= PROJECT_PROGRAM_INSTRUCTIONS_MAX) return null;
  const most = PROJECT_PROGRAM_INSTRUCTIONS_MAX;
  return invalid(
    `the patterns of project ${shown} would be too large together: ${instructions} instructions, at most ${most}`,
  );
}
