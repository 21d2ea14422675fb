/** Finds tasks that ask a question. Their agents have stopped working on them until the question is answered. */
import { getJson } from "../../../api/client.js";
import type { Loader } from "../../../api/resource.js";
import { changeTask, mayChange, openQuestions } from "../../../api/tasks.js";
import type { ListedTask, Task } from "../../../api/types.js";
import { addressOf } from "../../../base/address.js";
import { apiPath } from "../../../base/path.js";
import { Agent } from "../../../parts/agent.js";
import { oldestFirst, sourceOf, type Item } from "../source.js";

/**
 * The maximum number of questions whose authors are looked up. Each takes a request, because a listed task does not
 * name the agent that asks, and has no holder any more.
 */
const ASKERS_MAX = 10;

/** A task that asks a question. `asker` is the actor that asks, if it was looked up. */
interface AskingTask extends ListedTask {
  readonly asker?: string | undefined;
}

const ASKING: Loader<readonly AskingTask[]> = {
  key: "questions",
  kinds: ["task"],
  gapMsMin: 1_000,
  fetch: async (signal, held = []) => {
    const { input_required = [] } = await openQuestions.fetch(signal);
    const withAsker = async (task: ListedTask, at: number): Promise<AskingTask> => {
      const known = held.find(({ id, updated_at }) => id === task.id && updated_at === task.updated_at);
      if (known !== undefined || at >= ASKERS_MAX) return known ?? task;
      const { history } = await getJson<Task>(apiPath("tasks", task.id), signal);
      return { ...task, asker: history.findLast(({ state }) => state === "input_required")?.actor };
    };
    return Promise.all(input_required.map(withAsker));
  },
};

function itemOf(task: AskingTask): Item {
  const { id, title, question, asker, updated_at, workspace } = task;
  return {
    key: id,
    name: title,
    address: addressOf("tasks", id),
    line: (
      <>
        {asker === undefined ? "Its agent" : <Agent id={asker} />} asks: {question ?? ""}
      </>
    ),
    why: `The work ${workspace === "" ? "" : `in ${workspace} `}stops until the question is answered.`,
    since: updated_at,
    tone: "bad",
    actions: [
      {
        text: "Answer",
        kind: "primary",
        may: mayChange(task),
        run: (answer) => changeTask(id, "answer", { answer }),
        done: `Task ${id} answered`,
        ask: { title: `Answer ${id}`, words: question ?? "", field: { label: "Answer", long: true } },
      },
    ],
  };
}

export const QUESTIONS = sourceOf<readonly AskingTask[]>({
  title: "Questions",
  address: addressOf("tasks"),
  none: "no task asks a question",
  loader: ASKING,
  itemsOf: (tasks) => oldestFirst(tasks.map(itemOf)),
});
