import t from "tap";
import { SparseReport } from "./sparse-report.js";

t.test("the first one is reported at once, those that follow together", (t) => {
  let nowMs = 5;
  const reports: unknown[] = [];
  const sparse = new SparseReport(
    100,
    (times, error) => reports.push([times, error]),
    () => nowMs,
  );
  for (const error of ["a", "b", "c"]) sparse.report(error);
  t.same(reports, [[1, "a"]]);
  nowMs += 100;
  sparse.report("d");
  t.same(reports, [
    [1, "a"],
    [3, "d"],
  ]);
  t.end();
});
