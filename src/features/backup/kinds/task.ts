/**
 * The kind of records for tasks, and the kinds for the rows of a task in other tables. These kinds are `task_life` (its
 * state), `task_text` (its note, question, result and so on), `task_evidence` (the commands that it requires),
 * `task_after` (the tasks that wait for it) and `task_history`. A snapshot contains all of them unchanged. A task that
 * was claimed in the snapshot is ready after the restore, because its claim ends
 * (src/features/claims/claim-registry.ts).
 */
import { TASK_PRIORITY_MAX } from "../../../../schemas/limits/tasks.js";
import { TASK_ID, TASK_STATES } from "../../../../schemas/tasks.js";
import { TRACEPARENT } from "../../../../schemas/traceparent.js";
import type { SnapshotRecord } from "../kind.js";
import { resourcesProblem } from "./lease.js";
import { COUNTED, isList, JSON_VALUE, nullable, rowKind, sparse, SWITCH, TEXT, TIME, WHOLE } from "./rows.js";

const LISTS = ["labels", "requires", "resources", "after"] as const;
const STATE_REFUSAL = `state must be one of ${TASK_STATES.join(", ")}`;

/**
 * Checks the values of a task's members. Their types have already been checked. Returns an error text, or an empty list
 * if the values are valid. Code that reads tasks from the database relies on these checks.
 */
function problemOf(members: SnapshotRecord["members"]): string | readonly [] {
  if (!TASK_ID.test(String(members["id"]))) return "id is none of a task";
  const { traceparent } = members;
  if (typeof traceparent === "string" && !TRACEPARENT.test(traceparent)) return "traceparent is none of version 00";
  const wrong = LISTS.find((name) => !isList(members[name]));
  if (wrong !== undefined) return `${wrong} must be an array of text`;
  return resourcesProblem(members);
}

function stateProblem({ state }: SnapshotRecord["members"]): string | readonly [] {
  return TASK_STATES.some((known) => known === state) ? [] : STATE_REFUSAL;
}

export const TASK_KIND = rowKind({
  name: "task",
  table: "task",
  columns: {
    row: COUNTED,
    id: TEXT,
    workspace: TEXT,
    title: TEXT,
    labels: JSON_VALUE,
    requires: JSON_VALUE,
    resources: JSON_VALUE,
    after: JSON_VALUE,
    max_attempts: WHOLE,
    ttl_s: WHOLE,
    max_s: WHOLE,
    created_by: nullable(TEXT),
    created_at: TIME,
    body: TEXT,
    data: nullable(JSON_VALUE),
    traceparent: sparse(TEXT),
  },
  complete: problemOf,
  order: "row",
});

export const TASK_LIFE_KIND = rowKind({
  name: "task_life",
  table: "task_life",
  columns: {
    row: COUNTED,
    state: TEXT,
    priority: WHOLE,
    attempts: WHOLE,
    not_before: nullable(TIME),
    assignee: nullable(TEXT),
    reserved: nullable(TEXT),
    reserved_until: TIME,
    claim: nullable(COUNTED),
    progress: nullable(COUNTED),
    cancel_requested: SWITCH,
    steps: COUNTED,
    ready_at: nullable(TIME),
    updated_at: TIME,
    claimed_at: nullable(TIME),
    ended_at: nullable(TIME),
  },
  complete: (members) =>
    Number(members["priority"]) > TASK_PRIORITY_MAX
      ? `priority must be at most ${TASK_PRIORITY_MAX}`
      : stateProblem(members),
  order: "row",
});

export const TASK_TEXT_KIND = rowKind({
  name: "task_text",
  table: "task_text",
  columns: {
    row: COUNTED,
    note: nullable(TEXT),
    question: nullable(TEXT),
    answer: nullable(TEXT),
    error: nullable(TEXT),
    checkpoint: nullable(JSON_VALUE),
    result: nullable(JSON_VALUE),
  },
  order: "row",
});

export const TASK_EVIDENCE_KIND = rowKind({
  name: "task_evidence",
  table: "task_evidence",
  columns: { row: COUNTED, commands: JSON_VALUE, edited_at: nullable(TIME), stale_to: COUNTED },
  complete: ({ commands }) => (isList(commands) ? [] : "commands must be an array of text"),
  order: "row",
});

export const TASK_AFTER_KIND = rowKind({
  name: "task_after",
  table: "task_after",
  columns: { on_task: COUNTED, task: COUNTED },
  order: "on_task, task",
});

export const TASK_HISTORY_KIND = rowKind({
  name: "task_history",
  table: "task_history",
  columns: {
    task: COUNTED,
    step: COUNTED,
    at: TIME,
    actor: TEXT,
    state: TEXT,
    note: nullable(TEXT),
    fence: nullable(COUNTED),
    call: TEXT,
  },
  complete: stateProblem,
  order: "task, step",
});
