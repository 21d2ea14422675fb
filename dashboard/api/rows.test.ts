/**
 * Tests the table of columns. The tests cover how parts of the history extend the table, and how it is cut at a time.
 */
import t from "tap";
import { addPart, type HistoryPart, lastOf, noRows, rowsSince, type Rows } from "./rows.js";

const NAMES = ["fish", "frogs"] as const;
type Name = (typeof NAMES)[number];

const part = (times: readonly number[]): HistoryPart => ({
  times: times.map((time) => new Date(time * 1_000).toISOString()),
  metrics: { fish: times.map((time) => time * 2), frogs: times.map(() => null) },
});
const pond = (...parts: readonly (readonly number[])[]): Rows<Name> =>
  parts.reduce((rows: Rows<Name>, times) => addPart(rows, part(times)), noRows(NAMES));

t.test("parts are appended, and rows that are known are left out", (t) => {
  for (const rows of [pond([1, 2, 3]), pond([1, 2], [3]), pond([1, 2], [1, 2, 3]), pond([1, 2, 3], [], [2])]) {
    t.same(rows.times, [1, 2, 3]);
    t.same(rows.columns.get("fish"), [2, 4, 6]);
    t.same(rows.columns.get("frogs"), [null, null, null]);
    t.equal(lastOf(rows, "fish"), 6);
  }
  t.equal(lastOf(noRows(NAMES), "fish"), null);
  t.end();
});

t.test("there is a gap where the server was off", (t) => {
  const rows = pond([1, 2], [400, 401]);
  t.same(rows.times, [1, 2, 3, 400, 401]);
  t.same(rows.columns.get("fish"), [2, 4, null, 800, 802]);
  t.same(pond([1, 121], [241]).times, [1, 121, 241], "but not between two older samples");
  t.end();
});

t.test("rows from a time on are returned", (t) => {
  const rows = pond([1, 2, 3, 4]);
  for (const [from, times] of [
    [0, [1, 2, 3, 4]],
    [2.5, [3, 4]],
    [3, [3, 4]],
    [9, []],
  ] as const) {
    const cut = rowsSince(rows, from);
    t.same(cut.times, times, `from ${from}`);
    t.equal(cut.columns.get("fish")?.length, times.length, `from ${from}: columns of the same length`);
  }
  t.end();
});
