/** Tests the paths of a chart: gaps, single points, and series on top of each other. */
import t from "tap";
import { areaPath, barPath, layersOf, linePath } from "./chart-paths.js";

const scales = { xs: [0, 10, 20, 30], yOf: (value: number) => 100 - value };

t.test("a line has gaps, and a single value is a point", (t) => {
  t.equal(linePath([1, 2, null, 4], scales), "M0,99L10,98M30,96h0");
  t.equal(linePath([null, null], scales), "");
  t.end();
});

t.test("series lie on each other, and a gap stays a gap", (t) => {
  const layers = layersOf([
    [1, null, 3],
    [10, 20, null],
  ]);
  t.same(layers, [
    { lower: [0, null, 0], upper: [1, null, 3] },
    { lower: [1, 0, null], upper: [11, 20, null] },
  ]);
  t.equal(areaPath({ lower: [0, 1], upper: [5, 6] }, scales), "M0,95L10,94L10,99L0,100Z");
  t.end();
});

t.test("a bar has a width, and a value of 0 has no bar", (t) => {
  t.equal(barPath({ lower: [0, 5], upper: [10, 5] }, scales, 10), "M-3.5,100V90h7V100Z");
  t.equal(barPath({ lower: [0], upper: [1] }, scales, 1_000), "M-30,100V99h60V100Z");
  t.end();
});
