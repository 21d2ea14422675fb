/** Reading rules that were sent, listing those that are stored, and validating texts against them. Runs in the pool. */
import {
  KEY_BYTES_MAX,
  STREAM_CHUNK_CHARACTERS,
  VALIDATION_SHORT_MS_MAX,
  VALIDATION_SHORT_STEPS_MAX,
  VIOLATIONS_LISTED_CHARACTERS_MAX,
  VIOLATIONS_LISTED_MAX,
} from "../../schemas/limits.js";
import {
  GLOBAL_PROJECT,
  type CheckRulesRequest,
  type ListRulesRequest,
  type ValidateRequest,
} from "../../schemas/rules.js";
import { unpackBytes } from "../base/bytes.js";
import { encodeArray } from "../base/json-array.js";
import { readJsonText } from "../base/json-bytes.js";
import { Failure, invalid } from "../base/result.js";
import { formatTime } from "../base/time.js";
import type { ReadContext } from "../store/read-context.js";
import { Effort } from "./effort.js";
import { splitPath } from "./file-glob.js";
import { loadRegexEngine, sizeOfRegex } from "./regex.js";
import { readRule, readRules, type RuleReading } from "./rule.js";
import { RuleSets, type CompiledRule } from "./rule-sets.js";
import type { RuleRow } from "./table.js";
import { Content, violationsOf, type Found } from "./violations.js";

/** To be done before a job that compiles: the engine of patterns is loaded where it is needed, which the front is not. */
export function prepareRules(): Promise<void> {
  return loadRegexEngine();
}

/** JSON text of CheckedRule[]: what the body holds, its defaults filled in. */
export function checkRules(_context: ReadContext, { use, project, actor, body }: CheckRulesRequest): string | Failure {
  const read = readJsonText(unpackBytes(body));
  if (read instanceof Failure) return read;
  const reading: RuleReading = { use, project: use === "put" ? project : null, actor, sizeOf: sizeOfRegex };
  const rules = use === "propose" ? readRule(read.json, null, reading) : readRules(read.json, "the body", reading);
  if (rules instanceof Failure) return rules;
  return JSON.stringify(Array.isArray(rules) ? rules : [rules]);
}

const SHAPES: Readonly<
  Record<ListRulesRequest["shape"], (request: ListRulesRequest) => readonly [head: string, tail: string]>
> = {
  project: ({ project }) => [`{"project":${JSON.stringify(project)},"rules":`, "}"],
  list: () => [`{"rules":`, "}"],
  export: () => ["", ""],
};

/** The rules that pass, in the shape that was asked for. */
export function* listRules(context: ReadContext, request: ListRulesRequest): Generator<string, void, undefined> {
  const [head, tail] = SHAPES[request.shape](request);
  if (head !== "") yield head;
  yield* encodeArray(encodeRules(context.rules.list(request)));
  if (tail !== "") yield tail;
}

function* encodeRules(rows: Iterable<RuleRow>): Generator<string, void, undefined> {
  for (const { size: _size, applies_to, created_at, ...row } of rows) {
    const { project, rule_id, severity, match_type, pattern, message, stack, source, status, proposed_by, context } =
      row;
    yield JSON.stringify({
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
}

interface Subject {
  readonly content: string;
  readonly stack: string;
  /** The file's path and its base name; null where it has no name. */
  readonly paths: readonly (readonly string[])[] | null;
}

function readSubject(body: Uint8Array): Subject | Failure {
  const read = readJsonText(body);
  if (read instanceof Failure) return read;
  const { json } = read;
  if (typeof json !== "object" || json === null || Array.isArray(json)) return invalid("the body must be an object");
  const { content, filename = "", stack = "" } = json as { readonly [name: string]: unknown };
  if (content === undefined) return invalid("content is required");
  if (typeof content !== "string") return invalid("content must be a string");
  if (typeof filename !== "string") return invalid("filename must be a string");
  if (filename.length > KEY_BYTES_MAX) return invalid(`filename is longer than ${KEY_BYTES_MAX} characters`);
  if (typeof stack !== "string") return invalid("stack must be a string");
  const path = splitPath(filename.toWellFormed());
  return { content, stack, paths: filename === "" ? null : [path, path.slice(-1)] };
}

/** What each worker keeps; a context is one database, of which a worker has one. */
const KEPT = new WeakMap<ReadContext, RuleSets>();

function rulesFor(context: ReadContext, project: string): readonly CompiledRule[] {
  let sets = KEPT.get(context);
  if (sets === undefined) {
    sets = new RuleSets();
    KEPT.set(context, sets);
  }
  const rulesOf = (name: string): readonly CompiledRule[] =>
    sets.get(name, context.rules.version(name), () => context.rules.accepted(name));
  return project === GLOBAL_PROJECT ? rulesOf(project) : [...rulesOf(project), ...rulesOf(GLOBAL_PROJECT)];
}

function encodeViolation(rule: CompiledRule, { line, match }: Found): string {
  return line === 0 ? `${rule.head}}` : `${rule.head},"line":${line},"match":${JSON.stringify(match)}}`;
}

/**
 * `{"project","violations","count"}`: the project's rules by rule_id, then the global ones, each rule's
 * findings by line. All are counted; the list ends at VIOLATIONS_LISTED_MAX or at its bound in characters.
 */
export function* validate(
  context: ReadContext,
  { project, body, most }: ValidateRequest,
): Generator<string | Failure, void, undefined> {
  const subject = readSubject(unpackBytes(body));
  if (subject instanceof Failure) {
    yield subject;
    return;
  }
  const content = new Content(subject.content);
  const rules = rulesFor(context, project);
  const effort =
    most === null ? new Effort(Infinity, Infinity) : new Effort(VALIDATION_SHORT_STEPS_MAX, VALIDATION_SHORT_MS_MAX);
  let chunk = `{"project":${JSON.stringify(project)},"violations":[`;
  let count = 0;
  let written = 0;
  for (const rule of rules) {
    if (!rule.appliesTo(subject.paths, subject.stack)) continue;
    for (const found of violationsOf(rule, content, effort)) {
      count += 1;
      if (count > VIOLATIONS_LISTED_MAX || written > VIOLATIONS_LISTED_CHARACTERS_MAX) continue;
      const text = encodeViolation(rule, found);
      written += text.length;
      chunk += count === 1 ? text : `,${text}`;
      if (most !== null && written > most) {
        yield new Failure("OUT_OF_RANGE", "the answer is long");
        return;
      }
      if (most === null && chunk.length >= STREAM_CHUNK_CHARACTERS) {
        yield chunk;
        chunk = "";
      }
    }
    rule.pattern?.trim();
    if (effort.spent) {
      yield new Failure("OUT_OF_RANGE", "the validation takes long");
      return;
    }
  }
  yield `${chunk}],"count":${count}}`;
}
