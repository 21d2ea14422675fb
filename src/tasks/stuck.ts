/**
 * Why blocked tasks cannot go on by themselves: they wait, directly or through others, for one that has ended and is not
 * done. The search goes to the nearest cause and is bounded, however many tasks wait for each other. Pure.
 */
import { TASK_CAUSE_EDGES_MAX, TASK_CAUSES_LOOKED_AT_MAX } from "../../schemas/limits.js";
import type { TaskState } from "../../schemas/tasks.js";
import { hasEnded } from "./task.js";

/** A search in a graph of tasks: breadth first, hence the nearest first. */
export interface CauseSearch<Key> {
  /** What a task waits for; undefined where it has ended and is not done. */
  waitsFor(key: Key): Iterable<Key> | undefined;
  /** What is known to be no cause, nor to wait for one, is passed over. */
  isFree(key: Key): boolean;
}

/** What a search has found: the nearest cause, or whether it has looked at everything. */
export interface FoundCause<Key> {
  readonly cause: Key | undefined;
  /** All that was looked at. */
  readonly met: ReadonlySet<Key>;
  /** False where it has stopped at its bound. */
  readonly complete: boolean;
}

/** Looks for the nearest task because of which one that waits for these cannot go on. */
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

/** A task as the database has it. */
export interface WaitingTask {
  readonly id: string;
  readonly state: TaskState;
  /** Ids, as JSON. */
  readonly after: string;
}

interface Known extends Pick<WaitingTask, "id" | "state"> {
  readonly after: readonly string[];
}

/** The notes of blocked tasks, of one read: what it has read for one task it knows for the next. */
export class CauseNotes {
  readonly #find: (id: string) => WaitingTask | undefined;
  readonly #known = new Map<string, Known | null>();
  readonly #free = new Set<string>();

  constructor(find: (id: string) => WaitingTask | undefined) {
    this.#find = find;
  }

  /** As lists tell it; null where nothing of the kind was found. */
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

/** What is said of a task that waits for one that has ended and is not done. */
export function waitsForNote({ id, state }: { readonly id: string; readonly state: TaskState }): string {
  return `waits for ${state} task ${id}`;
}
