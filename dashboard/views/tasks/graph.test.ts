/** Tests which tasks the dependency graph contains, and which it leaves out. */
import t from "tap";
import { listedTask } from "../../../test/support/listed-task.js";
import { taskGraph } from "./graph.js";

t.test("an earlier task is to the left of those that come after it", (t) => {
  const graph = taskGraph([
    listedTask("c", "blocked", { after: ["a", "b"] }),
    listedTask("b", "claimed", { after: ["a"] }),
    listedTask("a", "done", { ended_at: "2026-02-09T14:30:00Z" }),
    listedTask("alone", "ready"),
  ]);
  t.same(
    graph.nodes.map(({ id }) => id),
    ["a", "b", "c"],
  );
  t.same(
    graph.edges.map(({ from, to, open }) => `${from.id} ${to.id} ${open}`).sort(),
    ["a b false", "a c false", "b c true"],
    "nothing waits for a task that is done",
  );
  for (const edge of graph.edges) {
    t.ok(edge.from.x < edge.to.x);
    t.match(edge.path, /^M[\d.]+,[\d.]+C[\d., ]+$/);
  }
  t.match(graph, { leftOut: 0, alone: 1 });
  t.end();
});

t.test("on a narrow page the tasks are below each other, within its width", (t) => {
  const tasks = [
    listedTask("c", "blocked", { after: ["a", "b"] }),
    listedTask("b", "claimed", { after: ["a"] }),
    listedTask("a", "ready"),
  ];
  const { nodes, edges, width } = taskGraph(tasks, { narrowPx: 330 });
  t.equal(width, 330);
  t.same(
    nodes.map(({ id }) => id),
    ["a", "b", "c"],
  );
  for (const { from, to } of edges) t.ok(from.y < to.y);
  t.ok(
    nodes.every(({ x }) => x === nodes[0]?.x && x < 60),
    "at the same distance from the left",
  );
  t.equal(new Set(edges.map(({ path }) => path)).size, 3);
  t.end();
});

t.test("a task that is only named is drawn, too", (t) => {
  const { nodes } = taskGraph([listedTask("b", "blocked", { after: ["gone"] })]);
  t.match(nodes, [
    { id: "gone", task: undefined },
    { id: "b", task: { id: "b" } },
  ]);
  t.end();
});

t.test("of very many tasks those that have not ended are drawn, and the others counted", (t) => {
  const ended = { ended_at: "2026-02-09T14:30:00Z" };
  const tasks = [
    ...Array.from({ length: 300 }, (_, at) =>
      listedTask(`old-${at}`, "done", { ...ended, after: at === 0 ? [] : [`old-${at - 1}`] }),
    ),
    ...Array.from({ length: 150 }, (_, at) =>
      listedTask(`new-${at}`, "blocked", { after: at === 0 ? [] : [`new-${at >> 1}`] }),
    ),
  ];
  const { nodes, leftOut } = taskGraph(tasks);
  t.ok(nodes.length <= 200, `${nodes.length} nodes`);
  t.equal(nodes.filter(({ id }) => id.startsWith("new-")).length, 150);
  t.equal(leftOut + nodes.length, 450);
  t.same(taskGraph([listedTask("a", "ready")]).nodes, []);
  t.end();
});
