/**
 * Says on the front whether an exhausted budget or a rate limit keeps an instance from tasks, as of the latest commit.
 * The writer decides about claims; this saves the calls to it that would change nothing. Budgets of tasks are not
 * looked at, because they keep one task from all instances. Pure. Runs on the front.
 */
import type { Clock } from "../../base/clock.js";
import { holds } from "../budgets/budget.js";
import type { BudgetProjection } from "../budgets/projection.js";
import type { Directory } from "../instances/directory.js";
import { lineageOf } from "../instances/lineage.js";
import type { RateLimitProjection } from "../rate-limits/projection.js";

export interface ClaimHoldsOptions {
  readonly budgets: Pick<BudgetProjection, "size" | "concerning">;
  readonly limits: Pick<RateLimitProjection, "of">;
  readonly directory: Pick<Directory, "get">;
  readonly clock: Pick<Clock, "now">;
}

/** Returns whether a budget or a rate limit keeps an instance from tasks. */
export function isHeldFromTasks(instance: string, options: ClaimHoldsOptions): boolean {
  const { budgets, limits, directory, clock } = options;
  const entry = directory.get(instance);
  if (entry === undefined) return false;
  const nowMs = clock.now();
  if (limits.of(entry, nowMs).length > 0) return true;
  if (budgets.size === 0) return false;
  const lineage = [...lineageOf(entry, (id) => directory.get(id))];
  const agents = lineage.flatMap(({ id, name }) => [id, name]);
  const concerned = { workspace: entry.workspace, agents, tasks: [] };
  return budgets.concerning(concerned, nowMs).some((row) => holds(row, nowMs));
}
