/** Tests the matrix of checkouts, and the descriptions of line ranges. */
import t from "tap";
import type { Overlap } from "../../api/types.js";
import { chooseWorkspace, describeLines, describePair, matrixOf, pairBetween } from "./model.js";

const AT = "2026-02-09T14:30:00Z";
type Ranges = Overlap["a"]["ranges"];

function overlap(
  path: string,
  a: string,
  b: string,
  kind: Overlap["kind"],
  ranges: [Ranges, Ranges] = [[], []],
): Overlap {
  const sideOf = (checkout: string, own: Ranges): Overlap["a"] => ({
    checkout,
    branch: checkout === "c3" || checkout === "c4" ? "main" : `branch-${checkout}`,
    instances: [{ id: `id-${checkout}`, name: `agent-${checkout}` }],
    ranges: own,
  });
  return { path, a: sideOf(a, ranges[0]), b: sideOf(b, ranges[1]), kind, same_base: true, since: AT };
}

t.test("checkouts are sorted by their labels, pairs by how bad they are", (t) => {
  const overlaps = [
    overlap("a.ts", "c1", "c2", "file"),
    overlap("b.ts", "c1", "c2", "lines"),
    overlap("c.ts", "c2", "c3", "lines"),
    overlap("d.ts", "c3", "c4", "delete"),
  ];
  const known = new Map([["c3", { id: "c3", branch: "old", root: "/work/shop", machine: "box" }]]);
  const matrix = matrixOf(overlaps, known);
  t.same(
    matrix.sides.map(({ id, label }) => [id, label]),
    [
      ["c1", "branch-c1"],
      ["c2", "branch-c2"],
      ["c4", "main · c4"],
      ["c3", "main · shop"],
    ],
  );
  t.same(matrix.sides[0]?.agents, [{ id: "id-c1", name: "agent-c1" }]);
  t.same(
    matrix.pairs.map((pair) => [pair.a, pair.b, describePair(pair)]),
    [
      ["c3", "c4", "1 file, deleted by one"],
      ["c1", "c2", "2 files, same lines"],
      ["c2", "c3", "1 file, same lines"],
    ],
  );
  t.same(
    matrix.pairs[1]?.overlaps.map(({ path }) => path),
    ["b.ts", "a.ts"],
    "the worst file first",
  );
  t.equal(pairBetween(matrix, "c2", "c1"), matrix.pairs[1]);
  t.equal(pairBetween(matrix, "c1", "c3"), undefined);
  t.end();
});

t.test("lines are described as a person counts them", (t) => {
  const lines: Ranges = [
    [1, 0],
    [5, 5],
    [7, 9],
    [13, 12],
  ];
  t.equal(describeLines(overlap("a", "c1", "c2", "lines", [lines, []]), "a"), "at the start, 5, 7–9, after 12");
  t.equal(describeLines(overlap("a", "c1", "c2", "lines", [lines, []]), "b"), "whole file");
  t.equal(describeLines(overlap("a", "c1", "c2", "delete", [lines, []]), "b"), "deleted");
  t.equal(describeLines(overlap("a", "c1", "c2", "delete"), "b"), "whole file", "which side deleted it is not known");
  t.end();
});

t.test("the workspace with the most overlaps is shown, unless another is chosen", (t) => {
  const of = (workspace: string, count: number) => ({
    workspace,
    overlaps: Array.from({ length: count }, (_, at) => overlap(`${at}`, "c1", "c2", "file")),
    truncated: false,
  });
  const all = [of("a", 0), of("b", 2), of("c", 1)];
  t.equal(chooseWorkspace(all, undefined)?.workspace, "b");
  t.equal(chooseWorkspace(all, "")?.workspace, "b");
  t.equal(chooseWorkspace(all, "c")?.workspace, "c");
  t.equal(chooseWorkspace(all, "none"), undefined);
  t.equal(chooseWorkspace([], undefined), undefined);
  t.end();
});
