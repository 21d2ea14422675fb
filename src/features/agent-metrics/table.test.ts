/** Tests the table of agent metrics: sums, a flush that is sent twice, the list of hours, and pruning in steps. */
import t from "tap";
import { migrate } from "../../platform/store/migrate.js";
import { AgentMetricsWriter, countersOf, listHours, sumCounters } from "./table.js";
import { openDatabase } from "../../platform/store/sqlite/choice.js";

t.test("counters add up, once for each flush", (t) => {
  const db = openDatabase(":memory:");
  migrate(db);
  const writer = new AgentMetricsWriter(db);
  t.same(listHours(db), []);
  writer.add({
    node: "",
    run: "r",
    sequence: 1,
    counters: [
      [10, "a", "rest_calls", 2],
      [10, "b", "errors", 1],
      [12, "a", "rest_calls", 3],
    ],
  });
  writer.add({ node: "", run: "r", sequence: 1, counters: [[10, "a", "rest_calls", 2]] });
  writer.add({ node: "", run: "r", sequence: 2, counters: [[10, "a", "rest_calls", 5]] });
  writer.add({ node: "", run: "r", sequence: 1, counters: [[10, "a", "rest_calls", 7]] });
  writer.add({ node: "", run: "another", sequence: 1, counters: [[12, "a", "violations", 9]] });
  t.same(listHours(db), [10, 12]);
  t.same(sumCounters(db, 0, 99), [
    { instance: "a", metric: "rest_calls", value: 10 },
    { instance: "a", metric: "violations", value: 9 },
    { instance: "b", metric: "errors", value: 1 },
  ]);
  t.same(sumCounters(db, 11, 12), [
    { instance: "a", metric: "rest_calls", value: 3 },
    { instance: "a", metric: "violations", value: 9 },
  ]);
  t.same(countersOf(db, "a", [12, 10, 9]), [
    { hour: 12, metric: "rest_calls", value: 3 },
    { hour: 12, metric: "violations", value: 9 },
    { hour: 10, metric: "rest_calls", value: 7 },
  ]);
  writer.prune(12, 1);
  t.same(listHours(db), [10, 12], "a step at a time");
  writer.prune(12, 100);
  t.same(listHours(db), [12], "hours before it");
  db.close();
  t.end();
});

t.test("nodes have their own flushes; old counters are pruned in the order of their key", (t) => {
  const db = openDatabase(":memory:");
  migrate(db);
  const writer = new AgentMetricsWriter(db);
  for (const node of ["n1", "n2", "n1"])
    writer.add({ node, run: "r", sequence: 1, counters: [[10, "b", "errors", 1]] });
  t.same(sumCounters(db, 0, 99), [{ instance: "b", metric: "errors", value: 2 }], "one flush of each node");
  writer.add({
    node: "n1",
    run: "r",
    sequence: 2,
    counters: [
      [11, "a", "errors", 1],
      [10, "c", "errors", 1],
      [10, "a", "errors", 1],
    ],
  });
  writer.prune(99, 2);
  t.same(db.prepare("SELECT hour, instance FROM agent_metric ORDER BY hour, instance").raw().all(), [
    [10, "c"],
    [11, "a"],
  ]);
  db.close();
  t.end();
});
