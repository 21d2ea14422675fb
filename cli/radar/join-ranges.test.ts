/**
 * Tests that joining closes the smallest gaps between ranges first, and that it joins no more ranges than necessary.
 */
import t from "tap";

import type { LineRange } from "./diff-output.js";
import { joinRanges } from "./join-ranges.js";

const RANGES: readonly LineRange[] = [
  [1, 2],
  [6, 6],
  [8, 7],
  [20, 25],
  [27, 27],
];

t.test("the smallest gaps are closed first", (t) => {
  t.same(joinRanges(RANGES, 5), RANGES);
  t.same(joinRanges(RANGES, 4), [
    [1, 2],
    [6, 7],
    [20, 25],
    [27, 27],
  ]);
  t.same(joinRanges(RANGES, 3), [
    [1, 2],
    [6, 7],
    [20, 27],
  ]);
  t.same(joinRanges(RANGES, 2), [
    [1, 7],
    [20, 27],
  ]);
  t.same(joinRanges(RANGES, 1), [[1, 27]]);
  t.end();
});

t.test("each range of a long list is within one of the joined", (t) => {
  const many = Array.from({ length: 1_000 }, (_, at): LineRange => [at * 10 + (at % 7), at * 10 + (at % 7) + 1]);
  const joined = joinRanges(many, 64);
  t.equal(joined.length, 64);
  t.ok(many.every(([from, to]) => joined.some(([first, last]) => first <= from && to <= last)));
  t.ok(joined.every(([from], at) => at === 0 || from > (joined[at - 1]?.[1] ?? 0)));
  t.end();
});
