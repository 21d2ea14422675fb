/**
 * Tests which tasks are stuck while tasks are added, ended and retried. The expected result comes from a search of the
 * whole graph. Also counts the tasks that are examined.
 */
import * as fc from "fast-check";
import t from "tap";
import { liveTask } from "../../../test/support/live-task.js";
import { must } from "../../base/assert.js";
import { LiveTasks } from "./live-tasks.js";
import type { LiveTask } from "./task.js";

function makeTask(row: number, blockers: Set<number>): LiveTask {
  return liveTask(row, `t${row}`, blockers, { priority: 0, state: blockers.size > 0 ? "blocked" : "ready" });
}

/**
 * Finds the stuck tasks by a walk through the graph. A task is stuck if it waits, directly or through others, for a
 * task that does not exist.
 */
function stuckByWalk(tasks: ReadonlyMap<number, LiveTask>): number[] {
  const isLost = (row: number): boolean => {
    const task = tasks.get(row);
    return task === undefined || [...task.blockers].some(isLost);
  };
  return [...tasks.values()].filter(({ blockers }) => [...blockers].some(isLost)).map(({ row }) => row);
}

const TASKS = 14;
const byRow = (a: number, b: number): number => a - b;

t.test("tasks are added, lost and retried in any order", (t) => {
  const graph = fc.array(fc.uniqueArray(fc.nat({ max: TASKS - 1 }), { maxLength: 4 }), {
    minLength: TASKS,
    maxLength: TASKS,
  });
  const changedRows = fc.array(fc.nat({ max: TASKS - 1 }), { maxLength: 30 });
  let met = 0;
  const property = fc.property(graph, changedRows, fc.boolean(), (after, rows, reversed) => {
    const live = new LiveTasks();
    const there = new Map<number, LiveTask>();
    // Make tasks that wait only for tasks with smaller rows, so that there is no cycle.
    const make = (row: number): LiveTask => makeTask(row, new Set(after[row]?.filter((other) => other < row)));
    const all = Array.from({ length: TASKS }, (_, row) => make(row));
    for (const task of reversed ? all.toReversed() : all) {
      live.add(task, 0);
      there.set(task.row, task);
    }
    live.findStuck(all);
    for (const row of rows) {
      const before = new Set(stuckByWalk(there));
      const task = there.get(row);
      if (task !== undefined) {
        // Now the task ends without being done.
        const wasStuck = live.isStuck(task);
        live.remove(task);
        there.delete(row);
        const lost = wasStuck ? [] : live.lose(row);
        const expected = stuckByWalk(there).filter((other) => !before.has(other));
        if (JSON.stringify(lost.map((one) => one.row)) !== JSON.stringify(expected.toSorted((a, b) => a - b)))
          return false;
        met += lost.length;
      } else {
        const retried = make(row);
        live.add(retried, 0);
        there.set(row, retried);
        const regained = live.isStuck(retried) ? [] : live.regain(row);
        const now = new Set(stuckByWalk(there));
        const expected = [...before].filter((other) => !now.has(other)).toSorted((a, b) => a - b);
        if (JSON.stringify(regained.map((one) => one.row)) !== JSON.stringify(expected)) return false;
      }
      const stuck = [...there.values()].filter((one) => live.isStuck(one)).map((one) => one.row);
      if (stuck.toSorted(byRow).join() !== stuckByWalk(there).toSorted(byRow).join()) return false;
    }
    // After a rollback of single tasks, all stuck tasks must be found again.
    live.rolledBack();
    return [...there.values()].filter((one) => live.isStuck(one)).length === stuckByWalk(there).length;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
  t.ok(met > 100, `${met} tasks were stuck`);
  t.end();
});

t.test("a task costs its own blockers, however many blockers those have", (t) => {
  const LAYERS = 40;
  const WIDTH = 64;
  let looked = 0;
  class Counted extends Set<number> {
    override *[Symbol.iterator](): SetIterator<number> {
      for (const row of super[Symbol.iterator]()) {
        looked += 1;
        yield row;
      }
    }
  }
  const live = new LiveTasks();
  for (let layer = 0; layer < LAYERS; layer++) {
    const made = Array.from({ length: WIDTH }, (_, at) => {
      const rows = layer === 0 ? [] : Array.from({ length: WIDTH }, (_each, other) => (layer - 1) * WIDTH + other);
      return makeTask(layer * WIDTH + at, new Counted(rows));
    });
    for (const task of made) live.add(task, 0);
    live.findStuck(made);
  }
  const edges = (LAYERS - 1) * WIDTH * WIDTH;
  t.ok(looked <= 4 * edges, `${looked} looks at ${edges} edges`);
  looked = 0;
  const first = must(live.byRow(0), "it exists");
  live.remove(first);
  t.equal(live.lose(0).length, (LAYERS - 1) * WIDTH, "all others wait for it");
  t.ok(looked <= edges);
  t.end();
});
