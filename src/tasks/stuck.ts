/**
 * Which blocked tasks cannot go on by themselves: they wait, directly or through others, for one that has ended and is
 * not done. Pure.
 */
import type { LiveTask } from "./task.js";

/** The tasks that have not ended; a task waits for rows that are not done only. */
export interface TaskGraph {
  byRow(row: number): LiveTask | undefined;
  /** The tasks that wait for one. */
  blockedBy(row: number): readonly LiveTask[];
}

const NONE: ReadonlySet<number> = new Set();

/**
 * The row of the nearest task because of which one cannot go on; undefined where it can.
 * @param passed rows that are known to be in nobody's way
 */
export function causeOf(
  { blockers }: Pick<LiveTask, "blockers">,
  graph: Pick<TaskGraph, "byRow">,
  passed: ReadonlySet<number> = NONE,
): number | undefined {
  const rows = new Set(blockers);
  for (const row of rows) {
    if (passed.has(row)) continue;
    const blocker = graph.byRow(row);
    if (blocker === undefined) return row;
    for (const next of blocker.blockers) rows.add(next);
  }
  return undefined;
}

/** The tasks that could go on but for one, the oldest first: when that has ended they cannot, when it is retried they can. */
export function dependentOn(row: number, graph: TaskGraph): LiveTask[] {
  const found: LiveTask[] = [];
  const rows = new Set([row]);
  for (const next of rows) {
    for (const task of graph.blockedBy(next)) {
      if (rows.has(task.row) || causeOf(task, graph, rows) !== undefined) continue;
      rows.add(task.row);
      found.push(task);
    }
  }
  return found.toSorted((a, b) => a.row - b.row);
}
