/** Compares the histogram's counts with counts over a sorted list of the same values. */
import * as fc from "fast-check";
import t from "tap";
import { BATCH_BOUNDS_CALLS, Histogram, LATENCY_BOUNDS_S } from "./histogram.js";

t.test("a histogram counts each value in the first bucket that holds it", (t) => {
  for (const bounds of [LATENCY_BOUNDS_S, BATCH_BOUNDS_CALLS]) {
    t.same(
      bounds,
      bounds.toSorted((a, b) => a - b),
      "bounds rise",
    );
    t.equal(new Set(bounds).size, bounds.length);
    const anyValue = fc.oneof(
      fc.constantFrom(...bounds),
      fc.double({ min: 0, max: (bounds.at(-1) ?? 0) * 2, noNaN: true }),
    );
    const property = fc.property(fc.array(anyValue, { maxLength: 60 }), (values) => {
      const histogram = new Histogram(bounds);
      for (const value of values) histogram.observe(value);
      const expected = [...bounds, Number.POSITIVE_INFINITY].map(
        (bound, at) => values.filter((value) => value <= bound && (at === 0 || value > (bounds[at - 1] ?? 0))).length,
      );
      const sum = values.reduce((total, value) => total + value, 0);
      return (
        JSON.stringify([...histogram.counts]) === JSON.stringify(expected) &&
        histogram.count === values.length &&
        histogram.sum === sum
      );
    });
    t.doesNotThrow(() => fc.assert(property));
  }
  t.end();
});
