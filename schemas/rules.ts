/** Section 7 of the wire contract: rules, and the validation of files against them. */
import { Type, type Static } from "typebox";
import { Timestamp } from "./common.js";
import { APPLIES_TO_GLOBS_MAX, KEY_BYTES_MAX, RULES_TOGETHER_MAX } from "./limits.js";

export const SEVERITIES = ["error", "warning"] as const;
export const MATCH_TYPES = ["regex", "missing", "custom"] as const;
export const RULE_STATUSES = ["proposed", "accepted", "rejected"] as const;
export type Severity = (typeof SEVERITIES)[number];
export type MatchType = (typeof MATCH_TYPES)[number];
export type RuleStatus = (typeof RULE_STATUSES)[number];

/** The project whose rules hold for every project. */
export const GLOBAL_PROJECT = "_global";
/** The `custom` rule that has a meaning of its own. */
export const NO_CONSOLE_LOG = "no-console-log";
/** What `GET /api/rules/export` gives where no source is named. */
export const EXPORTED_SOURCES = ["local", "learned"] as const;

/** `P/R`, as messages and audit rows name a rule. */
export function ruleName(project: string, rule_id: string): string {
  return `${project}/${rule_id}`;
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

const given = {
  severity: Type.Optional(Type.Enum([...SEVERITIES], { default: "error" })),
  match_type: Type.Optional(Type.Enum([...MATCH_TYPES], { default: "regex" })),
  pattern: Type.String({ minLength: 1, description: `RE2 syntax; for match_type custom also \`${NO_CONSOLE_LOG}\`.` }),
  message: Type.Optional(Type.String()),
  stack: Type.Optional(Type.String()),
  applies_to: Type.Optional(Type.Array(Type.String(), { maxItems: APPLIES_TO_GLOBS_MAX, default: ["*"] })),
  proposed_by: Type.Optional(Type.String()),
  context: Type.Optional(Type.String()),
};
const RuleId = Type.String({ minLength: 1 });
const ProjectName = Type.String({ minLength: 1, maxLength: KEY_BYTES_MAX });

/** A rule as it is sent. What else the server asks of it is in src/rules/rule.ts. */
export const ProposedRule = Type.Object({ project: ProjectName, rule_id: RuleId, ...given });
export const PutRules = Type.Array(
  Type.Object({ rule_id: RuleId, ...given, source: Type.Optional(Type.String({ default: "local" })) }),
  { maxItems: RULES_TOGETHER_MAX },
);
export const ImportRules = Type.Array(
  Type.Object({
    project: ProjectName,
    rule_id: RuleId,
    ...given,
    source: Type.Optional(Type.String({ default: "external" })),
  }),
  { minItems: 1, maxItems: RULES_TOGETHER_MAX },
);

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
  filename: Type.Optional(Type.String({ description: "Chooses rules by their applies_to." })),
  content: Type.String(),
  stack: Type.Optional(Type.String({ description: "Leaves out the rules of other stacks." })),
});
export const Violation = Type.Object({
  rule_id: Type.String(),
  severity: Type.Enum([...SEVERITIES]),
  message: Type.String(),
  line: Type.Optional(Type.Integer({ minimum: 1, description: "Absent where something is missing." })),
  match: Type.Optional(Type.String()),
});
export const Validation = Type.Object({
  project: Type.String(),
  violations: Type.Array(Violation),
  count: Type.Integer({ minimum: 0, description: "How many were found; the list ends at a bound of its own." }),
});

export const ProjectRulesQuery = Type.Object({
  stack: Type.Optional(Type.String({ description: "Universal rules and those of this stack." })),
});
export const RuleListQuery = Type.Object({
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
  source: Type.Optional(
    Type.String({ description: "One or several, separated by commas; `local,learned` by default." }),
  ),
});

/** A rule that was read and checked: its defaults filled in, its pattern compiled once. */
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
  /** Instructions of the compiled pattern. */
  size: Type.Integer(),
});
export type CheckedRule = Static<typeof CheckedRule>;

/** Bytes, or a string of Latin-1 characters that stand for them (src/base/bytes.ts). */
const Bytes = Type.Unsafe<Uint8Array | string>(Type.Unknown());

/** What a body of rules is for: decides which members it needs and which defaults hold. */
export const RULE_USES = ["propose", "put", "import"] as const;
export type RuleUse = (typeof RULE_USES)[number];

/** Replies JSON text of CheckedRule[]. */
export const CheckRulesRequest = Type.Object({
  use: Type.Enum([...RULE_USES]),
  project: Type.String(),
  actor: Type.String(),
  body: Bytes,
});
export type CheckRulesRequest = Static<typeof CheckRulesRequest>;

/** `most`: where the answer gets longer than so many characters the job gives up with OUT_OF_RANGE; null for no bound. */
export const ValidateRequest = Type.Object({
  project: Type.String(),
  body: Bytes,
  most: Type.Union([Type.Integer(), Type.Null()]),
});
export type ValidateRequest = Static<typeof ValidateRequest>;

const Filter = Type.Union([Type.String(), Type.Null()]);

/** Which rules, and what is written around them. Null means any. */
export const ListRulesRequest = Type.Object({
  project: Filter,
  stack: Filter,
  sources: Type.Union([Type.Array(Type.String()), Type.Null()]),
  status: Filter,
  shape: Type.Enum(["project", "list", "export"]),
});
export type ListRulesRequest = Static<typeof ListRulesRequest>;

/** `value` is JSON text of CheckedRule[], as rules.check makes it; so named for the batch, which weighs it. */
export const ProposeRuleRequest = Type.Object({ project: Type.String(), rule_id: Type.String(), value: Type.String() });
export const PutRulesRequest = Type.Object({ project: Type.String(), value: Type.String() });
export const ImportRulesRequest = Type.Object({ value: Type.String() });
export const RuleRequest = Type.Object({ project: Type.String(), rule_id: Type.String() });
export type RuleRequest = Static<typeof RuleRequest>;
export const RuleCountReply = Type.Object({ count: Type.Integer() });
export type RuleCountReply = Static<typeof RuleCountReply>;
