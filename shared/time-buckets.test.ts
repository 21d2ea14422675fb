/** Tests that the buckets of a histogram are as short as their maximum number allows, and begin at round times. */
import t from "tap";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "./duration.js";
import { timeBuckets } from "./time-buckets.js";

const NOON = Date.parse("2026-11-27T12:00:00Z");

t.test("buckets begin at round times and cover the range", async (t) => {
  t.same(timeBuckets(NOON, NOON, 60), { fromMs: NOON, stepMs: 1_000, count: 1 });
  t.same(timeBuckets(NOON + 1, NOON + HOUR_MS, 61), { fromMs: NOON, stepMs: MINUTE_MS, count: 61 });
  t.same(timeBuckets(NOON + 1, NOON + HOUR_MS, 60), { fromMs: NOON, stepMs: 5 * MINUTE_MS, count: 13 });
  t.same(timeBuckets(NOON - DAY_MS, NOON, 60), { fromMs: NOON - DAY_MS, stepMs: 30 * MINUTE_MS, count: 49 });
});

t.test("no range has more buckets than asked, but for two halves of one that is crossed", async (t) => {
  for (const max of [2, 3, 60, 200])
    for (const [from, to] of [
      [Date.parse("0001-01-01T00:00:00Z"), Date.parse("9999-12-31T23:59:59Z")],
      [-1, 1],
      [NOON - 1, NOON],
      [NOON - 400 * DAY_MS, NOON],
    ] as const) {
      const { fromMs, stepMs, count } = timeBuckets(from, to, max);
      t.ok(count <= max, `${count} of ${max}`);
      t.ok(fromMs <= from && fromMs + count * stepMs > to, "the whole range is covered");
    }
});
