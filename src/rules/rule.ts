/**
 * Reading rules as they are sent: which members they need, what holds where one is absent, and every 400,
 * which names the rule. Pure; the pattern itself is compiled by the caller, where that may take its time.
 */
import {
  APPLIES_TO_GLOBS_MAX,
  KEY_BYTES_MAX,
  PATTERN_BYTES_MAX,
  RULES_TOGETHER_MAX,
  RULE_CONTEXT_BYTES_MAX,
  RULE_MESSAGE_BYTES_MAX,
  RULE_NAME_BYTES_MAX,
} from "../../schemas/limits.js";
import { MATCH_TYPES, NO_CONSOLE_LOG, SEVERITIES, type CheckedRule, type RuleUse } from "../../schemas/rules.js";
import { WrongMember, membersOf, readName, readText, type Members } from "../base/members.js";
import { utf8Length } from "../base/path.js";
import { Failure, invalid } from "../base/result.js";
import { compileFileGlob } from "./file-glob.js";

/** Where a rule comes from if it does not say so. */
const DEFAULT_SOURCE: Readonly<Record<RuleUse, string>> = { propose: "learned", put: "local", import: "external" };

export interface RuleReading {
  readonly use: RuleUse;
  /** The project that all rules go into; null where each names its own. */
  readonly project: string | null;
  /** Proposes the rules that do not say who did. */
  readonly actor: string;
  /** The size of a pattern once compiled, or why it does not compile. */
  readonly sizeOf: (pattern: string) => number | Failure;
}

function readWord<Word extends string>(members: Members, name: string, words: readonly [Word, ...Word[]]): Word {
  const value = readText(members, name, RULE_NAME_BYTES_MAX, words[0]);
  const word = words.find((known) => known === value);
  if (word === undefined) throw new WrongMember(`${name} must be ${words.slice(0, -1).join(", ")} or ${words.at(-1)}`);
  return word;
}

function readGlobs(members: Members): string[] {
  const value = Object.hasOwn(members, "applies_to") ? members["applies_to"] : undefined;
  if (value === undefined) return ["*"];
  if (!Array.isArray(value) || !value.every((glob) => typeof glob === "string"))
    throw new WrongMember("applies_to must be an array of strings");
  if (value.length > APPLIES_TO_GLOBS_MAX)
    throw new WrongMember(`applies_to must have at most ${APPLIES_TO_GLOBS_MAX} items`);
  for (const glob of value) {
    if (utf8Length(glob) > PATTERN_BYTES_MAX)
      throw new WrongMember(`a glob of applies_to is longer than ${PATTERN_BYTES_MAX} bytes`);
    if (!glob.isWellFormed() || compileFileGlob(glob) === undefined)
      throw new WrongMember(`applies_to has a malformed glob: ${JSON.stringify(glob)}`);
  }
  return value.length === 0 ? ["*"] : value;
}

function readMembers(members: Members, reading: RuleReading): CheckedRule {
  const rule_id = readName(members, "rule_id", RULE_NAME_BYTES_MAX);
  const project = reading.project ?? readName(members, "project", KEY_BYTES_MAX);
  const pattern = readText(members, "pattern", Number.POSITIVE_INFINITY);
  if (pattern === "") throw new WrongMember("pattern is required");
  const match_type = readWord(members, "match_type", MATCH_TYPES);
  const rule = {
    project,
    rule_id,
    severity: readWord(members, "severity", SEVERITIES),
    match_type,
    pattern,
    message: readText(members, "message", RULE_MESSAGE_BYTES_MAX),
    stack: readText(members, "stack", RULE_NAME_BYTES_MAX),
    applies_to: readGlobs(members),
    source:
      reading.use === "propose"
        ? DEFAULT_SOURCE.propose
        : readText(members, "source", RULE_NAME_BYTES_MAX, DEFAULT_SOURCE[reading.use]),
    proposed_by: readText(members, "proposed_by", RULE_NAME_BYTES_MAX, reading.use === "propose" ? reading.actor : ""),
    context: readText(members, "context", RULE_CONTEXT_BYTES_MAX),
  };
  // Last, since it alone takes time.
  const size = match_type === "custom" && pattern === NO_CONSOLE_LOG ? 1 : reading.sizeOf(pattern);
  if (size instanceof Failure) throw new WrongMember(size.message);
  return { ...rule, size };
}

/** What a rule is called in a refusal: by its id, or by its place in the array where it has none. */
function nameOf(members: Members, place: number | null): string {
  const id = Object.hasOwn(members, "rule_id") ? members["rule_id"] : undefined;
  if (typeof id === "string" && id !== "") return `rule ${JSON.stringify(id.slice(0, RULE_NAME_BYTES_MAX))}: `;
  return place === null ? "" : `rule [${place}]: `;
}

/**
 * Reads one rule.
 * @param place where it stands in its array; null where it stands alone
 */
export function readRule(value: unknown, place: number | null, reading: RuleReading): CheckedRule | Failure {
  const members = membersOf(value);
  if (members === undefined)
    return invalid(place === null ? "the body must be an object" : `rule [${place}]: must be an object`);
  try {
    return readMembers(members, reading);
  } catch (error) {
    if (!(error instanceof WrongMember)) throw error;
    return invalid(nameOf(members, place) + error.message);
  }
}

/** Reads an array of rules: all of them, or why one of them cannot be taken. */
export function readRules(value: unknown, what: string, reading: RuleReading): CheckedRule[] | Failure {
  if (!Array.isArray(value)) return invalid(`${what} must be an array`);
  if (value.length === 0 && reading.use === "import") return invalid(`${what} is empty`);
  if (value.length > RULES_TOGETHER_MAX) return invalid(`${what} must have at most ${RULES_TOGETHER_MAX} items`);
  const rules: CheckedRule[] = [];
  const seen = new Set<string>();
  for (const [place, item] of value.entries()) {
    const rule = readRule(item, place, reading);
    if (rule instanceof Failure) return rule;
    const identity = JSON.stringify([rule.project, rule.rule_id]);
    if (seen.has(identity)) return invalid(`rule ${JSON.stringify(rule.rule_id)}: is in the array twice`);
    seen.add(identity);
    rules.push(rule);
  }
  return rules;
}
