import t from "tap";
import { SparseReport } from "./sparse-report.js";

t.test("the first one is reported at once, those that follow together", (t) => {
  let now_ms = 5;
  const reports: unknown[] = [];
  const sparse = new SparseReport(
    100,
    (times, error) => reports.push([times, error]),
    () => now_ms,
  );
  for (const error of ["a", "b", "c"]) sparse.report(error);
  t.same(reports, [[1, "a"]]);
  now_ms += 100;
  sparse.report("d");
  t.same(reports, [
    [1, "a"],
    [3, "d"],
  ]);
  t.end();
});
