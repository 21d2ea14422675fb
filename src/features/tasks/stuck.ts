/**
 * Finds out why a blocked task is stuck. A stuck task waits, directly or through others, for a task that has ended
 * without being done. That task is the cause. The search finds the nearest cause, and examines only a limited number of
 * tasks. Pure.
 */
import { TASK_CAUSE_EDGES_MAX, TASK_CAUSES_LOOKED_AT_MAX } from "../../../schemas/limits/tasks.js";
import type { TaskState } from "../../../schemas/tasks.js";
import { hasEnded } from "./task.js";

/** The graph in which the search for a cause runs. Each task leads to the tasks for which it waits. */
export interface CauseSearch<Key> {
  /**
   * Returns the tasks for which a task waits. Returns undefined if the task is a cause: it has ended without being
   * done.
   */
  waitsFor(key: Key): Iterable<Key> | undefined;
  /** Returns whether the search can skip a task, because it is known that the task waits for no cause. */
  isFree(key: Key): boolean;
}

/** The result of a search. */
export interface FoundCause<Key> {
  readonly cause: Key | undefined;
  /** All tasks that the search has reached. */
  readonly met: ReadonlySet<Key>;
  /** False if the search stopped at a limit before it had reached all tasks. */
  readonly complete: boolean;
}

/**
 * Finds the nearest cause of a stuck task by a breadth-first search. `from` has the tasks for which the stuck task
 * waits.
 */
export function findCause<Key>(from: Iterable<Key>, search: CauseSearch<Key>): FoundCause<Key> {
  const met = new Set<Key>();
  let edges = 0;
  const add = (keys: Iterable<Key>): boolean => {
    for (const key of keys) {
      edges += 1;
      if (edges > TASK_CAUSE_EDGES_MAX) return false;
      if (!search.isFree(key)) met.add(key);
    }
    return true;
  };
  let complete = add(from);
  let looked = 0;
  for (const key of met) {
    looked += 1;
    if (looked > TASK_CAUSES_LOOKED_AT_MAX) return { cause: undefined, met, complete: false };
    const next = search.waitsFor(key);
    if (next === undefined) return { cause: key, met, complete: true };
    if (complete) complete = add(next);
  }
  return { cause: undefined, met, complete };
}

/** A stored task. */
export interface WaitingTask {
  readonly id: string;
  readonly state: TaskState;
  /** The ids of the tasks for which this task waits, as the JSON text of an array. */
  readonly after: string;
}

interface Known extends Pick<WaitingTask, "id" | "state"> {
  readonly after: readonly string[];
}

/**
 * Creates the notes that explain in replies why tasks are stuck. Each request uses its own object, which caches the
 * tasks that it reads.
 */
export class CauseNotes {
  readonly #find: (id: string) => WaitingTask | undefined;
  readonly #known = new Map<string, Known | null>();
  readonly #free = new Set<string>();

  constructor(find: (id: string) => WaitingTask | undefined) {
    this.#find = find;
  }

  /** Returns the note that explains why a blocked task is stuck. Returns null if no cause was found. */
  noteOf({ after }: WaitingTask): string | null {
    const { cause, met, complete } = findCause(JSON.parse(after) as string[], {
      isFree: (id) => this.#free.has(id),
      waitsFor: (id) => {
        const task = this.#get(id);
        if (task === null || task.state === "done") return [];
        return hasEnded(task.state) ? undefined : task.state === "blocked" ? task.after : [];
      },
    });
    if (cause === undefined) {
      if (complete) for (const id of met) this.#free.add(id);
      return null;
    }
    return waitsForNote({ id: cause, state: this.#get(cause)?.state ?? "canceled" });
  }

  #get(id: string): Known | null {
    let known = this.#known.get(id);
    if (known === undefined) {
      const task = this.#find(id);
      known = task === undefined ? null : { ...task, after: JSON.parse(task.after) as string[] };
      this.#known.set(id, known);
    }
    return known;
  }
}

/** Returns the note that names the cause why a task is stuck. The cause is a task that has ended without being done. */
export function waitsForNote({ id, state }: { readonly id: string; readonly state: TaskState }): string {
  return `waits for ${state} task ${id}`;
}
