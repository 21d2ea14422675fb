/** Finds dead tasks, which have used up their attempts. Tasks that died of the same error are one row. */
import { changeTask, mayChange, tasksLoader, type TasksByState } from "../../../api/tasks.js";
import type { ListedTask } from "../../../api/types.js";
import { addressOf } from "../../../base/address.js";
import { plural } from "../../../base/format.js";
import { earliest, repeatsOf, type Repeats } from "../repeats.js";
import { oldestFirst, sourceOf, type Item } from "../source.js";

const TASKS_MAX = 100;

function itemOf(tasks: Repeats<ListedTask>): Item {
  const [{ id, title, error, attempts, updated_at }, ...others] = tasks;
  const several = others.length > 0;
  return {
    key: id,
    name: several ? `${title} and ${others.length} more` : title,
    address: several ? addressOf("tasks") : addressOf("tasks", id),
    ...(several ? { count: tasks.length } : {}),
    line: `Dead after ${plural(attempts, "attempt")}${error === null ? "" : `: ${error}`}`,
    why: "No agent tries again by itself, and tasks that depend on it stay blocked.",
    since: earliest([updated_at, ...others.map((task) => task.updated_at)]),
    tone: "bad",
    actions: [
      {
        text: several ? "Retry all" : "Retry",
        may: tasks.every(mayChange),
        run: () => Promise.all(tasks.map((task) => changeTask(task.id, "retry"))),
        done: several ? `${tasks.length} tasks ready again` : `Task ${id} ready again`,
      },
    ],
  };
}

export const DEAD_TASKS = sourceOf<TasksByState>({
  title: "Dead tasks",
  address: addressOf("tasks"),
  none: "no task is dead",
  loader: tasksLoader(["dead"], {}, TASKS_MAX),
  itemsOf: ({ dead = [] }) =>
    oldestFirst(repeatsOf(dead, ({ id, error, attempts }) => `${attempts} ${error ?? id}`).map(itemOf)),
});
