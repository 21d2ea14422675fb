/** Defines the rows of the tables of tasks, and converts a stored task into a task in memory. Pure. */
import { resourcesOf } from "../claims/lease.js";
import type { TaskRow } from "./table.js";
import type { LiveTask, TaskLife } from "./task.js";

/** A row of task_life, in the order of its columns. */
export type LifeRow = [
  row: number,
  state: string,
  priority: number,
  attempts: number,
  notBefore: number | null,
  assignee: string | null,
  reserved: string | null,
  reservedUntil: number,
  claim: number | null,
  progress: number | null,
  cancelRequested: number,
  steps: number,
  readyAt: number | null,
  updatedAt: number,
  claimedAt: number | null,
  endedAt: number | null,
];

/** A row of task_history. */
export type StepRow = [
  task: number,
  step: number,
  at: number,
  actor: string,
  state: string,
  note: string | null,
  fence: number | null,
  call: string,
];

/** A row of task. */
export type NewRow = [
  row: number,
  id: string,
  workspace: string,
  title: string,
  labels: string,
  requires: string,
  resources: string,
  after: string,
  maxAttempts: number,
  ttlS: number,
  maxS: number,
  createdBy: string | null,
  createdAt: number,
  body: string,
  data: string | null,
  traceparent: string | null,
];

/** The members of a stored task that a list also shows. */
type ListedColumns =
  | ("row" | "id" | "workspace" | "title" | "labels" | "requires" | "resources")
  | ("max_attempts" | "ttl_s" | "max_s" | "created_by" | "created_at");

/** A row that the statement `STORED` selects. */
export interface StoredTask extends Omit<TaskLife, "cancel_requested">, Pick<TaskRow, ListedColumns> {
  readonly cancel_requested: number;
  /** The rows of the task's blockers, separated by commas; null if there are none. */
  readonly blockers: string | null;
}

/** Converts a stored row into a task in memory. */
export function liveTask(stored: StoredTask): LiveTask {
  const { row, id, workspace, title, labels, requires, resources, max_attempts, ttl_s, max_s } = stored;
  const { created_by, created_at, blockers, cancel_requested, state, priority, attempts, not_before } = stored;
  const { assignee, reserved, reserved_until, claim, progress, steps, ready_at } = stored;
  const { updated_at, claimed_at, ended_at } = stored;
  return {
    row,
    id,
    workspace,
    title,
    labels: JSON.parse(labels) as string[],
    requires: JSON.parse(requires) as string[],
    resources: resourcesOf(JSON.parse(resources) as string[], workspace),
    max_attempts,
    ttl_s,
    max_s,
    created_by,
    created_at,
    blockers: new Set(blockers === null ? [] : blockers.split(",").map(Number)),
    life: {
      state,
      priority,
      attempts,
      not_before,
      assignee,
      reserved,
      reserved_until,
      claim,
      progress,
      cancel_requested: cancel_requested === 1,
      steps,
      ready_at,
      updated_at,
      claimed_at,
      ended_at,
    },
  };
}

/**
 * The beginning of each SELECT of a StoredTask. The caller adds the tables, which must be `task t` and `task_life l`.
 */
export const STORED = `SELECT t.row, t.id, t.workspace, t.title, t.labels, t.requires, t.resources, t.max_attempts, t.ttl_s,
  t.max_s, t.created_by, t.created_at, l.*,
  (SELECT group_concat(b.row) FROM json_each(t.after) j CROSS JOIN task o ON o.id = j.value
   CROSS JOIN task_life b ON b.row = o.row WHERE l.state = 'blocked' AND b.state <> 'done') AS blockers`;
