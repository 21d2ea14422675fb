/**
 * Creates the components for budgets and rate limits. They are the front's copies of budgets and limits, the background
 * tasks that end their periods, and the routes.
 */
import { whileLeader, type BackgroundTask } from "../platform/background/task.js";
import type { Route } from "../platform/front/route.js";
import { BudgetProjection } from "../features/budgets/projection.js";
import { budgetRoutes } from "../features/budgets/routes.js";
import { budgetReader, type TasksAbove, tasksAbove } from "../features/budgets/table.js";
import { BudgetResets } from "../features/budgets/upkeep.js";
import { RateLimitProjection } from "../features/rate-limits/projection.js";
import { rateLimitRoutes } from "../features/rate-limits/routes.js";
import { rateLimitReader } from "../features/rate-limits/table.js";
import { RateLimitEnds } from "../features/rate-limits/upkeep.js";
import { isHeldFromTasks } from "../features/tasks/claim-holds.js";
import type { AgentsArea } from "./agents.js";
import type { ClusterArea } from "./cluster.js";
import type { Ground, ServerPushHandlers } from "./ground.js";

export interface BudgetsArea {
  readonly projection: BudgetProjection;
  readonly limits: RateLimitProjection;
  readonly tasksAbove: TasksAbove;
  /** Returns whether a budget or a rate limit keeps an instance from claiming tasks. */
  readonly isHeld: (instance: string) => boolean;
  readonly background: readonly BackgroundTask[];
  readonly routes: readonly Route[];
  readonly onBudgets: ServerPushHandlers["budgets"];
  readonly onRateLimits: ServerPushHandlers["rate_limits"];
  /** Reads all budgets and rate limits again, after a crash of the writer or a restore. */
  readonly reload: () => void;
}

export interface BudgetsUses {
  readonly agents: Pick<AgentsArea, "directory">;
  readonly cluster: ClusterArea;
  /** Called when a budget or a rate limit may keep other agents from claiming tasks than it did before. */
  readonly onChanged: () => void;
}

export function makeBudgets({ threads, clock, log, guarded }: Ground, uses: BudgetsUses): BudgetsArea {
  const { cluster, onChanged } = uses;
  const { directory } = uses.agents;
  const { writer, reads } = threads;
  const projection = new BudgetProjection(reads.model(budgetReader));
  projection.listen(onChanged);
  const limits = new RateLimitProjection({ reader: reads.model(rateLimitReader), directory, onChanged });
  return {
    projection,
    limits,
    tasksAbove: reads.model(tasksAbove),
    isHeld: (instance) => isHeldFromTasks(instance, { budgets: projection, limits, directory, clock }),
    background: [
      whileLeader(cluster.leads, new BudgetResets({ budgets: projection, writer, clock })),
      whileLeader(cluster.leads, new RateLimitEnds({ limits, writer, clock })),
    ],
    routes: [
      ...budgetRoutes({ writer, reads, clock, log }),
      ...rateLimitRoutes({ guarded, writer, limits, directory, clock, log }),
    ],
    onBudgets: (ids) => projection.accept(ids),
    onRateLimits: (ids) => limits.accept(ids),
    reload: () => {
      projection.load();
      limits.load();
    },
  };
}
