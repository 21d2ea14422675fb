/** Tests the periods, shares and states of budgets, and the search for the budgets that concern an agent. */
import t from "tap";
import { atTime, type BudgetRow, type Charge, charge, endOf, type LiveBudget, shareOf, showBudget } from "./budget.js";
import { periodEnd, periodStart } from "./period.js";
import { BudgetIndex } from "./targets.js";

/** Returns a copy of a budget after a report. */
function charged(row: BudgetRow, report: Charge): LiveBudget {
  const live = new BudgetIndex().set(row);
  charge(live, report);
  return live;
}

const NOON = Date.parse("2026-11-26T12:34:56.789Z");
const ROW: BudgetRow = {
  id: "b",
  scope: "workspace",
  target: "w",
  tokens: 100,
  cost_usd: null,
  period: "day",
  warn_at: 0.8,
  policy: "deny",
  state: "ok",
  used_tokens: 0,
  used_cost: 0,
  reports: 0,
  unpriced: 0,
  since: NOON,
  updated_at: NOON,
};

t.test("periods begin in UTC", (t) => {
  const bounds = (["hour", "day", "month"] as const).map((period) => [
    new Date(periodStart(period, NOON)).toISOString(),
    new Date(periodEnd(period, NOON) ?? 0).toISOString(),
  ]);
  t.same(bounds, [
    ["2026-11-26T12:00:00.000Z", "2026-11-26T13:00:00.000Z"],
    ["2026-11-26T00:00:00.000Z", "2026-11-27T00:00:00.000Z"],
    ["2026-11-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z"],
  ]);
  t.same([periodStart("total", NOON), periodEnd("total", NOON)], [0, null]);
  t.equal(new Date(periodEnd("month", Date.parse("2026-12-31T23:59:59Z")) ?? 0).getUTCFullYear(), 2027);
  t.end();
});

t.test("a budget is ok, then warned, then exhausted", (t) => {
  let row = ROW;
  const states = [79, 1, 19, 1].map((tokens) => (row = charged(row, { tokens, cost: null })));
  t.same(
    states.map(({ state }) => state),
    ["ok", "warned", "warned", "exhausted"],
  );
  t.match(states.at(-1), { used_tokens: 100, reports: 4, unpriced: 4 });
  t.equal(showBudget(states[0] ?? ROW).share, 0.79);
  t.end();
});

t.test("the larger share of two limits counts, and an unknown cost is counted apart", (t) => {
  const both = { ...ROW, cost_usd: 0.3 };
  const first = charged(both, { tokens: 10, cost: 0.1 });
  const second = charged(first, { tokens: 10, cost: 0.2 });
  t.equal(second.used_cost, 0.3, "sums have no errors of binary fractions");
  t.equal(second.state, "exhausted");
  t.equal(shareOf(second), 1);
  t.match(charged(first, { tokens: 1, cost: null }), { used_cost: 0.1, unpriced: 1, reports: 2 });
  t.end();
});

t.test("sums of costs are those of each budget, in whatever order reports concern several", (t) => {
  const [a, b] = [new BudgetIndex().set(ROW), new BudgetIndex().set({ ...ROW, used_cost: 5 })];
  for (const cost of [0.1, 0.2, 0.2, 0, 0.1]) for (const row of [a, b, a]) charge(row, { tokens: 0, cost });
  t.same([a.used_cost, b.used_cost], [1.2, 5.6]);
  t.end();
});

t.test("sums never exceed what a number holds exactly", (t) => {
  const full = charged(ROW, { tokens: Number.MAX_SAFE_INTEGER, cost: null });
  t.equal(charged(full, { tokens: Number.MAX_SAFE_INTEGER, cost: null }).used_tokens, Number.MAX_SAFE_INTEGER);
  const dear = charged({ ...ROW, cost_usd: Number.MIN_VALUE }, { tokens: 1, cost: Number.MAX_VALUE });
  const shown = showBudget(charged(dear, { tokens: 1, cost: Number.MAX_VALUE }));
  t.match(shown, { share: 9_007_199_254_740_990, used: { cost_usd: Number.MAX_SAFE_INTEGER }, state: "exhausted" });
  t.end();
});

t.test("a budget whose period has ended is unused, and one without an end stays", (t) => {
  const spent = charged(ROW, { tokens: 100, cost: null });
  const endMs = endOf(spent) ?? 0;
  t.equal(atTime(spent, endMs - 1), spent);
  t.match(atTime(spent, endMs), { state: "ok", used_tokens: 0, reports: 0, unpriced: 0, since: endMs });
  t.equal(atTime(spent, NOON - 10 * 86_400_000), spent, "a clock that was set back resets nothing");
  const total = charged({ ...ROW, period: "total" }, { tokens: 100, cost: null });
  t.equal(atTime(total, NOON + 1e12), total);
  t.equal(endOf(total), null);
  t.end();
});

t.test("budgets are found by what they are about, each once", (t) => {
  const index = new BudgetIndex();
  const add = (id: string, scope: BudgetRow["scope"], target: string): unknown =>
    index.set({ ...ROW, id, scope, target });
  add("w", "workspace", "w");
  add("a", "agent", "ana");
  add("i", "agent", "id-1");
  add("t", "task", "t1");
  const ids = (more: Partial<Parameters<BudgetIndex["concerning"]>[0]>): string[] =>
    index.concerning({ workspace: null, agents: [], tasks: [], ...more }).map(({ id }) => id);
  t.same(ids({ workspace: "w", agents: ["id-1", "ana"], tasks: ["t1", "t1"] }), ["a", "i", "t", "w"]);
  t.same(ids({ workspace: "ana", agents: ["w"], tasks: ["id-1"] }), [], "the scope counts");
  add("a", "task", "t2");
  t.same(ids({ agents: ["ana"] }), [], "it is about something else now");
  t.same([index.has("agent"), index.size], [true, 4]);
  index.delete("i");
  t.equal(index.has("agent"), false);
  index.clear();
  t.same([index.size, index.has("task"), ids({ tasks: ["t2"] })], [0, false, []]);
  t.end();
});
