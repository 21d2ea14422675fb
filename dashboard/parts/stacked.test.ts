/** Tests the order of boxes below each other, and the lanes of their edges. */
import t from "tap";
import { stackedPaths, stackOrder } from "./stacked.js";

const links = (...pairs: readonly string[]) => pairs.map((pair) => ({ from: pair[0] ?? "", to: pair[1] ?? "" }));

t.test("a box is above those to which its edges lead, and close to them", (t) => {
  t.same(stackOrder(["a", "x", "b", "y", "c"], links("ab", "bc", "xy")), ["a", "b", "c", "x", "y"]);
  t.same(stackOrder(["a", "b", "c"], links("ac", "bc")), ["a", "b", "c"], "after the last of its sources");
  t.same(stackOrder(["a", "b"], links("ab", "ba")), ["a", "b"], "a cycle loses no box");
  t.end();
});

t.test("edges at the same height are in different lanes, unless they lead to the same box", (t) => {
  const xsOf = (paths: readonly string[]) => paths.map((path) => /H(\d+)V/.exec(path)?.[1]);
  const { left, paths } = stackedPaths([
    { fromY: 10, toY: 30 },
    { fromY: 0, toY: 50 },
    { fromY: 40, toY: 50 },
    { fromY: 60, toY: 80 },
  ]);
  t.equal(left, 23);
  t.same(xsOf(paths), ["10", "1", "10", "10"]);
  t.equal(paths[0], "M23,10H10V30H23");
  t.same(stackedPaths([]), { left: 0, paths: [] });
  const many = Array.from({ length: 40 }, (_, at) => ({ fromY: at, toY: 100 + at }));
  t.ok(stackedPaths(many).left < 100, "the boxes keep their space");
  t.end();
});
