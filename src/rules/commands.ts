/**
 * Changes of rules. Run in the writer. What they are given was read and compiled in the pool
 * (rules/jobs.ts); here they are held to what the database knows: what exists, which step may follow which
 * status, and how much a project may hold.
 */
import { PROJECT_PROGRAM_INSTRUCTIONS_MAX, PROJECT_RULES_MAX } from "../../schemas/limits.js";
import {
  ruleName,
  type CheckedRule,
  type RuleCountReply,
  type RuleRequest,
  type RuleStatus,
} from "../../schemas/rules.js";
import { must } from "../base/assert.js";
import { Failure, invalid, notFound } from "../base/result.js";
import type { WriteContext } from "../store/write-context.js";
import type { RuleTotals } from "./table.js";

/** Which status each step leads to, and from which: the only ways of a rule once it exists. */
const STEPS = {
  accept: { from: "proposed", to: "accepted" },
  reject: { from: "proposed", to: "rejected" },
} as const satisfies Record<string, { readonly from: RuleStatus; readonly to: RuleStatus }>;

/** The refusal where the project would hold too much with these totals; null where it would not. */
function refuseTotals(project: string, { rules, instructions }: RuleTotals): Failure | null {
  if (rules > PROJECT_RULES_MAX)
    return invalid(
      `project ${JSON.stringify(project)} would have ${rules} rules, at most ${PROJECT_RULES_MAX} are possible`,
    );
  if (instructions <= PROJECT_PROGRAM_INSTRUCTIONS_MAX) return null;
  return invalid(
    `the patterns of project ${JSON.stringify(project)} would be too large together: ${instructions} instructions, at most ${PROJECT_PROGRAM_INSTRUCTIONS_MAX}`,
  );
}

function totalsOf(rules: readonly CheckedRule[]): RuleTotals {
  return { rules: rules.length, instructions: rules.reduce((sum, rule) => sum + rule.size, 0) };
}

function checkedRules(value: string): readonly CheckedRule[] {
  return JSON.parse(value) as readonly CheckedRule[];
}

export function proposeRule(
  context: WriteContext,
  { project, rule_id, value }: RuleRequest & { readonly value: string },
): null | Failure {
  const { rules } = context;
  if (rules.find(project, rule_id) !== undefined)
    return new Failure("ALREADY_EXISTS", `rule already exists: ${ruleName(project, rule_id)}`);
  const rule = must(checkedRules(value)[0], "one rule was proposed");
  const held = rules.totals(project);
  const refusal = refuseTotals(project, { rules: held.rules + 1, instructions: held.instructions + rule.size });
  if (refusal !== null) return refusal;
  rules.store(rule, "proposed", context.now_ms);
  rules.touch(project);
  return null;
}

function decide(context: WriteContext, { project, rule_id }: RuleRequest, step: keyof typeof STEPS): null | Failure {
  const { from, to } = STEPS[step];
  if (context.rules.find(project, rule_id)?.status !== from)
    return notFound(`${from} rule not found: ${ruleName(project, rule_id)}`);
  context.rules.setStatus(project, rule_id, to);
  context.rules.touch(project);
  return null;
}

export function acceptRule(context: WriteContext, request: RuleRequest): null | Failure {
  return decide(context, request, "accept");
}

export function rejectRule(context: WriteContext, request: RuleRequest): null | Failure {
  return decide(context, request, "reject");
}

export function putRules(
  context: WriteContext,
  { project, value }: { readonly project: string; readonly value: string },
): RuleCountReply | Failure {
  const given = checkedRules(value);
  const refusal = refuseTotals(project, totalsOf(given));
  if (refusal !== null) return refusal;
  context.rules.replace(project, given, context.now_ms);
  context.rules.touch(project);
  return { count: given.length };
}

/** What keeps these rules from being imported; null where nothing does. */
export function refuseImport({ rules }: WriteContext, given: readonly CheckedRule[]): Failure | null {
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

/** Stores the rules, accepted, over what has their ids; `refuseImport` was asked. */
export function storeImported({ rules, now_ms }: WriteContext, given: readonly CheckedRule[]): void {
  for (const rule of given) rules.store(rule, "accepted", now_ms);
  for (const project of new Set(given.map((rule) => rule.project))) rules.touch(project);
}

export function importRules(context: WriteContext, { value }: { readonly value: string }): RuleCountReply | Failure {
  const given = checkedRules(value);
  const refusal = refuseImport(context, given);
  if (refusal !== null) return refusal;
  storeImported(context, given);
  return { count: given.length };
}

export function deleteRule(context: WriteContext, { project, rule_id }: RuleRequest): null | Failure {
  if (!context.rules.remove(project, rule_id)) return notFound(`rule not found: ${ruleName(project, rule_id)}`);
  context.rules.touch(project);
  return null;
}
