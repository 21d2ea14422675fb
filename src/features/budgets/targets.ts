/**
 * Finds the budgets that concern an agent and its tasks. Indexes budgets by their targets. Pure except for its state.
 */
import type { BudgetScope } from "../../../schemas/budgets.js";
import { type BudgetRow, endOf, type LiveBudget } from "./budget.js";

/** An agent with its parents, and its tasks with all tasks above them. A budget of any of these concerns the agent. */
export interface Concerned {
  readonly workspace: string | null;
  /** The ids and the names of the agent and of its parents. */
  readonly agents: Iterable<string>;
  readonly tasks: Iterable<string>;
}

/**
 * Returns an agent and its tasks in the form in which their budgets are found.
 * @param lineage the agent, and then its parents; empty if the agent is unknown
 * @param tasks the ids of its tasks and of all tasks above them
 */
export function concernedOf(
  lineage: readonly { readonly id: string; readonly name: string; readonly workspace: string }[],
  tasks: Iterable<string>,
): Concerned {
  return { workspace: lineage[0]?.workspace ?? null, agents: lineage.flatMap(({ id, name }) => [id, name]), tasks };
}

export class BudgetIndex {
  readonly #byId = new Map<string, LiveBudget>();
  readonly #ofTarget = new Map<string, Map<string, LiveBudget>>();
  /** Caches the budgets of each target, sorted by id. Adding or removing a budget of the target drops the entry. */
  readonly #sorted = new Map<string, readonly LiveBudget[]>();
  readonly #counts: Record<BudgetScope, number> = { workspace: 0, agent: 0, task: 0 };

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): LiveBudget | undefined {
    return this.#byId.get(id);
  }

  values(): IterableIterator<LiveBudget> {
    return this.#byId.values();
  }

  /** Returns whether any budget has this scope. If none has, a caller can skip its search. */
  has(scope: BudgetScope): boolean {
    return this.#counts[scope] > 0;
  }

  /** Stores a copy of a budget, and returns the copy. It replaces the previous budget with the same id. */
  set(row: BudgetRow): LiveBudget {
    this.delete(row.id);
    const live = { ...row, endMs: endOf(row) ?? Number.POSITIVE_INFINITY };
    this.#byId.set(row.id, live);
    const key = keyOf(row.scope, row.target);
    const ofTarget = this.#ofTarget.get(key);
    if (ofTarget === undefined) this.#ofTarget.set(key, new Map([[row.id, live]]));
    else ofTarget.set(row.id, live);
    this.#sorted.delete(key);
    this.#counts[row.scope] += 1;
    return live;
  }

  delete(id: string): void {
    const row = this.#byId.get(id);
    if (row === undefined) return;
    this.#byId.delete(id);
    const key = keyOf(row.scope, row.target);
    const ofTarget = this.#ofTarget.get(key);
    ofTarget?.delete(id);
    if (ofTarget?.size === 0) this.#ofTarget.delete(key);
    this.#sorted.delete(key);
    this.#counts[row.scope] -= 1;
  }

  clear(): void {
    for (const id of [...this.#byId.keys()]) this.delete(id);
  }

  /** Returns the budgets that concern an agent, each once, in the order of their ids. */
  concerning({ workspace, agents, tasks }: Concerned): readonly LiveBudget[] {
    const found = new Set<readonly LiveBudget[]>();
    const add = (scope: BudgetScope, target: string): void => {
      const ofTarget = this.#counts[scope] === 0 ? undefined : this.#sortedOf(keyOf(scope, target));
      if (ofTarget !== undefined) found.add(ofTarget);
    };
    if (workspace !== null) add("workspace", workspace);
    for (const agent of agents) add("agent", agent);
    for (const task of tasks) add("task", task);
    const [only = [], ...others] = found;
    // Each budget has only one target, so no budget is in two of the lists.
    return others.length === 0 ? only : [only, ...others].flat().toSorted(byId);
  }

  #sortedOf(key: string): readonly LiveBudget[] | undefined {
    const known = this.#sorted.get(key);
    if (known !== undefined) return known;
    const ofTarget = this.#ofTarget.get(key);
    if (ofTarget === undefined) return undefined;
    const sorted = [...ofTarget.values()].toSorted(byId);
    this.#sorted.set(key, sorted);
    return sorted;
  }
}

function byId(a: BudgetRow, b: BudgetRow): number {
  return a.id < b.id ? -1 : 1;
}

function keyOf(scope: BudgetScope, target: string): string {
  return `${scope}\0${target}`;
}
