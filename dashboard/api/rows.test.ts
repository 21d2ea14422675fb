/** Rows in columns: ordered, bounded, cut by time. */
import t from "tap";
import { addRow, lastOf, noRows, rowsSince, type Rows } from "./rows.js";

const NAMES = ["fish", "frogs"] as const;
type Name = (typeof NAMES)[number];

function pond(times: readonly number[], most = 100): Rows<Name> {
  return times.reduce(
    (rows: Rows<Name>, time) => addRow(rows, time, (name) => (name === "fish" ? time * 2 : null), most),
    noRows(NAMES),
  );
}

t.test("rows are appended", (t) => {
  const rows = pond([1, 2, 3]);
  t.same(rows.times, [1, 2, 3]);
  t.same(rows.columns.get("fish"), [2, 4, 6]);
  t.same(rows.columns.get("frogs"), [null, null, null]);
  t.equal(lastOf(rows, "fish"), 6);
  t.equal(lastOf(rows, "frogs"), null);
  t.equal(lastOf(noRows(NAMES), "fish"), null);
  t.end();
});

t.test("the oldest rows are removed where there are too many", (t) => {
  const rows = pond([1, 2, 3, 4, 5], 3);
  t.same(rows.times, [3, 4, 5]);
  t.same(rows.columns.get("fish"), [6, 8, 10]);
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
