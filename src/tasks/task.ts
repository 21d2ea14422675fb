/** A task as the writer has it in memory, its id, and what it may do next. Pure. */
import { TASK_BACKOFF_FACTOR, TASK_BACKOFF_MS, TASK_BACKOFF_MS_MAX } from "../../schemas/limits.js";
import { ENDED_TASK_STATES, type TaskState } from "../../schemas/tasks.js";
import { Failure, notFound } from "../base/result.js";
import type { Resource } from "../claims/resource.js";

/** What of a task changes while it is worked on; times in ms. */
export interface TaskLife {
  readonly state: TaskState;
  readonly priority: number;
  readonly attempts: number;
  readonly not_before: number | null;
  /** Id or name of the only instance that may claim it. */
  readonly assignee: string | null;
  /** The instance for which it is kept until `reserved_until`. */
  readonly reserved: string | null;
  readonly reserved_until: number;
  /** The row of the claim by which it is held. */
  readonly claim: number | null;
  readonly progress: number | null;
  readonly cancel_requested: boolean;
  /** How many rows its history has. */
  readonly steps: number;
  /** Since when it is ready, or was last. */
  readonly ready_at: number | null;
  readonly updated_at: number;
  readonly claimed_at: number | null;
  readonly ended_at: number | null;
}

/** What of a task the writer knows by heart, while it has not ended. */
export interface LiveTask {
  readonly row: number;
  readonly id: string;
  readonly workspace: string;
  title: string;
  labels: readonly string[];
  readonly requires: readonly string[];
  readonly resources: readonly Resource[];
  readonly max_attempts: number;
  readonly ttl_s: number;
  readonly max_s: number;
  readonly created_by: string | null;
  readonly created_at: number;
  life: TaskLife;
  /** Rows of the tasks that it waits for and that are not done; empty unless it is blocked. */
  readonly blockers: Set<number>;
}

const OWN_PREFIX = "task-";

/** The id of a task that was given none. */
export function ownTaskId(row: number): string {
  return `${OWN_PREFIX}${row}`;
}

/** The refusal of every call that names a task which there is not. */
export function noTask(id: string): Failure {
  return notFound(`task not found: ${id}`);
}

/** The refusal of a call that the task's state does not allow. */
export function taskIs(state: TaskState): Failure {
  return new Failure("ALREADY_EXISTS", `task is ${state}`);
}

export function hasEnded(state: TaskState): boolean {
  return (ENDED_TASK_STATES as readonly TaskState[]).includes(state);
}

/** How long a task waits that was lost or has failed so often, in ms. */
export function backoffMs(attempts: number): number {
  return Math.min(TASK_BACKOFF_MS * TASK_BACKOFF_FACTOR ** (attempts - 1), TASK_BACKOFF_MS_MAX);
}

/** The time before which a task may not be claimed, where that is still to come. */
export function stillNotBefore({ not_before }: Pick<TaskLife, "not_before">, now_ms: number): number | null {
  return not_before !== null && not_before > now_ms ? not_before : null;
}
