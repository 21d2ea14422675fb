/**
 * Tells agents about the budgets that apply to them, and denies tool calls if a budget is exhausted. `koor` commands
 * and the tools of Koor's MCP server still run, so that an agent can end its work cleanly. Runs on the front.
 */
import type { Clock } from "../../base/clock.js";
import type { BudgetRow } from "../budgets/budget.js";
import type { BudgetProjection } from "../budgets/projection.js";
import type { TasksAbove } from "../budgets/table.js";
import { concernedOf } from "../budgets/targets.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import type { Directory } from "../instances/directory.js";
import type { Entry } from "../instances/entry.js";
import { lineageOf } from "../instances/lineage.js";
import { budgetLine, budgetReason } from "./budget-lines.js";
import type { Denial } from "./decided-call.js";
import type { HookTool } from "./input.js";
import { isKoorCall } from "./koor-call.js";
import type { ReportedOnce } from "./reported-once.js";

export interface BudgetDecisionOptions {
  readonly budgets: BudgetProjection;
  readonly tasksAbove: Pick<TasksAbove, "of">;
  readonly leases: Pick<LeaseProjection, "of">;
  readonly directory: Pick<Directory, "get">;
  readonly reported: ReportedOnce;
  readonly clock: Clock;
}

export class BudgetDecision {
  readonly #options: BudgetDecisionOptions;

  constructor(options: BudgetDecisionOptions) {
    this.#options = options;
  }

  /**
   * Returns the lines about an agent's budgets that were not reported to it yet. A budget is reported again only if its
   * state, its period or its limit has changed. The returned lines count as reported.
   */
  take(entry: Entry): string[] {
    const { reported } = this.#options;
    const lines: string[] = [];
    for (const row of this.#concerning(entry)) {
      const thing = `budget\0${row.id}\0${row.state}\0${row.since}\0${row.updated_at}`;
      if (reported.has(entry.id, thing)) continue;
      reported.add(entry.id, thing);
      lines.push(budgetLine(row));
    }
    return lines;
  }

  /** Returns the denial of a tool call if a budget of the agent is exhausted; null if the call may run. */
  denialOf(tool: HookTool, actor: Entry): Denial | null {
    const exhausted = this.#concerning(actor).find(({ state, policy }) => state === "exhausted" && policy === "deny");
    return exhausted === undefined || isKoorCall(tool) ? null : { reason: budgetReason(exhausted), path: null };
  }

  /** Returns the budgets of an agent that are not `ok`, with their current sums. */
  #concerning(entry: Entry): BudgetRow[] {
    const { budgets, clock, directory } = this.#options;
    if (budgets.size === 0) return [];
    const lineage = [...lineageOf(entry, (id) => directory.get(id))];
    const concerned = concernedOf(lineage, budgets.hasTasks ? this.#tasksOf(lineage) : []);
    return budgets.concerning(concerned, clock.now()).map((row) => budgets.current(row.id) ?? row);
  }

  /** Returns the ids of the tasks that the agents hold, and of all ancestors of these tasks. */
  #tasksOf(agents: readonly Entry[]): string[] {
    const { leases, tasksAbove } = this.#options;
    const tasks: string[] = [];
    for (const { id } of agents)
      for (const { task, state } of leases.of(id))
        if (task !== null && state === "held") tasks.push(...tasksAbove.of(task));
    return tasks;
  }
}
