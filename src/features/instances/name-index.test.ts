/** Tests the index of names against a naive model. Also tests that a lookup examines a bounded number of instances. */
import * as fc from "fast-check";
import t from "tap";
import { INSTANCE_STATUSES, type InstanceStatus } from "../../../schemas/instances.js";
import { INSTANCES_SCANNED_MAX } from "../../../schemas/limits/instances.js";
import { NameIndex, type Named } from "./name-index.js";

interface Item extends Named {
  status: InstanceStatus;
}

const step = fc.record({
  do: fc.constantFrom("add" as const, "add" as const, "remove" as const, "change" as const),
  which: fc.nat(60),
  name: fc.constantFrom("a", "__proto__"),
  workspace: fc.constantFrom("v", "w"),
  status: fc.constantFrom(...INSTANCE_STATUSES),
});

t.test("any sequence of changes agrees with the model", (t) => {
  const property = fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
    const index = new NameIndex<Item>();
    const model = new Map<number, Item>();
    for (const { do: what, which, name, workspace, status } of steps) {
      const known = model.get(which);
      if (what === "add" && known === undefined) {
        // Rows are added in any order.
        const item = { row: which, name, workspace, status };
        model.set(which, item);
        index.add(item);
      } else if (what === "remove" && known !== undefined) {
        model.delete(which);
        index.remove(known);
      } else if (what === "change" && known !== undefined) {
        const before = known.status;
        known.status = status;
        index.statusChanged(known, before);
      }
      const newestOf = (matches: (item: Item) => boolean): number | undefined =>
        [...model.values()].filter(matches).toSorted((a, b) => b.row - a.row)[0]?.row;
      for (const of of ["a", "__proto__", "toString"]) {
        if (index.newest(of, undefined)?.row !== newestOf((item) => item.name === of)) return false;
        for (const place of ["v", "w", "x"]) {
          const isThere = (item: Item): boolean => item.name === of && item.workspace === place;
          if (index.newest(of, place)?.row !== newestOf(isThere)) return false;
          const active = newestOf((item) => isThere(item) && item.status === "active");
          if (index.newestActive(of, place)?.row !== active) return false;
        }
      }
    }
    return true;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
  t.end();
});

t.test("a lookup examines few instances, however many have the name", (t) => {
  const COUNT = 10_000;
  let reads = 0;
  const index = new NameIndex<Named>();
  const items = Array.from({ length: COUNT }, (_unused, row) => ({
    row,
    name: "same",
    get workspace() {
      reads += 1;
      return row < COUNT / 2 ? "older" : "newer";
    },
    get status() {
      reads += 1;
      return row === 0 ? ("active" as const) : ("pending" as const);
    },
  }));
  for (const item of items) index.add(item);
  reads = 0;
  const rows = [
    index.newest("same", undefined),
    index.newest("same", "older"),
    index.newestActive("same", "older"),
    index.newestActive("same", "newer"),
  ].map((item) => item?.row);
  t.same(rows, [COUNT - 1, COUNT / 2 - 1, 0, undefined]);
  t.ok(reads <= 4 * 2 * INSTANCES_SCANNED_MAX, `${reads} reads`);
  for (const item of items.slice(COUNT / 2).toReversed()) {
    index.remove(item);
    reads = 0;
    index.newest("same", "newer");
    index.newest("same", undefined);
    if (reads > 4 * INSTANCES_SCANNED_MAX) t.fail(`${reads} reads after a removal`);
  }
  t.equal(index.newest("same", undefined)?.row, COUNT / 2 - 1);
  t.end();
});
