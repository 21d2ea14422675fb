/** Writes the lines that tell agents about budgets, and the reasons of denials because of exhausted budgets. Pure. */
import { HOOK_DENIAL_BYTES_MAX } from "../../../schemas/limits/hooks.js";
import { type BudgetRow, endOf, shareOf } from "../budgets/budget.js";
import { cutToBytes, foreignName } from "./foreign-text.js";

const PERCENT = 100;
const DOLLAR_DIGITS = 2;

/** Returns the line about a budget that is exhausted, or that has reached its warning threshold. */
export function budgetLine(row: BudgetRow): string {
  return `${named(row)} is used up to ${Math.floor(shareOf(row) * PERCENT)} % (${used(row)})${untilEnd(row)}.`;
}

/**
 * Returns the reason of a denial because of an exhausted budget. It says which calls still run, and how the user can
 * help.
 */
export function budgetReason(row: BudgetRow): string {
  const start = `${named(row)} is used up: ${used(row)}${untilEnd(row)}.`;
  const finish =
    "Only koor commands still run: tell others with koor message send, give up a task with koor task release.";
  const raise = `Your user can raise or remove it: koor budget set ${foreignName(row.id)}, koor budget remove ${foreignName(row.id)}.`;
  return cutToBytes(`${start} ${finish} ${raise}`, HOOK_DENIAL_BYTES_MAX);
}

function named({ id, scope, target }: BudgetRow): string {
  return `The budget ${foreignName(id)} of the ${scope} ${foreignName(target)}`;
}

/**
 * Returns a text that says how much of each limit is used. The dollars are a lower bound if the cost of some reports is
 * unknown.
 */
function used({ tokens, cost_usd, used_tokens, used_cost, unpriced }: BudgetRow): string {
  const parts: string[] = [];
  if (tokens !== null) parts.push(`${used_tokens} of ${tokens} tokens`);
  if (cost_usd !== null) {
    const least = unpriced === 0 ? "" : `at least `;
    const without = unpriced === 0 ? "" : `, ${unpriced} reports without a cost`;
    parts.push(`${least}$${used_cost.toFixed(DOLLAR_DIGITS)} of $${cost_usd}${without}`);
  }
  return parts.join(", ");
}

function untilEnd(row: BudgetRow): string {
  const endMs = endOf(row);
  return endMs === null ? "" : `, until ${new Date(endMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
