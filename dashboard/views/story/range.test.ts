/** Tests the ranges in addresses, time axes, and the steps through a range. */
import { assert, integer, property } from "fast-check";
import t from "tap";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../shared/duration.js";
import { chosenIn, percentOf, rangeIn, ticksOf } from "./range.js";
import { countUntil, nextTime, previousTime, speedOf, SPEEDS } from "./steps.js";

const now = Date.parse("2026-02-09T14:30:00.000Z");
const time = (ms: number): string => new Date(ms).toISOString();

const RANGE_MS = 12 * HOUR_MS;

t.test("the range is that of the address, the time around a time, or the last 12 hours", (t) => {
  const from = time(now - HOUR_MS);
  for (const [query, fromMs, toMs] of [
    [{}, now - RANGE_MS, now],
    [{ from: "soon", to: "late", at: "then" }, now - RANGE_MS, now],
    [{ from }, now - HOUR_MS, now],
    [{ from, to: time(now - MINUTE_MS) }, now - HOUR_MS, now - MINUTE_MS],
    [{ from, to: time(now + HOUR_MS) }, now - HOUR_MS, now],
    [{ to: from }, now - HOUR_MS - RANGE_MS, now - HOUR_MS],
    [{ from, to: from }, now - HOUR_MS - RANGE_MS, now - HOUR_MS],
    [{ from: time(now + HOUR_MS) }, now - RANGE_MS, now],
    [{ at: time(now - DAY_MS) }, now - DAY_MS - 30 * MINUTE_MS, now - DAY_MS + 30 * MINUTE_MS],
    [{ at: time(now - MINUTE_MS) }, now - 31 * MINUTE_MS, now],
  ] as const)
    t.same(rangeIn(query, now), { fromMs, toMs }, JSON.stringify(query));
  t.end();
});

t.test("a time outside the range is replaced by its end", (t) => {
  const range = { fromMs: now - HOUR_MS, toMs: now };
  t.equal(chosenIn({ at: time(now - MINUTE_MS) }, range), now - MINUTE_MS);
  for (const at of ["", "soon", time(now + 1), time(now - 2 * HOUR_MS)]) t.equal(chosenIn({ at }, range), now, at);
  t.end();
});

t.test("an axis has at most seven marks, evenly, in the range", (t) => {
  assert(
    property(integer({ min: 10, max: 400 * DAY_MS }), integer({ min: 0, max: DAY_MS }), (length, before) => {
      const range = { fromMs: now - before - length, toMs: now - before };
      const { stepMs, ticks } = ticksOf(range);
      t.ok(ticks.length <= 7, `${ticks.length} marks`);
      for (const [at, tick] of ticks.entries()) {
        t.ok(tick >= range.fromMs && tick <= range.toMs);
        t.equal(tick, (ticks[0] ?? 0) + at * stepMs);
      }
    }),
    { numRuns: 50 },
  );
  t.equal(percentOf(now - HOUR_MS, { fromMs: now - 2 * HOUR_MS, toMs: now }), 50);
  t.end();
});

t.test("steps go to the next and the previous event, and stop at the ends of the range", (t) => {
  const range = { fromMs: 0, toMs: 100 };
  const times = [10, 20, 20, 30];
  const forward = [0, 10, 15, 20, 30, 100].map((at) => nextTime(times, at, range));
  t.same(forward, [10, 20, 20, 30, 100, 100]);
  t.same(
    [100, 30, 25, 20, 10, 0].map((at) => previousTime(times, at, range)),
    [30, 20, 20, 10, 0, 0],
  );
  t.same(
    [0, 10, 20, 29, 99].map((at) => countUntil(times, at)),
    [0, 1, 3, 3, 4],
  );
  t.equal(nextTime([], 5, range), 100);
  t.equal(previousTime([], 5, range), 0);
  t.end();
});

t.test("the speed is the slowest that plays a range in a minute", (t) => {
  for (const [length, speed] of [
    [1_000, 1],
    [15 * MINUTE_MS, 60],
    [HOUR_MS, 60],
    [DAY_MS, 3_600],
    [7 * DAY_MS, 21_600],
    [90 * DAY_MS, SPEEDS.at(-1)?.[0]],
  ] as const)
    t.equal(speedOf({ fromMs: now - length, toMs: now }), speed);
  t.end();
});
