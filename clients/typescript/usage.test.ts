/**
 * Tests accounts, rate limits, budgets and evidence against a real server. Each test has a workspace and an account of
 * its own. clients/behaviours.json describes the expected behaviour.
 */
import { once } from "node:events";
import t from "tap";
import { behaviour } from "../../test/support/behaviours.js";
import { ScriptedServer } from "../../test/support/scripted-server.js";
import { startKoor } from "../../test/support/server-process.js";
import { connect, NotFoundError, UnavailableError, type Client, type HeldBy } from "./client.js";

const { url } = await startKoor(t);
const client = connect({ url });
const TREE = "8".repeat(40);

async function register(name: string, workspace: string, account: string | null = null): Promise<Client> {
  return (await client.instances.register({ name, workspace, account })).client;
}

/** Runs a worker that does one task. `reports` collects the arguments of `onHeld`. */
function startWorker(worker: Client) {
  const ending = new AbortController();
  const reports: (readonly HeldBy[])[] = [];
  const change = new EventTarget();
  const done = worker.tasks.work([], () => ending.abort(), {
    signal: ending.signal,
    onHeld: (held) => {
      reports.push(held);
      change.dispatchEvent(new Event("report"));
    },
  });
  return { reports, done, firstReport: once(change, "report") };
}

await behaviour(t, "instances-account", async (t) => {
  const { instance } = await client.instances.register({ name: "ana", workspace: "account", account: "acme:a" });
  t.equal(instance.account, "acme:a");
  t.match(await client.instances.patch(instance.id, { account: "acme:b" }), { id: instance.id, account: "acme:b" });
  t.equal((await client.instances.get(instance.id)).account, "acme:b");
  t.equal((await client.instances.patch(instance.id, { account: null })).account, undefined);
  const checkout = { id: "3f9c2b7a", branch: "main" };
  t.match(await client.instances.patch(instance.id, { checkout }), { checkout });
  t.match(await client.instances.list({ checkout: "3f9c2b7a" }), [{ id: instance.id }]);
  t.same(await client.instances.list({ checkout: "none" }), []);
});

await behaviour(t, "usage-request-id", async (t) => {
  const recorded = { status: 200, body: JSON.stringify({ id: 1, recorded: true }) };
  const report = { provider: "acme", model: "m" };
  const server = await ScriptedServer.start(t, ["cut", recorded]);
  await connect({ url: server.url }).usage.report({ ...report, request_id: "a" });
  t.same(
    server.requests.map(({ body }) => (JSON.parse(body) as { request_id: string }).request_id),
    ["a", "a"],
  );
  const other = await ScriptedServer.start(t, ["cut", recorded]);
  await t.rejects(connect({ url: other.url }).usage.report(report), UnavailableError);
  t.equal(other.requests.length, 1);
});

await behaviour(t, "usage-limits", async (t) => {
  const ana = await register("ana", "limits", "acme:limits");
  const first = await ana.usage.reportLimit({ provider: "acme", retry_after_s: 600, reason: "HTTP 429" });
  t.match(first, { provider: "acme", account: "acme:limits", reason: "HTTP 429" });
  const second = await ana.usage.reportLimit({ provider: "acme", retry_after_s: 900, reason: "HTTP 529" });
  t.equal(second.id, first.id);
  t.ok(second.until > first.until);
  t.same(await client.usage.limits(), [second]);
  await ana.usage.endLimit(second.id);
  t.same(await client.usage.limits(), []);
});

await behaviour(t, "budgets-round-trip", async (t) => {
  const ana = await register("ana", "budgets");
  const set = await client.budgets.set("b", { scope: "workspace", target: "budgets", tokens: 1000, period: "day" });
  t.match(set, { id: "b", state: "ok", warn_at: 0.8, policy: "deny" });
  t.same(await client.budgets.left("b"), { tokens: 1000, cost_usd: null });
  await ana.usage.report({ provider: "acme", model: "m", tokens_in: 700, tokens_out: 150, cost_usd: 0.5 });
  t.match(await client.budgets.list(), [
    { id: "b", state: "warned", used: { tokens: 850, cost_usd: 0.5, reports: 1 } },
  ]);
  t.same(await client.budgets.left("b"), { tokens: 150, cost_usd: null });
  await client.budgets.set("b", { scope: "workspace", target: "budgets", tokens: 500, cost_usd: 2, period: "day" });
  t.same(await client.budgets.left("b"), { tokens: 0, cost_usd: 1.5 });
  await client.budgets.remove("b");
  t.same(await client.budgets.list(), []);
  await t.rejects(client.budgets.left("b"), NotFoundError);
});

await behaviour(t, "evidence-round-trip", async (t) => {
  const ana = await register("ana", "evidence");
  const { id: task } = await ana.tasks.add({ title: "a task" });
  const made = await ana.evidence.record({
    command: "npm  test",
    exit_code: 1,
    task,
    seen_by: "cli",
    tree_before: TREE,
    tree_after: TREE,
    tail: "1 failed",
  });
  t.match(made, { command: "npm test", passed: false, level: "observed", task, tail: "1 failed" });
  await ana.evidence.record({ command: "npm test", task });
  const listed = await client.evidence.list({ task, level: "observed" });
  t.match(listed, [{ id: made.id, exit_code: 1, tree_after: TREE }]);
  t.notOk("tail" in (listed[0] ?? {}), "a list has no output");
  t.equal((await client.evidence.list({ task })).length, 2);
  t.same(await client.evidence.get(made.id), made);
});

await behaviour(t, "tasks-evidence", async (t) => {
  const ana = await register("ana", "requires");
  const requires = { requires_evidence: ["npm test"], max_attempts: 1 };
  const [proven, said] = await ana.tasks.add([
    { title: "proven", priority: 9, ...requires },
    { title: "said", ...requires },
  ]);
  const run = { command: "npm test", exit_code: 0, tree_before: TREE, tree_after: TREE };
  const elsewhere = await ana.evidence.record({ ...run, seen_by: "cli" });
  const ending = new AbortController();
  await ana.tasks.work(
    [],
    async (task, { completeWith }) => {
      if (task.id === proven?.id) return completeWith({ evidence: [elsewhere.id], tree: TREE });
      await ana.evidence.record({ ...run, task: task.id });
      ending.abort();
    },
    { signal: ending.signal },
  );
  t.match(await ana.tasks.get(proven?.id ?? ""), { state: "done", requires_evidence: ["npm test"] });
  t.match(await ana.tasks.get(said?.id ?? ""), { state: "dead", error: "evidence missing: npm test (said)" });

  const { id } = await ana.tasks.add({ title: "by single calls", ...requires });
  const fence = (await ana.tasks.claim({ id })).task?.fence ?? 0;
  const wrongTree = { evidence: [elsewhere.id], tree: "9".repeat(40) };
  const refused = await ana.tasks.complete(id, fence, null, wrongTree).catch((error: unknown) => error);
  t.match(refused, { name: "EvidenceMissingError", missing: [{ command: "npm test", why: "tree" }] });
  t.match(await ana.tasks.complete(id, fence, null, { ...wrongTree, tree: TREE }), { state: "done" });
});

await behaviour(t, "tasks-held-limit", async (t) => {
  const ana = await register("ana", "held-limit", "acme:held");
  const ben = await register("ben", "held-limit", "acme:held");
  const limit = await ana.usage.reportLimit({ provider: "acme", retry_after_s: 3600 });
  const { id } = await ana.tasks.add({ title: "waits" });
  t.match(await ben.tasks.claim(), { task: null, held: [{ limit: limit.id }] }, "a single claim reports it, too");
  const worker = startWorker(ben);
  await worker.firstReport;
  t.match(worker.reports, [[{ limit: limit.id, provider: "acme", account: "acme:held", ends_at: limit.until }]]);
  t.match(await ana.tasks.get(id), { state: "ready" });
  await ana.usage.endLimit(limit.id);
  await worker.done;
  t.equal(worker.reports.length, 2);
  t.same(worker.reports[1], [], "nothing keeps it from tasks any more");
  t.match(await ana.tasks.get(id), { state: "done" });
});

await behaviour(t, "tasks-held-budget", async (t) => {
  const ben = await register("ben", "held-budget");
  const budget = { scope: "workspace", target: "held-budget" } as const;
  await client.budgets.set("held", { ...budget, tokens: 100 });
  await ben.usage.report({ provider: "acme", model: "m", tokens_in: 100 });
  const { id } = await ben.tasks.add({ title: "waits" });
  const worker = startWorker(ben);
  await worker.firstReport;
  t.match(worker.reports, [[{ budget: "held", ...budget, ends_at: null }]]);
  t.match(await ben.tasks.get(id), { state: "ready" });
  await client.budgets.set("held", { ...budget, tokens: 1000 });
  await worker.done;
  t.same(worker.reports[1], []);
  t.match(await ben.tasks.get(id), { state: "done" });
  await client.budgets.remove("held");
});

await behaviour(t, "tasks-while-held", async (t) => {
  const answer = (body: object) => ({ status: 200, body: JSON.stringify(body) });
  const held = [{ limit: 1, provider: "acme", account: "a", ends_at: "2026-11-27T08:00:00.000Z" }];
  const task = { id: "t", fence: 1, ttl_s: 60, max_s: 60 };
  const server = await ScriptedServer.start(t, [
    answer({ task: null, lease: null }),
    answer({ task: null, lease: null, held }),
    answer({ task, lease: null, cancel_requested: false }),
  ]);
  const worker = startWorker(connect({ url: server.url }));
  await worker.done;
  const claims = server.requests.filter((one) => one.url === "/api/tasks/claim");
  t.same(
    claims.map(({ body }) => (JSON.parse(body) as { while_held: boolean }).while_held),
    [false, false, true],
  );
  t.same(worker.reports, [held, []]);
});

await behaviour(t, "wait-limited", async (t) => {
  const ana = await register("ana", "wait", "acme:wait");
  const { id } = await ana.usage.reportLimit({ provider: "acme", retry_after_s: 3600 });
  const first = await ana.wait({ event: "never", wait_s: 0 });
  t.match(first, { matched: null, limited: [{ id, account: "acme:wait" }] });
  const second = await ana.wait({ event: "never", wait_s: 0, after: first.cursor });
  t.notOk("limited" in second, "it is reported once");
  await ana.usage.endLimit(id);
});

await behaviour(t, "wait-limited-collected", async (t) => {
  const answer = (body: object) => ({ status: 200, body: JSON.stringify(body) });
  const server = await ScriptedServer.start(t, [
    answer({ matched: null, cursor: "a", limited: [{ id: 1 }] }),
    answer({ matched: null, cursor: "b", limited: [{ id: 2 }] }),
    answer({ matched: { kind: "lagged" }, cursor: "c" }),
  ]);
  const found = await connect({ url: server.url }).wait({ event: "a" });
  t.same(found, { matched: { kind: "lagged" }, cursor: "c", limited: [{ id: 1 }, { id: 2 }] });
});
