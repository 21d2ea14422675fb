/**
 * Defines a budget with its sums of used tokens and costs, and computes its used share and its state. A budget whose
 * period has ended counts as unused, even if its stored sums are not reset yet. Pure.
 */
import type { Budget, BudgetPeriod, BudgetPolicy, BudgetScope, BudgetState, HeldBy } from "../../../schemas/budgets.js";
import { formatTime } from "../../base/time.js";
import { periodEnd, periodStart } from "./period.js";

/** A stored budget. Times are in ms. */
export interface BudgetRow {
  readonly id: string;
  readonly scope: BudgetScope;
  readonly target: string;
  /** The limit of tokens; null if the budget does not limit them. */
  readonly tokens: number | null;
  readonly cost_usd: number | null;
  readonly period: BudgetPeriod;
  readonly warn_at: number;
  readonly policy: BudgetPolicy;
  /** The state at the last change of the row. */
  readonly state: BudgetState;
  readonly used_tokens: number;
  readonly used_cost: number;
  readonly reports: number;
  /** The number of reports without a cost. */
  readonly unpriced: number;
  /** The time at which the sums started at 0, in ms. */
  readonly since: number;
  readonly updated_at: number;
}

type Sums = "state" | "used_tokens" | "used_cost" | "reports" | "unpriced";

/** A budget in memory. Reports of usage are added to its sums. */
export interface LiveBudget extends Omit<BudgetRow, Sums>, Writable<Pick<BudgetRow, Sums>> {
  /** The end of the budget's current period, in ms; infinity if the period has no end. */
  readonly endMs: number;
}

type Writable<Row> = { -readonly [Name in keyof Row]: Row[Name] };

/** The tokens and the cost that one report adds to the sums of a budget. */
export interface Charge {
  readonly tokens: number;
  /** The cost in dollars; null if it is not known. */
  readonly cost: number | null;
}

/** The number of decimal digits that a float represents exactly. Sums of costs are rounded to this many digits. */
const EXACT_DIGITS = 15;

/** Returns the used fraction of the limit. If the budget has two limits, returns the larger fraction. */
export function shareOf({ tokens, cost_usd, used_tokens, used_cost }: BudgetRow): number {
  const ofTokens = tokens === null ? 0 : used_tokens / tokens;
  const ofCost = cost_usd === null ? 0 : used_cost / cost_usd;
  return Math.min(Math.max(ofTokens, ofCost), Number.MAX_SAFE_INTEGER);
}

/** Computes the state of a budget from its sums and limits. */
export function stateOf(row: BudgetRow): BudgetState {
  const share = shareOf(row);
  if (share >= 1) return "exhausted";
  return share >= row.warn_at ? "warned" : "ok";
}

/** Returns a budget as of a time. If the period of the stored sums has ended by then, the sums are 0. */
export function atTime(row: BudgetRow, nowMs: number): BudgetRow {
  const start = periodStart(row.period, nowMs);
  if (start <= periodStart(row.period, row.since)) return row;
  return { ...row, state: "ok", used_tokens: 0, used_cost: 0, reports: 0, unpriced: 0, since: start };
}

/**
 * Adds a cost to a sum, and rounds the result to EXACT_DIGITS. Rounding is slow, and the budgets that a report concerns
 * usually have the same sum. So the last result is cached.
 */
class CostSum {
  #before = 0;
  #added = 0;
  #sum = 0;

  of(before: number, added: number): number {
    if (added === 0) return before;
    if (before !== this.#before || added !== this.#added) {
      this.#before = before;
      this.#added = added;
      this.#sum = Math.min(Number((before + added).toPrecision(EXACT_DIGITS)), Number.MAX_SAFE_INTEGER);
    }
    return this.#sum;
  }
}

const costSum = new CostSum();

/** Adds a report to the sums of a budget. Returns whether the state of the budget has changed. */
export function charge(row: LiveBudget, { tokens, cost }: Charge): boolean {
  row.used_tokens = Math.min(row.used_tokens + tokens, Number.MAX_SAFE_INTEGER);
  if (cost === null) row.unpriced += 1;
  else row.used_cost = costSum.of(row.used_cost, cost);
  row.reports += 1;
  const before = row.state;
  row.state = stateOf(row);
  return row.state !== before;
}

/** Returns the end of a budget's current period, in ms; null if the period has no end. */
export function endOf({ period, since }: BudgetRow): number | null {
  return periodEnd(period, since);
}

/** Returns whether a budget is exhausted and keeps the agents that it concerns from claiming tasks. */
export function holds(row: BudgetRow, nowMs: number): boolean {
  return row.policy === "deny" && atTime(row, nowMs).state === "exhausted";
}

/** Converts an exhausted budget to the form in which it appears in the answer to a rejected claim. */
export function showHeld(row: BudgetRow): HeldBy {
  const endMs = endOf(row);
  const { id, scope, target } = row;
  return { budget: id, scope, target, ends_at: endMs === null ? null : formatTime(endMs) };
}

/** Converts a budget to the form that clients see. */
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
