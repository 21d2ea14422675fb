/** Tests "Tasks" of the HTTP API against a real server: creating, claiming, waiting, ending, and refusals. */
import { once } from "node:events";
import t from "tap";
import { REMARK_BYTES_MAX } from "../schemas/limits/names.js";
import {
  TASK_AFTER_MAX,
  TASK_BODY_BYTES_MAX,
  TASK_LABELS_MAX,
  TASK_VALUE_BYTES_MAX,
  TASKS_CREATED_MAX,
} from "../schemas/limits/tasks.js";
import { must } from "../src/base/assert.js";
import { TIMESTAMP } from "./support/answers.js";
import { parseExposition } from "./support/exposition.js";
import { send, sendJson, type Answer } from "./support/http-client.js";
import { Agent, eventsOf, type Lease, type StoredEvent } from "./support/leasing.js";
import { countInFlight } from "./support/metrics.js";
import { RESTORE_REFUSED } from "./support/variant.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import {
  addTask,
  addTasks,
  askAs,
  claim,
  claimOne,
  getTask,
  shortOf,
  type Task,
  callTask,
  tryClaim,
} from "./support/tasking.js";
import { betweenLooks } from "./support/between-looks.js";
import { TestSpace } from "./support/test-space.js";

/** Returns the audit rows of a test from the oldest to the newest, limited to tasks and claims. */
async function auditOf(space: TestSpace, names: ReadonlyMap<string, string>): Promise<string[]> {
  return (await space.auditRows())
    .filter(({ action }) => /^(task|lease)\./.test(action))
    .map(({ actor, action, resource, outcome }) =>
      [names.get(actor) ?? actor, action, space.shorten(resource), outcome].join(" ").trim(),
    );
}

/** Formats an event as a short line, with the fences and the names of tasks as numbered and named in their test. */
function lineOf(space: TestSpace, event: StoredEvent): string {
  const { fence } = event.data as { readonly fence: number | null };
  return space.shorten(shortOf({ ...event, data: { ...event.data, fence: space.numberOfFence(fence) } }));
}

function refusal(answer: Answer): unknown {
  const { error, code } = answer.json<{ error: string; code: number }>();
  return answer.status === code ? [code, error] : `${answer.status}, but ${code}: ${error}`;
}

async function pair(port: number, workspace = "w"): Promise<[Agent, Agent]> {
  return Promise.all([Agent.register(port, "ana", { workspace }), Agent.register(port, "bob", { workspace })]);
}

/** The server of the tests that have a workspace of their own, and task ids that no other of them uses. */
const common = await startKoor(t);

const LOST = [409, "claim lost"];
const NOT_YOURS = [403, "not yours"];
const NEEDS_INSTANCE = [400, "this needs an instance: send X-Koor-Instance or its token"];

t.test("a task goes from its creation to its end", async (t) => {
  const space = await TestSpace.begin(common.port, "goes");
  const { port } = space;
  const [ana, bob] = await space.agents("ana", "bob");
  const made = await sendJson(port, "POST", "/api/tasks", { title: "bare" });
  t.equal(made.status, 200);
  t.same(made.json(), {
    id: space.taskId(1),
    workspace: "",
    title: "bare",
    body: "",
    data: null,
    labels: [],
    requires: [],
    resources: [],
    requires_evidence: [],
    priority: 5,
    after: [],
    state: "ready",
    attempts: 0,
    max_attempts: 3,
    ttl_s: 600,
    max_s: 14_400,
    not_before: null,
    assignee: null,
    holder: null,
    fence: null,
    lease: null,
    progress: null,
    note: null,
    checkpoint: null,
    cancel_requested: false,
    question: null,
    answer: null,
    result: null,
    error: null,
    created_by: null,
    created_at: made.json<{ created_at: string }>().created_at,
    updated_at: made.json<{ created_at: string }>().created_at,
    claimed_at: null,
    ended_at: null,
  });
  const whole = {
    id: "Build.2:a_b-c",
    title: "build",
    body: "all\nof it",
    data: { n: 1 },
    labels: ["go", "ci", "go"],
    resources: ["path:src/**", "deploy", "path:src/**"],
    priority: 9,
    max_attempts: 2,
    ttl_s: 60,
    max_s: 120,
    not_before: "2026-01-02T03:04:05.000Z",
    after: [],
  };
  const built = (await ana.ask("POST", "/api/tasks", whole)).json<Task>();
  const stored = { labels: ["go", "ci"], resources: ["path:src/**", "deploy"] };
  t.match(built, { ...whole, ...stored, workspace: "goes", created_by: ana.id, state: "ready" });
  t.same(built.resources, stored.resources);
  const { task, lease } = await claim(ana);
  t.match(task, {
    ...whole,
    ...stored,
    state: "claimed",
    holder: { id: ana.id, name: "ana" },
    fence: space.fence(1),
    lease: space.leaseId(1),
    claimed_at: TIMESTAMP,
  });
  t.match(lease, {
    id: space.leaseId(1),
    fence: space.fence(1),
    state: "held",
    task: whole.id,
    resources: stored.resources,
    mode: "exclusive",
    ttl_s: 60,
    max_s: 120,
    reason: "build",
    workspace: "goes",
  });
  if (task === null) return;
  const progress = await callTask(ana, task, "progress", { percent: 40, note: "half", checkpoint: [1, { a: null }] });
  t.match(progress.json(), { expires_at: TIMESTAMP, cancel_requested: false });
  const leftMs = Date.parse(progress.json<{ expires_at: string }>().expires_at) - Date.now();
  t.ok(leftMs > 50_000 && leftMs <= 60_000, `${leftMs} ms are left`);
  t.match(await getTask(space, whole.id), { progress: 40, note: "half", checkpoint: [1, { a: null }] });
  await callTask(ana, task, "progress", {});
  t.match(
    await getTask(space, whole.id),
    { progress: 40, note: "half", checkpoint: [1, { a: null }] },
    "every member has its default",
  );
  const done = await callTask(ana, task, "complete", { result: { ok: true } });
  t.match(done.json(), { state: "done", result: { ok: true }, holder: null, fence: null, lease: null, progress: 40 });
  t.match(done.json(), { ended_at: TIMESTAMP });
  t.same(
    (await callTask(ana, task, "complete", { result: 2 })).json(),
    done.json(),
    "a repeated call gets the same answer",
  );
  const read = await getTask(bob, whole.id);
  t.same(
    read.history.map(({ actor, state, note }) => [actor, state, note]),
    [
      [ana.id, "ready", null],
      [ana.id, "claimed", null],
      [ana.id, "done", null],
    ],
  );
  t.same(read.dependents, []);
  t.match((await ana.get(space.leaseId(1))).state, "released");
  t.same(
    (await space.events("*.*")).filter(({ topic }) => /^(task|lease)/.test(topic)).map(({ topic }) => topic),
    [
      "task.created",
      "task.ready",
      "task.created",
      "task.ready",
      "lease.granted",
      "task.claimed",
      "lease.released",
      "task.done",
    ],
  );
  const [event] = (await space.events("task.claimed")).slice(-1);
  t.same(event?.data, {
    task_id: whole.id,
    workspace: "goes",
    title: "build",
    labels: ["go", "ci"],
    state: "claimed",
    holder: { id: ana.id, name: "ana" },
    fence: space.fence(1),
    reason: null,
  });
  t.equal(event?.source, "koor");
  t.equal(
    lineOf(space, must((await space.events("task.done"))[0], "it is published")),
    `task.done ${whole.id} ana 1 -`,
  );
  t.same(await auditOf(space, new Map([[ana.id, "ana"]])), [
    `task.create ${space.taskId(1)} success`,
    `ana task.create ${whole.id} success`,
    `ana task.claim ${whole.id} success`,
    `ana task.complete ${whole.id} success`,
  ]);
  const figures = parseExposition((await send(port, "GET", "/metrics")).text);
  t.ok(figures.has("koor_tasks") && figures.has("koor_task_claim_seconds"));
});

t.test("a task goes to an agent that may have it, in the order of the queue", async (t) => {
  const space = await TestSpace.begin(common.port, "queue");
  const { port } = space;
  const [ana, bob] = await space.agents("ana", "bob");
  await ana.ask("POST", `/api/instances/${ana.id}/capabilities`, { capabilities: ["go", "gpu"] });
  await addTasks(
    space,
    { id: "queue-low", priority: 0 },
    { id: "queue-high", priority: 9 },
    { id: "queue-first" },
    { id: "queue-second" },
    { id: "queue-labeled", labels: ["x", "y"], priority: 1 },
    { id: "queue-needs", requires: ["go", "gpu"], priority: 8 },
    { id: "queue-hers", assignee: ana.id, priority: 7 },
    { id: "queue-his", assignee: "bob", priority: 7 },
    { id: "queue-elsewhere", workspace: "queue-v", priority: 9 },
    { id: "queue-later", priority: 9, not_before: "2100-01-01T00:00:00Z" },
    { id: "queue-last", priority: 9, after: ["queue-low"] },
  );
  const order = async (agent: Agent, body: object = {}): Promise<string> => (await claim(agent, body)).task?.id ?? "-";
  t.equal(await order(bob, { labels: ["y", "x"] }), "queue-labeled", "it is the only task with both labels");
  t.equal(await order(bob, { labels: ["x", "z"] }), "-");
  t.same(await claim(bob, { labels: ["z"] }), { task: null, lease: null });
  t.equal(await order(bob, { workspace: "queue-v" }), "queue-elsewhere");
  t.equal(await order(bob), "queue-high");
  t.equal(await order(bob), "queue-his", "it is assigned to his name");
  t.equal(await order(bob), "queue-first", "of equal tasks the oldest is first");
  t.equal(await order(ana), "queue-needs", "she has the capabilities that it requires");
  t.equal(await order(ana), "queue-hers", "it is assigned to her id");
  t.equal(await order(ana), "queue-second");
  t.equal(await order(ana), "queue-low");
  t.equal(await order(ana), "-", "the remaining tasks are blocked or not due");
  t.same(refusal(await sendJson(port, "POST", "/api/tasks/claim", {})), NEEDS_INSTANCE);

  const held = await bob.lease(["path:a/**", "port:1"]);
  await addTasks(
    space,
    { id: "queue-busy", resources: ["path:a/b", "x"], priority: 9 },
    { id: "queue-free", resources: ["path:b/*"] },
    { id: "queue-meets", resources: ["path:b/c"] },
  );
  t.equal(await order(ana), "queue-free", "a task whose resources are busy is skipped");
  t.equal(await order(bob), "queue-busy", "an agent's own leases do not block it");
  t.equal(await order(bob), "-", "a resource that another task has leased is busy, too");
  t.equal((await ana.tryLease(["path:b/x"])).status, 200);
  t.same(refusal(await bob.tryLease(["path:b/x"])), [409, "leased by ana: path:b/*"]);
  await bob.release(held);
  t.same(refusal(await ana.tryLease(["path:a/b"])), [409, "leased by bob: path:a/b"], "the task keeps its leases");
});

t.test("a task can be claimed by its id", async (t) => {
  const space = await TestSpace.begin(common.port, "named");
  const { port } = space;
  const [ana, bob] = await space.agents("ana", "bob");
  await bob.lease(["state:named/*"]);
  await addTasks(
    space,
    { id: "named-needs", requires: ["go"] },
    { id: "named-named", assignee: "bob" },
    { id: "named-by-id", assignee: bob.id },
    { id: "named-later", not_before: "2100-01-01T00:00:00Z" },
    { id: "named-busy", resources: ["state:named/x"] },
    { id: "named-elsewhere", workspace: "named-v", labels: ["l"], resources: ["path:a"] },
    { id: "named-done" },
    { id: "named-blocked", after: ["named-later"] },
  );
  await callTask(ana, await claimOne(ana, { id: "named-done" }), "complete");
  for (const [id, code, error] of [
    ["named-needs", 409, "task needs go"],
    ["named-named", 409, "task is assigned to bob"],
    ["named-by-id", 409, "task is assigned to bob"],
    ["named-later", 409, "task is not before 2100-01-01T00:00:00.000Z"],
    ["named-busy", 409, "leased by bob: state:named/*"],
    ["named-blocked", 409, "task is blocked"],
    ["named-done", 409, "task is done"],
    ["none", 404, "task not found: none"],
  ] as const)
    t.same(refusal(await tryClaim(ana, { id })), [code, error]);
  t.match((await tryClaim(ana, { id: "named-busy" })).json(), {
    conflicts: [
      { resource: "state:named/*", wanted: "state:named/x", lease: { id: space.leaseId(1), holder: { name: "bob" } } },
    ],
  });
  const { task, lease } = await claim(ana, { id: "named-elsewhere", ttl_s: 5 });
  t.match([task?.workspace, lease?.workspace, lease?.ttl_s], ["named-v", "named-v", 5], "in any workspace");
  t.same(refusal(await tryClaim(ana, { id: "named-elsewhere" })), [409, "task is claimed"]);
  t.same(refusal(await tryClaim(bob, { id: "named-elsewhere", wait_s: 1 })), [409, "task is claimed"]);
  const waiting = tryClaim(bob, { id: "named-elsewhere", wait_s: 60 });
  const ending = tryClaim(bob, { id: "named-elsewhere", wait_s: 60 });
  while ((await countInFlight(port)) < 2) await betweenLooks();
  await callTask(ana, must(task, "it is hers"), "release");
  const answers = [waiting, ending];
  const first = await Promise.race(answers.map(async (answer, at) => ({ answer: await answer, at })));
  const his = first.answer.json<{ task: Task }>().task;
  t.match(his, { id: "named-elsewhere", holder: { name: "bob" } });
  await callTask(bob, his, "complete");
  t.same(
    refusal(await must(answers[1 - first.at], "the other")),
    [409, "task is done"],
    "the answer comes when it ended",
  );
});

t.test("a claim can wait for a task", async (t) => {
  const space = await TestSpace.begin(common.port, "waits");
  const { port } = space;
  const [ana, bob] = await space.agents("ana", "bob");
  t.same(await claim(ana, { wait_s: 1 }), { task: null, lease: null }, "it is answered after that time");
  const waiting = Array.from({ length: 8 }, () => claim(ana, { wait_s: 60, labels: ["x"] }));
  while ((await countInFlight(port)) < 8) await betweenLooks();
  await addTask(space, { id: "waits-one", labels: ["x"] });
  t.equal((await Promise.race(waiting)).task?.id, "waits-one");
  await addTask(space, { id: "waits-other", labels: ["y"] });
  t.equal(await countInFlight(port), 7, "the others still wait");
  await addTasks(space, ...Array.from({ length: 7 }, (_, at) => ({ id: `waits-more-${at}`, labels: ["x"] })));
  const ids = (await Promise.all(waiting)).map(({ task }) => task?.id);
  t.equal(new Set(ids).size, 8, "each gets a task of its own");

  const lease = await bob.lease(["path:a"]);
  await addTask(space, { id: "waits-busy", resources: ["path:*"], labels: ["busy"] });
  const woken = claim(ana, { wait_s: 60, labels: ["busy"] });
  while ((await countInFlight(port)) < 1) await betweenLooks();
  await bob.release(lease);
  t.match(await woken, { task: { id: "waits-busy" }, lease: { state: "held" } }, "a lease was its blocker");

  await addTask(space, { id: "waits-soon", labels: ["soon"], not_before: new Date(Date.now() + 300).toISOString() });
  t.match(await claim(ana, { wait_s: 60, labels: ["soon"] }), { task: { id: "waits-soon" } }, "it is due");
  const moved = claim(ana, { wait_s: 60, labels: ["moved"] });
  while ((await countInFlight(port)) < 1) await betweenLooks();
  await addTask(space, {
    id: "waits-moved",
    labels: ["elsewhere"],
    assignee: "bob",
    not_before: "2100-01-01T00:00:00Z",
  });
  await askAs(space, "PATCH", "/api/tasks/waits-moved", { labels: ["moved"], assignee: null, not_before: null });
  t.match(await moved, { task: { id: "waits-moved" } }, "a change made it claimable");
});

t.test("a holder reports progress and ends its claim", async (t) => {
  const space = await TestSpace.begin(common.port, "holder");
  const [ana, bob] = await space.agents("ana", "bob");
  await addTask(space, { id: "holder-a", max_attempts: 3 });
  const first = await claimOne(ana);
  for (const [verb, body] of [
    ["progress", {}],
    ["complete", {}],
    ["fail", { error: "e" }],
    ["release", {}],
    ["ask", { question: "q" }],
  ] as const) {
    t.same(refusal(await callTask(bob, first, verb, body)), NOT_YOURS, `${verb}, of another agent's task`);
    t.same(refusal(await callTask(space, first, verb, body)), NEEDS_INSTANCE, `${verb}, without an instance`);
    t.same(
      refusal(await callTask(ana, { ...first, fence: space.fence(99) }, verb, body)),
      LOST,
      `${verb} under another fence`,
    );
    t.same(refusal(await callTask(ana, { ...first, id: "none" }, verb, body)), [404, "task not found: none"]);
    t.same(refusal(await callTask(ana, { id: "holder-a", fence: null }, verb, body)), [400, "fence is required"]);
  }
  t.match((await callTask(ana, first, "release", { note: "tired" })).json(), {
    state: "ready",
    note: "tired",
    attempts: 0,
    not_before: null,
  });
  const second = await claimOne(bob);
  t.match(second, { note: "tired", fence: space.fence(2), holder: { name: "bob" } });
  t.match(
    (await callTask(ana, first, "release", { note: "tired" })).json(),
    { state: "claimed" },
    "a repeated call gets the same answer, whoever holds the task",
  );
  t.same(refusal(await callTask(ana, first, "complete")), LOST, "but nothing else");
  t.same(refusal(await callTask(ana, second, "complete")), LOST, "his fence does not help either");
  const failed = (await callTask(bob, second, "fail", { error: "broken" })).json<Task>();
  t.match(failed, { state: "ready", attempts: 1, error: "broken", not_before: TIMESTAMP });
  const waitMs = Date.parse(failed.not_before ?? "") - Date.now();
  t.ok(waitMs > 0 && waitMs <= 1_000, `it is not due for ${waitMs} ms`);
  t.same((await claim(bob)).task, null);
  t.same(
    (await callTask(bob, second, "fail", { error: "broken" })).json<Task>().attempts,
    1,
    "a repeated call counts once",
  );
  const third = await claimOne(bob, { wait_s: 5 });
  t.match((await callTask(bob, third, "ask", { question: "why?" })).json(), {
    state: "input_required",
    question: "why?",
    holder: null,
    asked_by: bob.id,
  });
  const [asking] = (await askAs(bob, "GET", "/api/tasks?state=input_required&workspace=holder")).json<{
    tasks: Task[];
  }>().tasks;
  t.equal(asking?.asked_by, bob.id, "the list names the instance that asked");
  t.match((await callTask(bob, third, "ask", { question: "why?" })).json(), { state: "input_required" });
  t.same((await claim(bob)).task, null);
  t.same(refusal(await callTask(space, { id: "holder-a", fence: null }, "retry")), [409, "task is input_required"]);
  const answered = await callTask(space, { id: "holder-a", fence: null }, "answer", { answer: "because" });
  t.match(answered.json(), { state: "ready", answer: "because", question: "why?", asked_by: undefined });
  t.same(refusal(await callTask(space, { id: "holder-a", fence: null }, "answer", { answer: "x" })), [
    409,
    "task is ready",
  ]);
  t.same((await claim(ana)).task, null, "it is reserved for the agent that asked");
  t.same(refusal(await tryClaim(ana, { id: "holder-a" })), [409, "task is assigned to bob"]);
  const fourth = await claimOne(bob);
  t.match((await callTask(bob, fourth, "fail", { error: "no", retry: false })).json(), {
    state: "failed",
    error: "no",
  });
  t.same(refusal(await callTask(space, { id: "holder-a", fence: null }, "cancel")), [409, "task is failed"]);
  t.same(refusal(await askAs(space, "PATCH", "/api/tasks/holder-a", { title: "x" })), [409, "task is failed"]);
  t.match((await callTask(space, { id: "holder-a", fence: null }, "retry")).json(), {
    state: "ready",
    attempts: 0,
    ended_at: null,
  });
  for (let attempt = 1; attempt <= 2; attempt++) {
    const again = await claimOne(ana, { wait_s: 10 });
    t.match((await callTask(ana, again, "fail", { error: `e${attempt}` })).json(), {
      state: "ready",
      attempts: attempt,
    });
    await askAs(space, "PATCH", "/api/tasks/holder-a", { not_before: null });
  }
  const last = await claimOne(ana);
  t.match((await callTask(ana, last, "fail", { error: "e3" })).json(), { state: "dead", error: "e3", attempts: 3 });
  const names = new Map([
    [ana.id, "ana"],
    [bob.id, "bob"],
  ]);
  t.same(
    (await getTask(space, "holder-a")).history.map(({ actor, state, note }) => [
      names.get(actor) ?? actor,
      state,
      note,
    ]),
    [
      ["", "ready", null],
      ["ana", "claimed", null],
      ["ana", "ready", "tired"],
      ["bob", "claimed", null],
      ["bob", "ready", "broken"],
      ["bob", "claimed", null],
      ["bob", "input_required", "why?"],
      ["", "ready", "because"],
      ["bob", "claimed", null],
      ["bob", "failed", "no"],
      ["", "ready", null],
      ["ana", "claimed", null],
      ["ana", "ready", "e1"],
      ["ana", "claimed", null],
      ["ana", "ready", "e2"],
      ["ana", "claimed", null],
      ["ana", "dead", "e3"],
    ],
  );
  t.same(
    (await space.events("task.*")).map((event) => lineOf(space, event)),
    [
      "task.created a - - -",
      "task.ready a - - -",
      "task.claimed a ana 1 -",
      "task.ready a ana 1 tired",
      "task.claimed a bob 2 -",
      "task.ready a bob 2 broken",
      "task.claimed a bob 3 -",
      "task.input_required a bob 3 -",
      "task.ready a - - -",
      "task.claimed a bob 4 -",
      "task.failed a bob 4 no",
      "task.ready a - - -",
      "task.claimed a ana 5 -",
      "task.ready a ana 5 e1",
      "task.claimed a ana 6 -",
      "task.ready a ana 6 e2",
      "task.claimed a ana 7 -",
      "task.dead a ana 7 e3",
    ],
  );
  const audit = await auditOf(space, names);
  t.same(
    audit.filter((row) => row.endsWith("success")),
    [
      "task.create a success",
      "ana task.claim a success",
      "ana task.release a success",
      "bob task.claim a success",
      "bob task.fail a success",
      "bob task.claim a success",
      "bob task.ask a success",
      "task.answer a success",
      "bob task.claim a success",
      "bob task.fail a success",
      "task.retry a success",
      "ana task.claim a success",
      "ana task.fail a success",
      "task.update a success",
      "ana task.claim a success",
      "ana task.fail a success",
      "task.update a success",
      "ana task.claim a success",
      "ana task.fail a success",
    ],
    "each call that changes something has one row",
  );
  const refused = audit.filter((row) => row.endsWith("error"));
  t.equal(refused.filter((row) => row === "bob task.complete a error").length, 1, "refusals have one, too");
  t.notOk(
    audit.some((row) => row.includes("progress")),
    "and progress has none",
  );
});

t.test("a task's lease ends with its claim", async (t) => {
  const space = await TestSpace.begin(common.port, "leased");
  const [ana, bob] = await space.agents("ana", "bob");
  await addTask(space, { id: "leased-a", resources: ["state:leased/*"] });
  const put = (agent: Agent, fence?: number): Promise<Answer> =>
    agent.ask("PUT", "/api/state/leased/x", { by: agent.name }, fence === undefined ? {} : { "X-Koor-Fence": fence });
  const first = await claimOne(ana);
  t.equal((await put(ana, first.fence)).status, 200, "the claim's fence is valid for writes");
  t.equal((await put(bob)).status, 423);
  const renewed = await ana.ask("POST", `/api/leases/${space.leaseId(1)}/renew`, { fence: space.fence(1) });
  t.same(refusal(renewed), [409, "held by task leased-a"]);
  t.same(refusal(await bob.ask("POST", `/api/leases/${space.leaseId(1)}/renew`, { fence: space.fence(1) })), NOT_YOURS);
  t.same(refusal(await bob.ask("DELETE", `/api/leases/${space.leaseId(1)}?fence=${space.fence(1)}`)), NOT_YOURS);
  t.same((await ana.ask("DELETE", `/api/leases/${space.leaseId(1)}?fence=${space.fence(1)}`)).json(), {
    released: space.leaseId(1),
  });
  t.match(await getTask(space, "leased-a"), { state: "ready", attempts: 0, holder: null, not_before: null });
  t.same(refusal(await put(ana, first.fence)), [412, "stale fence"]);
  t.same(refusal(await callTask(ana, first, "complete")), LOST);
  const second = await claimOne(bob);
  t.equal(second.lease, space.leaseId(2));
  t.same((await askAs(space, "POST", `/api/leases/${space.leaseId(2)}/break`, { reason: "mine" })).json(), {
    broken: space.leaseId(2),
  });
  t.match(await getTask(space, "leased-a"), { state: "ready", attempts: 0, not_before: null });
  t.same(refusal(await callTask(bob, second, "complete")), LOST);
  t.same(refusal(await put(bob, second.fence)), [412, "stale fence"]);
  const third = await claimOne(ana);
  t.match((await ana.ask("GET", "/api/leases?workspace=leased")).json(), {
    leases: [{ id: space.leaseId(3), task: "leased-a", fence: third.fence }],
  });
  await callTask(ana, third, "complete");
  t.same(refusal(await put(ana, third.fence)), [412, "stale fence"], "after the end, too");
  t.equal((await put(ana)).status, 200, "the lease is not held any more");
  t.same(
    (await space.events("*.*"))
      .filter(({ topic }) => /^(task|lease)/.test(topic))
      .map(({ topic, data }) => {
        const { fence, reason } = data as { readonly fence: number | null; readonly reason: string | null };
        return `${topic} ${space.numberOfFence(fence) ?? "-"} ${reason ?? "-"}`;
      }),
    [
      "task.created - -",
      "task.ready - -",
      "lease.granted 1 t",
      "task.claimed 1 -",
      "lease.released 1 t",
      "task.ready 1 -",
      "lease.granted 2 t",
      "task.claimed 2 -",
      "lease.lost 2 broken",
      "task.ready 2 broken",
      "lease.granted 3 t",
      "task.claimed 3 -",
      "lease.released 3 t",
      "task.done 3 -",
    ],
  );
  const names = new Map([
    [ana.id, "ana"],
    [bob.id, "bob"],
  ]);
  t.same(
    (await auditOf(space, names)).filter((row) => row.endsWith("success")),
    [
      "task.create a success",
      "ana task.claim a success",
      `ana lease.release ${space.leaseId(1)} success`,
      "bob task.claim a success",
      `lease.break ${space.leaseId(2)} success`,
      "ana task.claim a success",
      "ana task.complete a success",
    ],
  );

  await addTask(space, { id: "leased-bare" });
  const bare = await claimOne(ana, { id: "leased-bare" });
  t.equal(bare.lease, null, "without resources there is no lease");
  t.same((await ana.ask("GET", "/api/leases?state=all&workspace=leased")).json<{ leases: Lease[] }>().leases.length, 3);
  t.same(refusal(await ana.ask("GET", `/api/leases/${space.leaseId(4)}`)), [
    404,
    `lease not found: ${space.leaseId(4)}`,
  ]);
  t.equal((await ana.ask("PUT", "/api/state/leased-y", {}, { "X-Koor-Fence": bare.fence })).status, 200);
  await callTask(ana, bare, "release");
  t.equal((await ana.ask("PUT", "/api/state/leased-y", {}, { "X-Koor-Fence": bare.fence })).status, 412);
});

t.test("a claim lives while its holder sends heartbeats", async (t) => {
  const space = await TestSpace.begin(common.port, "lives");
  const { port } = space;
  const [ana, bob] = await space.agents("ana", "bob");
  await addTasks(
    space,
    { id: "lives-bare", ttl_s: 1, max_attempts: 2 },
    { id: "lives-leased", resources: ["path:a"], max_attempts: 1 },
  );
  const bare = await claimOne(ana, { id: "lives-bare" });
  await callTask(ana, bare, "progress", { percent: 10, note: "n", checkpoint: { at: 7 } });
  const leased = await claimOne(bob, { id: "lives-leased", ttl_s: 1 });
  const lost = await space.nextEvent("lease.lost");
  t.match(lost.data, { lease_id: space.leaseId(2), task: "lives-leased", reason: "expired", fence: leased.fence });
  const dead = await space.nextEvent("task.dead");
  t.match(dead.data, { task_id: "lives-leased", holder: { name: "bob" }, fence: leased.fence, reason: "expired" });
  t.match(await getTask(space, "lives-leased"), { state: "dead", attempts: 1, error: "lost by bob", lease: null });
  await space.nextEvent("task.ready", (await space.events("task.claimed")).at(-1)?.id);
  const back = await getTask(space, "lives-bare");
  t.match(back, { state: "ready", attempts: 1, error: null, note: "n", checkpoint: { at: 7 }, not_before: TIMESTAMP });
  t.same(refusal(await callTask(ana, bare, "complete")), LOST);
  t.same(refusal(await callTask(ana, bare, "progress")), LOST);
  const again = await claimOne(bob, { id: "lives-bare", wait_s: 5, ttl_s: 60 });
  t.match(again, { checkpoint: { at: 7 }, attempts: 1 });
  t.same(refusal(await callTask(ana, again, "complete")), LOST);
  await send(port, "DELETE", `/api/instances/${bob.id}`);
  t.match(await getTask(space, "lives-bare"), { state: "dead", error: "lost by bob", attempts: 2 });
  t.match((await callTask(space, { id: "lives-bare", fence: null }, "retry")).json(), { state: "ready", attempts: 0 });

  await addTask(space, { id: "lives-short", max_s: 1 });
  const short = await claimOne(ana, { id: "lives-short" });
  // It sends heartbeats all the time.
  const alive = ana.ask("GET", "/api/events/history?topic=none&wait=2");
  t.match((await space.nextEvent("task.ready", (await space.events("task.*")).at(-1)?.id)).data, {
    task_id: "lives-short",
    reason: "max_s",
    fence: short.fence,
  });
  await alive;
  const rows = (await space.auditRows()).filter(({ actor }) => actor === "koor");
  t.same(
    rows.map(({ action, resource, outcome }) => `${action} ${resource} ${outcome}`).toSorted(),
    [
      `lease.lost ${space.leaseId(2)} success`,
      "task.reclaim lives-bare success",
      "task.reclaim lives-bare success",
      "task.reclaim lives-short success",
    ],
    "the server publishes the end once",
  );
});

t.test("a task can wait for others", async (t) => {
  const space = await TestSpace.begin(common.port, "others");
  const { port } = space;
  const [ana] = await space.agents("ana");
  const tasks = await addTasks(
    space,
    { id: "others-a", title: "A" },
    { after: ["others-a"] },
    { id: "others-c", after: ["#1", "others-a", "#1", "#0"] },
    { after: ["others-c"] },
  );
  t.same(
    tasks.map(({ id, state, after }) => [id, state, ...after]),
    [
      ["others-a", "ready"],
      [space.taskId(2), "blocked", "others-a"],
      ["others-c", "blocked", space.taskId(2), "others-a"],
      [space.taskId(4), "blocked", "others-c"],
    ],
    "by id and by position, each once",
  );
  t.same((await getTask(space, "others-a")).dependents, [space.taskId(2), "others-c"]);
  const first = await claimOne(ana);
  await callTask(ana, first, "fail", { error: "e", retry: false });
  t.equal((await getTask(space, space.taskId(2))).note, "waits for failed task others-a");
  t.equal((await getTask(space, "others-c")).note, "waits for failed task others-a");
  t.equal((await getTask(space, space.taskId(4))).note, "waits for failed task others-a", "through other tasks, too");
  await callTask(space, { id: "others-a", fence: null }, "retry");
  t.equal((await getTask(space, space.taskId(2))).note, null);
  await callTask(ana, await claimOne(ana), "complete");
  t.equal((await getTask(space, space.taskId(2))).state, "ready");
  t.equal((await getTask(space, "others-c")).state, "blocked");
  await callTask(ana, await claimOne(ana), "complete");
  await callTask(space, { id: "others-c", fence: null }, "cancel", { reason: "no more" });
  t.match(await getTask(space, space.taskId(4)), { state: "blocked", note: "waits for canceled task others-c" });
  t.equal((await addTask(space, { after: ["others-a"] })).state, "ready", "a task that is done is not waited for");
  t.match(await addTask(space, { after: ["others-c"] }), {
    state: "blocked",
    note: "waits for canceled task others-c",
  });
  await addTask(space, { id: "others-dies", max_attempts: 1 });
  await addTask(space, { id: "others-waits", after: ["others-dies"] });
  await callTask(ana, await claimOne(ana, { id: "others-dies" }), "fail", { error: "e" });
  t.equal((await getTask(space, "others-waits")).note, "waits for dead task others-dies");
  const second = space.taskId(2);
  const received = (await space.events("task.*"))
    .map((event) => lineOf(space, event))
    .filter((event) => event.includes(`${second} `));
  t.same(received, [
    `task.created ${second} - - -`,
    `task.blocked ${second} - - waits for failed task a`,
    `task.unblocked ${second} - - -`,
    `task.ready ${second} - - -`,
    `task.claimed ${second} ana 3 -`,
    `task.done ${second} ana 3 -`,
  ]);

  const many = (...bodies: readonly object[]): Promise<Answer> =>
    sendJson(
      port,
      "POST",
      "/api/tasks",
      bodies.map((body) => ({ title: "t", ...body })),
    );
  const before = (await askAs(space, "GET", "/api/tasks?limit=1000")).text;
  t.same(refusal(await many({ id: "new" }, { id: "others-a" })), [409, "task exists: others-a"]);
  t.same(refusal(await many({ id: "new" }, { id: "new" })), [409, "task exists: new"]);
  t.same(refusal(await many({}, { after: ["none"] })), [400, "unknown task: none"]);
  t.same(refusal(await many({}, { after: ["#2"] })), [400, "unknown task: #2"]);
  for (const name of ["#0", "#1"]) {
    const alone = { id: "solo", title: "t", after: [name] };
    t.same(refusal(await sendJson(port, "POST", "/api/tasks", alone)), [400, `unknown task: ${name}`], "no array");
  }
  t.same(refusal(await many({}, { after: ["#00"] })), [400, "unknown task: #00"]);
  t.same(refusal(await many({ id: "self" }, { id: "other", after: ["#1"] })), [409, "dependency cycle: other → other"]);
  t.same(refusal(await many({ id: "A", after: ["B"] }, { id: "B", after: ["A"] })), [
    409,
    "dependency cycle: A → B → A",
  ]);
  t.same(refusal(await many({ id: "self", after: ["self"] })), [409, "dependency cycle: self → self"]);
  const circle = Array.from({ length: TASKS_CREATED_MAX }, (_, at) => ({
    id: `n${at}`,
    after: [`#${(at + 1) % TASKS_CREATED_MAX}`],
  }));
  t.match(refusal(await many(...circle)), [409, /^dependency cycle: n0 → n1 → .* → n15 → … → n0$/]);
  t.equal((await askAs(space, "GET", "/api/tasks?limit=1000")).text, before, "an array is stored whole or not at all");
  const line = circle.map((task, at) => (at === TASKS_CREATED_MAX - 1 ? { id: task.id } : task));
  t.equal((await many(...line)).status, 200, "a chain of a thousand has no cycle");
});

t.test("a task can be canceled", async (t) => {
  const space = await TestSpace.begin(common.port, "cancels");
  const [ana] = await space.agents("ana");
  await addTask(space, { id: "cancels-a" });
  t.match((await callTask(space, { id: "cancels-a", fence: null }, "cancel", { reason: "why" })).json(), {
    state: "canceled",
    ended_at: TIMESTAMP,
  });
  t.same(refusal(await callTask(space, { id: "cancels-a", fence: null }, "cancel")), [409, "task is canceled"]);
  t.match(
    (await callTask(space, { id: "cancels-a", fence: null }, "retry")).json(),
    { state: "ready", ended_at: null },
    "the cancellation is undone",
  );
  t.same(refusal(await callTask(space, { id: "cancels-a", fence: null }, "retry")), [409, "task is ready"]);
  await callTask(space, { id: "cancels-a", fence: null }, "cancel");
  t.equal(lineOf(space, must((await space.events("task.canceled"))[0], "it is published")), "task.canceled a - - why");
  const ends: readonly (readonly [verb: string, body: object, state: string])[] = [
    ["complete", {}, "done"],
    ["release", {}, "canceled"],
    ["ask", { question: "q" }, "canceled"],
    ["fail", { error: "e" }, "canceled"],
    ["fail", { error: "e", retry: false }, "canceled"],
  ];
  for (const [at, [verb, body, state]] of ends.entries()) {
    const { id } = await addTask(space, { id: `cancels-${at}` });
    const task = await claimOne(ana);
    t.match((await callTask(space, { id, fence: null }, "cancel")).json(), {
      state: "claimed",
      cancel_requested: true,
    });
    t.equal((await callTask(space, { id, fence: null }, "cancel")).status, 200, "a repeated call is answered alike");
    t.match((await callTask(ana, task, "progress", { percent: 1 })).json(), { cancel_requested: true });
    t.match((await callTask(ana, task, verb, body)).json(), { state }, verb);
  }
  await addTask(space, { id: "cancels-lost", ttl_s: 1 });
  await claimOne(ana);
  await callTask(space, { id: "cancels-lost", fence: null }, "cancel");
  const since = (await space.events("task.*")).at(-1)?.id;
  t.match((await space.nextEvent("task.canceled", since)).data, { task_id: "cancels-lost", reason: "expired" });
  const rows = await auditOf(space, new Map());
  t.equal(rows.filter((row) => row === "task.cancel 0 success").length, 1, "the repeated call changed nothing");
});

t.test("a task's members can be changed", async (t) => {
  const { port } = common;
  const workspace = "members";
  const [ana] = await pair(port, workspace);
  await addTasks(
    port,
    { workspace, id: "changed", assignee: "x", not_before: "2100-01-01T00:00:00Z" },
    { workspace, id: "unchanged" },
  );
  const patch = (body: object): Promise<Answer> => askAs(port, "PATCH", "/api/tasks/changed", body);
  const all = { title: "new", body: "B", priority: 9, labels: ["l"] };
  t.match((await patch({ ...all, assignee: null, not_before: null })).json(), {
    ...all,
    assignee: null,
    not_before: null,
    state: "ready",
  });
  t.match((await patch({})).json(), all, "every member has its value");
  t.match((await patch({ assignee: "ana", not_before: "2026-01-01T00:00:00Z" })).json(), {
    ...all,
    assignee: "ana",
    not_before: "2026-01-01T00:00:00.000Z",
  });
  t.equal((await claimOne(ana)).id, "changed", "its priority counts");
  t.match((await patch({ priority: 0, title: "held" })).json(), { state: "claimed", priority: 0, title: "held" });
  t.same(refusal(await askAs(port, "PATCH", "/api/tasks/none", {})), [404, "task not found: none"]);
  for (const body of [{ title: "" }, { title: "a\nb" }, { priority: 10 }, { labels: [""] }, { not_before: "soon" }])
    t.equal((await patch(body)).status, 400, JSON.stringify(body));
});

t.test("the dependencies of a task can be changed, and a dead one is reported", async (t) => {
  const space = await TestSpace.begin(common.port, "depends");
  const [ana] = await space.agents("ana");
  await addTasks(
    space,
    { id: "depends-a" },
    { id: "depends-b", after: ["depends-a"] },
    { id: "depends-c", after: ["depends-b"] },
    { id: "depends-d", after: ["depends-c"] },
  );
  await addTask(space, { id: "depends-other" });
  const wait = (id: string, ...after: string[]): Promise<Answer> =>
    askAs(space, "PATCH", `/api/tasks/${id}`, { after });
  let since = (await space.events("task.*")).at(-1)?.id ?? 0;
  const received = async (): Promise<string[]> => {
    const events = (await space.events("task.*")).filter(({ id }) => id > since);
    since = events.at(-1)?.id ?? since;
    return events.map((event) => lineOf(space, event));
  };
  await callTask(space, { id: "depends-b", fence: null }, "cancel");
  t.same(await received(), [
    "task.canceled b - - -",
    "task.blocked c - - waits for canceled task b",
    "task.blocked d - - waits for canceled task b",
  ]);
  const { tasks } = (await askAs(space, "GET", "/api/tasks?state=blocked&workspace=depends")).json<{ tasks: Task[] }>();
  t.same(
    tasks.map(({ id, note }) => [id, note]),
    [
      ["depends-d", "waits for canceled task depends-b"],
      ["depends-c", "waits for canceled task depends-b"],
    ],
  );
  await addTask(space, { id: "depends-late", after: ["depends-d"] });
  t.same(await received(), ["task.created late - - -", "task.blocked late - - waits for canceled task b"]);
  t.match((await callTask(space, { id: "depends-b", fence: null }, "retry")).json(), { state: "blocked", note: null });
  t.same(await received(), ["task.unblocked c - - -", "task.unblocked d - - -", "task.unblocked late - - -"]);
  t.equal((await getTask(space, "depends-late")).note, null);

  t.match((await wait("depends-late", "depends-a", "depends-other", "depends-a")).json(), {
    state: "blocked",
    after: ["depends-a", "depends-other"],
    note: null,
  });
  t.same((await getTask(space, "depends-d")).dependents, []);
  t.same((await getTask(space, "depends-other")).dependents, ["depends-late"]);
  t.match((await wait("depends-late")).json(), { state: "ready", after: [] });
  t.match((await wait("depends-late", "depends-other")).json(), { state: "blocked" }, "and changed back");
  t.same(refusal(await ana.ask("POST", "/api/tasks/claim", { id: "depends-late" })), [409, "task is blocked"]);
  await callTask(space, { id: "depends-other", fence: null }, "cancel");
  t.match((await wait("depends-late", "depends-a")).json(), { state: "blocked", note: null });
  t.same(await received(), [
    "task.ready late - - -",
    "task.canceled other - - -",
    "task.blocked late - - waits for canceled task other",
    "task.unblocked late - - -",
  ]);
  const cycle = (way: string): unknown => [400, `dependency cycle: ${way}`];
  t.same(refusal(await wait("depends-a", "depends-a")), cycle("depends-a → depends-a"));
  t.same(
    refusal(await wait("depends-a", "depends-d")),
    cycle("depends-a → depends-d → depends-c → depends-b → depends-a"),
  );
  t.same(refusal(await wait("depends-a", "none")), [400, "unknown task: none"]);
  t.equal((await wait("depends-a", "#0")).status, 400);
  for (const name of ["state", "resources", "id", "requires", "nonsense"])
    t.same(refusal(await askAs(space, "PATCH", "/api/tasks/depends-a", { [name]: "x" })), [
      400,
      `${name} cannot be given here`,
    ]);
  const held = await claimOne(ana);
  t.same(refusal(await wait("depends-a", "depends-other")), [400, "after cannot be changed: task is claimed"]);
  await callTask(ana, held, "complete");
  t.same(refusal(await wait("depends-a", "depends-other")), [409, "task is done"]);
  t.equal((await getTask(space, "depends-b")).state, "ready");
  t.equal((await getTask(space, "depends-late")).state, "ready");
});

t.test("what many report is one task", async (t) => {
  const space = await TestSpace.begin(common.port, "reports");
  const [ana, bob] = await space.agents("ana", "bob");
  const red = { id: "ci:red:4f2a91c", or_get: true };
  const report = (agent: Agent, at: number): Promise<Answer> =>
    agent.ask("POST", "/api/tasks", { ...red, workspace: "reports", title: `report ${at}` });
  const made = await Promise.all(Array.from({ length: 64 }, (_, at) => report(at % 2 === 0 ? ana : bob, at)));
  t.same(new Set(made.map(({ status }) => status)), new Set([200]));
  t.equal(new Set(made.map(({ text }) => text)).size, 1, "64 at the same time get one task");
  t.equal((await space.events("task.created")).length, 1);
  const kept = made[0]?.json<Task>();

  const array = await addTasks(ana, { title: "mend" }, red, { title: "tell", after: [red.id] });
  t.same(array[1], kept, "an array has it in its place");
  t.same(array[2]?.after, [red.id]);
  t.equal(array[2]?.state, "blocked", "other tasks can wait for it");

  await bob.ask("POST", `/api/tasks/${red.id}/cancel`, {});
  t.match((await report(bob, 1)).json<Task>(), { title: kept?.title, state: "canceled" }, "ended or not");
  t.same(refusal(await ana.ask("POST", "/api/tasks", { id: red.id, title: "t", or_get: false })), [
    409,
    `task exists: ${red.id}`,
  ]);
  t.same(refusal(await ana.ask("POST", "/api/tasks", [{ title: "t" }, { title: "t", or_get: true }])), [
    400,
    "[1].or_get needs an id",
  ]);
});

t.test("the same request_id gives the same task", async (t) => {
  const space = await TestSpace.begin(common.port, "repeats");
  const { port } = space;
  const [ana, bob] = await space.agents("ana", "bob");
  const make = (agent: Agent): Promise<Answer> =>
    agent.ask("POST", "/api/tasks", { workspace: "repeats", title: "t", request_id: "r", labels: ["x"] });
  const made = await Promise.all(Array.from({ length: 64 }, () => make(ana)));
  t.equal(new Set(made.map((answer) => answer.json<Task>().id)).size, 1, "64 at the same time get one");
  t.not((await make(bob)).json<Task>().id, made[0]?.json<Task>().id, "another caller's request_id is another");
  t.equal((await space.events("task.created")).length, 2);
  const array = await addTasks(
    ana,
    { title: "t", request_id: "r", labels: ["x"] },
    { request_id: "s", after: ["#0"] },
    { id: "repeats-own", request_id: "u" },
  );
  t.same(
    array.map(({ id, state }) => [id, state]),
    [
      [space.taskId(1), "ready"],
      [space.taskId(3), "blocked"],
      ["repeats-own", "ready"],
    ],
    "each gets its own",
  );
  t.equal(
    (await addTask(ana, { id: "repeats-own", request_id: "u" })).id,
    "repeats-own",
    "it is there, and the same one",
  );

  const claims = await Promise.all(Array.from({ length: 64 }, () => claim(ana, { request_id: "c", labels: ["x"] })));
  t.equal(new Set(claims.map(({ task }) => `${task?.id} ${task?.fence}`)).size, 1);
  t.equal((await space.events("task.claimed")).length, 1);
  const task = must(claims[0]?.task, "she has one");
  await callTask(ana, task, "complete");
  t.match(
    await claim(ana, { request_id: "c", labels: ["x"] }),
    { task: { id: task.id, state: "done" } },
    "ended or not",
  );
  t.same((await claim(ana, { request_id: "d", labels: ["none"] })).task, null);
  await addTask(space, { id: "repeats-now", labels: ["none"] });
  t.equal(
    (await claim(ana, { request_id: "d", labels: ["none"] })).task?.id,
    "repeats-now",
    "a request that got nothing is not stored",
  );
  t.same(refusal(await tryClaim(bob, { request_id: "e", id: "repeats-now" })), [409, "task is claimed"]);
  await callTask(ana, await getTask(ana, "repeats-now"), "release");
  t.equal((await claim(bob, { request_id: "e", id: "repeats-now" })).task?.id, "repeats-now", "nor is a refusal");

  const both = [1, 2].map(() => claim(ana, { wait_s: 60, request_id: "w", labels: ["w"] }));
  while ((await countInFlight(port)) < 2) await betweenLooks();
  await addTask(space, { id: "repeats-only", labels: ["w"] });
  t.same(
    (await Promise.all(both)).map((answer) => answer.task?.id),
    ["repeats-only", "repeats-only"],
    "while they wait, too",
  );
});

t.test("a client that disconnects gets nothing", async (t) => {
  const space = await TestSpace.begin(common.port, "leaves");
  const { port } = space;
  const [ana, bob] = await space.agents("ana", "bob");
  const gone = new AbortController();
  const asked = fetch(`http://127.0.0.1:${port}/api/tasks/claim`, {
    method: "POST",
    headers: { "X-Koor-Instance": ana.id },
    body: '{"wait_s":60}',
    signal: gone.signal,
  });
  while ((await countInFlight(port)) < 1) await betweenLooks();
  gone.abort();
  await t.rejects(asked);
  while ((await countInFlight(port)) > 0) await betweenLooks();
  await addTask(space, { id: "leaves-a" });
  t.equal((await claimOne(bob)).id, "leaves-a");
  t.equal((await space.events("task.claimed")).length, 1);
});

t.test("lists can be filtered", async (t) => {
  const space = await TestSpace.begin(common.port, "lists");
  const [ana, bob] = await space.agents("ana", "bob");
  await addTasks(
    space,
    { id: "lists-a", labels: ["x"], body: "long", data: 1 },
    { id: "lists-b", labels: ["x", "y"], assignee: "ana" },
    { id: "lists-c", workspace: "lists-v" },
    { id: "lists-d", after: ["lists-a"] },
    { id: "lists-e" },
  );
  await callTask(ana, await claimOne(ana, { id: "lists-e" }), "complete", { result: 1 });
  await claimOne(bob, { id: "lists-a" });
  const ids = async (query: string): Promise<string> =>
    (await askAs(space, "GET", `/api/tasks${query}`))
      .json<{ tasks: Task[] }>()
      .tasks.filter(({ id }) => id.startsWith("lists-"))
      .map(({ id }) => space.shorten(id))
      .join("");
  for (const [query, expected] of [
    ["", "edcba"],
    ["?workspace=lists-v", "c"],
    ["?workspace=", ""],
    ["?state=ready", "cb"],
    ["?state=blocked", "d"],
    ["?state=claimed", "a"],
    ["?state=done", "e"],
    ["?label=x", "ba"],
    ["?label=y&workspace=lists", "b"],
    [`?holder=${bob.id}`, "a"],
    [`?holder=${ana.id}`, ""],
    ["?assignee=ana", "b"],
    ["?limit=2", "ed"],
    ["?limit=2&after=lists-d", "cb"],
    ["?limit=2&after=lists-b&workspace=lists", "a"],
    ["?after=lists-a", ""],
  ] as const)
    t.equal(await ids(query), expected, query);
  const [listed] = (await askAs(space, "GET", "/api/tasks?state=claimed&workspace=lists")).json<{ tasks: object[] }>()
    .tasks;
  t.match(listed, { id: "lists-a", holder: { name: "bob" }, fence: space.fence(2), note: null });
  for (const name of ["body", "data", "result", "history", "dependents"])
    t.notOk(name in (listed ?? {}), `without ${name}`);
  t.same(refusal(await askAs(space, "GET", "/api/tasks?after=none")), [404, "task not found: none"]);
  for (const query of ["?state=x", "?limit=0", "?limit=x", "?after=%20"])
    t.equal((await askAs(space, "GET", `/api/tasks${query}`)).status, 400, query);
  t.same(refusal(await askAs(space, "GET", "/api/tasks/none")), [404, "task not found: none"]);
});

t.test("a request with invalid or too large members changes nothing", async (t) => {
  const space = await TestSpace.begin(common.port, "invalid");
  const { port } = space;
  const [ana] = await space.agents("ana");
  const before = (await askAs(space, "GET", "/api/tasks?limit=1000")).text;
  const long = (bytes: number): string => "x".repeat(bytes);
  const rows: readonly (readonly [task: object, error: RegExp])[] = [
    [{ title: "" }, /^title is required$/],
    [{ title: undefined }, /^title is required$/],
    [{ title: long(513) }, /^title is longer than 512 characters$/],
    [{ title: "é".repeat(513) }, /^title is longer/],
    [{ title: "a\u0000" }, /^title/],
    [{ id: "" }, /^id/],
    [{ id: "a/b" }, /^id must be 1 to 128/],
    [{ id: long(129) }, /^id/],
    [{ id: "claim" }, /^id must not be claim$/],
    [{ id: ".." }, /^id must not be \.\.$/],
    [{ body: long(TASK_BODY_BYTES_MAX + 1) }, /^body is longer than 65536 characters$/],
    [{ data: long(TASK_VALUE_BYTES_MAX) }, /^data is longer than 65536 bytes$/],
    [{ labels: Array.from({ length: TASK_LABELS_MAX + 1 }, (_, at) => `l${at}`) }, /^labels/],
    [{ labels: [long(129)] }, /^labels\[0\] is longer than 128 characters$/],
    [{ requires: Array.from({ length: TASK_LABELS_MAX + 1 }, (_, at) => `l${at}`) }, /^requires/],
    [{ requires: [""] }, /^requires\[0\] is required$/],
    [{ resources: Array.from({ length: 65 }, (_, at) => `r${at}`) }, /^resources/],
    [{ resources: [long(513)] }, /^resources\[0\] is longer/],
    [{ resources: ["ok", "path:/abs"] }, /^resources\[1\] must be relative/],
    [{ after: Array.from({ length: TASK_AFTER_MAX + 1 }, (_, at) => `a${at}`) }, /^after/],
    [{ after: ["#1000"] }, /^after\[0\] must be the id of a task, or #N$/],
    [{ priority: 10 }, /^priority/],
    [{ priority: 0.5 }, /^priority/],
    [{ max_attempts: 0 }, /^max_attempts/],
    [{ ttl_s: 0 }, /^ttl_s/],
    [{ ttl_s: 86_401 }, /^ttl_s/],
    [{ max_s: 86_401 }, /^max_s/],
    [{ not_before: "tomorrow" }, /^not_before/],
    [{ request_id: long(129) }, /^request_id/],
  ];
  for (const [task, error] of rows) {
    const answer = await sendJson(port, "POST", "/api/tasks", { title: "t", ...task });
    t.match(refusal(answer), [400, error], JSON.stringify(task).slice(0, 60));
    const second = await sendJson(port, "POST", "/api/tasks", [{ title: "t" }, { title: "t", ...task }]);
    t.equal(second.status, 400);
    t.ok(second.json<{ error: string }>().error.startsWith("[1]."), second.text);
  }
  t.equal((await sendJson(port, "POST", "/api/tasks", [])).status, 400);
  const many = Array.from({ length: TASKS_CREATED_MAX + 1 }, () => ({ title: "t" }));
  t.equal((await sendJson(port, "POST", "/api/tasks", many)).status, 400);
  const dense = Array.from({ length: TASKS_CREATED_MAX }, (_, at) => ({
    title: "t",
    after: Array.from({ length: Math.min(at, 11) }, (_before, back) => `#${at - 1 - back}`),
  }));
  const together = /^after of all tasks together names more than 10000: make fewer tasks with one call$/;
  t.match(refusal(await sendJson(port, "POST", "/api/tasks", dense)), [400, together]);
  t.equal((await askAs(space, "GET", "/api/tasks?limit=1000")).text, before, "no task was stored");
  const stars = ["path:", "state:", "spec:"].map((kind) => kind + "*".repeat(512 - kind.length));
  const largest = {
    id: long(128),
    title: long(512),
    body: long(TASK_BODY_BYTES_MAX),
    data: long(TASK_VALUE_BYTES_MAX - 2),
    labels: Array.from({ length: TASK_LABELS_MAX }, (_, at) => `${at}`.padStart(128, "l")),
    resources: [...stars, `name:${"*".repeat(507)}`, ...Array.from({ length: 60 }, (_, at) => `r${at}`)],
    priority: 9,
    workspace: "invalid",
  };
  t.match((await sendJson(port, "POST", "/api/tasks", largest)).json(), largest);
  const task = await claimOne(ana);
  t.equal((await claim(ana, { labels: largest.labels })).task, null);
  const value = long(TASK_VALUE_BYTES_MAX - 1);
  for (const [verb, body, error] of [
    ["progress", { checkpoint: value }, /^checkpoint is longer than 65536 bytes$/],
    ["progress", { percent: 101 }, /^percent/],
    ["progress", { note: long(REMARK_BYTES_MAX + 1) }, /^note is longer than 4096 characters$/],
    ["complete", { result: value }, /^result is longer than 65536 bytes$/],
    ["fail", {}, /^error is required$/],
    ["fail", { error: long(REMARK_BYTES_MAX + 1) }, /^error is longer/],
    ["release", { note: long(REMARK_BYTES_MAX + 1) }, /^note is longer/],
    ["ask", {}, /^question is required$/],
    ["ask", { question: long(REMARK_BYTES_MAX + 1) }, /^question is longer/],
    ["answer", {}, /^answer is required$/],
    ["answer", { answer: long(REMARK_BYTES_MAX + 1) }, /^answer is longer/],
    ["cancel", { reason: long(REMARK_BYTES_MAX + 1) }, /^reason is longer/],
  ] as const)
    t.match(refusal(await callTask(ana, task, verb, body)), [400, error], verb);
  for (const fence of [0, -1, 1.5, "x"])
    t.match(refusal(await callTask(ana, { ...task, fence: null }, "complete", { fence })), [400, /^fence/]);
  for (const body of [{ wait_s: 61 }, { wait_s: -1 }, { ttl_s: 0 }, { labels: "x" }, { id: "a b" }])
    t.equal((await tryClaim(ana, body)).status, 400, JSON.stringify(body));
  t.match((await callTask(ana, task, "complete", { result: long(TASK_VALUE_BYTES_MAX - 2) })).json(), {
    state: "done",
  });
});

t.test("an instance's token and the server's token have their rights", async (t) => {
  const token = "only-for-this-test";
  const by = { Authorization: `Bearer ${token}` };
  const { port } = await startKoor(t, { args: ["--auth-token", token] });
  const [ana, bob, cid] = [
    await Agent.register(port, "ana", { by }),
    await Agent.register(port, "bob", { by }),
    await Agent.register(port, "cid", { by }),
  ];
  const asServer = (method: string, path: string, body: object = {}): Promise<Answer> =>
    sendJson(port, method, path, body, by);
  t.equal((await sendJson(port, "POST", "/api/tasks", { title: "t" })).status, 401);
  const { id } = await addTask(ana, { id: "a", resources: ["path:a"] });
  const task = await claimOne(bob);
  for (const [verb, body] of [
    ["progress", {}],
    ["complete", {}],
    ["fail", { error: "e" }],
    ["release", {}],
    ["ask", { question: "q" }],
  ] as const) {
    t.same(refusal(await callTask(ana, task, verb, body)), NOT_YOURS, `${verb} by its creator`);
    t.same(refusal(await callTask(cid, task, verb, body)), NOT_YOURS);
    t.same(refusal(await asServer("POST", `/api/tasks/a/${verb}`, { fence: task.fence, ...body })), NEEDS_INSTANCE);
  }
  t.same(refusal(await cid.ask("POST", "/api/leases/lease-1/renew", { fence: task.fence })), NOT_YOURS);
  t.equal((await cid.ask("POST", "/api/leases/lease-1/break", { reason: "x" })).status, 403);
  const manages = async (verb: string, body: object = {}): Promise<void> => {
    t.same(refusal(await callTask(cid, { id, fence: null }, verb, body)), NOT_YOURS, `${verb} by another instance`);
  };
  for (const [verb, body] of [
    ["cancel", {}],
    ["answer", { answer: "x" }],
    ["retry", {}],
  ] as const)
    await manages(verb, body);
  t.same(refusal(await cid.ask("PATCH", "/api/tasks/a", { title: "x" })), NOT_YOURS);
  t.equal((await ana.ask("PATCH", "/api/tasks/a", { title: "hers" })).status, 200, "its creator may");
  t.equal((await bob.ask("PATCH", "/api/tasks/a", { title: "his" })).status, 200, "its holder may");
  t.equal((await asServer("PATCH", "/api/tasks/a", { title: "the server's" })).status, 200);
  t.equal((await callTask(bob, task, "ask", { question: "q" })).status, 200);
  t.same(
    refusal(await callTask(bob, { id, fence: null }, "answer", { answer: "x" })),
    NOT_YOURS,
    "he no longer holds it",
  );
  t.equal((await callTask(ana, { id, fence: null }, "answer", { answer: "x" })).status, 200);
  await callTask(bob, await claimOne(bob), "fail", { error: "e", retry: false });
  t.equal((await callTask(ana, { id, fence: null }, "retry")).status, 200);
  await callTask(bob, await claimOne(bob), "fail", { error: "e", retry: false });
  t.equal((await asServer("POST", "/api/tasks/a/retry")).status, 200);
  t.equal((await asServer("POST", "/api/tasks/a/cancel")).status, 200);
  t.same(
    refusal(await callTask(cid, { id, fence: null }, "cancel")),
    NOT_YOURS,
    "the right is checked before the state",
  );
  t.equal((await asServer("POST", "/api/tasks", { title: "t" })).json<{ created_by: null }>().created_by, null);
});

t.test("where no token is required, an instance's own token removes no right", async (t) => {
  const { port } = common;
  const workspace = "tokens";
  const [ana, bob] = await pair(port, workspace);
  const by = { Authorization: `Bearer ${bob.token}` };
  const call = async (method: string, path: string, body: object = {}): Promise<unknown> => {
    const answer = await sendJson(port, method, `/api/tasks/open${path}`, body, by);
    return answer.status === 200 ? answer.json<Task>().state : refusal(answer);
  };
  await addTask(ana, { workspace, id: "open" });
  const task = await claimOne(ana);
  t.equal(await call("PATCH", "", { title: "his" }), "claimed");
  t.same(await call("POST", "/progress", { fence: task.fence }), NOT_YOURS, "the holder's calls are hers alone");
  await callTask(ana, task, "ask", { question: "q" });
  t.equal(await call("POST", "/answer", { answer: "x" }), "ready");
  await callTask(ana, await claimOne(ana), "fail", { error: "e", retry: false });
  t.equal(await call("POST", "/retry"), "ready");
  t.equal(await call("POST", "/cancel"), "canceled");
  t.match((await getTask(port, "open")).history.at(-1), { actor: bob.id, state: "canceled" });
});

t.test("a waiting agent that gets a new capability gets the tasks that require it", async (t) => {
  const { port } = common;
  const workspace = "capabilities";
  const [ana, bob] = await pair(port, workspace);
  const learn = (agent: Agent, ...capabilities: readonly string[]): Promise<Answer> =>
    agent.ask("POST", `/api/instances/${agent.id}/capabilities`, { capabilities });
  await addTasks(
    port,
    { workspace, id: "for-one", requires: ["go"] },
    { workspace, id: "for-both", requires: ["go", "gpu"] },
  );
  const any = claim(ana, { wait_s: 60 });
  const named = claim(bob, { id: "for-both", wait_s: 60 });
  const received = bob.ask("GET", "/api/wait?task=1&wait=60");
  while ((await countInFlight(port)) < 3) await betweenLooks();
  await learn(ana, "go");
  t.equal((await any).task?.id, "for-one");
  await learn(bob, "gpu", "go");
  t.match((await received).json(), { matched: { kind: "task", task: { id: "for-both" } } });
  t.equal((await named).task?.id, "for-both");

  await learn(ana);
  await addTask(port, { workspace, id: "for-none", requires: ["go"] });
  t.same(
    refusal(await tryClaim(ana, { id: "for-none", wait_s: 1 })),
    [409, "task needs go"],
    "without the capability it gets none",
  );
});

t.test("a claim by id reports the state at the time of its answer", async (t) => {
  const { port } = common;
  const workspace = "states";
  const [ana, bob] = await pair(port, workspace);
  await addTask(port, { workspace, id: "asked" });
  await addTask(port, { workspace, id: "reassigned", resources: ["o"] });
  await ana.lease(["o"]);
  const task = await claimOne(ana, { id: "asked" });
  const refused = [tryClaim(bob, { id: "asked", wait_s: 2 }), tryClaim(bob, { id: "reassigned", wait_s: 2 })];
  while ((await countInFlight(port)) < 2) await betweenLooks();
  await callTask(ana, task, "ask", { question: "q" });
  await askAs(port, "PATCH", "/api/tasks/reassigned", { assignee: "ana" });
  t.same((await Promise.all(refused)).map(refusal), [
    [409, "task is input_required"],
    [409, "task is assigned to ana"],
  ]);
});

t.test("a task that is postponed while it is held, or has a question, stays so", async (t) => {
  const { port } = common;
  const workspace = "postponed";
  const [ana] = await pair(port, workspace);
  const later = "2100-01-01T00:00:00.000Z";
  const putOff = (notBefore: string | null): Promise<Answer> =>
    askAs(port, "PATCH", "/api/tasks/postponed", { not_before: notBefore });
  await addTask(port, { workspace, id: "postponed" });
  for (const [verb, body] of [
    ["release", {}],
    ["fail", { error: "e" }],
    ["ask", { question: "q" }],
  ] as const) {
    const task = await claimOne(ana);
    await putOff(later);
    t.equal((await callTask(ana, task, verb, body)).json<Task>().not_before, later, verb);
    if (verb !== "ask") await putOff(null);
  }
  const answer = (): Promise<Answer> => callTask(port, { id: "postponed", fence: null }, "answer", { answer: "x" });
  t.match((await answer()).json(), { state: "ready", not_before: later });
  t.same(refusal(await tryClaim(ana, { id: "postponed" })), [409, `task is not before ${later}`]);
  await putOff(null);
  await callTask(ana, await claimOne(ana), "ask", { question: "q" });
  await putOff("2026-01-01T00:00:00Z");
  t.match((await answer()).json(), { state: "ready", not_before: null }, "a time that has passed is forgotten");
});

t.test("an answered task is reserved for the agent that asked, or for a new assignee", async (t) => {
  const { port } = common;
  const workspace = "reserved";
  const [ana, bob] = await pair(port, workspace);
  const cid = await Agent.register(port, "cid", { workspace });
  const asked = async (id: string): Promise<void> => {
    await addTask(port, { workspace, id });
    await callTask(bob, await claimOne(bob, { id }), "ask", { question: "q" });
  };
  const answer = (id: string): Promise<Answer> => callTask(port, { id, fence: null }, "answer", { answer: "x" });
  const assign = (id: string, assignee: string | null): Promise<Answer> =>
    askAs(port, "PATCH", `/api/tasks/${id}`, { assignee });
  const before = async (id: string): Promise<void> => {
    await assign(id, "ana");
    await answer(id);
  };
  const after = async (id: string): Promise<void> => {
    await answer(id);
    await assign(id, "ana");
  };
  for (const [id, assigned] of [
    ["before", before],
    ["after", after],
  ] as const) {
    await asked(id);
    await assigned(id);
    t.same(refusal(await tryClaim(bob, { id })), [409, "task is assigned to ana"], `assigned ${id} the answer`);
    t.equal((await claimOne(ana)).id, id);
  }
  for (const assignee of ["bob", bob.id, null]) {
    const id = `his-${assignee}`;
    await asked(id);
    await assign(id, assignee);
    await answer(id);
    t.same(refusal(await tryClaim(ana, { id })), [409, "task is assigned to bob"]);
    await assign(id, null);
    t.same(refusal(await tryClaim(ana, { id })), [409, "task is assigned to bob"], "without an assignee it stays his");
    t.equal((await claimOne(bob)).id, id);
  }

  await asked("left");
  await answer("left");
  const waiting = claim(cid, { wait_s: 60 });
  while ((await countInFlight(port)) < 1) await betweenLooks();
  await send(port, "DELETE", `/api/instances/${bob.id}`);
  t.equal((await waiting).task?.id, "left", "a task is not reserved for an instance that is gone");
});

t.test("a repeated label counts once", async (t) => {
  const { port } = common;
  const workspace = "labels";
  t.same((await addTask(port, { workspace, id: "labelled", labels: ["x", "y", "x"] })).labels, ["x", "y"]);
  const labels = ["b", "a", "b", "a"];
  t.same((await askAs(port, "PATCH", "/api/tasks/labelled", { labels })).json<Task>().labels, ["b", "a"]);
  t.same((await getTask(port, "labelled")).labels, ["b", "a"]);
});

t.test("claims outlive a restart, and after a restore tasks are ready", { skip: RESTORE_REFUSED }, async (t) => {
  const dataDir = makeDirectory(t);
  const first = await startKoor(t, { data_dir: dataDir });
  const [ana, bob] = await pair(first.port);
  await addTasks(
    first.port,
    { id: "leased", resources: ["state:k"], body: "B", data: [1], labels: ["x"] },
    { id: "bare", max_attempts: 1 },
    { id: "stop" },
    { id: "asks" },
    { id: "waits", after: ["bare"] },
    { id: "done", priority: 0 },
  );
  const leased = await claimOne(ana, { id: "leased" });
  await callTask(ana, leased, "progress", { percent: 3, note: "n", checkpoint: { c: 1 } });
  const bare = await claimOne(bob, { id: "bare" });
  await claimOne(bob, { id: "stop" });
  await callTask(first.port, { id: "stop", fence: null }, "cancel");
  await callTask(bob, await claimOne(bob, { id: "asks" }), "ask", { question: "q" });
  await callTask(bob, await claimOne(bob, { id: "done" }), "complete", { result: { r: 1 } });
  first.process.kill("SIGKILL");
  await once(first.process, "exit");
  const { port } = await startKoor(t, { data_dir: dataDir });
  const again = (agent: Agent, task: Task, verb: string, body: object = {}): Promise<Answer> =>
    sendJson(port, "POST", `/api/tasks/${task.id}/${verb}`, { fence: task.fence, ...body }, agent.headers);
  t.match((await again(ana, leased, "progress")).json(), { cancel_requested: false });
  t.match((await again(bob, bare, "release", { note: "later" })).json(), { state: "ready", note: "later" });
  const taken = (await sendJson(port, "POST", "/api/tasks/claim", { id: "bare" }, ana.headers)).json<{ task: Task }>();
  t.equal(taken.task.fence, 6, "no fence is used twice");
  const all = await Promise.all(["leased", "bare", "stop", "asks", "waits", "done"].map((id) => getTask(port, id)));
  const snapshot = (await send(port, "GET", "/api/backup")).body;
  const other = await startKoor(t);
  t.equal((await send(other.port, "POST", "/api/restore", { body: snapshot })).status, 200);
  const restored = await Promise.all(all.map(({ id }) => getTask(other.port, id)));
  t.same(
    restored.map(({ id, state, attempts, fence, lease }) => [id, state, attempts, fence, lease]),
    [
      ["leased", "ready", 0, null, null],
      ["bare", "ready", 0, null, null],
      ["stop", "canceled", 0, null, null],
      ["asks", "input_required", 0, null, null],
      ["waits", "blocked", 0, null, null],
      ["done", "done", 0, null, null],
    ],
  );
  const plain = ({ history, ...task }: Task): object => ({ ...task, steps: history.length });
  for (const at of [3, 4, 5])
    t.same(
      plain(must(restored[at], "it is")),
      plain(must(all[at], "it was")),
      "a task that was not held has not changed",
    );
  t.match(restored[0], { body: "B", data: [1], note: "n", checkpoint: { c: 1 }, progress: 3, labels: ["x"] });
  t.match(restored[0]?.history.at(-1), { actor: "koor", state: "ready", note: "restored" });
  t.match((await eventsOf(other.port, "lease.lost"))[0]?.data, { reason: "restored", task: "leased" });
  const cid = await Agent.register(other.port, "cid");
  t.equal((await claimOne(cid, { id: "leased" })).fence, 7);
  t.match(await addTask(other.port), { id: "task-7" }, "no row is used twice");
});

t.test("ended tasks are kept for the time of --task-retention", async (t) => {
  const koor = await startKoor(t, { args: ["--task-retention", "100ms"] });
  const { port } = koor;
  const [ana] = await pair(port);
  await addTasks(
    port,
    { id: "open" },
    { id: "first" },
    { id: "then", after: ["first"] },
    { id: "kept", labels: ["other"] },
    { id: "waits", after: ["kept", "open"] },
  );
  for (const id of ["kept", "first", "then"])
    await callTask(ana, await claimOne(ana, { id }), "complete", { result: { of: id } });
  for (const id of ["first", "then"])
    while ((await askAs(port, "GET", `/api/tasks/${id}`)).status === 200) await betweenLooks();
  t.match(await getTask(port, "kept"), { state: "done", dependents: ["waits"] }, "another task still waits for it");
  t.match(await getTask(port, "waits"), { state: "blocked", after: ["kept", "open"] });
  t.same(refusal(await askAs(port, "GET", "/api/tasks/first")), [404, "task not found: first"]);
  t.match(await addTask(port, { id: "first", after: ["open"] }), { state: "blocked" }, "the id is free again");
  const { history, dependents } = await getTask(port, "first");
  t.same([history.length, dependents], [1, []], "nothing is left of its earlier holder");
  await callTask(ana, await claimOne(ana, { id: "open" }), "complete");
  for (const id of ["waits", "first"]) await callTask(ana, await claimOne(ana, { id }), "complete");
  const ids = ["open", "kept", "waits", "first"];
  for (const id of ids) while ((await askAs(port, "GET", `/api/tasks/${id}`)).status === 200) await betweenLooks();
  t.same((await askAs(port, "GET", "/api/tasks")).json(), { tasks: [] });
  t.same(koor.complaints(), []);
});
