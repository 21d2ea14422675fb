/** Tests the multimap: it contains each item once, and removes empty groups. */
import t from "tap";
import { Groups } from "./groups.js";

t.test("a group exists while it has an item", (t) => {
  const groups = new Groups<string, number>();
  t.equal(groups.get("a"), undefined);
  t.same([groups.add("a", 1), groups.add("a", 2), groups.add("b", 1), groups.add("a", 1)], [true, true, true, false]);
  t.equal(groups.size, 2);
  t.same(groups.items(), [1, 2, 1]);
  t.same([...(groups.get("a") ?? [])], [1, 2]);
  t.same([groups.remove("a", 3), groups.remove("c", 1), groups.remove("b", 1)], [false, false, true]);
  t.equal(groups.get("b"), undefined, "the group is empty");
  t.equal(groups.size, 1);
  t.end();
});

t.test("a whole group is removed and returned", (t) => {
  const groups = new Groups<string, number>();
  groups.add("a", 1);
  groups.add("b", 2);
  t.same([...groups.take("a")], [1]);
  t.same([...groups.take("a")], []);
  t.same(groups.items(), [2]);
  groups.clear();
  t.equal(groups.size, 0);
  t.end();
});
