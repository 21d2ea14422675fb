/**
 * Tests the plan for the tasks that one call creates: which blockers they get, and which plans are rejected. Uses no
 * database.
 */
import t from "tap";
import type { NewTask, TaskState } from "../../../schemas/tasks.js";
import { countRounds } from "../../../test/support/test-size.js";
import { NEW_TASK } from "../../../test/support/new-task.js";
import { makeRandom, newSeed } from "../../../test/support/random.js";
import { Failure } from "../../base/result.js";
import { planTasks, type PlannedTask } from "./plan.js";

function asked(id: string | null, after: readonly string[] = [], requestId: string | null = null): NewTask {
  return { ...NEW_TASK, id, after: [...after], request_id: requestId };
}

interface Ground {
  readonly lastRow?: number;
  readonly known?: Readonly<Record<string, readonly [row: number, state: TaskState]>>;
  readonly made?: Readonly<Record<string, string>>;
}

function plan(tasks: readonly NewTask[], { lastRow = 0, known = {}, made = {} }: Ground = {}): PlannedTask[] | string {
  const planned = planTasks(tasks, {
    lastRow,
    find: (id) => {
      const [row, state] = known[id] ?? [];
      return row === undefined || state === undefined ? undefined : { row, state };
    },
    made: (requestId) => (requestId === null ? undefined : made[requestId]),
  });
  return planned instanceof Failure ? planned.message : planned;
}

/** Formats each planned task as `id(row) blockers: after`. An asterisk marks a task that exists already. */
function shown(planned: PlannedTask[] | string): string[] | string {
  if (typeof planned === "string") return planned;
  return planned.map(({ row, id, task, after, blockers }) =>
    `${id}(${row})${task === null ? "*" : ""} ${blockers.size}: ${after.map((one) => `${one.id}(${one.row})`).join()}`.trim(),
  );
}

t.test("ids and rows", (t) => {
  t.same(shown(plan([asked(null), asked("a"), asked(null)], { lastRow: 7 })), [
    "task-8(8) 0:",
    "a(9) 0:",
    "task-10(10) 0:",
  ]);
  const given = [asked(null), asked("task-2"), asked("task-1"), asked(null)];
  t.same(
    shown(plan(given, { known: { "task-3": [90, "ready"] } })),
    ["task-4(4) 0:", "task-2(5) 0:", "task-1(6) 0:", "task-7(7) 0:"],
    "no assigned id or row is that of another task",
  );
  t.equal(shown(plan([asked("a"), asked("a")])), "task exists: a");
  t.equal(shown(plan([asked("new"), asked("a")], { known: { a: [3, "done"] } })), "task exists: a");
  t.end();
});

t.test("a task that exists is the answer where the request asks for it", (t) => {
  const known = { red: [3, "done"] } as const;
  const orGet = (id: string, after: readonly string[] = []): NewTask => ({ ...asked(id, after), or_get: true });
  t.same(shown(plan([orGet("red")], { lastRow: 7, known })), ["red(3)* 0:"]);
  t.same(
    shown(plan([asked(null), orGet("red", ["#0"]), orGet("green"), asked(null, ["#1", "red"])], { lastRow: 7, known })),
    ["task-8(8) 0:", "red(3)* 0:", "green(9) 0:", "task-10(10) 0: red(3)"],
    "it takes no row, what it is to wait for does not count, and a task that is done holds up none",
  );
  t.equal(shown(plan([orGet("red"), orGet("red")], { known })), "task exists: red", "one id stands for one task");
  t.equal(shown(plan([orGet("new"), orGet("new")])), "task exists: new");
  t.end();
});

t.test("a task that many wait for is looked up once", (t) => {
  const looked: string[] = [];
  const names = Array.from({ length: 64 }, (_, at) => `old${at}`);
  const ids = Array.from({ length: 100 }, (_, at) => `new${at}`);
  const planned = planTasks(
    ids.map((id) => asked(id, names)),
    {
      lastRow: 64,
      find: (id) => {
        looked.push(id);
        return id.startsWith("old") ? { row: Number(id.slice(3)) + 1, state: "ready" } : undefined;
      },
      made: () => undefined,
    },
  );
  t.notOk(planned instanceof Failure);
  t.same(looked.toSorted(), [...ids, ...names].toSorted(), "each id once");
  t.end();
});

t.test("which task waits for which", (t) => {
  const known = { old: [1, "ready"], done: [2, "done"], dead: [3, "dead"] } as const;
  const ground = { lastRow: 10, known };
  t.same(shown(plan([asked("a", ["old", "done", "dead", "old"])], ground)), ["a(11) 2: old(1),done(2),dead(3)"]);
  t.same(
    shown(plan([asked("a", ["#2", "b"]), asked("b", ["#2"]), asked("c")], ground)),
    ["a(11) 2: c(13),b(12)", "b(12) 1: c(13)", "c(13) 0:"],
    "whichever comes first in the array",
  );
  t.same(
    shown(plan([asked("a", ["#1", "b"]), asked("b")])),
    ["a(1) 1: b(2)", "b(2) 0:"],
    "each once, however it is named",
  );
  for (const [after, message] of [
    ["none", "unknown task: none"],
    ["#1", "unknown task: #1"],
    ["#999", "unknown task: #999"],
    ["#00", "unknown task: #00"],
    ["#0", "dependency cycle: a → a"],
  ] as const)
    t.equal(shown(plan([asked("a", [after])], ground)), message);
  t.end();
});

t.test("tasks that the same call has created", (t) => {
  const ground = {
    lastRow: 5,
    known: { a: [1, "done"], b: [2, "ready"] },
    made: { r: "a", s: "b", gone: "pruned" },
  } as const;
  t.same(
    shown(plan([asked("a", [], "r"), asked(null, ["#0", "#2"], "new"), asked(null, ["none"], "s")], ground)),
    ["a(1)* 0:", "task-6(6) 1: a(1),b(2)", "b(2)* 0:"],
    "they are returned as they are now",
  );
  t.same(shown(plan([asked(null, [], "gone")], ground)), ["task-6(6) 0:"], "unless they are gone");
  for (const id of ["x", "r"])
    t.equal(
      shown(plan([asked(null), asked(null, [], id), asked(null, [], id)], ground)),
      "[2].request_id is that of another task of this call",
    );
  t.end();
});

t.test("cycles", (t) => {
  t.equal(shown(plan([asked("a", ["b"]), asked("b", ["c"]), asked("c", ["a"])])), "dependency cycle: a → b → c → a");
  t.equal(
    shown(plan([asked("x", ["a"]), asked("a", ["b"]), asked("b", ["a"])])),
    "dependency cycle: a → b → a",
    "without those that only lead to it",
  );
  const many = 1_000;
  const cycle = Array.from({ length: many }, (_, at) => asked(`n${at}`, [`#${(at + 1) % many}`]));
  t.match(shown(plan(cycle)), /^dependency cycle: n0 → .* → n15 → … → n0$/);
  t.end();
});

t.test("a cycle is found if there is one, and never otherwise", (t) => {
  const seed = newSeed();
  const random = makeRandom(seed);
  let cycles = 0;
  const rounds = countRounds(2_000, 100_000);
  for (let round = 0; round < rounds; round++) {
    const count = 1 + random(8);
    const tasks = Array.from({ length: count }, (_, at) =>
      asked(
        `n${at}`,
        Array.from({ length: random(3) }, () => (random(2) === 0 ? `#${random(count)}` : `n${random(count)}`)),
      ),
    );
    const after = tasks.map((task) => task.after.map((name) => Number(name.replace(/^[#n]/, ""))));
    // Find the tasks that can never become ready. Repeatedly remove each task that waits for no remaining task; the
    // rest can never become ready.
    const remaining = new Set(tasks.keys());
    for (let before = -1; before !== remaining.size; ) {
      before = remaining.size;
      for (const at of remaining) if (!(after[at] ?? []).some((on) => remaining.has(on))) remaining.delete(at);
    }
    const planned = plan(tasks);
    if (remaining.size > 0) cycles += 1;
    const names =
      typeof planned === "string"
        ? planned
            .replace("dependency cycle: ", "")
            .split(" → ")
            .map((name) => Number(name.slice(1)))
        : [];
    const isOne =
      names.length > 1 &&
      names[0] === names.at(-1) &&
      names.slice(1).every((on, at) => after[names[at] ?? -1]?.includes(on));
    if (remaining.size > 0 !== (typeof planned === "string") || (typeof planned === "string" && !isOne)) {
      t.fail(`seed ${seed}, round ${round}: ${JSON.stringify(after)} is ${JSON.stringify(planned)}`);
      break;
    }
  }
  t.ok(cycles > rounds / 10, `${cycles} cycles`);
  t.end();
});
