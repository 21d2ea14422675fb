/** Computes the periods of budgets: hours, days and months, which begin in UTC, and the period without an end. Pure. */
import type { BudgetPeriod } from "../../../schemas/budgets.js";
import { HOUR_MS } from "../../../shared/duration.js";

const DAY_MS = 24 * HOUR_MS;

/** Returns the beginning of the period that contains a time, in ms; 0 for the period without an end. */
export function periodStart(period: BudgetPeriod, atMs: number): number {
  if (period === "total") return 0;
  if (period === "month") return monthStart(atMs, 0);
  const length = period === "hour" ? HOUR_MS : DAY_MS;
  return Math.floor(atMs / length) * length;
}

/** Returns the end of the period that contains a time, in ms; null for the period without an end. */
export function periodEnd(period: BudgetPeriod, atMs: number): number | null {
  if (period === "total") return null;
  if (period === "month") return monthStart(atMs, 1);
  return periodStart(period, atMs) + (period === "hour" ? HOUR_MS : DAY_MS);
}

function monthStart(atMs: number, monthsLater: number): number {
  const at = new Date(atMs);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + monthsLater);
}
