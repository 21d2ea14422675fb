/** Tests the board: its columns and their order, and who asked and answered a question. */
import t from "tap";
import { TASK_STATES } from "../../../schemas/tasks.js";
import { listedTask as task } from "../../../test/support/listed-task.js";
import { columnsOf, exchangeOf, formatState, STATES } from "./model.js";

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

t.test("the last question and its answer have the actors of their steps", (t) => {
  const step = (state: "claimed" | "input_required" | "ready", actor: string, minute: number) => ({
    at: at(minute),
    actor,
    state,
    note: null,
  });
  const history = [
    step("claimed", "ana", 1),
    step("input_required", "ana", 2),
    step("ready", "dashboard", 3),
    step("claimed", "bob", 4),
    step("input_required", "bob", 5),
  ];
  const open = exchangeOf({ history, answer: null });
  t.equal(open.asked?.actor, "bob");
  t.equal(open.answered, undefined);
  const closed = exchangeOf({ history: [...history, step("ready", "eve", 6)], answer: "yes" });
  t.same([closed.asked?.at, closed.answered?.actor], [at(5), "eve"]);
  t.same(exchangeOf({ history: history.slice(0, 1), answer: null }), { asked: undefined, answered: undefined });
  t.end();
});
