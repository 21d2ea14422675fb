/** Tests the marks on the axes of a chart: they are within the axis, at round numbers, and not too close together. */
import * as fc from "fast-check";
import t from "tap";
import { timeMarks, valueMarks } from "./time-marks.js";

const DAY_S = 86_400;
const NOW_S = 1_790_000_000;
const LABEL_PX = 60;

t.test("a time axis always has a mark, and no two labels overlap", (t) => {
  const property = fc.property(
    fc.integer({ min: NOW_S - 9 * DAY_S, max: NOW_S }),
    fc.integer({ min: 60, max: DAY_S }),
    fc.integer({ min: 60, max: 2_000 }),
    (fromS, spanS, px) => {
      const { stepS, timesS } = timeMarks({ fromS, toS: fromS + spanS }, px);
      const isWithin = timesS.every((timeS) => timeS >= fromS && timeS <= fromS + spanS);
      return (
        timesS.length > 0 && isWithin && (timesS.length === 1 || (stepS / spanS) * px >= Math.min(LABEL_PX, px / 2.5))
      );
    },
  );
  t.doesNotThrow(() => fc.assert(property));
  t.end();
});

t.test("time marks are at round times, and not between two bars", (t) => {
  const midnightS = new Date(2026, 2, 14).getTime() / 1_000;
  t.same(timeMarks({ fromS: midnightS - 60, toS: midnightS + 3_600 }, 200), {
    stepS: 1_800,
    timesS: [midnightS, midnightS + 1_800, midnightS + 3_600],
  });
  t.equal(timeMarks({ fromS: midnightS, toS: midnightS + 3_600 }, 2_000, 1_800).stepS, 1_800);
  t.end();
});

t.test("value marks are at round numbers", (t) => {
  t.same(valueMarks(11, 80), [0, 5, 10]);
  t.same(valueMarks(1, 60), [0, 0.5, 1]);
  t.same(valueMarks(440, 104), [0, 200, 400]);
  const property = fc.property(
    fc.double({ min: 1e-9, max: 1e12, noNaN: true }),
    fc.integer({ min: 60, max: 300 }),
    (most, px) => {
      const marks = valueMarks(most, px);
      return marks.length >= 1 && marks.length <= px / 26 + 1 && marks.every((mark) => mark <= most * 1.000_001);
    },
  );
  t.doesNotThrow(() => fc.assert(property));
  t.end();
});
