/**
 * Tests the search for the cause of a stuck task. It must find the nearest cause, and examine only a limited number of
 * tasks.
 */
import t from "tap";
import { TASK_CAUSE_EDGES_MAX, TASK_CAUSES_LOOKED_AT_MAX } from "../../../schemas/limits/tasks.js";
import { CauseNotes, type WaitingTask } from "./stuck.js";

/** Creates a graph of tasks, and the notes about it. Records which tasks are read. */
function graphOf(tasks: Readonly<Record<string, readonly [WaitingTask["state"], ...string[]]>>): {
  readonly read: string[];
  readonly noteOf: (id: string) => string | null;
} {
  const read: string[] = [];
  const get = (id: string): WaitingTask | undefined => {
    const [state, ...after] = tasks[id] ?? [];
    return state === undefined ? undefined : { id, state, after: JSON.stringify(after) };
  };
  const notes = new CauseNotes((id) => {
    read.push(id);
    return get(id);
  });
  return { read, noteOf: (id) => notes.noteOf(get(id) ?? { id, state: "blocked", after: "[]" }) };
}

t.test("the nearest cause, and of equally near ones the first", (t) => {
  const { noteOf } = graphOf({
    far: ["failed"],
    near: ["canceled"],
    other: ["dead"],
    done: ["done", "far"],
    ready: ["ready"],
    on_far: ["blocked", "far"],
    task: ["blocked", "done", "ready", "on_far", "near", "other"],
    fine: ["blocked", "ready", "done"],
    pruned: ["blocked", "nobody"],
  });
  t.equal(noteOf("task"), "waits for canceled task near");
  t.equal(noteOf("on_far"), "waits for failed task far");
  t.equal(noteOf("fine"), null);
  t.equal(noteOf("pruned"), null);
  t.end();
});

t.test("a list reads each task once, and looks at a bounded number of tasks for each", (t) => {
  const WIDTH = 64;
  const layers = 30;
  const tasks: Record<string, [WaitingTask["state"], ...string[]]> = {};
  for (let layer = 0; layer < layers; layer++)
    for (let at = 0; at < WIDTH; at++)
      tasks[`${layer}-${at}`] =
        layer === 0 ? ["ready"] : ["blocked", ...Array.from({ length: WIDTH }, (_, other) => `${layer - 1}-${other}`)];
  const { read, noteOf } = graphOf(tasks);
  t.equal(noteOf(`${layers - 1}-0`), null);
  t.ok(read.length <= TASK_CAUSES_LOOKED_AT_MAX && read.length <= TASK_CAUSE_EDGES_MAX, `${read.length} read`);
  for (const id of Object.keys(tasks)) noteOf(id);
  t.ok(read.length <= Object.keys(tasks).length, `${read.length} read of ${Object.keys(tasks).length}`);
  t.end();
});

t.test("a cause that is too far away is not reported", (t) => {
  const tasks: Record<string, [WaitingTask["state"], ...string[]]> = { "0": ["canceled"] };
  for (let at = 1; at <= 2 * TASK_CAUSES_LOOKED_AT_MAX; at++) tasks[String(at)] = ["blocked", String(at - 1)];
  const { noteOf } = graphOf(tasks);
  t.equal(noteOf(String(TASK_CAUSES_LOOKED_AT_MAX)), "waits for canceled task 0");
  t.equal(noteOf(String(TASK_CAUSES_LOOKED_AT_MAX + 1)), null);
  t.end();
});
