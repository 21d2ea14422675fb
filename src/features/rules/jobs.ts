/**
 * The jobs that parse the rules of requests, list stored rules, and validate texts against them. They run in the pool.
 */
import { ListEnd } from "../../../schemas/common.js";
import { SHORT_WORK_MS_MAX } from "../../../schemas/limits/pool.js";
import { STREAM_CHUNK_CHARACTERS } from "../../../schemas/limits/rpc.js";
import {
  VALIDATION_SHORT_ANSWER_CHARACTERS_MAX,
  VALIDATION_SHORT_STEPS_MAX,
  VIOLATIONS_LISTED_BYTES_MAX,
  VIOLATIONS_LISTED_MAX,
} from "../../../schemas/limits/rules.js";
import {
  CheckProposalReply,
  CheckProposalRequest,
  CheckRulesReply,
  CheckRulesRequest,
  ExportRulesRequest,
  GLOBAL_PROJECT,
  ListProjectRulesRequest,
  ListRulesRequest,
  ProjectRules,
  RuleExport,
  RuleList,
  ValidateBody,
  ValidateLongReply,
  ValidateReply,
  ValidateRequest,
  ValidateText,
  ruleName,
} from "../../../schemas/rules.js";
import { unpackBytes } from "../../base/bytes.js";
import { cursor, encodeList, type ListEncoding, wrapChunks } from "../../base/json-array.js";
import { readJsonText } from "../../base/json-bytes.js";
import { Failure, notFound } from "../../base/result.js";
import { readShaped } from "../../base/shape.js";
import { formatTime } from "../../base/time.js";
import { shorten } from "../../../shared/shorten.js";
import { streamJob, unaryJob } from "../../platform/threads/pool-method.js";
import { WorkBudget } from "./work-budget.js";
import { splitPath } from "./file-glob.js";
import { IMPORTED, loadRuleReading, proposalBy, readRule, readRules, rulesOf, subjectOf, WHOLE_BODY } from "./rule.js";
import { CompiledRule, ruleSets, type RuleSets } from "./rule-sets.js";
import { ruleReader, type RuleReader, type RuleRow } from "./table.js";
import { Content, violationsOf, type Found } from "./violations.js";

export const checkProposal = unaryJob({
  name: "rule.check",
  request: CheckProposalRequest,
  reply: CheckProposalReply,
  cost: "unbounded",
  prepare: loadRuleReading,
  models: {},
  run: (_models, { actor, is_proven, body }) => {
    const read = readJsonText(unpackBytes(body));
    if (read instanceof Failure) return read;
    const rule = readRule(read.json, proposalBy(actor, is_proven));
    if (rule instanceof Failure) return rule.about(subjectOf(read.json));
    return { project: rule.project, rule_id: rule.rule_id, rule: JSON.stringify(rule) };
  },
});

export const checkRules = unaryJob({
  name: "rules.check",
  request: CheckRulesRequest,
  reply: CheckRulesReply,
  cost: "unbounded",
  prepare: loadRuleReading,
  models: {},
  run: (_models, { project, body }) => {
    const read = readJsonText(unpackBytes(body));
    if (read instanceof Failure) return read;
    const rules = readRules(read.json, WHOLE_BODY, project === null ? IMPORTED : rulesOf(project));
    return rules instanceof Failure ? rules : { rules: JSON.stringify(rules) };
  },
});

/** Encodes a list whose rules may belong to several projects. */
const BY_PROJECT: ListEncoding<RuleRow> = {
  encode: (rule) => encodeRule(rule),
  cursorOf: ({ project, rule_id }) => `${cursor("after_project", project)}&${cursor("after", rule_id)}`,
};

/** Lists the rules of a project: `{"project","rules":[…]}`, by rule_id. */
export const listProjectRules = streamJob({
  name: "rules.project",
  request: ListProjectRulesRequest,
  text: ProjectRules,
  reply: ListEnd,
  cost: "bounded",
  models: { rules: ruleReader },
  *run({ rules }, { project, stack, after }) {
    const rows = rules.list({ project, stack, sources: null, status: null, after: [project, after] });
    const list = encodeList(rows, { encode: encodeRule, cursorOf: ({ rule_id }) => cursor("after", rule_id) });
    return yield* wrapChunks(`{"project":${JSON.stringify(project)},"rules":`, list, () => "}");
  },
});

/** Lists rules: `{"rules":[…]}`, by project and rule_id. */
export const listRules = streamJob({
  name: "rules.list",
  request: ListRulesRequest,
  text: RuleList,
  reply: ListEnd,
  cost: "bounded",
  models: { rules: ruleReader },
  *run({ rules }, filter) {
    return yield* wrapChunks('{"rules":', encodeList(rules.list(filter), BY_PROJECT), () => "}");
  },
});

/** Lists accepted rules in the form in which they can be imported. */
export const exportRules = streamJob({
  name: "rules.export",
  request: ExportRulesRequest,
  text: RuleExport,
  reply: ListEnd,
  cost: "bounded",
  models: { rules: ruleReader },
  *run({ rules }, { sources, after }) {
    return yield* encodeList(
      rules.list({ project: null, stack: null, sources, status: "accepted", after }),
      BY_PROJECT,
    );
  },
});

/** Encodes a rule for a list. */
function encodeRule({ size: _size, applies_to, created_at, ...row }: RuleRow): string {
  const { project, rule_id, severity, match_type, pattern, message, stack, source, status, proposed_by, context } = row;
  return JSON.stringify({
    project,
    rule_id,
    severity,
    match_type,
    pattern,
    message,
    stack,
    applies_to: JSON.parse(applies_to) as unknown,
    source,
    status,
    proposed_by,
    context,
    created_at: formatTime(created_at),
  });
}

const validationModels = { rules: ruleReader, sets: ruleSets };

/**
 * Validates a text. If the validation takes too long, or if its answer becomes too long, the job stops and returns
 * OUT_OF_RANGE. The caller then uses `validateLong`.
 */
export const validateShort = unaryJob({
  name: "rules.validate",
  request: ValidateRequest,
  reply: ValidateReply,
  cost: "bounded",
  snapshot: "own",
  prepare: loadRuleReading,
  models: validationModels,
  run: (models, request) => {
    const pieces = validation(models, request, VALIDATION_SHORT_STEPS_MAX, SHORT_WORK_MS_MAX);
    for (let text = ""; ; ) {
      const next = pieces.next();
      if (next.done === true) return next.value instanceof Failure ? next.value : { text, ...next.value };
      text += next.value;
      if (text.length > VALIDATION_SHORT_ANSWER_CHARACTERS_MAX)
        return new Failure("OUT_OF_RANGE", "the answer is long");
    }
  },
});

/**
 * Validates a text without the limits of `validateShort`. The answer ends with the number of violations, which is also
 * the reply of the stream.
 */
export const validateLong = streamJob({
  name: "rules.validate_long",
  request: ValidateRequest,
  text: ValidateText,
  reply: ValidateLongReply,
  cost: "unbounded",
  prepare: loadRuleReading,
  models: validationModels,
  *run(models, request) {
    const pieces = validation(models, request, Infinity, Infinity);
    let chunk = "";
    for (;;) {
      const next = pieces.next();
      if (next.done === true) {
        if (!(next.value instanceof Failure)) yield chunk;
        return next.value;
      }
      chunk += next.value;
      if (chunk.length < STREAM_CHUNK_CHARACTERS) continue;
      yield chunk;
      chunk = "";
    }
  },
});

/**
 * Yields the answer `{"project","violations","count"}` in small pieces. The violations of the project's own rules come
 * first. The violations of the global rules follow. Each of the two parts is sorted by rule_id and line. `count` is the
 * number of all violations, but the list ends at VIOLATIONS_LISTED_MAX or at its limit in bytes.
 *
 * If the request names one rule, the answer also has `applies`. It distinguishes a rule without violations from a rule
 * that does not apply to the file. Returns OUT_OF_RANGE if the validation exceeds its steps or its time
 * (work-budget.ts).
 */
function* validation(
  models: { readonly rules: RuleReader; readonly sets: RuleSets },
  { project, rule_id, versions, body }: ValidateRequest,
  stepsMax: number,
  msMax: number,
): Generator<string, { readonly violations: number } | Failure, undefined> {
  const subject = readSubject(unpackBytes(body));
  if (subject instanceof Failure) return subject;
  const rules = rulesFor(models, project, rule_id, versions);
  if (rules instanceof Failure) return rules;
  const content = new Content(subject.content);
  const budget = new WorkBudget(stepsMax, msMax);
  yield `{"project":${JSON.stringify(project)},"violations":[`;
  let count = 0;
  let bytes = 0;
  let isFull = false;
  let applies = false;
  for (const rule of rules) {
    if (!rule.appliesTo(subject.paths, subject.stack)) continue;
    applies = true;
    for (const found of violationsOf(rule, content, budget)) {
      count += 1;
      if (isFull) continue;
      const text = encodeViolation(rule, found);
      bytes += Buffer.byteLength(text);
      isFull = count > VIOLATIONS_LISTED_MAX || (count > 1 && bytes > VIOLATIONS_LISTED_BYTES_MAX);
      if (!isFull) yield count === 1 ? text : `,${text}`;
    }
    rule.regex?.trim();
    if (budget.spent) return new Failure("OUT_OF_RANGE", "the validation takes long");
  }
  yield rule_id === null ? `],"count":${count}}` : `],"count":${count},"applies":${applies}}`;
  return { violations: count };
}

interface Subject {
  readonly content: string;
  readonly stack: string;
  /** The file's path and its base name, each as segments; null if the file has no name. */
  readonly paths: readonly (readonly string[])[] | null;
}

function readSubject(body: Uint8Array): Subject | Failure {
  const read = readShaped(body, ValidateBody);
  if (read instanceof Failure) return read;
  const { content, filename = "", stack = "" } = read.json;
  const path = splitPath(filename.toWellFormed());
  return { content, stack, paths: filename === "" ? null : [path, path.slice(-1)] };
}

/**
 * Returns the rules that apply in the project. If the request names one rule, returns only that rule. It is compiled
 * for this validation only.
 */
function rulesFor(
  { rules, sets }: { readonly rules: RuleReader; readonly sets: RuleSets },
  project: string,
  ruleId: string | null,
  versions: ValidateRequest["versions"],
): readonly CompiledRule[] | Failure {
  if (ruleId !== null) {
    const row = rules.find(project, ruleId);
    return row === undefined
      ? notFound(`rule not found: ${shorten(ruleName(project, ruleId))}`)
      : [new CompiledRule(row)];
  }
  const alone = project === GLOBAL_PROJECT;
  if (versions !== null) {
    const own = sets.kept(project, versions[0]);
    const global = alone ? [] : sets.kept(GLOBAL_PROJECT, versions[1]);
    if (own !== undefined && global !== undefined) return joined(own, global);
  }
  // Read the version from the database, because it may be newer than the version that the front has sent.
  const compiled = (name: string): readonly CompiledRule[] =>
    sets.get(name, rules.version(name), () => rules.accepted(name));
  return rules.inSnapshot(() => joined(compiled(project), alone ? [] : compiled(GLOBAL_PROJECT)));
}

function joined(own: readonly CompiledRule[], global: readonly CompiledRule[]): readonly CompiledRule[] {
  return global.length === 0 ? own : [...own, ...global];
}

function encodeViolation(rule: CompiledRule, { line, match }: Found): string {
  return line === 0 ? `${rule.head}}` : `${rule.head},"line":${line},"match":${JSON.stringify(match)}}`;
}
