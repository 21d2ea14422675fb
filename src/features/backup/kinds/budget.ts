/** The kind of records for budgets, with the sums of their current periods. */
import { NUMBER, nullable, rowKind, TEXT, TIME, WHOLE } from "./rows.js";

export const BUDGET_KIND = rowKind({
  name: "budget",
  table: "budget",
  columns: {
    id: TEXT,
    scope: TEXT,
    target: TEXT,
    tokens: nullable(WHOLE),
    cost_usd: nullable(NUMBER),
    period: TEXT,
    warn_at: NUMBER,
    policy: TEXT,
    state: TEXT,
    used_tokens: WHOLE,
    used_cost: NUMBER,
    reports: WHOLE,
    unpriced: WHOLE,
    since: TIME,
    updated_at: TIME,
  },
  order: "id",
});
