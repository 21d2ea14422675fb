/** Tests the writer's calls about budgets on a clock that the test sets: sums, states, events, and claims that wait. */
import t from "tap";
import { BUDGET_TASKS_A_STEP, BUDGET_TASKS_ABOVE_MAX, BUDGETS_MAX } from "../../../schemas/limits/budgets.js";
import type { SetBudgetRequest } from "../../../schemas/budgets.js";
import type { ClaimTaskReply, NewTask } from "../../../schemas/tasks.js";
import { Failure } from "../../base/result.js";
import { registerInstance } from "../instances/commands.js";
import { claimTask, createTasks } from "../tasks/commands.js";
import { Models } from "../../platform/threads/model.js";
import { recordUsage } from "../usage/commands.js";
import { NEW_TASK } from "../../../test/support/new-task.js";
import { People, type PublishedEvent, SimulatedServer } from "../../../test/support/simulated-server.js";
import { showBudget } from "./budget.js";
import { budgetRegistry } from "./registry.js";
import { removeBudget, resetBudgets, setBudget } from "./commands.js";
import { BudgetProjection } from "./projection.js";
import { BUDGETS } from "./push-messages.js";
import { WriteBuffer } from "../../platform/store/write-buffer.js";
import { BudgetReader, BudgetWriter } from "./table.js";

const METHODS = [registerInstance, createTasks, claimTask, recordUsage, setBudget, removeBudget, resetBudgets];
const DAY_MS = 86_400_000;
const BUDGET: SetBudgetRequest = {
  id: "b",
  scope: "workspace",
  target: "",
  tokens: 100,
  cost_usd: null,
  period: "day",
  warn_at: 0.8,
  policy: "deny",
};
const USAGE = {
  provider: "p",
  model: "m",
  instance_id: "",
  project: "",
  tokens_in: 0,
  tokens_out: 0,
  cost_usd: 0,
  request_type: "completion",
  session_tag: "",
};

class Fixture {
  readonly events: PublishedEvent[] = [];
  readonly server: SimulatedServer = new SimulatedServer({
    methods: METHODS,
    hear: (event) => {
      if (event.topic.startsWith("budget.")) this.events.push(event);
    },
    notice: (message, payload) => {
      if (message === BUDGETS) this.projection.accept(payload as string[]);
    },
  });
  readonly reader = new BudgetReader(this.server.db);
  readonly projection = new BudgetProjection(this.reader);
  readonly people = new People(this.server);
  readonly ana = this.people.register();

  set(more: Partial<SetBudgetRequest> = {}): unknown {
    return this.server.reply(setBudget, { ...BUDGET, ...more }, "");
  }

  use(
    tokens: number,
    more: Partial<typeof USAGE> & { priced?: boolean; request_id?: string; owns?: boolean } = {},
  ): unknown {
    const report = { ...USAGE, priced: false, instance_id: this.ana.id, tokens_out: tokens, ...more };
    return this.server.reply(recordUsage, report, this.ana.id);
  }

  claim(id: string | null = null, requestId: string | null = null): ClaimTaskReply {
    const request = { workspace: "", labels: [], id, ttl_s: null, request_id: requestId };
    const reply = this.server.reply(claimTask, request, this.ana.id);
    if (reply instanceof Failure) throw new Error(reply.message);
    return reply;
  }

  make(...tasks: readonly Partial<NewTask>[]): void {
    const reply = this.server.reply(createTasks, { tasks: tasks.map((task) => ({ ...NEW_TASK, ...task })) }, "");
    if (reply instanceof Failure) throw new Error(reply.message);
  }

  used(id = "b"): unknown {
    const row = this.reader.byId(id);
    return row === undefined ? undefined : [row.state, row.used_tokens];
  }

  topics(): string[] {
    return this.events.map(({ topic }) => topic);
  }
}

t.test("each change of a state is one event, and the front hears of it", (t) => {
  const fixture = new Fixture();
  fixture.set();
  for (const tokens of [79, 1, 5, 15, 1]) fixture.use(tokens);
  t.same(fixture.topics(), ["budget.warned", "budget.exhausted"]);
  t.match(fixture.events[1]?.data, { id: "b", state: "exhausted", used: { tokens: 100, reports: 4 }, share: 1 });
  t.same(fixture.used(), ["exhausted", 101]);
  t.equal(fixture.projection.size, 1);
  fixture.set({ tokens: 1000 });
  t.same(fixture.used(), ["ok", 101], "a higher limit keeps the sums");
  t.equal(fixture.topics().at(-1), "budget.reset");
  t.equal(fixture.projection.size, 0);
  fixture.set({ tokens: 120 });
  t.same(fixture.topics().slice(-1), ["budget.warned"]);
  fixture.server.reply(removeBudget, { id: "b" }, "");
  t.equal(fixture.topics().at(-1), "budget.reset");
  t.match(fixture.server.reply(removeBudget, { id: "b" }, ""), { status: "NOT_FOUND" });
  fixture.server.close();
  t.end();
});

t.test("another target or period begins anew", (t) => {
  const fixture = new Fixture();
  fixture.set();
  fixture.use(100);
  fixture.set({ period: "hour" });
  t.same(fixture.used(), ["ok", 0]);
  fixture.use(100);
  fixture.set({ period: "hour", target: "other" });
  t.same(fixture.used(), ["ok", 0]);
  fixture.server.close();
  t.end();
});

t.test("usage counts for the workspace, the agent by id and name, and a subagent's for its parent", (t) => {
  const fixture = new Fixture();
  const sub = fixture.people.register([], { parent: fixture.ana.id });
  const other = fixture.people.register();
  fixture.set({ id: "w" });
  fixture.set({ id: "elsewhere", target: "elsewhere" });
  fixture.set({ id: "ana", scope: "agent", target: fixture.ana.id });
  fixture.use(1);
  fixture.use(2, { instance_id: sub.id });
  fixture.use(4, { instance_id: other.id });
  fixture.use(8, { instance_id: "nobody" });
  t.same(
    ["w", "elsewhere", "ana"].map((id) => fixture.used(id)),
    [
      ["ok", 7],
      ["ok", 0],
      ["ok", 3],
    ],
  );
  fixture.server.close();
  t.end();
});

t.test("a budget of a task covers the tasks that it comes after", (t) => {
  const fixture = new Fixture();
  fixture.make(
    { id: "a" },
    { id: "b1", after: ["a"] },
    { id: "goal", after: ["b1"] },
    { id: "later", after: ["goal"] },
  );
  fixture.set({ id: "goal", scope: "task", target: "goal" });
  for (const [at, tag] of ["a", "b1", "goal", "later", "none"].entries()) fixture.use(10 ** at, { session_tag: tag });
  t.match(fixture.used("goal"), ["exhausted", 111]);
  fixture.make({ id: "free" });
  t.equal(fixture.claim().task?.id, "free", "the tasks of the plan are passed over");
  t.match(fixture.claim("a"), { task: null, held: [{ budget: "goal", scope: "task", target: "goal" }] });
  fixture.set({ id: "goal", scope: "task", target: "goal", policy: "warn" });
  t.equal(fixture.claim("a").task?.id, "a");
  fixture.server.close();
  t.end();
});

t.test("a claim gets nothing while a budget is exhausted, but a repeated claim gets its task", (t) => {
  const fixture = new Fixture();
  fixture.make({ id: "one" }, { id: "two" });
  t.equal(fixture.claim(null, "r").task?.id, "one");
  fixture.set();
  fixture.use(100);
  t.same(fixture.claim().held, [{ budget: "b", scope: "workspace", target: "", ends_at: "1970-01-02T00:00:00.000Z" }]);
  t.equal(fixture.claim(null, "r").task?.id, "one");
  fixture.set({ policy: "warn" });
  t.equal(fixture.claim().task?.id, "two");
  fixture.server.close();
  t.end();
});

t.test("the end of the period resets a budget: with the leader's call, and without it", (t) => {
  const fixture = new Fixture();
  fixture.set();
  fixture.use(100);
  fixture.server.nowMs = DAY_MS - 1;
  t.same(fixture.server.reply(resetBudgets, {}, ""), { ids: [] });
  t.equal(fixture.projection.isResetDue(DAY_MS - 1), false);
  fixture.make({ id: "one" });
  fixture.server.nowMs = DAY_MS;
  t.equal(fixture.projection.isResetDue(DAY_MS), true);
  t.equal(fixture.claim().task?.id, "one", "the claim does not wait for the leader");
  t.same(fixture.server.reply(resetBudgets, {}, ""), { ids: ["b"] });
  t.same(fixture.topics(), ["budget.exhausted", "budget.reset"]);
  t.equal(fixture.projection.size, 0);
  fixture.use(81);
  fixture.server.nowMs = 2 * DAY_MS;
  fixture.use(7);
  t.same(fixture.used(), ["ok", 7], "a report in the next period resets the sums first");
  t.same(fixture.topics().slice(2), ["budget.warned", "budget.reset"]);
  fixture.server.close();
  t.end();
});

t.test("a restart keeps the sums", (t) => {
  const fixture = new Fixture();
  fixture.set();
  fixture.use(99);
  fixture.server.restart();
  fixture.use(1);
  t.same(fixture.used(), ["exhausted", 100]);
  t.match(fixture.claim(), { task: null, held: [{ budget: "b" }] });
  fixture.server.close();
  t.end();
});

t.test("a repeated report counts once, and another one under its request_id is refused", (t) => {
  const fixture = new Fixture();
  fixture.set();
  t.same(fixture.use(10, { request_id: "r" }), { id: 1, made: true });
  t.same(fixture.use(10, { request_id: "r" }), { id: 1, made: false });
  t.same(fixture.used(), ["ok", 10]);
  fixture.server.close();
  t.end();
});

t.test("a report without a cost is unpriced; a cost of 0 is one", (t) => {
  const fixture = new Fixture();
  fixture.set({ tokens: null, cost_usd: 1 });
  fixture.use(1);
  fixture.use(1, { priced: true });
  fixture.use(1, { priced: true, cost_usd: 0.8 });
  const row = fixture.reader.byId("b");
  t.match(row && showBudget(row), { state: "warned", share: 0.8, unpriced: 1, used: { cost_usd: 0.8, reports: 3 } });
  fixture.server.close();
  t.end();
});

t.test("there is a limit of budgets, and an existing one can still be changed", (t) => {
  const fixture = new Fixture();
  for (let at = 0; at < BUDGETS_MAX; at++) fixture.set({ id: `b${at}` });
  t.match(fixture.set({ id: "one-more" }), { status: "STOCK_FULL" });
  t.match(fixture.set({ id: "b0", tokens: 5 }), /"tokens":5/);
  fixture.server.close();
  t.end();
});

t.test("a budget that many reports of a transaction concern is written once, and a set one at once", (t) => {
  const fixture = new Fixture();
  fixture.set();
  const { db } = fixture.server;
  const rows = new WriteBuffer(db);
  const writer = new BudgetWriter(db, rows);
  db.exec(`CREATE TEMP TABLE written (id TEXT); CREATE TEMP TRIGGER count_writes AFTER INSERT ON main.budget
    BEGIN INSERT INTO written VALUES (NEW.id); END`);
  const written = (): number => Number(db.prepare("SELECT count(*) FROM written").pluck().get());
  const row = fixture.reader.byId("b");
  if (row === undefined) throw new Error("no budget");
  for (let used = 1; used <= 100; used++) writer.putLast({ ...row, used_tokens: used });
  rows.write();
  t.equal(written(), 0);
  rows.finish();
  t.same([written(), fixture.used()], [1, ["ok", 100]]);
  writer.putLast({ ...row, used_tokens: 5 });
  writer.put({ ...row, used_tokens: 6 });
  t.equal(written(), 2);
  writer.putLast({ ...row, used_tokens: 7 });
  writer.delete("b");
  rows.finish();
  t.same([written(), fixture.used()], [2, undefined]);
  fixture.server.close();
  t.end();
});

t.test("a report of a subagent counts for the task of its parent, and that of another agent does not", (t) => {
  const fixture = new Fixture();
  fixture.make({ id: "one" });
  fixture.set({ scope: "task", target: "one" });
  const sub = fixture.people.register([], { parent: fixture.ana.id });
  const other = fixture.people.register();
  const use = (instance: string, tokens: number, owns = false): unknown =>
    fixture.use(tokens, { instance_id: instance, session_tag: "one", owns });
  use(sub.id, 1);
  t.same(fixture.used(), ["ok", 0], "its parent does not hold the task yet");
  t.equal(fixture.claim().task?.id, "one");
  use(sub.id, 2);
  use(other.id, 4);
  use("nobody", 8);
  t.same(fixture.used(), ["ok", 2]);
  use(other.id, 16, true);
  t.same(fixture.used(), ["ok", 18]);
  fixture.server.close();
  t.end();
});

t.test("the search for a task counts the tasks above those that a budget may hold", (t) => {
  const fixture = new Fixture();
  const chain = Array.from({ length: BUDGET_TASKS_ABOVE_MAX + 10 }, (_, at) => `c${at}`);
  fixture.make(...chain.map((id, at) => ({ id, after: at === 0 ? [] : [`c${at - 1}`] })));
  fixture.make({ id: "alone" });
  fixture.set({ scope: "task", target: "c9" });
  fixture.set({ id: "far", scope: "task", target: chain.at(-1) ?? "" });
  fixture.use(100, { session_tag: "c9" });
  const settings = { state_history: 0, state_events: false, event_history: 0 };
  const registry = new Models(fixture.server.db, settings).use(budgetRegistry);
  t.same(registry.lookAtTask("c0", 0), { isHeld: true, steps: BUDGET_TASKS_ABOVE_MAX / BUDGET_TASKS_A_STEP });
  t.same(registry.lookAtTask("alone", 0), { isHeld: false, steps: 1 });
  t.same(fixture.used("far"), ["ok", 0], "it has too many tasks above it");
  fixture.use(5, { session_tag: "c100" });
  t.same(
    [fixture.used("far"), fixture.used()],
    [
      ["ok", 5],
      ["exhausted", 100],
    ],
  );
  fixture.server.close();
  t.end();
});
