/** Defines the shapes of docs/http-api.md "Tasks" and of the RPC methods for tasks. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { HeldBy as HeldByBudget } from "./budgets.js";
import { Limit, NonNegative, Timestamp, nullable } from "./common.js";
import { Command, MissingEvidence, NamedEvidence, ObjectId, RequiredEvidence } from "./evidence.js";
import { HeldByLimit } from "./rate-limits.js";
import { JsonText } from "./json-text.js";
import { Fence, Holder, Lease, LeaseConflictBody, Ttl, WaitSeconds, Workspace, LeaseResource } from "./leases.js";
import { CLAIM_HELD_MAX } from "./limits/budgets.js";
import { CLAIM_MAX_S_DEFAULT, CLAIM_MAX_S_MAX, CLAIM_TTL_S_MAX } from "./limits/claims.js";
import { EVIDENCE_COMMANDS_MAX } from "./limits/evidence.js";
import { REQUEST_ID_BYTES_MAX } from "./limits/idempotency.js";
import { INSTANCE_LABEL_BYTES_MAX } from "./limits/instances.js";
import { LEASE_RESOURCES_MAX, LEASE_TTL_S_DEFAULT } from "./limits/leases.js";
import { REMARK_BYTES_MAX } from "./limits/names.js";
import {
  CLAIM_BUSY_MAX,
  TASK_AFTER_MAX,
  TASK_ATTEMPTS_DEFAULT,
  TASK_ATTEMPTS_MAX,
  TASK_BODY_BYTES_MAX,
  TASK_ID_CHARACTERS_MAX,
  TASK_LABEL_BYTES_MAX,
  TASK_LABELS_MAX,
  TASK_PRIORITY_DEFAULT,
  TASK_PRIORITY_MAX,
  TASK_TITLE_BYTES_MAX,
  TASK_VALUE_BYTES_MAX,
  TASKS_CREATED_MAX,
  TRACEPARENT_CHARACTERS,
} from "./limits/tasks.js";
import { Name, Text } from "./text.js";
import { TRACEPARENT } from "./traceparent.js";

export const TASK_STATES = [
  "blocked",
  "ready",
  "claimed",
  "input_required",
  "done",
  "failed",
  "dead",
  "canceled",
] as const;
export type TaskState = (typeof TASK_STATES)[number];
/** The states in which a task has ended. */
export const ENDED_TASK_STATES = ["done", "failed", "dead", "canceled"] as const satisfies readonly TaskState[];

/** Matches a task's id, for ids from clients and from the server. */
export const TASK_ID = new RegExp(`^[A-Za-z0-9_.:-]{1,${TASK_ID_CHARACTERS_MAX}}$`);

const ID_REFUSAL = `must be 1 to ${TASK_ID_CHARACTERS_MAX} of A-Z, a-z, 0-9, _, ., : and -`;
const State = Type.Enum([...TASK_STATES]);
const Remark = Text({ charactersMax: REMARK_BYTES_MAX });
const NeededRemark = Text({ charactersMax: REMARK_BYTES_MAX, required: true });
const Label = Name(TASK_LABEL_BYTES_MAX);
const Labels = Type.Array(Label, { maxItems: TASK_LABELS_MAX });
const Priority = Type.Integer({ minimum: 0, maximum: TASK_PRIORITY_MAX });
const Percent = Type.Integer({ minimum: 0, maximum: 100 });
const Title = Name(TASK_TITLE_BYTES_MAX);
const Body = Text({ charactersMax: TASK_BODY_BYTES_MAX });
const Assignee = Text({ charactersMax: INSTANCE_LABEL_BYTES_MAX, line: true });
const Value = Type.Unknown({ description: `JSON of at most ${TASK_VALUE_BYTES_MAX} bytes.` });
const RequiredCommands = Type.Array(Command, { maxItems: EVIDENCE_COMMANDS_MAX });
const Given = Type.Unknown({ description: "The value as it was sent; null if there was none." });

const TextOrNull = nullable(Type.String());
const TimeOrNull = nullable(Timestamp);
/** The earliest time at which a task can be claimed. If it is null or missing, the task can be claimed at once. */
const NotBefore = nullable(Timestamp);

const SHORT_TASK = {
  id: Type.String(),
  workspace: Type.String(),
  title: Type.String(),
  labels: Type.Array(Type.String()),
  requires: Type.Array(Type.String(), { description: "Capabilities that its claimer must have." }),
  resources: Type.Array(Type.String(), { description: "The resources that its claim leases." }),
  requires_evidence: Type.Array(Type.String(), {
    description: "Commands of which there must be evidence that they passed.",
  }),
  priority: Priority,
  after: Type.Array(Type.String(), { description: "The tasks that must be done first." }),
  state: State,
  attempts: Type.Integer({ minimum: 0, description: "How often it was lost, or failed and was to be retried." }),
  max_attempts: Type.Integer(),
  ttl_s: Type.Integer(),
  max_s: Type.Integer(),
  not_before: TimeOrNull,
  assignee: TextOrNull,
  holder: nullable(Holder),
  fence: nullable(Type.Integer()),
  lease: nullable(Type.String()),
  progress: nullable(Percent),
  note: TextOrNull,
  checkpoint: Given,
  cancel_requested: Type.Boolean(),
  question: TextOrNull,
  answer: TextOrNull,
  error: TextOrNull,
  created_by: TextOrNull,
  created_at: Timestamp,
  updated_at: Timestamp,
  claimed_at: TimeOrNull,
  ended_at: TimeOrNull,
  asked_by: Type.Optional(Type.String({ description: "The instance that waits for the answer to its question." })),
  traceparent: Type.Optional(Type.String({ description: "The trace to which it belongs, if one was given." })),
};
const WHOLE_TASK = { ...SHORT_TASK, body: Type.String(), data: Given, result: Given };

/** A task in a list. */
export const ListedTask = Type.Object(SHORT_TASK);
export const TaskList = Type.Object({ tasks: Type.Array(ListedTask) });
export const Task = Type.Object(WHOLE_TASK);
export const TaskWithHistory = Type.Object({
  ...WHOLE_TASK,
  history: Type.Array(Type.Object({ at: Timestamp, actor: Type.String(), state: State, note: TextOrNull })),
  dependents: Type.Array(Type.String(), { description: "The tasks that wait for this one, or did." }),
  evidence: Type.Array(RequiredEvidence, { description: "The evidence of the commands that it requires." }),
  edited_at: TimeOrNull,
});

const TaskId = Text({
  charactersMax: TASK_ID_CHARACTERS_MAX,
  required: true,
  pattern: { source: TASK_ID.source, says: ID_REFUSAL },
});
/** The id of a task, or `#N` for the task at index N of the array in the same request. */
const After = Text({
  charactersMax: TASK_ID_CHARACTERS_MAX,
  required: true,
  pattern: { source: `^#\\d{1,3}$|${TASK_ID.source}`, says: "must be the id of a task, or #N" },
});

/** The trace to which a task belongs. */
const Traceparent = Text({
  charactersMax: TRACEPARENT_CHARACTERS,
  required: true,
  pattern: {
    source: TRACEPARENT.source,
    says: "must be a traceparent of version 00: 00-TRACE-SPAN-FLAGS in lower-case hex digits",
  },
  // A simpler pattern for the published description, because its readers may not support lookaheads. The simpler
  // pattern requires that the last digit of each id is not 0, so that no id consists only of zeros.
  promisedPattern: "^00-[0-9a-f]{31}[1-9a-f]-[0-9a-f]{15}[1-9a-f]-[0-9a-f]{2}$",
});

export const TaskBody = Type.Object({
  id: Type.Optional(TaskId),
  or_get: Type.Optional(
    Type.Boolean({ description: "If a task with this id exists, return it unchanged.", default: false }),
  ),
  workspace: Type.Optional(Workspace),
  title: Title,
  body: Type.Optional(Body),
  data: Type.Optional(Value),
  labels: Type.Optional(Labels),
  requires: Type.Optional(Labels),
  requires_evidence: Type.Optional(RequiredCommands),
  resources: Type.Optional(Type.Array(LeaseResource, { maxItems: LEASE_RESOURCES_MAX })),
  priority: Type.Optional(Type.Integer({ minimum: 0, maximum: TASK_PRIORITY_MAX, default: TASK_PRIORITY_DEFAULT })),
  after: Type.Optional(Type.Array(After, { maxItems: TASK_AFTER_MAX })),
  max_attempts: Type.Optional(Type.Integer({ minimum: 1, maximum: TASK_ATTEMPTS_MAX, default: TASK_ATTEMPTS_DEFAULT })),
  ttl_s: Type.Optional(Type.Integer({ minimum: 1, maximum: CLAIM_TTL_S_MAX, default: LEASE_TTL_S_DEFAULT })),
  max_s: Type.Optional(Type.Integer({ minimum: 1, maximum: CLAIM_MAX_S_MAX, default: CLAIM_MAX_S_DEFAULT })),
  not_before: Type.Optional(NotBefore),
  assignee: Type.Optional(nullable(Assignee)),
  traceparent: Type.Optional(Traceparent),
  request_id: Type.Optional(Name(REQUEST_ID_BYTES_MAX)),
});
export type TaskBody = Static<typeof TaskBody>;
/** One task, or an array of tasks. If it is an array, either all tasks are created or none. */
export const TasksBody = Type.Union([TaskBody, Type.Array(TaskBody, { minItems: 1, maxItems: TASKS_CREATED_MAX })]);
export const TasksAnswer = Type.Union([Task, Type.Array(Task)]);

export const TaskQuery = Type.Object({
  workspace: Type.Optional(Type.String()),
  state: Type.Optional(
    Type.String({
      pattern: `^(?:${TASK_STATES.join("|")})$`,
      "x-refusal": `state must be one of ${TASK_STATES.join(", ")}`,
    }),
  ),
  label: Type.Optional(Type.String()),
  holder: Type.Optional(Type.String()),
  assignee: Type.Optional(Type.String()),
  limit: Type.Optional(Limit),
  after: Type.Optional(Type.String({ pattern: TASK_ID.source, "x-refusal": "after must be the id of a task" })),
});
export type TaskQuery = Static<typeof TaskQuery>;

export const ClaimBody = Type.Object({
  workspace: Type.Optional(Workspace),
  labels: Type.Optional(Labels),
  id: Type.Optional(TaskId),
  wait_s: Type.Optional(WaitSeconds),
  while_held: Type.Optional(
    Type.Boolean({
      description:
        "The wait ends early if budgets and rate limits keep the caller from tasks (false), or do not (true).",
    }),
  ),
  ttl_s: Type.Optional(Ttl),
  request_id: Type.Optional(Name(REQUEST_ID_BYTES_MAX)),
});
export type ClaimBody = Static<typeof ClaimBody>;
/** A ready task that cannot be claimed now, because another lease overlaps its resources. */
const BusyTask = Type.Object({
  id: Type.String(),
  title: Type.String(),
  wanted: Type.String({ description: "What the task needs." }),
  resource: Type.String({ description: "The held resource that overlaps it." }),
  lease: Lease,
});
/** The reason why a claim gets no task: an exhausted budget, or a rate limit. */
export const HeldBy = Type.Union([HeldByBudget, HeldByLimit]);
export type HeldBy = Static<typeof HeldBy>;

export const ClaimAnswer = Type.Object({
  task: nullable(Task),
  lease: nullable(Lease),
  busy: Type.Optional(
    Type.Array(BusyTask, {
      maxItems: CLAIM_BUSY_MAX,
      description: "If there is none: tasks that could be claimed if the resources that they need were free.",
    }),
  ),
  held: Type.Optional(
    Type.Array(HeldBy, {
      maxItems: CLAIM_HELD_MAX,
      description: "If there is none: the exhausted budgets and the rate limits that prevent a claim of the caller.",
    }),
  ),
});
export const TaskConflictBody = LeaseConflictBody;

export const ProgressBody = Type.Object({
  fence: Fence,
  percent: Type.Optional(Percent),
  note: Type.Optional(Remark),
  checkpoint: Type.Optional(Value),
});
export type ProgressBody = Static<typeof ProgressBody>;
export const ProgressAnswer = Type.Object({ expires_at: Timestamp, cancel_requested: Type.Boolean() });
export const CompleteBody = Type.Object({
  fence: Fence,
  result: Type.Optional(Value),
  evidence: Type.Optional(NamedEvidence),
  tree: Type.Optional(nullable(ObjectId)),
});
/**
 * The body of a 409 answer to a call that completes a task. The call was rejected, because evidence is missing that the
 * required commands have passed.
 */
export const CompleteConflictBody = Type.Object({
  error: Type.String(),
  code: Type.Literal(409),
  missing: Type.Optional(Type.Array(MissingEvidence)),
});
export const FailBody = Type.Object({
  fence: Fence,
  error: NeededRemark,
  retry: Type.Optional(Type.Boolean({ default: true })),
});
export const ReleaseBody = Type.Object({ fence: Fence, note: Type.Optional(Remark) });
export const AskBody = Type.Object({ fence: Fence, question: NeededRemark });
export const AnswerBody = Type.Object({ answer: NeededRemark });
export const CancelBody = Type.Object({ reason: Type.Optional(Remark) });

/** The members of a task that a client can change. A request with any other member is rejected. */
export const TaskPatch = Type.Object(
  {
    title: Type.Optional(Title),
    body: Type.Optional(Body),
    priority: Type.Optional(Priority),
    labels: Type.Optional(Labels),
    assignee: Type.Optional(nullable(Assignee)),
    not_before: Type.Optional(NotBefore),
    after: Type.Optional(Type.Array(TaskId, { maxItems: TASK_AFTER_MAX })),
    requires_evidence: Type.Optional(RequiredCommands),
  },
  { additionalProperties: false },
);
export type TaskPatch = Static<typeof TaskPatch>;

const Row = Type.Integer({ minimum: 1 });
const Ms = Type.Integer();
const MsOrNull = nullable(Ms);
const Json = nullable(JsonText(Type.Unknown()));

/**
 * A task to be created. `after` contains the references to other tasks as the client sent them. `data` is JSON text.
 */
export const NewTask = Type.Object({
  id: TextOrNull,
  /**
   * Whether the call returns an existing task with this id instead of an error. The member is absent in older log
   * entries.
   */
  or_get: Type.Optional(Type.Boolean()),
  workspace: Type.String(),
  title: Type.String(),
  body: Type.String(),
  data: Json,
  labels: Type.Array(Type.String()),
  requires: Type.Array(Type.String()),
  /** The commands that the task requires; absent if it requires none. */
  requires_evidence: Type.Optional(Type.Array(Type.String())),
  resources: Type.Array(Type.String()),
  priority: Type.Integer(),
  after: Type.Array(Type.String()),
  max_attempts: Type.Integer(),
  ttl_s: Type.Integer(),
  max_s: Type.Integer(),
  not_before: MsOrNull,
  assignee: TextOrNull,
  /** The trace to which the task belongs; absent if the client gave none. */
  traceparent: Type.Optional(Type.String()),
  request_id: TextOrNull,
  /**
   * The hash of the request (src/features/idempotency/hash.ts). It is absent or "" if the request has no request_id.
   */
  request_hash: Type.Optional(Type.String()),
});
export type NewTask = Static<typeof NewTask>;
export const CreateTasksRequest = Type.Object({ tasks: Type.Array(NewTask) });
export type CreateTasksRequest = Static<typeof CreateTasksRequest>;
/**
 * The reply to the creation of tasks. `rows` has the rows of the tasks, in the order of the request. `made` has the ids
 * of the tasks that this call has created. A repeated call creates none.
 */
export const CreateTasksReply = Type.Object({ rows: Type.Array(Row), made: Type.Array(Type.String()) });
export type CreateTasksReply = Static<typeof CreateTasksReply>;

/**
 * A position in the order in which tasks are offered to claims. It consists of a task's effective priority (`level`)
 * and the task's row.
 */
const TaskRank = Type.Object({ level: Priority, row: Row });
export const ClaimTaskRequest = Type.Object({
  workspace: Type.String(),
  labels: Type.Array(Type.String()),
  id: TextOrNull,
  /** The time to live of the claim in s. If it is null, the task's own time to live applies. */
  ttl_s: nullable(Type.Integer()),
  request_id: TextOrNull,
  /**
   * The hash of the request (src/features/idempotency/hash.ts). It is absent or "" if the request has no request_id.
   */
  request_hash: Type.Optional(Type.String()),
  /** The search for a task continues after this rank, which the previous reply named. Absent in the first call. */
  behind: Type.Optional(TaskRank),
});
export type ClaimTaskRequest = Static<typeof ClaimTaskRequest>;
/**
 * The claimed task with its claim. `task` is null if no task was found. `made` is false if an earlier attempt of the
 * call had already claimed the task.
 *
 * `more` is set if the search has not examined all tasks yet. It is the rank after which the next call continues. No
 * task up to this rank can be claimed.
 */
export const ClaimTaskReply = Type.Object({
  task: nullable(Type.Object({ row: Row, id: Type.String(), claim: Row })),
  made: Type.Boolean(),
  more: Type.Optional(TaskRank),
  /** The exhausted budgets and the rate limits that keep the caller from getting a task. */
  held: Type.Optional(Type.Array(HeldBy)),
});
export type ClaimTaskReply = Static<typeof ClaimTaskReply>;

/**
 * Ends the claim of a task. There is a method for each way to end a claim, and all of them have requests of this shape.
 * `text` is the error, the note or the question. `value` is the result as JSON text.
 */
export const EndTaskRequest = Type.Object({
  id: Type.String(),
  fence: Type.Integer(),
  text: TextOrNull,
  value: Json,
  retry: Type.Boolean(),
  /** The records of other tasks that count as evidence for `complete`. */
  evidence: Type.Optional(Type.Array(Row)),
  /** The git tree of the finished work, as the caller of `complete` names it. */
  tree: Type.Optional(TextOrNull),
});
export type EndTaskRequest = Static<typeof EndTaskRequest>;
export const ProgressRequest = Type.Object({
  id: Type.String(),
  fence: Type.Integer(),
  percent: nullable(Type.Integer()),
  note: TextOrNull,
  checkpoint: Json,
});
export type ProgressRequest = Static<typeof ProgressRequest>;
/** The reply to a progress call. `claim` is the row of the claim that holds the task. */
export const ProgressReply = Type.Object({ claim: Row, cancel_requested: Type.Boolean() });
export type ProgressReply = Static<typeof ProgressReply>;
/**
 * Answers a task's question. `owns` is true if the caller may also answer the questions of tasks that other instances
 * have created.
 */
export const AnswerRequest = Type.Object({ id: Type.String(), owns: Type.Boolean(), answer: Type.String() });
export type AnswerRequest = Static<typeof AnswerRequest>;
export const CancelRequest = Type.Object({ id: Type.String(), owns: Type.Boolean(), reason: TextOrNull });
export type CancelRequest = Static<typeof CancelRequest>;
export const RetryRequest = Type.Object({ id: Type.String(), owns: Type.Boolean() });
export type RetryRequest = Static<typeof RetryRequest>;
export const PatchRequest = Type.Object({
  id: Type.String(),
  owns: Type.Boolean(),
  title: Type.Optional(Type.String()),
  body: Type.Optional(Type.String()),
  priority: Type.Optional(Type.Integer()),
  labels: Type.Optional(Type.Array(Type.String())),
  assignee: Type.Optional(TextOrNull),
  not_before: Type.Optional(MsOrNull),
  after: Type.Optional(Type.Array(Type.String())),
  requires_evidence: Type.Optional(Type.Array(Type.String())),
});
export type PatchRequest = Static<typeof PatchRequest>;
/** The reply to a call that may change a task. `changed` is false if the call changed nothing. */
export const TaskChanged = Type.Object({ row: Row, changed: Type.Boolean() });
export type TaskChanged = Static<typeof TaskChanged>;

/** Reports that a hook has seen an edit. The edit makes the existing records of evidence for the task stale. */
export const MarkEditedRequest = Type.Object({ id: Type.String() });
export type MarkEditedRequest = Static<typeof MarkEditedRequest>;
export const MarkEditedReply = Type.Object({ changed: Type.Boolean() });
export type MarkEditedReply = Static<typeof MarkEditedReply>;

export const PruneTasksRequest = Type.Object({ after: NonNegative, ended_before: Ms });
export type PruneTasksRequest = Static<typeof PruneTasksRequest>;
/** The reply to one step of the removal of old tasks. `after` is null if all tasks were examined. */
export const PruneTasksReply = Type.Object({ removed: NonNegative, after: nullable(Type.Integer()) });
export type PruneTasksReply = Static<typeof PruneTasksReply>;

/** The filters of a list of tasks. `before` selects the tasks whose row is smaller than `before`. */
export const ListTasksRequest = Type.Object({
  workspace: TextOrNull,
  state: nullable(State),
  label: TextOrNull,
  holder: TextOrNull,
  assignee: TextOrNull,
  before: Type.Integer(),
  limit: Type.Integer({ minimum: 1 }),
});
export type ListTasksRequest = Static<typeof ListTasksRequest>;

/** The properties of a ready task that decide which instances may claim it, and when. Times are in ms. */
export const ReadyRecord = Type.Object({
  row: Row,
  id: Type.String(),
  workspace: Type.String(),
  labels: Type.Array(Type.String()),
  requires: Type.Array(Type.String()),
  resources: Type.Array(Type.String()),
  priority: Type.Integer(),
  ready_at: Ms,
  updated_at: Ms,
  not_before: MsOrNull,
  assignee: TextOrNull,
  /** The instance for which the task is reserved. The reservation ends at `reserved_until`. */
  reserved: TextOrNull,
  reserved_until: Ms,
});
export type ReadyRecord = Static<typeof ReadyRecord>;

/**
 * The push message with the changes of tasks in a commit, in the order in which they happened. `ready` is null unless
 * the task is ready. `waited_ms` is the time that a claimed task was ready before the claim.
 *
 * `counts` has the number of tasks in each state that is not an end state, in the order of TASK_STATES.
 */
export const TasksPush = Type.Object({
  changed: Type.Array(
    Type.Object({ row: Row, id: Type.String(), state: State, ready: nullable(ReadyRecord), waited_ms: MsOrNull }),
  ),
  counts: Type.Array(Type.Integer()),
});
export type TasksPush = Static<typeof TasksPush>;
