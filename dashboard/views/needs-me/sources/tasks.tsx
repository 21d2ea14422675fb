/** Finds tasks that ask a question, and dead tasks, which have used up their attempts. */
import { changeTask, tasksLoader, type TasksByState } from "../../../api/tasks.js";
import type { ListedTask } from "../../../api/types.js";
import { addressOf } from "../../../base/address.js";
import { oldestFirst, sourceOf, type Item } from "../source.js";

const TASKS_MAX = 100;

function itemOf({ id, title, state, question, error, attempts, updated_at }: ListedTask): Item {
  const dead = state === "dead";
  return {
    key: id,
    name: title,
    address: addressOf("tasks", id),
    line: dead ? `Dead after ${attempts} attempts: ${error ?? ""}` : `Asks: ${question ?? ""}`,
    since: updated_at,
    tone: dead ? "bad" : "note",
    // A question has no action here, because the user writes the answer on the task's page.
    actions: dead ? [{ text: "Retry", run: () => changeTask(id, "retry"), done: `Task ${id} ready again` }] : [],
  };
}

export const TASKS = sourceOf<TasksByState>({
  title: "Tasks",
  address: addressOf("tasks"),
  none: "no task asks a question or is dead",
  loader: tasksLoader(["input_required", "dead"], {}, TASKS_MAX),
  itemsOf: ({ input_required = [], dead = [] }) => oldestFirst([...input_required, ...dead].map(itemOf)),
});
