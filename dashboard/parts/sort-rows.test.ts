/** Tests how a table is sorted by a column, and how a click on a column's head changes the order. */
import t from "tap";
import { formatOrder, nextOrder, parseOrder, sortRows, type SortValue } from "./sort-rows.js";

const sorted = (values: readonly SortValue[], down = false): readonly SortValue[] =>
  sortRows(values, (value) => value, down);

t.test("numbers by size, texts by alphabet and the numbers in them, in both directions", (t) => {
  t.same(sorted([10, 9, 100]), [9, 10, 100]);
  t.same(sorted([10, 9, 100], true), [100, 10, 9]);
  t.same(sorted(["lease-10", "lease-9", "Lease-1"]), ["Lease-1", "lease-9", "lease-10"]);
  t.end();
});

t.test("rows without a value come last, and equal rows keep their order", (t) => {
  t.same(sorted([null, 2, null, 1]), [1, 2, null, null]);
  t.same(sorted([null, 1, 2], true), [2, 1, null]);
  const rows = [
    { name: "first", of: 1 },
    { name: "second", of: 1 },
    { name: "third", of: 0 },
  ];
  for (const down of [false, true])
    t.same(
      sortRows(rows, ({ of }) => of, down)
        .map(({ name }) => name)
        .filter((name) => name !== "third"),
      ["first", "second"],
    );
  t.end();
});

t.test("a head sorts up, then down, then no more; another head begins anew", (t) => {
  const up = nextOrder(null, "Name");
  const down = nextOrder(up, "Name");
  t.same(up, { head: "Name", down: false });
  t.same(down, { head: "Name", down: true });
  t.equal(nextOrder(down, "Name"), null);
  t.same(nextOrder(down, "Since"), { head: "Since", down: false });
  t.end();
});

t.test("an order is the same after it was part of an address", (t) => {
  for (const order of [null, { head: "Last seen", down: false }, { head: "Activity, 24 h", down: true }])
    t.same(parseOrder(formatOrder(order)), order);
  t.equal(formatOrder({ head: "Name", down: true }), "-Name");
  t.equal(parseOrder("-"), null);
  t.end();
});
