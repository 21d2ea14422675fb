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

type Sums = "state" | "used_tokens" | "used_cost" | "reports" | "unpriced";

/** A budget in memory, to whose sums reports are added. */
export interface LiveBudget extends Omit<BudgetRow, Sums>, Writable<Pick<BudgetRow, Sums>> {
  /** When the period of the sums ends, in ms; infinite if it never does. */
  readonly endMs: number;
}

type Writable<Row> = { -readonly [Name in keyof Row]: Row[Name] };

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
  const ofTokens = tokens === null ? 0 : used_tokens / tokens;
  const ofCost = cost_usd === null ? 0 : used_cost / cost_usd;
  return Math.min(Math.max(ofTokens, ofCost), Number.MAX_SAFE_INTEGER);
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

/**
 * Adds costs, rounded to EXACT_DIGITS. It remembers the last sum, because most budgets that a report concerns have the
 * same one, and rounding takes longer than all else.
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

/** Adds a report to the sums of a budget. Returns whether its state has changed. */
export function charge(row: LiveBudget, { tokens, cost }: Charge): boolean {
  row.used_tokens = Math.min(row.used_tokens + tokens, Number.MAX_SAFE_INTEGER);
  if (cost === null) row.unpriced += 1;
  else row.used_cost = costSum.of(row.used_cost, cost);
  row.reports += 1;
  const before = row.state;
  row.state = stateOf(row);
  return row.state !== before;
}

/** Returns when the period of the sums ends, in ms; null if it never does. */
export function endOf({ period, since }: BudgetRow): number | null {
  return periodEnd(period, since);
}

/** Returns whether a budget keeps those whom it concerns from tasks. */
export function holds(row: BudgetRow, nowMs: number): boolean {
  return row.policy === "deny" && atTime(row, nowMs).state === "exhausted";
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
