/**
 * Defines the members of each event that the server publishes by itself. docs/http-api.md "Events of the server" lists
 * the same members, and `/asyncapi.json` publishes them.
 */
import * as Type from "typebox";
import type { Static, TSchema } from "typebox";
import { Budget } from "./budgets.js";
import { NonNegative, nullable, Timestamp } from "./common.js";
import { Violation } from "./contracts.js";
import type { ServerSource, ServerTopic } from "./events.js";
import { ListedEvidence } from "./evidence.js";
import { HOOK_CLIENTS } from "./hook-names.js";
import { LEASE_MODES } from "./leases.js";
import { MESSAGE_IMPORTANCES, MESSAGE_INTENTS } from "./messages.js";
import { RateLimit } from "./rate-limits.js";
import { OverlapAppeared, OverlapCleared } from "./radar.js";
import { TASK_STATES } from "./tasks.js";
import { Usage } from "./usage.js";

export interface ServerEvent {
  readonly summary: string;
  /** The source of the event. It is null if the source is the caller whose request caused the event. */
  readonly source: ServerSource | null;
  readonly data: TSchema;
}

const Named = Type.Object({ id: Type.String(), name: Type.String() });
const Reason = nullable(Type.String());
const Fence = nullable(Type.Integer({ minimum: 1 }));

const StoredVersion = Type.Object({
  key: Type.String(),
  version: Type.Integer({ minimum: 1 }),
  hash: Type.String({ description: "SHA-256 of the value, in hex." }),
});

const LeaseData = Type.Object({
  lease_id: Type.String(),
  holder: Named,
  workspace: Type.String(),
  resources: Type.Array(Type.String()),
  mode: Type.Enum([...LEASE_MODES]),
  fence: Fence,
  task: nullable(Type.String()),
  reason: Reason,
});
export type LeaseData = Static<typeof LeaseData>;

const TaskData = Type.Object({
  task_id: Type.String(),
  workspace: Type.String(),
  title: Type.String(),
  labels: Type.Array(Type.String()),
  state: Type.Enum([...TASK_STATES]),
  holder: nullable(Named),
  fence: Fence,
  reason: Reason,
});
export type TaskData = Static<typeof TaskData>;

const DeniedData = Type.Object({
  client: Type.Enum([...HOOK_CLIENTS]),
  instance: Named,
  workspace: Type.String(),
  path: Type.String(),
  holder: nullable(Named),
  lease_id: nullable(Type.String()),
  count: Type.Integer({ minimum: 1 }),
});
export type DeniedData = Static<typeof DeniedData>;

const MessageData = Type.Object({
  message_id: Type.String(),
  thread: Type.String(),
  from: Type.String(),
  to: Type.Array(Type.String()),
  subject: Type.Optional(Type.String()),
  intent: Type.Enum([...MESSAGE_INTENTS]),
  importance: Type.Enum([...MESSAGE_IMPORTANCES]),
});
export type MessageData = Static<typeof MessageData>;

function ofLease(summary: string): ServerEvent {
  return { summary, source: "koor", data: LeaseData };
}

function ofTask(summary: string): ServerEvent {
  return { summary, source: "koor", data: TaskData };
}

export const SERVER_EVENTS: Readonly<Record<ServerTopic, ServerEvent>> = {
  "koor.state.updated": {
    summary: "A key was written or rolled back. Only with `--state-events`.",
    source: null,
    data: StoredVersion,
  },
  "koor.state.deleted": {
    summary: "A key was deleted; `version` and `hash` are of its last version. Only with `--state-events`.",
    source: null,
    data: StoredVersion,
  },
  "agent.stale": {
    summary: "An active instance fell silent, or its session ended.",
    source: "liveness-monitor",
    data: Type.Object({
      instance_id: Type.String(),
      name: Type.String(),
      workspace: Type.String(),
      stack: Type.String(),
      last_seen: Timestamp,
    }),
  },
  "agent.denied": {
    summary: "A hook denied an agent the same path for the third time in an hour, the sixth, the twelfth and so on.",
    source: "koor",
    data: DeniedData,
  },
  "radar.overlap": {
    summary: "Changes of two checkouts overlap since a report, or overlap worse; one event for each kind.",
    source: "koor",
    data: OverlapAppeared,
  },
  "radar.clear": {
    summary: "Changes of two checkouts do not overlap any more, because one of them reported again or is silent.",
    source: "koor",
    data: OverlapCleared,
  },
  "evidence.recorded": {
    summary: "A command ran, and a program or an agent reported how it ended.",
    source: "koor",
    data: ListedEvidence,
  },
  "lease.granted": ofLease("A lease was granted."),
  "lease.waiting": ofLease("A request for a lease waits; `fence` is null."),
  "lease.released": ofLease("A lease was released by its holder."),
  "lease.lost": ofLease("A lease or a waiting request ended without its holder; `reason` says why."),
  "task.created": ofTask("A task was created."),
  "task.ready": ofTask("A task became ready to be claimed."),
  "task.claimed": ofTask("A task was claimed by `holder`."),
  "task.done": ofTask("A task was completed."),
  "task.failed": ofTask("An attempt at a task failed."),
  "task.dead": ofTask("A task failed or was lost too often, and is not tried again."),
  "task.canceled": ofTask("A task was canceled."),
  "task.input_required": ofTask("The holder of a task asks a question, and the task waits for the answer."),
  "task.blocked": ofTask("A task cannot go on by itself, because one that it waits for has ended and is not done."),
  "task.unblocked": ofTask("A task that was blocked can go on again."),
  "compliance.violation": {
    summary: "A compliance run found violations of a contract.",
    source: "compliance-scheduler",
    data: Type.Object({
      instance_id: Type.String(),
      project: Type.String(),
      contract: Type.String(),
      violations: Type.Array(Violation),
    }),
  },
  "webhook.disabled": {
    summary: "A webhook was disabled. With authentication on, `url` is only the host.",
    source: "webhooks",
    data: Type.Object({
      id: Type.String(),
      url: Type.String(),
      fail_count: NonNegative,
      reason: Type.Optional(Type.String({ description: "Only after a chain of deliveries." })),
    }),
  },
  "message.sent": {
    summary: "A message was sent. With authentication on, `subject` is left out.",
    source: "koor",
    data: MessageData,
  },
  "budget.warned": { summary: "A budget is used up to its `warn_at`.", source: "koor", data: Budget },
  "budget.exhausted": { summary: "A budget is used up.", source: "koor", data: Budget },
  "budget.reset": {
    summary: "A budget in the state `warned` or `exhausted` is `ok` again, or was removed.",
    source: "koor",
    data: Budget,
  },
  "llm.limited": { summary: "A rate limit of an account was reported.", source: "koor", data: RateLimit },
  "llm.limit.ended": { summary: "A rate limit has ended, or was removed.", source: "koor", data: RateLimit },
  "llm.usage.recorded": { summary: "Usage of a language model was reported.", source: null, data: Usage },
};
