/** Tests the layout of the wait graph: columns, holders that are left out, and that nothing overlaps. */
import t from "tap";
import type { Lease, LeaseWaits } from "../../api/types.js";
import { type Graph, LABEL_HEIGHT, layoutGraph, NODE_HEIGHT } from "./graph.js";

type Pair = readonly [from: string, to: string];

/** Creates a wait graph. In each pair, the first holder requests a lease that the second one holds. */
function waits(...pairs: readonly Pair[]): LeaseWaits {
  const holders = [...new Set(pairs.flat())];
  const leaseOf = (id: string, name: string, state: "held" | "waiting"): Lease => ({
    id,
    fence: null,
    state,
    holder: { id: `id-${name}`, name },
    workspace: "w",
    resources: ["deploy"],
    mode: "exclusive",
    scope: "repo",
    checkout: null,
    reason: "",
    note: null,
    task: null,
    ttl_s: 600,
    max_s: 14_400,
    requested_at: "2026-02-09T14:30:00Z",
    granted_at: null,
    expires_at: null,
    ended_at: null,
    position: null,
  });
  return {
    waiting: pairs.length,
    waits: pairs.map(([from, to], at) => ({
      lease: `${from}-${at}`,
      for: `held-${to}`,
      wanted: `of ${to}`,
      resource: "deploy",
    })),
    leases: [
      ...holders.map((name) => leaseOf(`held-${name}`, name, "held")),
      ...pairs.map(([from], at) => leaseOf(`${from}-${at}`, from, "waiting")),
    ],
  };
}

const columnsOf = ({ nodes }: Graph): string[][] => {
  const lefts = [...new Set(nodes.map(({ x }) => x))].sort((a, b) => a - b);
  return lefts.map((left) => nodes.flatMap(({ x, name }) => (x === left ? [name] : [])).sort());
};

/** Returns whether all items in the same column keep a distance. */
function apart(places: readonly { readonly x: number; readonly y: number }[], distance: number): boolean {
  return places.every((one, at) =>
    places.slice(at + 1).every((other) => one.x !== other.x || Math.abs(one.y - other.y) >= distance),
  );
}

t.test("a waiting holder is to the left of all its blockers", (t) => {
  const graph = layoutGraph(waits(["cid", "bob"], ["bob", "ana"], ["cid", "ana"], ["dan", "ana"], ["eve", "fay"]));
  t.same(columnsOf(graph), [["cid"], ["bob", "dan", "eve"], ["ana", "fay"]]);
  for (const { from, to, x } of graph.edges) t.ok(from.x < x && x < to.x, `${from.name} ${to.name}`);
  const ana = graph.nodes.find(({ name }) => name === "ana");
  t.match(ana, { in: 3, out: 0 });
  t.equal(graph.left_out, 0);
  for (const edge of graph.edges) t.match(edge.path, /^M[\d.]+,[\d.]+C[\d., ]+H[\d.]+C[\d., ]+$/);
  t.end();
});

t.test("several requests of one holder for leases of another are one edge", (t) => {
  const { edges } = layoutGraph(waits(["bob", "ana"], ["bob", "ana"], ["bob", "ana"]));
  t.match(edges, [{ lease: "bob-0", wanted: "of ana", more: 2 }]);
  t.equal(edges.length, 1);
  t.end();
});

t.test("nothing overlaps, and all of it is within the drawing", (t) => {
  const many = Array.from({ length: 12 }, (_, at): Pair => [`w${at}`, `h${at % 3}`]);
  const graph = layoutGraph(waits(...many, ["h0", "h1"], ["w0", "h2"], ["w0", "h1"]));
  t.ok(apart(graph.nodes, NODE_HEIGHT + 1), "boxes do not overlap");
  t.ok(apart(graph.edges, LABEL_HEIGHT + 1), "labels do not overlap");
  for (const { y } of graph.nodes) t.ok(y >= 0 && y + NODE_HEIGHT <= graph.height);
  for (const { x, y } of graph.edges) t.ok(y >= 0 && y + LABEL_HEIGHT <= graph.height && x < graph.width);
  t.end();
});

t.test("on a narrow page all boxes and labels are below each other, within its width", (t) => {
  const graph = layoutGraph(waits(["cid", "bob"], ["bob", "ana"], ["cid", "ana"], ["eve", "fay"]), { narrowPx: 330 });
  t.equal(graph.width, 330);
  const rows = [
    ...graph.nodes.map(({ x, y }) => ({ x, y, height: NODE_HEIGHT })),
    ...graph.edges.map(({ x, y }) => ({ x, y, height: LABEL_HEIGHT })),
  ].sort((a, b) => a.y - b.y);
  for (const [at, { x, y, height }] of rows.entries()) {
    t.ok(x < 60);
    t.ok(y + height <= (rows[at + 1]?.y ?? graph.height));
  }
  for (const { from, to, y } of graph.edges) t.ok(from.y < y && y < to.y, "a waiting holder is above its blockers");
  t.match(layoutGraph(waits(), { narrowPx: 330 }), { nodes: [], height: 0 });
  t.end();
});

t.test("of very many the busiest are drawn, and the others counted", (t) => {
  const line = Array.from({ length: 30 }, (_, at): Pair => [`w${at}`, "ana"]);
  const graph = layoutGraph(waits(...line, ["x", "y"]), { most: 10 });
  t.equal(graph.nodes.length, 10);
  t.equal(graph.left_out, 33 - 10);
  t.ok(
    graph.nodes.some(({ name }) => name === "ana"),
    "most requests wait for it",
  );
  t.notOk(
    graph.nodes.some(({ name }) => name === "x"),
    "of equals the longest waiting",
  );
  t.end();
});

t.test("a graph may be empty, or have a cycle, which should not occur", (t) => {
  t.match(layoutGraph(waits()), { nodes: [], edges: [], height: 0, left_out: 0 });
  const graph = layoutGraph(waits(["ana", "bob"], ["bob", "cid"], ["cid", "ana"]));
  t.equal(graph.nodes.length, 3);
  t.equal(graph.edges.length, 3);
  t.end();
});
