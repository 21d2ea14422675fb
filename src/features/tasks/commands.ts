/**
 * Declares the writer methods of tasks. They call the registry, which decides how each call changes a task
 * (task-registry.ts). Runs in the writer thread.
 */
import {
  AnswerRequest,
  CancelRequest,
  ClaimTaskReply,
  ClaimTaskRequest,
  CreateTasksReply,
  CreateTasksRequest,
  EndTaskRequest,
  MarkEditedReply,
  MarkEditedRequest,
  PatchRequest,
  ProgressReply,
  ProgressRequest,
  PruneTasksReply,
  PruneTasksRequest,
  RetryRequest,
  TaskChanged,
} from "../../../schemas/tasks.js";
import { TASK_PRUNE_ROWS } from "../../../schemas/limits/tasks.js";
import { CHANGES_CLAIMS } from "../claims/commands.js";
import { weightOf } from "../../platform/rpc/method.js";
import { changes, reportAny, reportKeys } from "../../platform/threads/changes.js";
import { noDetail, resourceId, writerMethod } from "../../platform/threads/writer-method.js";
import { taskRegistry } from "./task-registry.js";
import type { EndingVerb } from "./outcome.js";

/** The `resource` in the audit row of a call that creates more than one task. */
const SEVERAL = "several";

/** The options that most methods of this file share. */
const common = {
  models: { registry: taskRegistry },
  weight: weightOf,
  changes: CHANGES_CLAIMS,
  family: "claims",
} as const;

function hasChanged({ changed }: TaskChanged): boolean {
  return changed;
}

export const createTasks = writerMethod({
  ...common,
  name: "task.create",
  request: CreateTasksRequest,
  reply: CreateTasksReply,
  rows: ({ tasks }) => tasks.length,
  audit: {
    action: "task.create",
    resource: ({ tasks = [] }, reply) => {
      const [first, ...others] = reply?.made ?? tasks.map(({ id }) => id ?? "");
      return others.length > 0 ? SEVERAL : (first ?? "");
    },
    writesRow: ({ made }) => made.length > 0,
    detail: (_request, { made }) => JSON.stringify({ tasks: made.length }),
  },
  run: ({ registry }, request, call) => registry.create(request, call),
});

export const claimTask = writerMethod({
  ...common,
  name: "task.claim",
  request: ClaimTaskRequest,
  reply: ClaimTaskReply,
  audit: {
    action: "task.claim",
    resource: ({ id = null }, reply) => reply?.task?.id ?? id ?? "",
    writesRow: ({ made }) => made,
    detail: noDetail,
  },
  run: ({ registry }, request, call) => registry.claim(request, call),
});

/** Records a heartbeat of the task's holder, and stores the progress that the holder reports, if any. */
export const reportProgress = writerMethod({
  ...common,
  name: "task.progress",
  request: ProgressRequest,
  reply: ProgressReply,
  audit: null,
  run: ({ registry }, request, call) => registry.progress(request, call),
});

/**
 * Returns the writer method of one of the four calls by which a holder ends its claim. The methods differ only in the
 * verb, which is also their name in the audit log.
 */
function endingBy(verb: EndingVerb) {
  return writerMethod({
    ...common,
    name: `task.${verb}`,
    request: EndTaskRequest,
    reply: TaskChanged,
    audit: {
      action: `task.${verb}`,
      resource: resourceId,
      writesRow: hasChanged,
      detail: verb === "fail" ? ({ retry }) => JSON.stringify({ retry }) : noDetail,
    },
    run: ({ registry }, request, call) => registry.end(verb, request, call),
  });
}

export const completeTask = endingBy("complete");
export const failTask = endingBy("fail");
export const releaseTask = endingBy("release");
export const askAboutTask = endingBy("ask");

export const answerTask = writerMethod({
  ...common,
  name: "task.answer",
  request: AnswerRequest,
  reply: TaskChanged,
  audit: { action: "task.answer", resource: resourceId, writesRow: hasChanged, detail: noDetail },
  run: ({ registry }, request, call) => registry.answer(request, call),
});

export const cancelTask = writerMethod({
  ...common,
  name: "task.cancel",
  request: CancelRequest,
  reply: TaskChanged,
  audit: {
    action: "task.cancel",
    resource: resourceId,
    writesRow: hasChanged,
    detail: ({ reason }) => JSON.stringify({ reason }),
  },
  run: ({ registry }, request, call) => registry.cancel(request, call),
});

export const retryTask = writerMethod({
  ...common,
  name: "task.retry",
  request: RetryRequest,
  reply: TaskChanged,
  audit: { action: "task.retry", resource: resourceId, writesRow: hasChanged, detail: noDetail },
  run: ({ registry }, request, call) => registry.retry(request, call),
});

export const patchTask = writerMethod({
  ...common,
  name: "task.update",
  request: PatchRequest,
  reply: TaskChanged,
  audit: {
    action: "task.update",
    resource: resourceId,
    writesRow: hasChanged,
    detail: ({ id: _id, owns: _owns, body, ...patch }) =>
      JSON.stringify({ ...patch, ...(body === undefined ? {} : { body: "changed" }) }),
  },
  run: ({ registry }, request, call) => registry.patch(request, call),
});

/**
 * Records that a task's holder has edited a file. The task's evidence so far (records of passed commands) becomes
 * stale.
 */
export const markEdited = writerMethod({
  ...common,
  name: "task.edited",
  request: MarkEditedRequest,
  reply: MarkEditedReply,
  audit: null,
  changes: [
    changes("task", ({ id }: MarkEditedRequest, { changed }: MarkEditedReply) => (changed ? reportKeys([id]) : [])),
  ],
  run: ({ registry }, request, call) => registry.markEdited(request, call),
});

export const pruneTasks = writerMethod({
  ...common,
  name: "task.prune",
  request: PruneTasksRequest,
  reply: PruneTasksReply,
  weight: () => 0,
  audit: null,
  changes: [
    changes("task", (_request: PruneTasksRequest, { removed }: PruneTasksReply) => (removed === 0 ? [] : reportAny())),
  ],
  run: ({ registry }, { after, ended_before }) => registry.prune(after, ended_before, TASK_PRUNE_ROWS),
});
