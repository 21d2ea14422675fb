/** Makes a task as a list contains it, for tests of code that shows tasks. */
import type { ListedTask, TaskState } from "../../dashboard/api/types.js";

/** Returns a task of the workspace `w` with priority 5; `more` replaces members. */
export function listedTask(id: string, state: TaskState, more: Partial<ListedTask> = {}): ListedTask {
  return {
    id,
    workspace: "w",
    title: id,
    labels: [],
    requires: [],
    resources: [],
    requires_evidence: [],
    priority: 5,
    after: [],
    state,
    attempts: 0,
    max_attempts: 3,
    ttl_s: 600,
    max_s: 14_400,
    not_before: null,
    assignee: null,
    holder: null,
    fence: null,
    lease: null,
    progress: null,
    note: null,
    checkpoint: null,
    cancel_requested: false,
    question: null,
    answer: null,
    error: null,
    created_by: null,
    created_at: "2026-02-09T14:30:00Z",
    updated_at: "2026-02-09T14:30:00Z",
    claimed_at: null,
    ended_at: null,
    ...more,
  };
}
