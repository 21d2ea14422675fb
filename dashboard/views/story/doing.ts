/** Finds out what each agent was doing at a time, from the leases and tasks of that time. Pure. */
import type { LeaseAt, TaskAt } from "../../api/types.js";

export interface Doing {
  readonly id: string;
  readonly name: string;
  readonly tasks: readonly TaskAt[];
  readonly held: readonly LeaseAt[];
  readonly waiting: readonly LeaseAt[];
}

/** Returns the agents that held a lease, waited for one or worked on a task, sorted by name. */
export function doingAt(leases: readonly LeaseAt[], tasks: readonly TaskAt[]): readonly Doing[] {
  const found = new Map<string, { id: string; name: string; tasks: TaskAt[]; held: LeaseAt[]; waiting: LeaseAt[] }>();
  const of = ({ id, name }: { readonly id: string; readonly name: string }) => {
    const one = found.get(id) ?? { id, name, tasks: [], held: [], waiting: [] };
    found.set(id, one);
    return one;
  };
  for (const lease of leases) {
    const { held, waiting } = of(lease.holder);
    (lease.state === "held" ? held : waiting).push(lease);
  }
  for (const task of tasks) if (task.holder !== null) of(task.holder).tasks.push(task);
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
}

/** Returns the number of tasks in each state, the most frequent state first. */
export function statesOf(tasks: readonly TaskAt[]): readonly (readonly [state: TaskAt["state"], count: number])[] {
  const counts = new Map<TaskAt["state"], number>();
  for (const { state } of tasks) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}
