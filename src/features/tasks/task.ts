/** Defines a task in the writer's memory. Also generates the ids of tasks, and computes delays and failures. Pure. */
import { TASK_BACKOFF_FACTOR, TASK_BACKOFF_MS, TASK_BACKOFF_MS_MAX } from "../../../schemas/limits/tasks.js";
import { ENDED_TASK_STATES, type TaskState } from "../../../schemas/tasks.js";
import { Failure, notFound } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import type { Contender } from "../claims/contention.js";
import type { Resource } from "../claims/resource.js";
import type { Claimant } from "./ready-queue.js";

/** The members of a task that change during its life. Times are in ms. */
export interface TaskLife {
  readonly state: TaskState;
  readonly priority: number;
  readonly attempts: number;
  readonly not_before: number | null;
  /** The id or name of the only instance that may claim the task. */
  readonly assignee: string | null;
  /** The id of the instance for which the task is reserved until `reserved_until`. */
  readonly reserved: string | null;
  readonly reserved_until: number;
  /** The row of the claim that holds the task. */
  readonly claim: number | null;
  readonly progress: number | null;
  readonly cancel_requested: boolean;
  /** The number of rows in the task's history. */
  readonly steps: number;
  /** The time at which the task last became ready. */
  readonly ready_at: number | null;
  readonly updated_at: number;
  readonly claimed_at: number | null;
  readonly ended_at: number | null;
}

/** The members of a task that the writer keeps in memory until the task has ended. */
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
  /** The rows of the tasks in `after` that are not done. Empty if the task is not blocked. */
  readonly blockers: Set<number>;
}

/** The members of a `TaskLife` for a task without a reservation. */
export const NOT_RESERVED = { reserved: null, reserved_until: 0 } as const;

/**
 * The mode and the scope of a task's claim. With the scope `repo`, two claims of the same files conflict even in
 * different checkouts. Without this, two tasks could change the same files, and the changes would have to be merged.
 */
export const TASK_CLAIM = { shared: false, scope: "repo" } as const;

/** Returns the members of a task's claim that decide with which other claims it conflicts. */
export function contenderForTask({ id, parent }: Pick<Claimant, "id" | "parent">): Contender {
  return { holder: id, parent, shared: TASK_CLAIM.shared, limitedTo: null };
}

const OWN_PREFIX = "task-";

/** Returns the id of a task that was created without one. */
export function ownTaskId(row: number): string {
  return `${OWN_PREFIX}${row}`;
}

/** Returns the failure for a call that names a task that does not exist. */
export function noTask(id: string): Failure {
  return notFound(`task not found: ${shorten(id)}`);
}

/** Returns the failure of a call that is not allowed in the task's state. */
export function taskIs(state: TaskState): Failure {
  return new Failure("ALREADY_EXISTS", `task is ${state}`);
}

export function hasEnded(state: TaskState): boolean {
  return (ENDED_TASK_STATES as readonly TaskState[]).includes(state);
}

/** Returns the delay in ms before the next attempt. It grows with the number of lost or failed attempts. */
export function backoffMs(attempts: number): number {
  return Math.min(TASK_BACKOFF_MS * TASK_BACKOFF_FACTOR ** (attempts - 1), TASK_BACKOFF_MS_MAX);
}

/** Returns the `not_before` of a task if it is still in the future; otherwise null. */
export function stillNotBefore({ not_before }: Pick<TaskLife, "not_before">, nowMs: number): number | null {
  return not_before !== null && not_before > nowMs ? not_before : null;
}
