/** Tests which slots the rendered rows get. */
import t from "tap";
import { assignSlots } from "./row-slots.js";

const NONE: ReadonlyMap<string, number> = new Map();

function slotsOf(before: ReadonlyMap<string | number, number>, keys: string, busy: number | null = null) {
  return assignSlots(before, keys.split(""), busy);
}

const shown = (slots: ReadonlyMap<string | number, number>): string => [...slots.values()].join(" ");

t.test("a row keeps its slot, and a new row gets that of one that has left", (t) => {
  const first = slotsOf(NONE, "abcd");
  t.equal(shown(first), "0 1 2 3");
  const second = slotsOf(first, "xyab");
  t.equal(shown(second), "2 3 0 1");
  t.equal(shown(slotsOf(second, "zxya")), "1 2 3 0");
  t.equal(shown(slotsOf(first, "abcd")), "0 1 2 3");
  t.end();
});

t.test("rows that are all new have the slots in their order, so that no element moves", (t) => {
  const rotated = slotsOf(slotsOf(NONE, "abcd"), "xabc");
  t.equal(shown(rotated), "3 0 1 2");
  t.equal(shown(slotsOf(rotated, "efgh")), "3 0 1 2");
  t.end();
});

t.test("there are as many slots as rows, however the list grows and shrinks", (t) => {
  let slots = slotsOf(NONE, "abc");
  for (const keys of ["abcde", "de", "fghij", "", "klmno"]) {
    slots = slotsOf(slots, keys);
    t.equal(new Set(slots.values()).size, slots.size, `${keys}: no two rows share one`);
    t.ok(Math.max(-1, ...slots.values()) < 5, keys);
  }
  t.end();
});

t.test("the slot of the row that has the focus is not used for another row", (t) => {
  const first = slotsOf(NONE, "abc");
  t.equal(shown(slotsOf(first, "xab", 2)), "3 0 1", "it has left");
  t.equal(shown(slotsOf(first, "xab", 0)), "2 0 1", "it is still there");
  t.end();
});
