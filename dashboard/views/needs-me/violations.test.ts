/**
 * Tests how current violations are found in the history of runs. The newest run decides whether there is one, and the
 * first failed run is its start.
 */
import t from "tap";
import type { ComplianceRun } from "../../api/types.js";
import { holdsOneCheck, stillChecked, violated } from "./violations.js";

/** Returns a run at a minute of an hour. */
function run(minute: number, instanceId: string, contract: string, pass: boolean): ComplianceRun {
  const runAt = new Date(Date.UTC(2026, 1, 9, 14, minute)).toISOString();
  const violations = pass ? [] : [{ path: "status", message: "expected 201" }];
  return { id: minute + 1, instance_id: instanceId, project: "trucks", contract, pass, violations, run_at: runAt };
}

t.test("the newest run of an agent and a contract counts", (t) => {
  const found = violated([
    run(30, "ana", "truck-api", false),
    run(30, "bob", "truck-api", true),
    run(30, "ana", "plate-api", true),
    run(20, "ana", "truck-api", false),
    run(20, "bob", "truck-api", false),
    run(10, "ana", "truck-api", true),
    run(0, "ana", "truck-api", false),
  ]);
  t.same(
    found.map(({ run: { instance_id, contract, run_at }, since }) => [instance_id, contract, run_at, since]),
    [["ana", "truck-api", "2026-02-09T14:30:00.000Z", "2026-02-09T14:20:00.000Z"]],
    "it has failed since its second last run",
  );
  t.same(violated([]), []);
  t.end();
});

t.test("a check is returned as a whole", (t) => {
  const newest = [run(9, "ana", "truck-api", true), run(9, "bob", "truck-api", true)];
  t.notOk(holdsOneCheck(newest), "there may be more agents");
  t.ok(holdsOneCheck([...newest, run(4, "ana", "truck-api", true)]), "the previous check begins");
  t.notOk(holdsOneCheck([]));
  t.end();
});

t.test("a violation that is no longer checked is not listed", (t) => {
  const found = violated([run(1, "ana", "truck-api", false), run(1, "bob", "plate-api", false)]);
  const left = (active: readonly string[], specs: readonly string[]): string[] =>
    stillChecked(found, new Set(active), new Set(specs)).map(({ run: { instance_id } }) => instance_id);
  t.same(left(["ana", "bob"], ["trucks/truck-api", "trucks/plate-api"]), ["ana", "bob"]);
  t.same(left(["bob"], ["trucks/truck-api", "trucks/plate-api"]), ["bob"], "ana is not active");
  t.same(left(["ana", "bob"], ["trucks/truck-api", "buses/plate-api"]), ["ana"], "the contract is gone");
  t.end();
});
