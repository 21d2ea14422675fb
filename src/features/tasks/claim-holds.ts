/**
 * Checks on the front whether budgets or rate limits keep an instance from getting any task. The check uses the data of
 * the latest commit. It saves calls to the writer that would change nothing; the writer itself decides about claims.
 * Budgets of single tasks are ignored, because each of them affects only one task. Pure. Runs on the front.
 */
import type { Clock } from "../../base/clock.js";
import { holds } from "../budgets/budget.js";
import type { BudgetProjection } from "../budgets/projection.js";
import { concernedOf } from "../budgets/targets.js";
import type { Directory } from "../instances/directory.js";
import { lineageOf } from "../instances/lineage.js";
import type { RateLimitProjection } from "../rate-limits/projection.js";

export interface ClaimHoldsOptions {
  readonly budgets: Pick<BudgetProjection, "size" | "concerning">;
  readonly limits: Pick<RateLimitProjection, "of">;
  readonly directory: Pick<Directory, "get">;
  readonly clock: Pick<Clock, "now">;
}

/** Returns whether an exhausted budget or a rate limit keeps an instance from getting any task. */
export function isHeldFromTasks(instance: string, options: ClaimHoldsOptions): boolean {
  const { budgets, limits, directory, clock } = options;
  const entry = directory.get(instance);
  if (entry === undefined) return false;
  const nowMs = clock.now();
  if (limits.of(entry, nowMs).length > 0) return true;
  if (budgets.size === 0) return false;
  const lineage = [...lineageOf(entry, (id) => directory.get(id))];
  return budgets.concerning(concernedOf(lineage, []), nowMs).some((row) => holds(row, nowMs));
}
