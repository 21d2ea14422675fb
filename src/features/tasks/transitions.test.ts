/** Tests that the table of transitions covers the states of a task, and equals the table in docs/tasks.md. */
import { readFileSync } from "node:fs";
import t from "tap";
import { ENDED_TASK_STATES, TASK_STATES } from "../../../schemas/tasks.js";
import { assertTransition, isPossible, TRANSITIONS, type Trigger } from "./transitions.js";

const ROWS = Object.entries(TRANSITIONS) as [Trigger, (typeof TRANSITIONS)[Trigger]][];

t.test("every state can be reached and left, but a task that is done stays so", (t) => {
  const reached = new Set<string>(ROWS.flatMap(([, { to }]) => [...to]));
  const left = new Set<string>(ROWS.flatMap(([, { from }]) => [...from]));
  for (const state of TASK_STATES) {
    t.ok(reached.has(state), `${state} is reached`);
    t.equal(left.has(state), state !== "done", `${state} is left`);
  }
  for (const state of ENDED_TASK_STATES)
    t.same(
      ROWS.filter(([trigger]) => isPossible(trigger, state)).map(([trigger]) => trigger),
      state === "done" ? [] : ["retry"],
      `out of ${state}`,
    );
  t.end();
});

t.test("a transition that the table lacks is a bug", (t) => {
  assertTransition("claim", "ready", "claimed");
  t.throws(() => assertTransition("claim", "blocked", "claimed"), /a task goes from blocked to claimed by claim/);
  t.throws(() => assertTransition("complete", "claimed", "failed"), /from claimed to failed by complete/);
  t.end();
});

t.test("the documents show the same table", (t) => {
  // The path is relative to dist/tree/src/tasks, from which this file runs.
  const page = readFileSync(new URL("../../../../../docs/tasks.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` \| ([^|]*) \| ([^|]*) \|/gm)];
  const listed = rows.map(([, trigger = "", from = "", to = ""]) => [trigger, from.trim(), to.trim()]);
  const names = (states: readonly string[]): string => states.join(", ");
  t.same(
    listed,
    ROWS.map(([trigger, { from, to }]) => [trigger, names(from), names(to)]),
  );
  t.end();
});
