/**
 * Loads the data of the usage view: the sums of a range over time, the calls in the range, the budgets, and the rate
 * limits.
 */
import { getJson } from "../../api/client.js";
import { apiPath, query } from "../../base/path.js";
import type { Loader } from "../../api/resource.js";
import type { BudgetList, RateLimitList, Usage, UsageSummary } from "../../api/types.js";
import type { HistoryOptions } from "../../api/use-history.js";
import { askedOf, type Asked, type UsageChoice } from "./model.js";

const PAGE_ROWS = 50;

/**
 * The sums of a range, and the query for which the server returned them. They are kept together, because the bounds of
 * a range that ends now change with each fetch.
 */
export interface Sums {
  readonly asked: Asked;
  readonly askedMs: number;
  readonly summary: UsageSummary;
}

export function sumsLoader({ range, by, from, to }: UsageChoice): Loader<Sums> {
  return {
    key: `usage ${range} ${by} ${from} ${to}`,
    kinds: ["usage"],
    gapMsMin: 2_000,
    // In a range that ends now, old calls leave the range without a change event. So the range is reloaded regularly.
    ...(range === "own" ? {} : { everyMs: 60_000 }),
    fetch: async (signal) => {
      const askedMs = Date.now();
      const asked = askedOf({ range, from, to }, askedMs);
      const groupBy = by === "agent" ? "instance" : by;
      const path = apiPath("llm", "usage", "summary");
      const summary = await getJson<UsageSummary>(path + query({ group_by: groupBy, ...asked }), signal);
      return { asked, askedMs, summary };
    },
  };
}

/** Loads the budgets. Their periods end without a change event, so they are reloaded regularly. */
export const budgetsLoader: Loader<BudgetList> = {
  key: "budgets",
  kinds: ["budget"],
  gapMsMin: 2_000,
  everyMs: 60_000,
  fetch: (signal) => getJson<BudgetList>(apiPath("budgets"), signal),
};

/** Loads the rate limits that are in effect. */
export const limitsLoader: Loader<RateLimitList> = {
  key: "rate limits",
  kinds: ["rate_limit"],
  gapMsMin: 2_000,
  fetch: (signal) => getJson<RateLimitList>(apiPath("llm", "limits"), signal),
};

/** Returns the options for reading the calls in the range, newest first. */
export function callLog({ range, from, to }: UsageChoice): HistoryOptions<Usage> {
  return {
    key: `usage ${range} ${from} ${to}`,
    kinds: range === "own" && to !== "" ? [] : ["usage"],
    pageRows: PAGE_ROWS,
    read: (page, signal) => {
      const asked = askedOf({ range, from, to }, Date.now());
      const askedTo = page.to ?? asked.to;
      return getJson(apiPath("llm", "usage") + query({ from: asked.from, to: askedTo, limit: page.limit }), signal);
    },
    idOf: ({ id }) => id,
    timeOf: ({ created_at }) => created_at,
  };
}
