/** Encodes tasks as JSON texts, in the form that clients see. Pure. */
import type { Static } from "typebox";
import type { RequiredEvidence } from "../../../schemas/evidence.js";
import { formatTime } from "../../base/time.js";
import { leaseId } from "../claims/lease.js";
import type { HistoryRow, TaskRow, WholeTaskRow } from "./table.js";

/** The records of a task's required commands, in the form that clients see. */
export interface ShownEvidence {
  readonly evidence: readonly Static<typeof RequiredEvidence>[];
  /** The time of the last edit that made a record stale, in ms; null if there was none. */
  readonly editedMs: number | null;
}

/** The JSON text of an empty array in the database. */
const NONE = "[]";

function timeOrNull(timeMs: number | null): string {
  return timeMs === null ? "null" : `"${formatTime(timeMs)}"`;
}

/** Returns the JSON text of a task without its closing brace, so that members can be appended. */
function encodeOpen(task: TaskRow): string {
  const { id, workspace, title, labels, requires, resources, priority, after, state, attempts } = task;
  const { claim, fence, holder, holder_name, checkpoint } = task;
  const held = holder === null ? "null" : `{"id":${JSON.stringify(holder)},"name":${JSON.stringify(holder_name)}}`;
  const lease = claim === null || resources === NONE ? "null" : `"${leaseId(claim)}"`;
  return (
    `{"id":"${id}","workspace":${JSON.stringify(workspace)},"title":${JSON.stringify(title)},"labels":${labels}` +
    `,"requires":${requires},"resources":${resources},"requires_evidence":${task.requires_evidence}` +
    `,"priority":${priority},"after":${after},"state":"${state}"` +
    `,"attempts":${attempts},"max_attempts":${task.max_attempts},"ttl_s":${task.ttl_s},"max_s":${task.max_s}` +
    `,"not_before":${timeOrNull(task.not_before)},"assignee":${JSON.stringify(task.assignee)},"holder":${held}` +
    `,"fence":${fence},"lease":${lease},"progress":${task.progress},"note":${JSON.stringify(task.note)}` +
    `,"checkpoint":${checkpoint},"cancel_requested":${task.cancel_requested === 1}` +
    `,"question":${JSON.stringify(task.question)},"answer":${JSON.stringify(task.answer)}` +
    `,"error":${JSON.stringify(task.error)},"created_by":${JSON.stringify(task.created_by)}` +
    `,"created_at":"${formatTime(task.created_at)}","updated_at":"${formatTime(task.updated_at)}"` +
    `,"claimed_at":${timeOrNull(task.claimed_at)},"ended_at":${timeOrNull(task.ended_at)}` +
    (task.asked_by === null ? "" : `,"asked_by":${JSON.stringify(task.asked_by)}`) +
    (task.traceparent === null ? "" : `,"traceparent":"${task.traceparent}"`)
  );
}

function encodeWholeOpen(task: WholeTaskRow): string {
  return `${encodeOpen(task)},"body":${JSON.stringify(task.body)},"data":${task.data},"result":${task.result}`;
}

/** Encodes a task in the form that lists have. */
export function encodeTask(task: TaskRow): string {
  return `${encodeOpen(task)}}`;
}

export function encodeWholeTask(task: WholeTaskRow): string {
  return `${encodeWholeOpen(task)}}`;
}

export function encodeTaskWithHistory(
  task: WholeTaskRow,
  history: readonly HistoryRow[],
  dependents: readonly string[],
  { evidence, editedMs }: ShownEvidence,
): string {
  const steps = history.map(({ at, actor, state, note }) => JSON.stringify({ at: formatTime(at), actor, state, note }));
  return (
    `${encodeWholeOpen(task)},"history":[${steps.join(",")}],"dependents":${JSON.stringify(dependents)}` +
    `,"evidence":${JSON.stringify(evidence)},"edited_at":${timeOrNull(editedMs)}}`
  );
}
