/** Tests the ranges, the groups and the bars of usage. */
import t from "tap";
import {
  askedOf,
  barSeconds,
  barTimes,
  budgetRows,
  choiceIn,
  COLOURED_GROUPS,
  groupRows,
  groupSeries,
  measured,
  totalsOf,
  type Totals,
} from "./model.js";

const NOW_MS = Date.parse("2026-02-16T14:30:00Z");
const HOUR_MS = 3_600_000;

function totals(cost: number, tokens = 10, calls = 1): Totals {
  return { total_cost_usd: cost, total_tokens_in: tokens, total_tokens_out: tokens, request_count: calls };
}

t.test("an address without valid parameters means the last day by project", async (t) => {
  const usual = { range: "24h", by: "project", show: "cost", from: "", to: "" };
  t.same(choiceIn({}), usual);
  t.same(choiceIn({ range: "century", by: "colour", show: "x", from: "soon" }), usual);
});

t.test("a named range ends now, in intervals that can be distinguished", async (t) => {
  const asked = (range: "today" | "24h" | "7d" | "30d") => askedOf({ range, from: "", to: "" }, NOW_MS);
  t.same(asked("24h"), { from: "2026-02-15T14:30:00.000Z", to: "", interval: "hour" });
  t.same(asked("7d"), { from: "2026-02-09T14:30:00.000Z", to: "", interval: "day" });
  t.same(asked("30d"), { from: "2026-01-17T14:30:00.000Z", to: "", interval: "day" });
  const midnight = new Date(NOW_MS).setHours(0, 0, 0, 0);
  t.equal(Date.parse(asked("today").from), midnight, "the viewer's midnight");
});

t.test("a custom range may be open at both ends", async (t) => {
  const asked = (from: string, to: string) => askedOf({ range: "own", from, to }, NOW_MS).interval;
  t.equal(asked("", ""), "day");
  t.equal(asked("2026-02-15T00:00:00Z", ""), "hour");
  t.equal(asked("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"), "hour");
  t.equal(asked("2026-01-01T00:00:00Z", "2026-01-09T00:00:00Z"), "day");
});

t.test("each hour of the range has its bar, without usage too", async (t) => {
  const asked = askedOf({ range: "24h", from: "", to: "" }, NOW_MS);
  const times = barTimes(asked, [], NOW_MS);
  t.equal(times.length, 25, "from the hour in which the range begins to this one");
  t.equal(times.at(-1), Date.parse("2026-02-16T14:00:00Z"));
  const open = barTimes(
    { from: "", to: "", interval: "day" },
    [{ from: "2026-02-14T00:00:00.000Z", groups: {} }],
    NOW_MS,
  );
  t.equal(open.length, 3, "an open range begins with the first usage");
  t.equal(barTimes({ from: "", to: "", interval: "day" }, [], NOW_MS).length, 1);
  t.equal(barTimes({ from: "1970-01-01T00:00:00Z", to: "", interval: "day" }, [], NOW_MS).length, 400, "it is bounded");
  t.equal(
    barTimes({ from: "2027-01-01T00:00:00Z", to: "", interval: "day" }, [], NOW_MS).length,
    1,
    "it has not begun yet",
  );
});

t.test("a UTC day is placed at the local day of its date", async (t) => {
  const dayMs = Date.parse("2026-02-16T00:00:00Z");
  t.same(barSeconds([dayMs], "day"), [new Date(2026, 1, 16).getTime() / 1_000]);
  t.same(barSeconds([dayMs + HOUR_MS], "hour"), [(dayMs + HOUR_MS) / 1_000]);
});

t.test("the largest groups are separate, and the others together", async (t) => {
  const names = Array.from({ length: COLOURED_GROUPS + 3 }, (_, at) => `g${at}`);
  const groups = Object.fromEntries(names.map((name, at) => [name, totals(at + 1)]));
  const rows = groupRows(groups, "cost");
  t.equal(rows[0]?.group, names.at(-1));
  const time = "2026-02-16T14:00:00.000Z";
  const found = groupSeries([{ from: time, groups }], [Date.parse(time) - HOUR_MS, Date.parse(time)], rows, "cost");
  t.equal(found.length, COLOURED_GROUPS + 1);
  t.same(found[0], { group: names.at(-1), values: [0, COLOURED_GROUPS + 3] });
  t.same(found.at(-1), { group: null, values: [0, 1 + 2 + 3] });
  const six = groupRows(
    Object.fromEntries(names.slice(0, COLOURED_GROUPS + 1).map((name) => [name, totals(1)])),
    "cost",
  );
  t.equal(
    groupSeries([], [NOW_MS], six, "cost").some(({ group }) => group === null),
    false,
    "one other group has a colour rather than a name like that",
  );
});

t.test("cost, tokens or calls are shown, and determine the order", async (t) => {
  t.equal(measured(totals(2, 3, 4), "cost"), 2);
  t.equal(measured(totals(2, 3, 4), "tokens"), 6);
  t.equal(measured(totals(2, 3, 4), "calls"), 4);
  t.equal(measured(undefined, "cost"), 0);
  t.equal(totalsOf({}, "constructor"), undefined);
  const groups = { dear: totals(9, 1, 1), busy: totals(1, 1, 9), alike: totals(1, 1, 9) };
  t.same(
    groupRows(groups, "calls").map(({ group }) => group),
    ["alike", "busy", "dear"],
  );
});

t.test("budgets that are used up are first, then the fullest", async (t) => {
  const budget = (id: string, state: "ok" | "warned" | "exhausted", share: number) =>
    ({ id, state, share }) as Parameters<typeof budgetRows>[0][number];
  const budgets = [budget("b", "ok", 0.1), budget("a", "ok", 0.1), budget("c", "warned", 0.9), budget("d", "ok", 0.7)];
  const rows = budgetRows([...budgets, budget("e", "exhausted", 1), budget("f", "warned", 0.8)]);
  t.equal(rows.map(({ id }) => id).join(""), "ecfdab");
});
