/** Makes a task as the writer holds it in memory, with default values. */
import type { LiveTask } from "../../src/features/tasks/task.js";

/** The fields of a task's life cycle, from its creation until its first claim. */
const NEW_LIFE: LiveTask["life"] = {
  state: "ready",
  priority: 5,
  attempts: 0,
  not_before: null,
  assignee: null,
  reserved: null,
  reserved_until: 0,
  claim: null,
  progress: null,
  cancel_requested: false,
  steps: 1,
  ready_at: null,
  updated_at: 0,
  claimed_at: null,
  ended_at: null,
};

/** @param blockers the rows of the tasks for which it waits. The task keeps and changes this set */
export function liveTask(row: number, id: string, blockers: Set<number>, life: Partial<LiveTask["life"]>): LiveTask {
  return {
    row,
    id,
    workspace: "",
    title: "t",
    labels: [],
    requires: [],
    resources: [],
    max_attempts: 3,
    ttl_s: 60,
    max_s: 60,
    created_by: null,
    created_at: 0,
    blockers,
    life: { ...NEW_LIFE, ...life },
  };
}
