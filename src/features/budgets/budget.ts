/**
 * Defines a budget with its sums, and computes its share and its state. A budget whose period has ended counts as
 * unused, whether its row says so yet or not. Pure.
 */
import type { Budget, BudgetPeriod, BudgetPolicy, BudgetScope, BudgetState, HeldBy } from "../../../schemas/budgets.js";
import { formatTime } from "../../base/time.js";
import { periodEnd, periodStart } from "./period.js";

/** A stored budget. Times are in ms. */
export interface BudgetRow {
  readonly id: string;
  readonly scope: BudgetScope;
  readonly target: string;
  /** Null if the budget does not limit tokens. */
  readonly tokens: number | null;
  readonly cost_usd: number | null;
  readonly period: BudgetPeriod;
  readonly warn_at: number;
  readonly policy: BudgetPolicy;
  /** The state at the last change. */
  readonly state: BudgetState;
  readonly used_tokens: number;
  readonly used_cost: number;
  readonly reports: number;
  /** The number of reports without a cost. */
  readonly unpriced: number;
  /** When the sums began. */
  readonly since: number;
  readonly updated_at: number;
}

/** The tokens and the cost that one report adds to the sums of a budget. */
export interface Charge {
  readonly tokens: number;
  /** Null if the cost is not known. */
  readonly cost: number | null;
}

/** The number of decimal digits that a float holds exactly, to which sums of costs are rounded. */
const EXACT_DIGITS = 15;

/** Returns the used part of the limit; the larger one if the budget has two limits. */
export function shareOf({ tokens, cost_usd, used_tokens, used_cost }: BudgetRow): number {
  const parts = [tokens === null ? 0 : used_tokens / tokens, cost_usd === null ? 0 : used_cost / cost_usd];
  return Math.min(Math.max(...parts), Number.MAX_SAFE_INTEGER);
}

/** Returns the state that the sums give. */
export function stateOf(row: BudgetRow): BudgetState {
  const share = shareOf(row);
  if (share >= 1) return "exhausted";
  return share >= row.warn_at ? "warned" : "ok";
}

/** Returns the budget as it is at a time. Its sums are 0 if its period has ended since they began. */
export function atTime(row: BudgetRow, nowMs: number): BudgetRow {
  const start = periodStart(row.period, nowMs);
  if (start <= periodStart(row.period, row.since)) return row;
  return { ...row, state: "ok", used_tokens: 0, used_cost: 0, reports: 0, unpriced: 0, since: start };
}

/** Returns the budget after a report. */
export function charged(row: BudgetRow, { tokens, cost }: Charge): BudgetRow {
  const added = {
    ...row,
    used_tokens: Math.min(row.used_tokens + tokens, Number.MAX_SAFE_INTEGER),
    used_cost: Math.min(Number((row.used_cost + (cost ?? 0)).toPrecision(EXACT_DIGITS)), Number.MAX_SAFE_INTEGER),
    reports: row.reports + 1,
    unpriced: row.unpriced + (cost === null ? 1 : 0),
  };
  return { ...added, state: stateOf(added) };
}

/** Returns when the period of the sums ends, in ms; null if it never does. */
export function endOf({ period, since }: BudgetRow): number | null {
  return periodEnd(period, since);
}

/** Returns an exhausted budget as the answer to a claim shows it. */
export function showHeld(row: BudgetRow): HeldBy {
  const endMs = endOf(row);
  const { id, scope, target } = row;
  return { budget: id, scope, target, ends_at: endMs === null ? null : formatTime(endMs) };
}

/** Returns a budget as clients see it. */
export function showBudget(row: BudgetRow): Budget {
  const { id, scope, target, tokens, cost_usd, period, warn_at, policy, state, reports, unpriced } = row;
  const endMs = endOf(row);
  return {
    id,
    scope,
    target,
    tokens,
    cost_usd,
    period,
    warn_at,
    policy,
    state,
    share: Number(shareOf(row).toPrecision(EXACT_DIGITS)),
    used: { tokens: row.used_tokens, cost_usd: row.used_cost, reports },
    unpriced,
    since: formatTime(row.since),
    ends_at: endMs === null ? null : formatTime(endMs),
    updated_at: formatTime(row.updated_at),
  };
}
