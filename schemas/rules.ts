/** Defines the shapes of docs/http-api.md "Rules": rules, and the validation of files against them. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Timestamp } from "./common.js";
import { JsonText } from "./json-text.js";
import { KEY_BYTES_MAX, PATTERN_BYTES_MAX } from "./limits/names.js";
import {
  APPLIES_TO_GLOBS_MAX,
  RULES_TOGETHER_MAX,
  RULE_CONTEXT_BYTES_MAX,
  RULE_MESSAGE_BYTES_MAX,
  RULE_NAME_BYTES_MAX,
  RULE_PATTERN_BYTES_MAX,
} from "./limits/rules.js";
import { Name, Text } from "./text.js";

export const SEVERITIES = ["error", "warning"] as const;
export const MATCH_TYPES = ["regex", "missing", "custom"] as const;
export const RULE_STATUSES = ["proposed", "accepted", "rejected"] as const;
export type Severity = (typeof SEVERITIES)[number];
export type MatchType = (typeof MATCH_TYPES)[number];
export type RuleStatus = (typeof RULE_STATUSES)[number];

/** The project whose rules apply to every project. */
export const GLOBAL_PROJECT = "_global";
/** The only pattern of a `custom` rule that is not a regex. It has a built-in meaning. */
export const NO_CONSOLE_LOG = "no-console-log";
/** The sources of the rules that `GET /api/rules/export` returns by default. */
export const EXPORTED_SOURCES = ["local", "learned"] as const;

/** Returns `P/R`, the name of a rule in messages and audit rows. */
export function ruleName(project: string, ruleId: string): string {
  return `${project}/${ruleId}`;
}

export const Rule = Type.Object({
  project: Type.String(),
  rule_id: Type.String(),
  severity: Type.Enum([...SEVERITIES]),
  match_type: Type.Enum([...MATCH_TYPES]),
  pattern: Type.String({ description: "RE2 syntax." }),
  message: Type.String(),
  stack: Type.String({ description: "Empty: for every stack." }),
  applies_to: Type.Array(Type.String()),
  source: Type.String(),
  status: Type.Enum([...RULE_STATUSES]),
  proposed_by: Type.String(),
  context: Type.String(),
  created_at: Timestamp,
});

export const ProjectName = Name(KEY_BYTES_MAX);

/**
 * The source of a regular expression that matches only well-formed segments of a glob. A segment is one or more stars,
 * or a name with wildcards and classes of letters (`*.[ch]`).
 */
const GLOB_SEGMENT = "(?:\\*+|(?:[A-Za-z0-9_?-]|\\[\\^?[a-z]+\\])(?:[A-Za-z0-9_.*?-]|\\[\\^?[a-z]+\\])*)";

/** A glob for files. src/features/rules/file-glob.ts decides whether a glob is malformed. */
export const FileGlob = Text({
  charactersMax: PATTERN_BYTES_MAX,
  required: true,
  promisedPattern: `^${GLOB_SEGMENT}(?:/${GLOB_SEGMENT})*$`,
});

/**
 * Builds a regular expression that matches only regexes that src/features/rules/regex.ts compiles. They consist of
 * characters, classes and nested groups, each with at most one quantifier. Other regexes may compile, too.
 */
const LITERAL = "(?:[^\\\\.+*?()|\\[\\]{}^$]|\\\\[dDsSwWntr.+*?()|{}\\[\\]^$\\\\/-])";
const IN_REGEX_CLASS = "(?:\\\\[dDsSwW]|[a-zA-Z0-9_ .,:;!?@#%&*+=/<>~]|a-z|A-Z|0-9)";
const ATOM = `(?:${LITERAL}|\\.|\\[\\^?${IN_REGEX_CLASS}+\\])`;
const QUANTIFIER = "(?:[*+?]\\??)?";
const TERM = `(?:${ATOM}(?:${QUANTIFIER}|\\{[1-9]\\})|\\\\b|\\^|\\$)`;
const GROUP = (inside: string) => `\\((?:\\?:)?${inside}*(?:\\|${inside}*)*\\)${QUANTIFIER}`;
const NESTED = `(?:${TERM}|${GROUP(TERM)})`;
const REGEX = `^(?:\\(\\?[ims]\\))?(?:${NESTED}|${GROUP(NESTED)}|\\|)*$`;

const RuleLabel = (description: string) => Text({ charactersMax: RULE_NAME_BYTES_MAX, line: true, description });
const source = (fallback: string) => ({
  source: Type.Optional(
    Text({ charactersMax: RULE_NAME_BYTES_MAX, line: true, description: "Any word.", default: fallback }),
  ),
});

/** A client may set the members in `named` and `given` in every rule that it sends. An empty text counts as missing. */
const named = { rule_id: Name(RULE_NAME_BYTES_MAX, "Unique in its project.") };
const given = {
  pattern: Text({
    charactersMax: RULE_PATTERN_BYTES_MAX,
    required: true,
    promisedPattern: REGEX,
    description: `A regex that compiles, in RE2 syntax; for match_type custom also \`${NO_CONSOLE_LOG}\`.`,
  }),
  severity: Type.Optional(Type.Enum([...SEVERITIES, ""], { default: SEVERITIES[0] })),
  match_type: Type.Optional(Type.Enum([...MATCH_TYPES, ""], { default: MATCH_TYPES[0] })),
  message: Type.Optional(
    Text({ charactersMax: RULE_MESSAGE_BYTES_MAX, description: "The message of its violations." }),
  ),
  stack: Type.Optional(RuleLabel("Empty: for every stack.")),
  applies_to: Type.Optional(
    Type.Array(FileGlob, { maxItems: APPLIES_TO_GLOBS_MAX, default: ["*"], description: "Globs; empty: every file." }),
  ),
  proposed_by: Type.Optional(RuleLabel("Who proposed it.")),
  context: Type.Optional(Text({ charactersMax: RULE_CONTEXT_BYTES_MAX, description: "The reason for the rule." })),
};

/**
 * The source that every proposed rule gets. Other rules get a default source if they name none: PUT_SOURCE in a PUT,
 * and IMPORTED_SOURCE in an import.
 */
export const PROPOSED_SOURCE = "learned";
export const PUT_SOURCE = "local";
export const IMPORTED_SOURCE = "external";

/** A rule as clients send it. src/features/rules/rule.ts makes the checks that a schema cannot express. */
export const ProposedRule = Type.Object({ ...named, project: ProjectName, ...given });
export const PutRule = Type.Object({ ...named, ...given, ...source(PUT_SOURCE) });
export const ImportedRule = Type.Object({ ...named, project: ProjectName, ...given, ...source(IMPORTED_SOURCE) });
/** A rule in a template. It names no project: when the template is applied to a project, the rule gets that project. */
export const TemplateRule = Type.Object({ ...named, ...given, ...source(IMPORTED_SOURCE) });
export const PutRules = Type.Array(PutRule, { maxItems: RULES_TOGETHER_MAX });
export const ImportRules = Type.Array(ImportedRule, { minItems: 1, maxItems: RULES_TOGETHER_MAX });
export const TemplateRules = Type.Array(TemplateRule, { maxItems: RULES_TOGETHER_MAX });

export const ProjectRules = Type.Object({ project: Type.String(), rules: Type.Array(Rule) });
export const RuleList = Type.Object({ rules: Type.Array(Rule) });
export const RuleExport = Type.Array(Rule);
export const PutRulesAnswer = Type.Object({ project: Type.String(), count: Type.Integer({ minimum: 0 }) });
export const ImportRulesAnswer = Type.Object({ imported: Type.Integer({ minimum: 1 }) });
export const RuleStatusAnswer = Type.Object({
  project: Type.String(),
  rule_id: Type.String(),
  status: Type.Enum([...RULE_STATUSES]),
});
export const RuleDeleteAnswer = Type.Object({ deleted: Type.String() });

export const ValidateBody = Type.Object({
  filename: Type.Optional(
    Text({ charactersMax: KEY_BYTES_MAX, line: true, description: "Chooses rules by their applies_to." }),
  ),
  content: Type.String(),
  stack: Type.Optional(RuleLabel("Leaves out the rules of other stacks.")),
});
export const Violation = Type.Object({
  rule_id: Type.String(),
  severity: Type.Enum([...SEVERITIES]),
  message: Type.String(),
  line: Type.Optional(Type.Integer({ minimum: 1, description: "Absent if a required pattern is missing." })),
  match: Type.Optional(Type.String()),
});
export const Validation = Type.Object({
  project: Type.String(),
  violations: Type.Array(Violation),
  count: Type.Integer({ minimum: 0, description: "The number of all violations; the list may be shorter." }),
});

/** The result of testing one rule, whatever the rule's status is. */
export const RulePreview = Type.Object({
  ...Validation.properties,
  applies: Type.Boolean({ description: "Whether the rule applies to this file and stack; if not, it finds nothing." }),
});

const AfterRuleId = Type.Optional(Type.String({ description: "Only rules whose id comes after this one." }));
const AfterProject = Type.Optional(
  Type.String({ description: "With `after`: only rules behind that one of this project, in the order of the list." }),
);

export const ProjectRulesQuery = Type.Object({
  after: AfterRuleId,
  stack: Type.Optional(Type.String({ description: "Universal rules and those of this stack." })),
});
export const RuleListQuery = Type.Object({
  after_project: AfterProject,
  after: AfterRuleId,
  project: Type.Optional(Type.String()),
  stack: Type.Optional(Type.String({ description: "Universal rules and those of this stack." })),
  source: Type.Optional(Type.String({ description: "One or several, separated by commas." })),
  status: Type.Optional(
    Type.String({
      pattern: `^(${RULE_STATUSES.join("|")})$`,
      "x-refusal": `status must be ${RULE_STATUSES.join(", ")}`,
    }),
  ),
});
export const RuleExportQuery = Type.Object({
  after_project: AfterProject,
  after: AfterRuleId,
  source: Type.Optional(
    Type.String({ description: "One or several, separated by commas; `local,learned` by default." }),
  ),
});

/** A rule after it was parsed and checked. Its defaults are filled in, and its regex compiles. */
export const CheckedRule = Type.Object({
  project: Type.String(),
  rule_id: Type.String(),
  severity: Type.Enum([...SEVERITIES]),
  match_type: Type.Enum([...MATCH_TYPES]),
  pattern: Type.String(),
  message: Type.String(),
  stack: Type.String(),
  applies_to: Type.Array(Type.String()),
  source: Type.String(),
  proposed_by: Type.String(),
  context: Type.String(),
  /** The number of instructions of the compiled regex. */
  size: Type.Integer(),
});
export type CheckedRule = Static<typeof CheckedRule>;
const CheckedRules = JsonText(Type.Array(CheckedRule));

/** Bytes, either as an array or as a string in which each Latin-1 character stands for one byte (src/base/bytes.ts). */
const Bytes = Type.Unsafe<Uint8Array | string>(Type.Unknown());

export const RuleRequest = Type.Object({ project: Type.String(), rule_id: Type.String() });
export type RuleRequest = Static<typeof RuleRequest>;

/**
 * Asks the pool to parse a proposed rule. If a token proves the actor's identity (`is_proven`), the proposer is the
 * actor. Otherwise it is the proposer that the rule names, or the actor if the rule names none.
 */
export const CheckProposalRequest = Type.Object({ actor: Type.String(), is_proven: Type.Boolean(), body: Bytes });
export const CheckProposalReply = Type.Object({
  project: Type.String(),
  rule_id: Type.String(),
  rule: JsonText(CheckedRule),
});

/**
 * Asks the pool to parse an array of rules. `project` is the project of all rules in the array; null if each rule names
 * its own.
 */
export const CheckRulesRequest = Type.Object({ project: Type.Union([Type.String(), Type.Null()]), body: Bytes });
export const CheckRulesReply = Type.Object({ rules: CheckedRules });

const SetVersion = Type.Integer({ minimum: 0 });
/**
 * Validates a text. If `rule_id` is null, the text is checked against all rules of the project. Otherwise it is checked
 * only against the named rule, whatever the rule's status is. `versions` has the versions of the project's rule set and
 * of the global rule set; null if a rule is named.
 */
export const ValidateRequest = Type.Object({
  project: Type.String(),
  rule_id: Type.Union([Type.String(), Type.Null()]),
  versions: Type.Union([Type.Tuple([SetVersion, SetVersion]), Type.Null()]),
  body: Bytes,
});
export type ValidateRequest = Static<typeof ValidateRequest>;
const ViolationCount = Type.Integer({ minimum: 0 });
/** The answer to a validation with one named rule, or with all rules of the project. */
export const ValidateText = Type.Union([RulePreview, Validation]);
/** The result of a validation. `text` is the answer. `violations` is the number of violations in it. */
export const ValidateReply = Type.Object({ text: JsonText(ValidateText), violations: ViolationCount });
export const ValidateLongReply = Type.Object({ violations: ViolationCount });

/** A filter of a list of rules; null matches every rule. */
const Filter = Type.Union([Type.String(), Type.Null()]);
export const ListProjectRulesRequest = Type.Object({
  project: Type.String(),
  stack: Filter,
  after: Type.String(),
});
/** The project and rule_id of the rule after which a list begins. */
const AfterRule = Type.Tuple([Type.String(), Type.String()]);
export const ListRulesRequest = Type.Object({
  project: Filter,
  stack: Filter,
  sources: Type.Union([Type.Array(Type.String()), Type.Null()]),
  status: Filter,
  after: AfterRule,
});
export const ExportRulesRequest = Type.Object({ sources: Type.Array(Type.String()), after: AfterRule });

export const ProposeRuleRequest = Type.Object({
  project: Type.String(),
  rule_id: Type.String(),
  rule: JsonText(CheckedRule),
});
export const PutRulesRequest = Type.Object({ project: Type.String(), rules: CheckedRules });
export const ImportRulesRequest = Type.Object({ rules: CheckedRules });
export const RuleCountReply = Type.Object({ count: Type.Integer() });
