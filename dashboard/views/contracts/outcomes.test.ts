/** Tests the current outcomes of contracts, and since when violations exist. */
import t from "tap";
import type { ComplianceRun } from "../../api/types.js";
import { findingsOf, outcomesOf } from "./outcomes.js";

let lastId = 0;

/** Returns a run of an agent at a minute. It has violations at these paths. */
function run(minute: number, instanceId: string, paths: readonly string[], contract = "api"): ComplianceRun {
  lastId += 1;
  return {
    id: lastId,
    instance_id: instanceId,
    project: "p",
    contract,
    pass: paths.length === 0,
    violations: paths.map((path) => ({ path, message: "m" })),
    run_at: at(minute),
  };
}

const at = (minute: number): string => `2026-11-21T10:${String(minute).padStart(2, "0")}:00.000Z`;

t.test("an outcome is that of the newest run of each active agent", (t) => {
  const runs = [
    run(9, "ana", []),
    run(9, "gone", ["x"]),
    run(8, "ben", ["x"]),
    run(8, "ben", [], "other"),
    run(7, "ana", ["x"]),
  ];
  t.same(
    [...outcomesOf(runs, new Set(["ana", "ben"]))],
    [
      ["p/api", { checked: 2, broken: 1, run_at: at(9) }],
      ["p/other", { checked: 1, broken: 0, run_at: at(8) }],
    ],
  );
  t.same([...outcomesOf([], new Set())], []);
  t.end();
});

t.test("consecutive runs with the same violation are one finding", (t) => {
  const runs = [
    run(9, "ana", ["x", "y", "x"]),
    run(8, "ben", []),
    run(7, "ana", ["x"]),
    run(6, "ana", []),
    run(5, "ben", ["x", "z"]),
    run(4, "ana", ["x"]),
    run(3, "ben", ["z"]),
  ];
  t.same(
    findingsOf(runs).map(({ instance_id, path, since, until, now }) => [instance_id, path, since, until, now]),
    [
      ["ana", "x", at(7), at(9), true],
      ["ana", "y", at(9), at(9), true],
      ["ben", "x", at(5), at(5), false],
      ["ben", "z", at(3), at(5), false],
      ["ana", "x", at(4), at(4), false],
    ],
  );
  t.same(findingsOf([]), []);
  t.end();
});
