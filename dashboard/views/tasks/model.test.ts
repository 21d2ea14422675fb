/** The board: columns and their order. */
import t from "tap";
import { TASK_STATES } from "../../../schemas/tasks.js";
import type { ListedTask, TaskState } from "../../api/types.js";
import { columnsOf, formatState, STATES } from "./model.js";

function task(id: string, state: TaskState, more: Partial<ListedTask> = {}): ListedTask {
  return {
    id,
    workspace: "w",
    title: id,
    labels: [],
    requires: [],
    resources: [],
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

const at = (minute: number): string => new Date(Date.UTC(2026, 1, 9, 14, minute)).toISOString();

t.test("every state has its column", (t) => {
  t.same(STATES.toSorted(), [...TASK_STATES].sort());
  t.equal(formatState("input_required"), "input required");
  t.end();
});

t.test("the next task is first, and ended tasks are sorted by their end", (t) => {
  const columns = columnsOf(
    {
      ready: [
        task("late", "ready", { created_at: at(9) }),
        task("early", "ready", { created_at: at(1) }),
        task("urgent", "ready", { priority: 9, created_at: at(5) }),
      ],
      done: [task("done", "done", { updated_at: at(3) })],
      dead: [task("dead", "dead", { updated_at: at(8) })],
      canceled: [task("canceled", "canceled", { updated_at: at(1) })],
    },
    3,
  );
  t.same(
    columns.map(({ title, tasks, cut }) => [title, cut, ...tasks.map(({ id }) => id)]),
    [
      ["Blocked", false],
      ["Ready", true, "urgent", "early", "late"],
      ["Claimed", false],
      ["Asks", false],
      ["Ended", false, "dead", "done", "canceled"],
    ],
  );
  t.end();
});
