/** Finds tasks that ask a question. Their agents have stopped working on them until the question is answered. */
import { changeTask, mayChange, openQuestions, type TasksByState } from "../../../api/tasks.js";
import type { ListedTask } from "../../../api/types.js";
import { addressOf } from "../../../base/address.js";
import { Agent } from "../../../parts/agent.js";
import { oldestFirst, sourceOf, type Item } from "../source.js";

function itemOf(task: ListedTask): Item {
  const { id, title, question, asked_by, updated_at, workspace } = task;
  return {
    key: id,
    name: title,
    address: addressOf("tasks", id),
    line: (
      <>
        {asked_by === undefined ? "Its agent" : <Agent id={asked_by} />} asks: {question ?? ""}
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

export const QUESTIONS = sourceOf<TasksByState>({
  title: "Questions",
  address: addressOf("tasks"),
  none: "no task asks a question",
  loader: openQuestions,
  itemsOf: ({ input_required = [] }) => oldestFirst(input_required.map(itemOf)),
});
