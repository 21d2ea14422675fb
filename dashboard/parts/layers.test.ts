/** Tests the places of boxes in a graph: columns, order, sizes, cycles, and many boxes. */
import t from "tap";
import { curve, layersOf, type Link } from "./layers.js";

const SIZES = { width: 100, height: 40, columnGap: 50, rowGap: 10 };
const linksOf = (text: string): Link[] => text.split(" ").map((pair) => ({ from: pair.charAt(0), to: pair.charAt(1) }));

t.test("a box is to the left of all boxes to which it leads", (t) => {
  const links = linksOf("ab bc ac dc");
  const { places, width, height } = layersOf(links, SIZES);
  for (const { from, to } of links) t.ok((places.get(from)?.x ?? 0) + SIZES.width < (places.get(to)?.x ?? 0));
  t.same([...places.keys()], ["a", "b", "d", "c"], "from left to right, and from top to bottom");
  t.match(places.get("c"), { x: 300, out: 0, in: 3 });
  t.match(places.get("a"), { x: 0, out: 2, in: 0 });
  t.same([width, height], [400, 90]);
  t.end();
});

t.test("boxes are at the height of those to which they lead", (t) => {
  const { places } = layersOf(linksOf("ax by cx"), SIZES);
  const order = [...places].filter(([, { x }]) => x === 0).map(([id]) => id);
  t.same(order, ["a", "c", "b"], "a and c lead to the upper box");
  t.end();
});

t.test("a cycle ends, and no link is no graph", (t) => {
  t.equal(layersOf(linksOf("ab ba"), SIZES).places.size, 2);
  t.same(layersOf([], SIZES), { places: new Map(), width: 0, height: 0 });
  t.end();
});

t.test("no two of 200 boxes overlap", (t) => {
  const links = Array.from({ length: 600 }, (_, at) => ({
    from: `t${at % 199}`,
    to: `t${Math.min(199, (at % 199) + 1 + ((at * 7) % 40))}`,
  }));
  const { places } = layersOf(links, SIZES);
  t.equal(places.size, 200);
  t.equal(new Set([...places.values()].map(({ x, y }) => `${x} ${y}`)).size, 200);
  t.end();
});

t.test("a curve is horizontal at both ends", (t) => {
  t.equal(curve(0, 0, 100, 40), "C50,0 50,40 100,40");
  t.end();
});
