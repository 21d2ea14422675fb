/**
 * Tasks that are to be made together: who waits for whom, by ids and by positions in the array. All or none are made,
 * so whatever is wrong is found here, before the first of them is. Pure.
 */
import type { NewTask } from "../../schemas/tasks.js";
import type { TaskState } from "../../schemas/tasks.js";
import { must } from "../base/assert.js";
import { Failure, invalid } from "../base/result.js";
import { ownTaskId } from "./task.js";

/** A task that is there already. */
export interface KnownTask {
  readonly row: number;
  readonly state: TaskState;
}

/** One task of the array: to be made, or there already because the same call has made it. */
export interface PlannedTask {
  readonly row: number;
  readonly id: string;
  /** Null where it is there already. */
  readonly task: NewTask | null;
  /** What it waits for, each once, in the order in which it was named. */
  readonly after: readonly { readonly id: string; readonly row: number }[];
  /** Rows of those that are not done. */
  readonly blockers: Set<number>;
}

export interface PlanContext {
  readonly last_row: number;
  /** A task by its id. */
  find(id: string): KnownTask | undefined;
  /** The id of what the same call has made; a Failure where its request_id was used for another call. */
  made(request_id: string | null, hash?: string): string | undefined | Failure;
}

/** A place in the array while it is planned. */
interface PlanSlot {
  /** Its position. */
  readonly at: number;
  readonly row: number;
  readonly id: string;
  readonly task: NewTask | null;
}

/** What a position begins with, and no id. */
export const POSITION_SIGN = "#";
const POSITION = /^#(0|[1-9]\d*)$/;
/** How many ids of a circle are told. */
const CYCLE_IDS_MAX = 16;

/**
 * The tasks as they are to be made; 400 for what is waited for and is not there, 409 for ids that are there and
 * circles.
 */
export function planTasks(tasks: readonly NewTask[], context: PlanContext): PlannedTask[] | Failure {
  const slots = slotsOf(tasks, context);
  if (slots instanceof Failure) return slots;
  const by_id = new Map(slots.map(({ id, at }) => [id, at]));
  const planned: PlannedTask[] = [];
  const findOnce = cachedFind(context);
  /** Of each the positions of those in the array that it waits for. */
  const edges: number[][] = [];
  for (const { row, id, task } of slots) {
    const after = new Map<string, { id: string; row: number }>();
    const own: number[] = [];
    const blockers = new Set<number>();
    for (const name of task?.after ?? []) {
      const named = POSITION.test(name) ? slots[Number(name.slice(1))]?.at : by_id.get(name);
      const slot = named === undefined ? undefined : slots[named];
      const is_new = slot !== undefined && slot.task !== null;
      const known = is_new ? undefined : findOnce(slot?.id ?? name);
      const found = slot ?? (known === undefined ? undefined : { id: name, row: known.row });
      if (found === undefined) return unknownTask(name);
      if (after.has(found.id)) continue;
      after.set(found.id, { id: found.id, row: found.row });
      if (known?.state !== "done") blockers.add(found.row);
      if (is_new) own.push(slot.at);
    }
    edges.push(own);
    planned.push({ row, id, task, after: [...after.values()], blockers });
  }
  const cycle = findCycle(edges);
  if (cycle === null) return planned;
  const ids = cycle.map((at) => must(slots[at], "a position of the array").id);
  return new Failure("ALREADY_EXISTS", cycleOf(ids));
}

/** Looks each id up once: tasks of one call mostly wait for the same ones. */
function cachedFind(context: Pick<PlanContext, "find">): (id: string) => KnownTask | undefined {
  const found = new Map<string, KnownTask | undefined>();
  return (id) => {
    if (!found.has(id)) found.set(id, context.find(id));
    return found.get(id);
  };
}

/** How a circle is told, of which each waits for the next. */
function cycleOf(ids: readonly string[]): string {
  const shown = ids.length > CYCLE_IDS_MAX ? [...ids.slice(0, CYCLE_IDS_MAX), "…"] : ids;
  return `dependency cycle: ${[...shown, ids[0]].join(" → ")}`;
}

interface NamedTask {
  readonly id: string;
  readonly row: number;
}

/** The circle that a task would close by waiting for these; null where there is none. */
export function cycleBy(
  task: NamedTask,
  after: readonly NamedTask[],
  dependentsOf: (row: number) => readonly NamedTask[],
): string | null {
  const wanted = new Set(after.map(({ row }) => row));
  /** Of each that waits for the task, through whom. */
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
      // It waits for the last one met, which waits for those before.
      return cycleOf([task.id, ...ids.slice(0, -1)]);
    }
    for (const dependent of dependentsOf(row))
      if (!through.has(dependent.row)) through.set(dependent.row, { id: dependent.id, by: row });
  }
  return null;
}

/** The refusal of an id, or a position, that is to be waited for and is not there. */
export function unknownTask(name: string): Failure {
  return invalid(`unknown task: ${name}`);
}

/** Rows and ids: those that were given, and own ones for the others. */
function slotsOf(tasks: readonly NewTask[], context: PlanContext): PlanSlot[] | Failure {
  const given = new Set<string>();
  for (const { id } of tasks) if (id !== null) given.add(id);
  const taken = new Set<string>();
  const requests = new Set<string>();
  const slots: PlanSlot[] = [];
  let row = context.last_row;
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
    if (taken.has(id) || context.find(id) !== undefined) return new Failure("ALREADY_EXISTS", `task exists: ${id}`);
    taken.add(id);
    slots.push({ at, row, id, task });
  }
  return slots;
}

/** Positions that wait for each other in a circle, the first of them once; null where there are none. */
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
