/**
 * Checks the limits on tasks that have not ended. There are limits for their number, for their memory, and for the
 * number of tasks that wait for the same task. Pure.
 */
import { TASK_WAITERS_MAX, TASKS_BYTES_MAX, TASKS_MAX } from "../../../schemas/limits/tasks.js";
import { Failure, invalid } from "../../base/result.js";
import type { LiveTasks } from "./live-tasks.js";
import type { PlannedTask } from "./plan.js";

/**
 * Returns a failure if more tasks would exceed a limit; null if they fit.
 * @param tasks the number of further tasks
 * @param bytes the memory of the further tasks
 */
export function refuseMore(live: LiveTasks, tasks: number, bytes: number): Failure | null {
  if (live.size + tasks > TASKS_MAX) return new Failure("STOCK_FULL", `${TASKS_MAX} tasks have not ended`);
  return live.bytes + bytes > TASKS_BYTES_MAX
    ? new Failure("STOCK_FULL", `tasks that have not ended take ${TASKS_BYTES_MAX} bytes of memory`)
    : null;
}

/**
 * Returns a failure if too many tasks would wait for the same task. Returns null if the planned tasks are within the
 * limit.
 */
export function refuseWaiters(live: LiveTasks, planned: readonly PlannedTask[]): Failure | null {
  const waiters = new Map<number, number>();
  for (const { after, blockers } of planned) {
    for (const { id, row } of after) {
      if (!blockers.has(row)) continue;
      const count = (waiters.get(row) ?? live.waitersOf(row)) + 1;
      if (count > TASK_WAITERS_MAX) return tooManyWaiters(id);
      waiters.set(row, count);
    }
  }
  return null;
}

/** Returns the failure of a call that would add a waiter to a task that already has the maximum number. */
export function tooManyWaiters(id: string): Failure {
  return invalid(`${TASK_WAITERS_MAX} tasks wait for ${id}: have a task between wait for it, and others for that one`);
}
