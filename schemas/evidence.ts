/** Defines the shapes of docs/http-api.md "Evidence" and of the RPC methods for records of commands. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Before, Limit, NonNegative, Timestamp, nullable } from "./common.js";
import { CheckoutId } from "./instances.js";
import { Workspace } from "./leases.js";
import {
  EVIDENCE_CLIENT_CHARACTERS_MAX,
  EVIDENCE_COMMAND_CHARACTERS_MAX,
  EVIDENCE_NAMED_MAX,
  EVIDENCE_TAIL_BYTES_MAX,
} from "./limits/evidence.js";
import { TASK_ID_CHARACTERS_MAX } from "./limits/tasks.js";
import { Name, Text } from "./text.js";
import { UNSEEN_CLASS } from "./visible-text.js";

/** The actor of each call that has the token of CI. */
export const CI_ACTOR = "ci";

/**
 * The origin of a record: the program that observed how the command ended. The value `agent` means that no program
 * observed it, and the agent only claims the result.
 */
export const SEEN_BY = ["agent", "hook", "cli", "ci"] as const;
export type SeenBy = (typeof SEEN_BY)[number];
/** The levels of trust in a record, from the lowest to the highest. The level depends on the source of the record. */
export const EVIDENCE_LEVELS = ["said", "observed", "ci"] as const;
export type EvidenceLevel = (typeof EVIDENCE_LEVELS)[number];
/** The reasons for which a required command counts as not passed. */
export const MISSING_REASONS = ["none", "said", "unknown", "tree", "failed", "stale"] as const;
export type MissingReason = (typeof MISSING_REASONS)[number];

const TextOrNull = nullable(Type.String());
const Id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const IdOrNull = nullable(Type.Integer());
/** The range of exit codes of all operating systems. Exit codes of Windows are unsigned numbers of 32 bits. */
const ExitCode = Type.Integer({ minimum: -2_147_483_648, maximum: 4_294_967_295 });
const OBJECT_ID_PATTERN = "^(?:[0-9a-f]{40}|[0-9a-f]{64})$";
/** The id of a git tree or commit, a SHA-1 or a SHA-256. */
export const ObjectId = Text({
  charactersMax: 64,
  required: true,
  pattern: { source: OBJECT_ID_PATTERN, says: "must be git's id of an object: 40 or 64 of 0-9 and a-f" },
});
/** A command, as clients send it: one line that is not blank. White space in it is normalized when it is stored. */
export const Command = Text({
  charactersMax: EVIDENCE_COMMAND_CHARACTERS_MAX,
  required: true,
  line: true,
  pattern: { source: "\\S", says: "is required" },
  promisedPattern: `^[!-~][^\\x00-\\x1f\\x7f-\\x9f${UNSEEN_CLASS}]{0,${EVIDENCE_COMMAND_CHARACTERS_MAX - 1}}$`,
});

/** The ids of the evidence that a call of `complete` names. */
export const NamedEvidence = Type.Array(Id, {
  maxItems: EVIDENCE_NAMED_MAX,
  description: "Records of other tasks, or of no task, that also count.",
});

export const EvidenceBody = Type.Object({
  command: Command,
  exit_code: Type.Optional(nullable(ExitCode)),
  duration_ms: Type.Optional(nullable(NonNegative)),
  task: Type.Optional(nullable(Name(TASK_ID_CHARACTERS_MAX))),
  workspace: Type.Optional(Workspace),
  checkout: Type.Optional(nullable(CheckoutId)),
  seen_by: Type.Optional(
    Type.Enum(["agent", "cli", "ci"], { description: "`ci` needs the token of CI.", default: "agent" }),
  ),
  client: Type.Optional(Text({ charactersMax: EVIDENCE_CLIENT_CHARACTERS_MAX, line: true })),
  tree_before: Type.Optional(nullable(ObjectId)),
  tree_after: Type.Optional(nullable(ObjectId)),
  head: Type.Optional(nullable(ObjectId)),
  tail: Type.Optional(
    nullable(
      Text({
        charactersMax: EVIDENCE_TAIL_BYTES_MAX,
        bytesMax: EVIDENCE_TAIL_BYTES_MAX,
        promisedCharactersMax: EVIDENCE_TAIL_BYTES_MAX / 4,
        description: "The end of the output.",
      }),
    ),
  ),
});
export type EvidenceBody = Static<typeof EvidenceBody>;

const LISTED = {
  id: Type.Integer({ minimum: 1 }),
  at: Timestamp,
  workspace: Type.String(),
  task: TextOrNull,
  instance_id: TextOrNull,
  name: Type.String({ description: "The instance's name; `ci` with the token of CI." }),
  level: Type.Enum([...EVIDENCE_LEVELS]),
  seen_by: Type.Enum([...SEEN_BY]),
  client: Type.String(),
  command: Type.String(),
  exit_code: nullable(Type.Integer({ description: "Null if it is not known." })),
  passed: Type.Boolean({ description: "Whether the exit code is 0." }),
  duration_ms: nullable(Type.Integer()),
  tree_before: TextOrNull,
  tree_after: TextOrNull,
  head: TextOrNull,
  checkout: TextOrNull,
};

/** A record as it is in lists and events: without the command's output. */
export const ListedEvidence = Type.Object(LISTED);
export type ListedEvidence = Static<typeof ListedEvidence>;
export const EvidenceList = Type.Array(ListedEvidence);
export const Evidence = Type.Object({ ...LISTED, tail: TextOrNull });

export const EvidenceQuery = Type.Object({
  task: Type.Optional(Type.String()),
  workspace: Type.Optional(Type.String()),
  command: Type.Optional(Type.String()),
  level: Type.Optional(
    Type.Unsafe<EvidenceLevel>({
      type: "string",
      pattern: `^(?:${EVIDENCE_LEVELS.join("|")})$`,
      "x-refusal": `level must be one of ${EVIDENCE_LEVELS.join(", ")}`,
    }),
  ),
  tree: Type.Optional(Type.String({ description: "Only commands after which the files had this tree." })),
  before: Type.Optional(Before),
  limit: Type.Optional(Limit),
});

/** A required command that has not passed. `evidence` is the record because of which it counts as not passed. */
export const MissingEvidence = Type.Object({
  command: Type.String(),
  why: Type.Enum([...MISSING_REASONS]),
  evidence: IdOrNull,
});
export type MissingEvidence = Static<typeof MissingEvidence>;

/**
 * A required command of a task, with the newest record of each level. If the command has not passed, it also has the
 * reason.
 */
export const RequiredEvidence = Type.Object({
  command: Type.String(),
  why: nullable(Type.Enum([...MISSING_REASONS])),
  said: nullable(ListedEvidence),
  observed: nullable(ListedEvidence),
  ci: nullable(ListedEvidence),
});

/** Asks the writer to store a record of a command. */
export const RecordEvidenceRequest = Type.Object({
  workspace: Type.String(),
  task: TextOrNull,
  instance_id: TextOrNull,
  name: Type.String(),
  seen_by: Type.Enum([...SEEN_BY]),
  client: Type.String(),
  command: Type.String(),
  exit_code: nullable(Type.Integer()),
  duration_ms: nullable(Type.Integer()),
  tree_before: TextOrNull,
  tree_after: TextOrNull,
  head: TextOrNull,
  checkout: TextOrNull,
  tail: TextOrNull,
  /**
   * The first instance in the chain of registrations that led to the acting instance (`Directory.rootOf`). Null if no
   * instance made the record. The member is absent in older log entries.
   */
  registrant: Type.Optional(TextOrNull),
  /**
   * Whether the caller may report for the tasks of other agents. The member is absent in older log entries, which
   * allowed this to every caller.
   */
  owns: Type.Optional(Type.Boolean()),
});
export type RecordEvidenceRequest = Static<typeof RecordEvidenceRequest>;
export const RecordEvidenceReply = Type.Object({ id: Type.Integer({ minimum: 1 }) });
export type RecordEvidenceReply = Static<typeof RecordEvidenceReply>;

/** Removes records that are older than a time, in ms. */
export const PruneEvidenceRequest = Type.Object({ before: Type.Integer() });
export const PruneEvidenceReply = Type.Object({ removed: NonNegative, more: Type.Boolean() });
export type PruneEvidenceReply = Static<typeof PruneEvidenceReply>;

/** The filters of a list of records. A filter that the client does not give is null. */
export const ListEvidenceRequest = Type.Object({
  task: TextOrNull,
  workspace: TextOrNull,
  command: TextOrNull,
  level: nullable(Type.Enum([...EVIDENCE_LEVELS])),
  tree: TextOrNull,
  before: Type.Integer(),
  limit: Type.Integer({ minimum: 1 }),
});
export type ListEvidenceRequest = Static<typeof ListEvidenceRequest>;
