/**
 * Plans the tasks that one call creates. It resolves each `after`, which names tasks by id or by array position (`#0`).
 * It finds every error before the first task is created, because a call creates all of its tasks or none. Pure.
 */
import type { NewTask } from "../../../schemas/tasks.js";
import type { TaskState } from "../../../schemas/tasks.js";
import { must } from "../../base/assert.js";
import { Failure, invalid } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import { ownTaskId } from "./task.js";

/** An existing task. */
export interface KnownTask {
  readonly row: number;
  readonly state: TaskState;
}

/**
 * A task of a call. If `task` is null, the task exists already. An earlier attempt of the call has created it, or the
 * request asks for an existing task by its id.
 */
export interface PlannedTask {
  readonly row: number;
  readonly id: string;
  /** The task to create; null if the task exists already. */
  readonly task: NewTask | null;
  /** The tasks for which this task waits, without duplicates, in the order of the request. */
  readonly after: readonly { readonly id: string; readonly row: number }[];
  /** The rows of the tasks in `after` that are not done. */
  readonly blockers: Set<number>;
}

export interface PlanContext {
  readonly lastRow: number;
  /** Finds a task by its id. */
  find(id: string): KnownTask | undefined;
  /**
   * Returns the id of the task that an earlier attempt of the same call created; undefined if there was none. Returns a
   * Failure if the request_id was used for another call.
   */
  made(requestId: string | null, hash?: string): string | undefined | Failure;
}

/** A task of the request's array during planning. */
interface PlanSlot {
  /** The task's position in the array. */
  readonly at: number;
  readonly row: number;
  readonly id: string;
  readonly task: NewTask | null;
}

/** The first character of an entry of `after` that refers to an array position (`#0`). No id begins with it. */
export const POSITION_SIGN = "#";
const POSITION = /^#(0|[1-9]\d*)$/;
/** The maximum number of ids that the message about a cycle lists. */
const CYCLE_IDS_MAX = 16;

/**
 * Plans the tasks of a call. Returns a 400 if a task in `after` does not exist. Returns a 409 if an id is already in
 * use, unless the request asks for the existing task. Also returns a 409 if the tasks wait for each other in a cycle.
 */
export function planTasks(tasks: readonly NewTask[], context: PlanContext): PlannedTask[] | Failure {
  const slots = slotsOf(tasks, context);
  if (slots instanceof Failure) return slots;
  const byId = new Map(slots.map(({ id, at }) => [id, at]));
  const planned: PlannedTask[] = [];
  const findOnce = cachedFind(context);
  /** For each task of the call, the array positions of the new tasks for which it waits. */
  const edges: number[][] = [];
  for (const { row, id, task } of slots) {
    const after = new Map<string, { id: string; row: number }>();
    const own: number[] = [];
    const blockers = new Set<number>();
    for (const name of task?.after ?? []) {
      const named = POSITION.test(name) ? slots[Number(name.slice(1))]?.at : byId.get(name);
      const slot = named === undefined ? undefined : slots[named];
      const isNew = slot !== undefined && slot.task !== null;
      const known = isNew ? undefined : findOnce(slot?.id ?? name);
      const found = slot ?? (known === undefined ? undefined : { id: name, row: known.row });
      if (found === undefined) return unknownTask(name);
      if (after.has(found.id)) continue;
      after.set(found.id, { id: found.id, row: found.row });
      if (known?.state !== "done") blockers.add(found.row);
      if (isNew) own.push(slot.at);
    }
    edges.push(own);
    planned.push({ row, id, task, after: [...after.values()], blockers });
  }
  const cycle = findCycle(edges);
  if (cycle === null) return planned;
  const ids = cycle.map((at) => must(slots[at], "a position of the array").id);
  return new Failure("ALREADY_EXISTS", cycleOf(ids));
}

/**
 * Returns a function that finds a task by its id and caches the result. The tasks of one call mostly wait for the same
 * tasks.
 */
function cachedFind(context: Pick<PlanContext, "find">): (id: string) => KnownTask | undefined {
  const found = new Map<string, KnownTask | undefined>();
  return (id) => {
    if (!found.has(id)) found.set(id, context.find(id));
    return found.get(id);
  };
}

/** Returns the error message for a cycle ("dependency cycle: a → b → a"). Each task in `ids` waits for the next one. */
function cycleOf(ids: readonly string[]): string {
  const shown = ids.length > CYCLE_IDS_MAX ? [...ids.slice(0, CYCLE_IDS_MAX), "…"] : ids;
  return `dependency cycle: ${[...shown, ids[0]].join(" → ")}`;
}

interface NamedTask {
  readonly id: string;
  readonly row: number;
}

/**
 * Returns the error message for the cycle that would arise if `task` waited for the tasks in `after`. Returns null if
 * there would be none.
 */
export function cycleBy(
  task: NamedTask,
  after: readonly NamedTask[],
  dependentsOf: (row: number) => readonly NamedTask[],
): string | null {
  const wanted = new Set(after.map(({ row }) => row));
  /**
   * The tasks found so far that wait for `task`, directly or through others, by their rows. `by` is the row of the task
   * for which such a task waits: the next one on the path to `task`.
   */
  const through = new Map<number, { readonly id: string; readonly by: number | null }>([
    [task.row, { id: task.id, by: null }],
  ]);
  for (const [row, { id, by }] of through) {
    if (wanted.has(row)) {
      const ids = [id];
      for (let next = by; next !== null; ) {
        const step = must(through.get(next), "it was met before");
        ids.push(step.id);
        next = step.by;
      }
      // The task in `after` that closes the cycle is the first in `ids`. Each task in `ids` waits for the next one, and
      // the last one is `task`.
      return cycleOf([task.id, ...ids.slice(0, -1)]);
    }
    for (const dependent of dependentsOf(row))
      if (!through.has(dependent.row)) through.set(dependent.row, { id: dependent.id, by: row });
  }
  return null;
}

/** Returns the failure for an entry of `after` that names no task. */
export function unknownTask(name: string): Failure {
  return invalid(`unknown task: ${shorten(name)}`);
}

/** Assigns a row to each task, and an id to each task that has none. */
function slotsOf(tasks: readonly NewTask[], context: PlanContext): PlanSlot[] | Failure {
  const given = new Set<string>();
  for (const { id } of tasks) if (id !== null) given.add(id);
  const taken = new Set<string>();
  const requests = new Set<string>();
  const slots: PlanSlot[] = [];
  let row = context.lastRow;
  for (const [at, task] of tasks.entries()) {
    if (task.request_id !== null && requests.has(task.request_id))
      return invalid(`[${at}].request_id is that of another task of this call`);
    if (task.request_id !== null) requests.add(task.request_id);
    const made = context.made(task.request_id, task.request_hash);
    if (made instanceof Failure) return made;
    const known = made === undefined ? undefined : context.find(made);
    if (made !== undefined && known !== undefined) {
      slots.push({ at, row: known.row, id: made, task: null });
      continue;
    }
    row += 1;
    if (task.id === null) while (given.has(ownTaskId(row)) || context.find(ownTaskId(row)) !== undefined) row += 1;
    const id = task.id ?? ownTaskId(row);
    const existing = context.find(id);
    if (existing !== undefined && task.or_get === true && !taken.has(id)) {
      slots.push({ at, row: existing.row, id, task: null });
      taken.add(id);
      row -= 1;
      continue;
    }
    if (taken.has(id) || existing !== undefined) return new Failure("ALREADY_EXISTS", `task exists: ${shorten(id)}`);
    taken.add(id);
    slots.push({ at, row, id, task });
  }
  return slots;
}

/** Finds tasks that wait for each other in a cycle. Returns their array positions; null if there is no cycle. */
function findCycle(edges: readonly (readonly number[])[]): number[] | null {
  const NEW = 0;
  const OPEN = 1;
  const DONE = 2;
  const states = new Uint8Array(edges.length);
  for (const start of edges.keys()) {
    if (states[start] !== NEW) continue;
    const path: number[] = [start];
    const nexts: number[] = [0];
    states[start] = OPEN;
    while (path.length > 0) {
      const at = must(path.at(-1), "the way has an end");
      const edge = must(nexts.pop(), "each on the way has a turn");
      const next = edges[at]?.[edge];
      if (next !== undefined) nexts.push(edge + 1);
      if (next === undefined) {
        states[at] = DONE;
        path.pop();
      } else if (states[next] === OPEN) {
        return path.slice(path.indexOf(next));
      } else if (states[next] === NEW) {
        states[next] = OPEN;
        path.push(next);
        nexts.push(0);
      }
    }
  }
  return null;
}
