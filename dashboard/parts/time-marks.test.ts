/** Tests the labels of a chart's time axis: one is always within the axis. */
import * as fc from "fast-check";
import t from "tap";
import { labelSpace, TIME_STEPS_S } from "./time-marks.js";

const DAY_S = 86_400;

t.test("the chosen step is never longer than the axis", (t) => {
  const property = fc.property(
    fc.integer({ min: 60, max: DAY_S }),
    fc.integer({ min: 60, max: 2_000 }),
    (spanS, px) => {
      // The library chooses the shortest step that leaves enough space between two labels. This line does the same.
      const stepS = TIME_STEPS_S.find((step) => (step / spanS) * px >= labelSpace(px)) ?? Infinity;
      return stepS <= spanS;
    },
  );
  t.doesNotThrow(() => fc.assert(property));
  t.equal(labelSpace(1_000), 72, "where there is room, labels are far enough apart for seconds");
  t.end();
});
