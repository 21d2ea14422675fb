/** Finds the budgets that concern an agent and its tasks, by what they are about. Pure except for its state. */
import type { BudgetScope } from "../../../schemas/budgets.js";
import type { BudgetRow } from "./budget.js";

/** An agent, with the parents whose subagent it is, and its tasks with all tasks above them. */
export interface Concerned {
  readonly workspace: string | null;
  /** The ids and the names. */
  readonly agents: Iterable<string>;
  readonly tasks: Iterable<string>;
}

export class BudgetIndex {
  readonly #byId = new Map<string, BudgetRow>();
  readonly #idsOf = new Map<string, Set<string>>();
  readonly #counts: Record<BudgetScope, number> = { workspace: 0, agent: 0, task: 0 };

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): BudgetRow | undefined {
    return this.#byId.get(id);
  }

  values(): IterableIterator<BudgetRow> {
    return this.#byId.values();
  }

  /** Returns whether there is a budget of a scope, so that a search that would find none can be left out. */
  has(scope: BudgetScope): boolean {
    return this.#counts[scope] > 0;
  }

  set(row: BudgetRow): void {
    const before = this.#byId.get(row.id);
    if (before?.scope === row.scope && before.target === row.target) {
      this.#byId.set(row.id, row);
      return;
    }
    this.delete(row.id);
    this.#byId.set(row.id, row);
    const key = keyOf(row.scope, row.target);
    const ids = this.#idsOf.get(key);
    if (ids === undefined) this.#idsOf.set(key, new Set([row.id]));
    else ids.add(row.id);
    this.#counts[row.scope] += 1;
  }

  delete(id: string): void {
    const row = this.#byId.get(id);
    if (row === undefined) return;
    this.#byId.delete(id);
    const key = keyOf(row.scope, row.target);
    const ids = this.#idsOf.get(key);
    ids?.delete(id);
    if (ids?.size === 0) this.#idsOf.delete(key);
    this.#counts[row.scope] -= 1;
  }

  clear(): void {
    for (const id of [...this.#byId.keys()]) this.delete(id);
  }

  /** Returns the budgets that concern an agent, each once, in the order of their ids. */
  concerning({ workspace, agents, tasks }: Concerned): BudgetRow[] {
    const ids = new Set<string>();
    const add = (scope: BudgetScope, target: string): void => {
      for (const id of this.#idsOf.get(keyOf(scope, target)) ?? []) ids.add(id);
    };
    if (workspace !== null) add("workspace", workspace);
    for (const agent of agents) add("agent", agent);
    for (const task of tasks) add("task", task);
    return [...ids].toSorted().flatMap((id) => this.#byId.get(id) ?? []);
  }
}

function keyOf(scope: BudgetScope, target: string): string {
  return `${scope}\0${target}`;
}
