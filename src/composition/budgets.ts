/** Creates the components for budgets: the front's copy, the task that resets them, and their routes. */
import { whileLeader, type BackgroundTask } from "../platform/background/task.js";
import type { Route } from "../platform/front/route.js";
import { BudgetProjection } from "../features/budgets/projection.js";
import { budgetRoutes } from "../features/budgets/routes.js";
import { budgetReader, type TasksAbove, tasksAbove } from "../features/budgets/table.js";
import { BudgetResets } from "../features/budgets/upkeep.js";
import type { ClusterArea } from "./cluster.js";
import type { Ground, ServerPushHandlers } from "./ground.js";

export interface BudgetsArea {
  readonly projection: BudgetProjection;
  readonly tasksAbove: TasksAbove;
  readonly resets: BackgroundTask;
  readonly routes: readonly Route[];
  readonly onBudgets: ServerPushHandlers["budgets"];
}

export interface BudgetsUses {
  readonly cluster: ClusterArea;
  /** Called when a budget may no longer keep agents from getting tasks. */
  readonly onChanged: () => void;
}

export function makeBudgets({ threads, clock, log }: Ground, { cluster, onChanged }: BudgetsUses): BudgetsArea {
  const { writer, reads } = threads;
  const projection = new BudgetProjection(reads.model(budgetReader));
  projection.listen(onChanged);
  return {
    projection,
    tasksAbove: reads.model(tasksAbove),
    resets: whileLeader(cluster.leads, new BudgetResets({ budgets: projection, writer, clock })),
    routes: budgetRoutes({ writer, reads, clock, log }),
    onBudgets: (ids) => projection.accept(ids),
  };
}
