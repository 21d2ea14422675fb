/** Tests in the writer that pruning removes ended tasks with all their rows, and no row of another task. */
import t from "tap";
import { TASK_PRUNE_ROWS } from "../../../schemas/limits/tasks.js";
import type { NewTask } from "../../../schemas/tasks.js";
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import type { ReplyOf } from "../../platform/rpc/method.js";
import { registerInstance } from "../instances/commands.js";
import { NEW_TASK } from "../../../test/support/new-task.js";
import { People, SimulatedServer } from "../../../test/support/simulated-server.js";
import { WriteBuffer } from "../../platform/store/write-buffer.js";
import * as commands from "./commands.js";
import { TaskWriter } from "./task-writer.js";

const METHODS = [
  registerInstance,
  commands.createTasks,
  commands.claimTask,
  commands.completeTask,
  commands.cancelTask,
  commands.pruneTasks,
];
const DAY_MS = 86_400_000;
/** A query for each table. It lists the rows, each with the task to which it belongs. */
const TABLES = [
  "SELECT 'task' AS name, row AS task FROM task",
  "SELECT 'life' AS name, row AS task FROM task_life",
  "SELECT 'text' AS name, row AS task FROM task_text",
  "SELECT 'evidence' AS name, row AS task FROM task_evidence",
  "SELECT DISTINCT 'history' AS name, task FROM task_history",
  "SELECT 'after ' || on_task AS name, task FROM task_after",
];

class Fixture {
  readonly server = new SimulatedServer({ methods: METHODS, hear: () => undefined });
  readonly #ana = new People(this.server).register();

  #done<Reply>(reply: Reply | Failure): Reply {
    if (reply instanceof Failure) throw new Error(reply.message);
    return reply;
  }

  make(...tasks: readonly Partial<NewTask>[]): ReplyOf<typeof commands.createTasks> {
    const asked = tasks.map((task) => ({ ...NEW_TASK, ...task }));
    return this.#done(this.server.reply(commands.createTasks, { tasks: asked }, ""));
  }

  complete(id: string): void {
    const request = { workspace: "", labels: [], id, ttl_s: null, request_id: null };
    const { task } = this.#done(this.server.reply(commands.claimTask, request, this.#ana.id));
    const { fence } = must(this.server.mirror.get(must(task, "it is ready").claim), "it is alive");
    const end = { id, fence, text: null, value: '"it is done"', retry: false };
    this.#done(this.server.reply(commands.completeTask, end, this.#ana.id));
  }

  cancel(id: string): void {
    this.#done(this.server.reply(commands.cancelTask, { id, owns: true, reason: null }, ""));
  }

  prune(after = 0): ReplyOf<typeof commands.pruneTasks> {
    return this.#done(this.server.reply(commands.pruneTasks, { after, ended_before: this.server.nowMs }, ""));
  }

  /** All stored rows, each as `TABLE TASK`. */
  stored(): string[] {
    const rows = TABLES.flatMap((sql) => this.server.db.prepare<[], { name: string; task: number }>(sql).all());
    return rows.map(({ name, task }) => `${name} ${task}`).toSorted();
  }
}

t.test("with its texts, its history and its blockers; a blocker of others stays", (t) => {
  const fixture = new Fixture();
  fixture.make(
    { id: "a" },
    { id: "b", after: ["a"] },
    { id: "c", after: ["a", "b"] },
    { id: "d" },
    { id: "waits", after: ["a", "d"], requires_evidence: ["make"] },
  );
  for (const id of ["a", "b", "c"]) fixture.complete(id);
  fixture.server.nowMs += DAY_MS;
  t.same(fixture.prune(), { removed: 2, after: null }, "a is still waited for, by one that waits for d, too");
  const remaining = [
    ...["after 1 5", "after 4 5", "evidence 5", "history 1", "history 4", "history 5"],
    ...["life 1", "life 4", "life 5", "task 1", "task 4", "task 5", "text 1"],
  ];
  t.same(fixture.stored(), remaining, "and all rows of the others remain");
  fixture.complete("d");
  t.same(fixture.prune(), { removed: 1, after: null }, "no task waits for a any more, and d has just ended");
  fixture.cancel("waits");
  fixture.server.nowMs += 1;
  t.same(fixture.prune(), { removed: 2, after: null });
  t.same(fixture.stored(), []);
  t.same(fixture.make({ id: "a" }), { rows: [6], made: ["a"] }, "its id is free, and its row is not used again");
  fixture.server.close();
  t.end();
});

t.test("a bounded number at a time, at the cost of the removed rows", (t) => {
  const fixture = new Fixture();
  const many = TASK_PRUNE_ROWS + 1;
  const tasks = Array.from({ length: many }, (_, at): Partial<NewTask> => ({ id: `n${at}` }));
  for (let at = 0; at < many; at += 500) fixture.make(...tasks.slice(at, at + 500));
  fixture.make({ id: "last", after: ["n0", "n1"] });
  for (const { id } of tasks.slice(1)) fixture.cancel(id ?? "");
  fixture.server.nowMs += DAY_MS;
  const first = fixture.prune();
  t.same(first, { removed: TASK_PRUNE_ROWS - 2, after: TASK_PRUNE_ROWS }, "n0 is ready, n1 is waited for");
  t.same(fixture.prune(must(first.after, "there are more")), { removed: 1, after: null });
  t.same(fixture.stored().length, 11, "tasks that have not ended, and tasks that others wait for");
  fixture.server.close();
  t.end();
});

t.test("no deletion reads a table from one end to the other", (t) => {
  const fixture = new Fixture();
  const { db } = fixture.server;
  const prepare = db.prepare.bind(db);
  const plans: string[] = [];
  const writer = new TaskWriter(
    {
      ...db,
      prepare: (sql: string) => {
        if (sql.startsWith("DELETE"))
          plans.push(
            ...prepare<[number], { readonly detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
              .all(1)
              .map(({ detail }) => detail),
          );
        return prepare(sql);
      },
    },
    new WriteBuffer(db),
  );
  t.equal(writer.lastRow, 0);
  t.ok(plans.length >= 6, `${plans.length} steps`);
  t.same(
    plans.filter((step) => step.startsWith("SCAN")),
    ["SCAN j VIRTUAL TABLE INDEX 1:", "SCAN j VIRTUAL TABLE INDEX 1:"],
    "except for its blockers: when its `after` changes, and when it is removed",
  );
  fixture.server.close();
  t.end();
});
