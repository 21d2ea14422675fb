/** Tests how two changes of one file overlap. Uses examples, and a comparison of each pair of ranges. */
import * as fc from "fast-check";
import t, { type Test } from "tap";
import type { OverlapKind } from "../../../schemas/radar.js";
import { must } from "../../base/assert.js";
import { overlapOf, severityOf } from "./overlap.js";
import { decodeReport, type ReportedFile } from "./report.js";

interface Change {
  readonly ranges?: readonly (readonly [first: number, last: number])[];
  readonly deleted?: boolean;
  readonly blob?: string | null;
}

/** Returns a change in the form that a report has. */
function fileOf({ ranges, deleted, blob }: Change): ReportedFile {
  const head = { checkout: "c", workspace: "w", branch: null, base: null };
  const files = JSON.stringify([{ path: "a", lines: ranges?.flat(), deleted, blob }]);
  return must(decodeReport(head, files, null).files[0], "the report has a file");
}

/** Returns the kind of overlap between two changes. Also checks that swapping the two changes gives the same kind. */
function overlap(t: Test, one: Change, other: Change): OverlapKind | null {
  const kind = overlapOf(fileOf(one), fileOf(other));
  t.equal(overlapOf(fileOf(other), fileOf(one)), kind, "both sides see the same");
  return kind;
}

t.test("ranges that meet, and neighbours, overlap in their lines", (t) => {
  const kindOf = (a: readonly [number, number], b: readonly [number, number]): OverlapKind | null =>
    overlap(t, { ranges: [a] }, { ranges: [b] });
  t.equal(kindOf([1, 3], [2, 9]), "lines");
  t.equal(kindOf([1, 3], [3, 3]), "lines", "one line is in both");
  t.equal(kindOf([1, 3], [4, 5]), "lines", "git wants an unchanged line between them");
  t.equal(kindOf([1, 3], [5, 5]), "file", "line 4 is unchanged");
  t.equal(kindOf([10, 20], [12, 13]), "lines", "one is in the other");
  t.equal(kindOf([6, 5], [6, 5]), "lines", "two texts after line 5");
  t.equal(kindOf([6, 5], [5, 5]), "lines", "text after a line that is changed");
  t.equal(kindOf([6, 5], [6, 6]), "lines", "text before a line that is changed");
  t.equal(kindOf([6, 5], [7, 6]), "file", "texts after line 5 and after line 6: line 6 is between them");
  t.equal(kindOf([6, 5], [7, 7]), "file", "line 6 is between them");
  t.equal(kindOf([1, 0], [1, 0]), "lines", "both have made the file");
  t.equal(kindOf([2_147_483_647, 2_147_483_647], [2_147_483_646, 2_147_483_646]), "lines");
  t.end();
});

t.test("the whole file meets all, and deletion is worse", (t) => {
  const lines = { ranges: [[5, 6]] } as const;
  t.equal(overlap(t, {}, lines), "lines");
  t.equal(overlap(t, { ranges: [] }, lines), "lines");
  t.equal(overlap(t, {}, {}), "lines");
  t.equal(overlap(t, { deleted: true }, lines), "delete");
  t.equal(overlap(t, { deleted: true }, { deleted: false }), "delete");
  t.equal(overlap(t, { deleted: true }, { deleted: true }), null);
  t.equal(overlap(t, { deleted: true, blob: "x" }, { ...lines, blob: "x" }), "delete");
  t.equal(overlap(t, { ...lines, blob: "x" }, { ...lines, blob: "x" }), null, "both have the same content");
  t.equal(overlap(t, { ...lines, blob: "x" }, { ...lines, blob: "y" }), "lines");
  t.equal(overlap(t, { ...lines, blob: null }, { ...lines, blob: null }), "lines", "nothing is known of the content");
  t.equal(overlap(t, { ...lines, blob: "x" }, lines), "lines");
  t.ok(severityOf("file") < severityOf("lines"));
  t.ok(severityOf("lines") < severityOf("delete"));
  t.end();
});

t.test("ranges in any order overlap as each pair of them does", (t) => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: -1, max: 6 }))
    .map(([first, length]) => [first, first + length] as const);
  const ranges = fc.array(range, { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(ranges, ranges, (ours, theirs) => {
      const meet = ours.some(([from, to]) => theirs.some(([a, b]) => from <= b + 1 && a <= to + 1));
      const kind = overlapOf(fileOf({ ranges: ours }), fileOf({ ranges: theirs }));
      return kind === (meet ? "lines" : "file");
    }),
    { numRuns: 2_000 },
  );
  t.end();
});
