/**
 * Parses the rules of requests. First it checks them against the request's schema. Then it checks what a schema cannot
 * express: globs and regexes must compile, and ids must be unique. Finally it fills in defaults. Every 400 names the
 * rule. The work may take long, so it runs in the pool and in the thread of a restore.
 */
import type { Static } from "typebox";
import { ALTERNATIVES_TOGETHER_MAX } from "../../../schemas/limits/names.js";
import { RULES_TOGETHER_MAX } from "../../../schemas/limits/rules.js";
import {
  IMPORTED_SOURCE,
  ImportedRule,
  NO_CONSOLE_LOG,
  PROPOSED_SOURCE,
  PUT_SOURCE,
  ProposedRule,
  PutRule,
  TemplateRule,
  type CheckedRule,
  type RuleRequest,
} from "../../../schemas/rules.js";
import { Failure, invalid } from "../../base/result.js";
import { checkShape, hasShape, loadShapes, memberName, type Naming } from "../../base/shape.js";
import { maskStoredNames } from "../../base/stored-names.js";
import { shorten } from "../../../shared/shorten.js";
import { compileFileGlob, GlobProblem } from "./file-glob.js";
import { loadRegexEngine, sizeOfRegex } from "./regex.js";

type SentRule = Static<typeof TemplateRule> & Partial<Pick<RuleRequest, "project">>;

/** The options for parsing rules. They depend on the kind of request. */
export interface RuleReading {
  readonly shape: typeof ProposedRule | typeof PutRule | typeof ImportedRule | typeof TemplateRule;
  /** The values that fill in the members that a rule does not have. */
  readonly missing: { readonly source: string; readonly proposed_by: string };
  /** The values that override the rule's own values. */
  readonly always: { readonly project?: string; readonly source?: string; readonly proposed_by?: string };
  /** Whether an empty array is rejected. In some requests, an empty array can only be a mistake. */
  readonly some?: true;
  /**
   * Whether the rules were read from a store. Stored rules were checked before, possibly by an older version that
   * accepted more globs and names. So globs and names are not checked again.
   */
  readonly stored?: true;
}

/**
 * Returns the options for parsing a proposed rule.
 * @param actor the proposer if the rule names none
 * @param isProven whether the token of the call proves the actor; if so, the actor is the proposer even if the rule
 * names another
 */
export function proposalBy(actor: string, isProven: boolean): RuleReading {
  return {
    shape: ProposedRule,
    missing: { source: PROPOSED_SOURCE, proposed_by: actor },
    always: { source: PROPOSED_SOURCE, ...(isProven ? { proposed_by: actor } : {}) },
  };
}

/** Returns the options for parsing rules that will be stored in this project. */
export function rulesOf(project: string): RuleReading {
  return { shape: PutRule, missing: { source: PUT_SOURCE, proposed_by: "" }, always: { project } };
}

/** The options for imported rules, which name their own projects. */
export const IMPORTED: RuleReading = {
  shape: ImportedRule,
  missing: { source: IMPORTED_SOURCE, proposed_by: "" },
  always: {},
  some: true,
};

/** The options for the rules of a snapshot. */
export const RESTORED: RuleReading = { ...IMPORTED, stored: true };

/** The options for the rules of a template, which have no project yet. */
export const TEMPLATED: RuleReading = {
  shape: TemplateRule,
  missing: { source: IMPORTED_SOURCE, proposed_by: "" },
  always: { project: "" },
};

/** The options for the rules of a snapshot's templates. */
export const RESTORED_TEMPLATE: RuleReading = { ...TEMPLATED, stored: true };

/**
 * Loads the compilers that are needed for parsing. Must be called once in each thread, before the first rule is parsed.
 */
export async function loadRuleReading(): Promise<void> {
  await Promise.all([loadShapes(), loadRegexEngine()]);
}

/** The name and position of the array of rules in the request, for error messages. */
export interface RulesPlace {
  /** The name of the array in a sentence ("the body"). */
  readonly name: string;
  /** The position of the array in the request, as a JSON Pointer. */
  readonly at: string;
}

export const WHOLE_BODY: RulesPlace = { name: "the body", at: "" };

/** Parses a request with a single rule. */
export function readRule(value: unknown, reading: RuleReading): CheckedRule | Failure {
  const label = labelOf(value, "");
  const naming: Naming = {
    name: (path) => (path.length === 0 ? WHOLE_BODY.name : label + memberName(path)),
    at: WHOLE_BODY.at,
  };
  return shapeProblem(value, naming, reading) ?? completeRule(value as SentRule, label, reading);
}

/** Parses an array of rules. Returns all of them, or the error of the first invalid rule. */
export function readRules(value: unknown, place: RulesPlace, reading: RuleReading): CheckedRule[] | Failure {
  if (!Array.isArray(value)) return invalid(`${place.name} must be an array`);
  if (value.length === 0 && reading.some === true) return invalid(`${place.name} is empty`);
  if (value.length > RULES_TOGETHER_MAX) return invalid(`${place.name} must have at most ${RULES_TOGETHER_MAX} items`);
  const rules: CheckedRule[] = [];
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const rule = readItem(item, index, place, reading);
    if (rule instanceof Failure) return rule;
    const identity = JSON.stringify([rule.project, rule.rule_id]);
    if (seen.has(identity)) return invalid(`rule ${JSON.stringify(shorten(rule.rule_id))}: is in the array twice`);
    seen.add(identity);
    rules.push(rule);
  }
  return rules;
}

function readItem(item: unknown, index: number, place: RulesPlace, reading: RuleReading): CheckedRule | Failure {
  const numbered = `rule [${index}]: `;
  const label = labelOf(item, numbered);
  const naming: Naming = {
    name: (path) => (path.length === 0 ? numbered.trimEnd() : label + memberName(path)),
    at: `${place.at}/${index}`,
  };
  return shapeProblem(item, naming, reading) ?? completeRule(item as SentRule, label, reading);
}

function shapeProblem(value: unknown, naming: Naming, { shape, stored }: RuleReading): Failure | null {
  return checkShape(stored === true ? maskStoredNames(value) : value, shape, naming);
}

/**
 * Returns the beginning of an error message about a rule. The beginning names the rule by its id, or by `otherwise` if
 * the rule has no id.
 */
function labelOf(value: unknown, otherwise: string): string {
  const id: unknown = typeof value === "object" && value !== null && "rule_id" in value ? value.rule_id : undefined;
  return typeof id === "string" && id !== "" ? `rule ${JSON.stringify(shorten(id))}: ` : otherwise;
}

/**
 * Returns the project and the id of a rule that the server refuses. If one of the two is itself invalid, it is left
 * out.
 */
export function subjectOf(value: unknown): Partial<RuleRequest> {
  const { project, rule_id } = ProposedRule.properties;
  const sent: Readonly<Record<string, unknown>> = typeof value === "object" && value !== null ? { ...value } : {};
  return {
    ...(hasShape(sent["project"], project) ? { project: sent["project"] } : {}),
    ...(hasShape(sent["rule_id"], rule_id) ? { rule_id: sent["rule_id"] } : {}),
  };
}

/** Returns `sent`, or `otherwise` if `sent` is missing or empty. */
function orElse<Word extends string>(sent: Word | "" | undefined, otherwise: Word): Word {
  return sent === undefined || sent === "" ? otherwise : sent;
}

/**
 * Returns the problem with a rule's globs; null if they are valid. The text continues a sentence ("has a malformed
 * glob: …").
 */
function globsProblem(globs: readonly string[]): string | null {
  let alternatives = 0;
  for (const glob of globs) {
    const compiled = compileFileGlob(glob);
    if (compiled instanceof GlobProblem)
      return `has a malformed glob: ${JSON.stringify(shorten(glob))}: it ${compiled.problem}`;
    alternatives += compiled.alternatives;
  }
  return alternatives > ALTERNATIVES_TOGETHER_MAX
    ? `must not stand for more than ${ALTERNATIVES_TOGETHER_MAX} alternatives together`
    : null;
}

/** Checks what the schema cannot express, and fills in the missing members of the rule. */
function completeRule(sent: SentRule, label: string, { missing, always, stored }: RuleReading): CheckedRule | Failure {
  const { rule_id, project = "", pattern, message = "", stack = "", context = "", applies_to = [] } = sent;
  const problem = stored === true ? null : globsProblem(applies_to);
  if (problem !== null) return invalid(`${label}applies_to ${problem}`);
  const matchType = orElse(sent.match_type, "regex");
  // Check the regex last. All other checks together take no noticeable time.
  const size = matchType === "custom" && pattern === NO_CONSOLE_LOG ? 1 : sizeOfRegex(pattern);
  if (size instanceof Failure) return invalid(label + size.message);
  return {
    project,
    rule_id,
    severity: orElse(sent.severity, "error"),
    match_type: matchType,
    pattern,
    message,
    stack,
    applies_to: applies_to.length === 0 ? ["*"] : [...applies_to],
    source: orElse(sent.source, missing.source),
    proposed_by: orElse(sent.proposed_by, missing.proposed_by),
    context,
    ...always,
    size,
  };
}
