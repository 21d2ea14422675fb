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

export interface PlanGround {
  readonly last_row: number;
  /** A task by its id. */
  find(id: string): KnownTask | undefined;
  /** The id of what the same call has made; a Failure where its request_id was used for another call. */
  made(request_id: string | null, hash?: string): string | undefined | Failure;
}

/** A place in the array while it is planned. */
interface Place {
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
const CYCLE_TOLD_MAX = 16;

/**
 * The tasks as they are to be made; 400 for what is waited for and is not there, 409 for ids that are there and
 * circles.
 */
export function planTasks(tasks: readonly NewTask[], ground: PlanGround): PlannedTask[] | Failure {
  const places = placesOf(tasks, ground);
  if (places instanceof Failure) return places;
  const by_id = new Map(places.map(({ id, at }) => [id, at]));
  const planned: PlannedTask[] = [];
  const findOnce = rememberedFind(ground);
  /** Of each the positions of those in the array that it waits for. */
  const edges: number[][] = [];
  for (const { row, id, task } of places) {
    const after = new Map<string, { id: string; row: number }>();
    const own: number[] = [];
    const blockers = new Set<number>();
    for (const name of task?.after ?? []) {
      const named = POSITION.test(name) ? places[Number(name.slice(1))]?.at : by_id.get(name);
      const place = named === undefined ? undefined : places[named];
      const is_new = place !== undefined && place.task !== null;
      const known = is_new ? undefined : findOnce(place?.id ?? name);
      const found = place ?? (known === undefined ? undefined : { id: name, row: known.row });
      if (found === undefined) return unknownTask(name);
      if (after.has(found.id)) continue;
      after.set(found.id, { id: found.id, row: found.row });
      if (known?.state !== "done") blockers.add(found.row);
      if (is_new) own.push(place.at);
    }
    edges.push(own);
    planned.push({ row, id, task, after: [...after.values()], blockers });
  }
  const cycle = findCycle(edges);
  if (cycle === null) return planned;
  const ids = cycle.map((at) => must(places[at], "a position of the array").id);
  return new Failure("ALREADY_EXISTS", cycleOf(ids));
}

/** Looks each id up once: tasks of one call mostly wait for the same ones. */
function rememberedFind(ground: Pick<PlanGround, "find">): (id: string) => KnownTask | undefined {
  const found = new Map<string, KnownTask | undefined>();
  return (id) => {
    if (!found.has(id)) found.set(id, ground.find(id));
    return found.get(id);
  };
}

/** How a circle is told, of which each waits for the next. */
function cycleOf(ids: readonly string[]): string {
  const told = ids.length > CYCLE_TOLD_MAX ? [...ids.slice(0, CYCLE_TOLD_MAX), "…"] : ids;
  return `dependency cycle: ${[...told, ids[0]].join(" → ")}`;
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
function placesOf(tasks: readonly NewTask[], ground: PlanGround): Place[] | Failure {
  const given = new Set<string>();
  for (const { id } of tasks) if (id !== null) given.add(id);
  const taken = new Set<string>();
  const requests = new Set<string>();
  const places: Place[] = [];
  let row = ground.last_row;
  for (const [at, task] of tasks.entries()) {
    if (task.request_id !== null && requests.has(task.request_id))
      return invalid(`[${at}].request_id is that of another task of this call`);
    if (task.request_id !== null) requests.add(task.request_id);
    const made = ground.made(task.request_id, task.request_hash);
    if (made instanceof Failure) return made;
    const known = made === undefined ? undefined : ground.find(made);
    if (made !== undefined && known !== undefined) {
      places.push({ at, row: known.row, id: made, task: null });
      continue;
    }
    row += 1;
    if (task.id === null) while (given.has(ownTaskId(row)) || ground.find(ownTaskId(row)) !== undefined) row += 1;
    const id = task.id ?? ownTaskId(row);
    if (taken.has(id) || ground.find(id) !== undefined) return new Failure("ALREADY_EXISTS", `task exists: ${id}`);
    taken.add(id);
    places.push({ at, row, id, task });
  }
  return places;
}

/** Positions that wait for each other in a circle, the first of them once; null where there are none. */
function findCycle(edges: readonly (readonly number[])[]): number[] | null {
  const NEW = 0;
  const OPEN = 1;
  const DONE = 2;
  const states = new Uint8Array(edges.length);
  for (const start of edges.keys()) {
    if (states[start] !== NEW) continue;
    const way: number[] = [start];
    const nexts: number[] = [0];
    states[start] = OPEN;
    while (way.length > 0) {
      const at = must(way.at(-1), "the way has an end");
      const turn = must(nexts.pop(), "each on the way has a turn");
      const next = edges[at]?.[turn];
      if (next !== undefined) nexts.push(turn + 1);
      if (next === undefined) {
        states[at] = DONE;
        way.pop();
      } else if (states[next] === OPEN) {
        return way.slice(way.indexOf(next));
      } else if (states[next] === NEW) {
        states[next] = OPEN;
        way.push(next);
        nexts.push(0);
      }
    }
  }
  return null;
}
