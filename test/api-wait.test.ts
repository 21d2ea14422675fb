/**
 * Tests "Wait" of the HTTP API against a real server: each condition, how a cursor prevents missed and repeated reports
 * through restarts, a restore and a pruned history, refusals, and what is left after a client disconnects.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type OutgoingHttpHeaders, request as httpRequest } from "node:http";
import t from "tap";
import { WAIT_CONDITIONS_MAX, WAIT_CURSOR_BYTES_MAX } from "../schemas/limits/wait.js";
import { openWriter } from "../src/platform/store/open.js";
import { encodeCursor } from "../src/features/wait/cursor.js";
import { refusal, refusalOf } from "./support/answers.js";
import { send, sendJson } from "./support/http-client.js";
import { Agent } from "./support/leasing.js";
import { countInFlight, readMetric } from "./support/metrics.js";
import { RESTORE_REFUSED } from "./support/variant.js";
import { makeDirectory, startKoor, type Koor } from "./support/server-process.js";
import { askWait, countWaiting, WaitLoop, type Matched, type Waited } from "./support/waiting.js";
import { betweenLooks } from "./support/between-looks.js";

const LAGGED = { kind: "lagged" };

/** The server of the tests that use keys, tasks, topics and names which no other of these tests uses. */
const common = await startKoor(t);
/** The server of the tests that mark instances stale: each check of liveness marks all silent ones. */
const impatient = await startKoor(t, { args: ["--stale-after", "1ms", "--liveness-interval", "1h"] });

const put = (koor: Koor, path: string, body = "1") => send(koor.port, "PUT", `/api/${path}`, { body });
const remove = (koor: Koor, path: string) => send(koor.port, "DELETE", `/api/${path}`);
const publish = (koor: Koor, topic: string, data: unknown = null) =>
  sendJson(koor.port, "POST", "/api/events/publish", { topic, data });
const message = (koor: Koor, from: Agent, to: Agent, subject: string) =>
  sendJson(koor.port, "POST", "/api/messages", { to: to.id, subject, body: "long" }, from.headers);

const addTask = (by: Agent, id: string, more: object = {}) => by.ask("POST", "/api/tasks", { id, title: id, ...more });

/** Makes the server mark an instance stale, as soon as it has been silent for long enough. */
async function silence(koor: Koor, { id }: { readonly id: string }): Promise<void> {
  for (;;) {
    const { newly_stale } = (await send(koor.port, "POST", "/api/liveness/check")).json<{
      readonly newly_stale: readonly { readonly id: string }[];
    }>();
    if (newly_stale.some((stale) => stale.id === id)) return;
    await betweenLooks();
  }
}

/** Registers a new active instance of a name. */
async function appear(koor: Koor, name: string): Promise<void> {
  const { id } = await Agent.register(koor.port, name);
  await send(koor.port, "POST", `/api/instances/${id}/activate`);
}

async function idOf(koor: Koor, name: string): Promise<string> {
  const [found] = (await send(koor.port, "GET", `/api/instances?name=${name}`)).json<{ readonly id: string }[]>();
  return found?.id ?? "";
}

/**
 * A condition with a change that makes it hold, and one that makes it hold again. It does not hold before the first,
 * nor before the second.
 */
interface Row {
  readonly query: string;
  readonly change: () => Promise<unknown>;
  readonly again: () => Promise<unknown>;
  readonly first: Matched;
  readonly second: Matched;
  /** Whether it still holds after both, for a new loop. */
  readonly stays: boolean;
}

/** Other conditions of each kind, whose cursor is then used in a call with this condition. */
const OTHERS = [
  "event=never",
  "state=never",
  "spec=p/never",
  "state_above=9:never",
  "state_gone=never",
  "free=never",
  "instance=never&is=gone",
  "message=1",
  "task=1",
];

/** Returns the cursor of a loop after all its reports. */
async function drained(port: number, query: string, headers: OutgoingHttpHeaders): Promise<string> {
  const loop = new WaitLoop(port, query, headers);
  while ((await loop.next()) !== null);
  return loop.cursor;
}

t.test("each condition is reported when it holds, once, again after a change, and at once to a new loop", async (t) => {
  const koor = impatient;
  const { port } = koor;
  const ben = await Agent.register(port, "ben");
  const ana = await Agent.register(port, "ana");
  await ana.ask("POST", `/api/instances/${ana.id}/activate`);
  await put(koor, "state/gone");
  await put(koor, "specs/p/gone");
  const held = await ana.lease(["name:queue", "deploy", "path:src/**"]);
  const waiting = await ben.lease(["name:queue"], { queue: true });
  const later = await Agent.register(port, "later");
  const rows: readonly Row[] = [
    {
      query: "event=none&event=a.*",
      change: () => publish(koor, "a.x"),
      again: () => publish(koor, "a.y", 12),
      first: { kind: "event", event: { topic: "a.x" } },
      second: { kind: "event", event: { topic: "a.y", data: 12 } },
      stays: false,
    },
    {
      query: "state=plan/k",
      change: () => put(koor, "state/plan/k"),
      again: () => remove(koor, "state/plan/k"),
      first: { kind: "state", key: "plan/k", version: 1 },
      second: { kind: "state", key: "plan/k", version: null },
      stays: false,
    },
    {
      query: "spec=p/s",
      change: () => put(koor, "specs/p/s"),
      again: () => put(koor, "specs/p/s", "2"),
      first: { kind: "spec", key: "p/s", version: 1 },
      second: { kind: "spec", key: "p/s", version: 2 },
      stays: false,
    },
    {
      query: "state_above=0:above",
      change: () => put(koor, "state/above"),
      again: () => put(koor, "state/above", "2"),
      first: { kind: "state", key: "above", version: 1 },
      second: { kind: "state", key: "above", version: 2 },
      stays: true,
    },
    {
      query: "spec_above=1:p/above",
      change: async () => {
        await put(koor, "specs/p/above");
        await put(koor, "specs/p/above", "2");
      },
      again: () => put(koor, "specs/p/above", "3"),
      first: { kind: "spec", key: "p/above", version: 2 },
      second: { kind: "spec", key: "p/above", version: 3 },
      stays: true,
    },
    {
      query: "state_gone=gone",
      change: () => remove(koor, "state/gone"),
      again: async () => {
        await put(koor, "state/gone");
        await remove(koor, "state/gone");
      },
      first: { kind: "state", key: "gone", version: null },
      second: { kind: "state", key: "gone", version: null },
      stays: true,
    },
    {
      query: "spec_gone=p/gone",
      change: () => remove(koor, "specs/p/gone"),
      again: async () => {
        await put(koor, "specs/p/gone");
        await remove(koor, "specs/p/gone");
      },
      first: { kind: "spec", key: "p/gone", version: null },
      second: { kind: "spec", key: "p/gone", version: null },
      stays: true,
    },
    {
      query: "message=1",
      change: () => message(koor, ana, ben, "one"),
      again: () => message(koor, ana, ben, "two"),
      first: { kind: "message", message: { id: "message-1", subject: "one", to: [{ delivered_at: null }] } },
      second: { kind: "message", message: { id: "message-2", subject: "two" } },
      stays: true,
    },
    {
      query: `lease=${waiting.id}`,
      change: () => ana.release(held),
      again: async () => ben.release(await ben.get(waiting.id)),
      first: { kind: "lease", lease: { id: waiting.id, state: "held" } },
      second: { kind: "lease", lease: { id: waiting.id, state: "released" } },
      stays: true,
    },
    {
      query: "free=path:lib/a.ts",
      change: async () => ana.release(await heldLib),
      again: async () => ana.release(await ana.lease(["path:lib/*.ts"])),
      first: { kind: "free", resource: "path:lib/a.ts" },
      second: { kind: "free", resource: "path:lib/a.ts" },
      stays: true,
    },
    {
      query: "task=1",
      change: () => addTask(ana, "one"),
      again: () => addTask(ana, "two"),
      first: { kind: "task", task: { id: "one", state: "ready" } },
      second: { kind: "task", task: { id: "two" } },
      stays: true,
    },
    {
      query: "task_ended=end",
      change: () => ana.ask("POST", "/api/tasks/end/cancel"),
      again: async () => {
        await addTask(ana, "other");
        await ana.ask("POST", "/api/tasks/other/cancel");
      },
      first: { kind: "task", task: { id: "end", state: "canceled" } },
      second: null,
      stays: true,
    },
    {
      query: "instance=later&is=active",
      change: () => later.ask("POST", `/api/instances/${later.id}/activate`),
      again: async () => {
        await silence(koor, later);
        await later.ask("POST", `/api/instances/${later.id}/heartbeat`);
      },
      first: { kind: "instance", instance: { id: later.id, status: "active" } },
      second: { kind: "instance", instance: { id: later.id, status: "active" } },
      stays: true,
    },
    {
      query: "instance=twice&is=active",
      change: () => appear(koor, "twice"),
      again: async () => {
        await remove(koor, `instances/${await idOf(koor, "twice")}`);
        await appear(koor, "twice");
      },
      first: { kind: "instance", instance: { name: "twice" } },
      second: { kind: "instance", instance: { name: "twice" } },
      stays: true,
    },
    {
      query: "instance=later&is=stale",
      change: () => silence(koor, later),
      again: async () => {
        await later.ask("POST", `/api/instances/${later.id}/heartbeat`);
        await silence(koor, later);
      },
      first: { kind: "instance", instance: { id: later.id, status: "stale" } },
      second: { kind: "instance", instance: { id: later.id, status: "stale" } },
      stays: true,
    },
    {
      query: `instance=${later.id}&is=gone`,
      change: () => remove(koor, `instances/${later.id}`),
      again: () => Promise.resolve(),
      first: { kind: "instance", instance: null },
      second: null,
      stays: true,
    },
  ];
  await addTask(ana, "end", { not_before: "2100-01-01T00:00:00Z" });
  const heldLib = ana.lease(["path:lib/**"]);
  await heldLib;
  for (const { query, change, again, first, second, stays } of rows) {
    const loop = new WaitLoop(port, query, ben.headers);
    t.equal(await loop.next(), null, `${query}: it does not hold yet`);
    const cursors = new Map<string, string>();
    for (const other of OTHERS) cursors.set(other, await drained(port, other, ben.headers));
    const { matched } = await loop.begin();
    await change();
    t.match(await matched, first, `${query}: it is reported as soon as it holds`);
    for (const [other, cursor] of cursors) {
      const since = new WaitLoop(port, query, ben.headers);
      since.cursor = cursor;
      t.match(await since.next(), first, `${query}: it is reported at once, with the cursor of a call for ${other}`);
      t.equal(await since.next(), null, `${query}: and only once`);
    }
    t.equal(await loop.next(), null, `${query}: only once`);
    await again();
    t.match(await loop.next(second === null ? 0 : 60), second, `${query}: a change between two calls is reported`);
    t.equal(await loop.next(), null, `${query}: and only once`);
    const newcomer = await new WaitLoop(port, query, ben.headers).next();
    if (stays) t.match(newcomer, { kind: first?.["kind"] }, `${query}: it holds`);
    else t.equal(newcomer, null, `${query}: earlier changes do not count`);
  }
  const { messages } = (await ana.ask("GET", "/api/messages?box=out")).json<{ messages: { to: object[] }[] }>();
  t.match(
    messages,
    [{ to: [{ delivered_at: null }] }, { to: [{ delivered_at: null }] }],
    "a report does not deliver the message",
  );
  t.equal(await countWaiting(port), 0);
  t.equal(await readMetric(port, "koor_subscribers"), 0, "no call waits any more");
});

t.test("a message is reported without its body, with all else", async (t) => {
  const koor = common;
  const [ana, ben] = [await Agent.register(koor.port, "ana"), await Agent.register(koor.port, "ben")];
  await message(koor, ana, ben, "s");
  const loop = new WaitLoop(koor.port, "message=1", ben.headers);
  const { message: received } = (await loop.next()) as { readonly message: object };
  const listed = (await ben.ask("GET", "/api/messages")).json<{ readonly messages: readonly object[] }>().messages[0];
  const { body, ...rest } = { body: "", ...listed };
  t.equal(body, "long");
  t.same({ ...received, to: [] }, { ...rest, to: [] });
  await sendJson(koor.port, "POST", "/api/messages/mark", { ids: ["message-1"], as: "read" }, ben.headers);
  t.equal(
    await new WaitLoop(koor.port, "message=1", ben.headers).next(),
    null,
    "a message that was read is not reported",
  );
  await message(koor, ana, ben, "read meanwhile");
  await sendJson(koor.port, "POST", "/api/messages/mark", { ids: ["message-2"], as: "read" }, ben.headers);
  await message(koor, ana, ben, "next");
  t.match(await loop.next(), { message: { subject: "next" } });
});

t.test("free reports other agents' resources, also after a request that came too late", async (t) => {
  const koor = common;
  const { port } = koor;
  const ana = await Agent.register(port, "ana");
  const ben = await Agent.register(port, "ben");
  const far = await Agent.register(port, "far", { workspace: "elsewhere" });
  const loop = new WaitLoop(port, "free=path:src/*", ben.headers);
  t.match(await loop.next(), { kind: "free" });
  for (const lease of [
    await ben.lease(["path:src/a"]),
    await far.lease(["path:src/a"]),
    await ana.lease(["path:lib/a", "name:src/a"]),
    await ana.lease(["path:src/a"], { workspace: "third", mode: "shared" }),
  ]) {
    t.equal(await loop.next(), null, `${lease.id}: the agent's own, another place, or another resource`);
    await (lease.holder.id === ben.id ? ben : lease.holder.id === far.id ? far : ana).release(lease);
    t.equal(await loop.next(), null, `${lease.id}: nor when it ends`);
  }
  const shared = await ana.lease(["path:src/**"], { mode: "shared" });
  const { matched } = await loop.begin();
  // He got the report that the resource was free, tried, and was too late: he must get the next report, too.
  await ana.release(shared);
  t.match(await matched, { kind: "free", resource: "path:src/*" });
  await ana.release(await ana.lease(["path:src/x"]));
  t.match(await loop.next(), { kind: "free" }, "leased and released between two calls");
  t.equal(await loop.next(), null);

  const anywhere = new WaitLoop(port, "free=path:src/a&free=state:plan/*");
  t.match(await anywhere.next(), { resource: "path:src/a" });
  t.match(await anywhere.next(), { resource: "state:plan/*" });
  const theirs = await far.lease(["path:src/a", "state:plan/a"]);
  t.equal(await anywhere.next(), null);
  const there = new WaitLoop(port, "free=path:src/a&workspace=elsewhere", ben.headers);
  t.equal(await there.next(), null);
  t.equal(await new WaitLoop(port, "free=state:plan/**", ben.headers).next(), null, "values are the whole server's");
  t.match(
    await new WaitLoop(port, "free=path:src/a", far.headers).next(),
    { kind: "free" },
    "the holder's own lease does not count",
  );
  const both = [await anywhere.begin(), await there.begin()];
  await far.release(theirs);
  t.match(await both[0]?.matched, { resource: "path:src/a" });
  t.match(await both[1]?.matched, { resource: "path:src/a" });
  t.match(await anywhere.next(), { resource: "state:plan/*" });
});

t.test("tasks are reported by workspace and label, each by itself", async (t) => {
  const koor = common;
  const { port } = koor;
  const ana = await Agent.register(port, "ana");
  const ben = await Agent.register(port, "ben");
  const far = await Agent.register(port, "far", { workspace: "elsewhere" });
  const loop = new WaitLoop(port, "task=1", ben.headers);
  t.equal(await loop.next(), null);
  await addTask(far, "elsewhere");
  await addTask(ana, "hers", { assignee: "ana" });
  await addTask(ana, "skilled", { requires: ["go"] });
  await addTask(ana, "later", { not_before: "2100-01-01T00:00:00Z" });
  await addTask(ana, "blocked", { after: ["later"] });
  t.equal(await loop.next(), null, "he may claim none of them");
  t.match(await new WaitLoop(port, "task=1&workspace=elsewhere", ben.headers).next(), { task: { id: "elsewhere" } });
  await addTask(ana, "low", { priority: 1 });
  await addTask(ana, "high", { priority: 9 });
  t.match(
    [await loop.next(), await loop.next()],
    [{ task: { id: "high" } }, { task: { id: "low" } }],
    "the best first",
  );
  t.equal(await loop.next(), null);
  const high = (await ben.ask("POST", "/api/tasks/claim", { id: "high" })).json<{ task: { fence: number } }>().task;
  await ben.ask("POST", "/api/tasks/high/release", { fence: high.fence });
  t.match(await loop.next(), { task: { id: "high" } }, "a task that was claimed and given back is reported again");
  await ben.ask("POST", `/api/instances/${ben.id}/capabilities`, { capabilities: ["go"] });
  t.match(await loop.next(), { task: { id: "skilled" } }, "he has a new capability");

  const lease = await ana.lease(["path:src/**"]);
  await addTask(ana, "leased", { resources: ["path:src/a"] });
  t.equal(await loop.next(), null, "its resources are leased");
  const { matched } = await loop.begin();
  await ana.release(lease);
  t.match(await matched, { task: { id: "leased" } });
  // He got the report, tried, and was too late: he must get the report that it is free again.
  await ana.release(await ana.lease(["path:src/*"]));
  t.match(await loop.next(), { task: { id: "leased" } }, "leased and released between two calls");
  t.equal(await loop.next(), null);

  await addTask(ana, "end", { max_attempts: 1 });
  const ended = new WaitLoop(port, "task_ended=end&task_ended=low");
  t.equal(await ended.next(), null);
  const { task } = (await ana.ask("POST", "/api/tasks/claim", { id: "end" })).json<{ task: { fence: number } }>();
  const dying = await ended.begin();
  await ana.ask("POST", "/api/tasks/end/fail", { fence: task.fence, error: "no" });
  t.match(await dying.matched, { task: { id: "end", state: "dead", error: "no" } });
  await ana.ask("POST", "/api/tasks/end/retry");
  t.equal(await ended.next(), null);
  await ana.ask("POST", "/api/tasks/end/cancel");
  t.match(await ended.next(), { task: { id: "end", state: "canceled" } }, "each end is reported");
  t.equal(await ended.next(), null);
  t.same(refusalOf(await askWait(port, "task_ended=none")), refusal(404, "task not found: none"));
  t.match(
    refusalOf(await askWait(port, "task=1")),
    refusal(400, "this needs an instance: send X-Koor-Instance or its token"),
  );

  const many = Array.from({ length: 400 }, (_, at) => ({ title: `many ${at}` }));
  await ana.ask("POST", "/api/tasks", many);
  const received = new Set<unknown>();
  for (let count = 0; count < 100; count++) received.add(((await loop.next()) as { task: { id: string } }).task.id);
  t.equal(received.size, 100, "each once");
});

t.test("an instance that appears and leaves between two calls is reported as gone", async (t) => {
  const koor = common;
  const { port } = koor;
  const ben = await Agent.register(port, "ben");
  const [here, elsewhere] = ["instance=fleeting&is=gone", "instance=fleeting&is=gone&workspace=elsewhere"].map(
    (query) => new WaitLoop(port, query, ben.headers),
  ) as [WaitLoop, WaitLoop];
  for (const loop of [here, elsewhere]) t.same(await loop.next(), { kind: "instance", instance: null });
  for (let count = 0; count < 2; count++) {
    for (const loop of [here, elsewhere]) t.equal(await loop.next(), null);
    await appear(koor, "fleeting");
    if (count === 1) t.equal(await here.next(), null, "it is there");
    await remove(koor, `instances/${await idOf(koor, "fleeting")}`);
    t.same(await here.next(), { kind: "instance", instance: null });
    t.equal(await elsewhere.next(), null, "it was never there");
  }
});

t.test("several conditions take turns, so that each is reported", async (t) => {
  const koor = common;
  const { port } = koor;
  const loop = new WaitLoop(port, "event=a.*&event=**&state=k&state_gone=never&spec_gone=p/never");
  t.match(await loop.next(), { key: "never" });
  t.match(await loop.next(), { key: "p/never" });
  t.equal(await loop.next(), null, "a loop over conditions that hold does not spin");
  await sendJson(port, "POST", "/api/events/publish", [{ topic: "a.1" }, { topic: "b" }, { topic: "a.2" }]);
  await put(koor, "state/k");
  const received = [await loop.next(), await loop.next(), await loop.next(), await loop.next()];
  t.match(received, [
    { event: { topic: "a.1" } },
    { key: "k" },
    { event: { topic: "b" } },
    { event: { topic: "a.2" } },
  ]);
  t.equal(await loop.next(), null, "an event that two patterns match is reported once");
});

t.test("conditions may change within a loop, and equal ones count once", async (t) => {
  const koor = common;
  const loop = new WaitLoop(koor.port, "state=a");
  await loop.next();
  await publish(koor, "x");
  await put(koor, "state/a");
  await put(koor, "state/b");
  t.match(
    await loop.next(0, "event=x&state=b"),
    { kind: "event" },
    "an event since the cursor, whether the earlier call named it or not",
  );
  t.match(
    await loop.next(0, "state=b&state=b"),
    { key: "b" },
    "a key since the cursor, whether the earlier call named it or not",
  );
  await put(koor, "state/b", "2");
  t.match(await loop.next(0, "state=b&state=b&state=a"), { key: "b" });
  t.equal(await loop.next(0, "state=b&state=b&state=a"), null);
  t.match(await loop.next(0, "state_above=1:b"), { version: 2 });
  t.match(await loop.next(0, "state_above=0:b"), { version: 2 }, "another bound is another condition");
});

t.test("a cursor covers conditions that its call did not have", async (t) => {
  const koor = common;
  for (const path of ["state/kept", "state/deleted", "state/both", "specs/p/kept", "specs/p/gone"])
    await put(koor, path);
  const loop = new WaitLoop(koor.port, "event=never");
  await loop.next();
  const before = loop.cursor;
  const since = (what: string): Promise<unknown> => {
    loop.cursor = before;
    return loop.next(0, what);
  };
  const received = async (): Promise<unknown[]> => {
    const all: unknown[] = [];
    for (const what of ["kept", "deleted", "both", "made", "never"]) all.push(await since(`state=${what}`));
    for (const what of ["kept", "made", "gone"]) all.push(await since(`spec=p/${what}`));
    return all.map((matched) => matched !== null);
  };
  t.same(await received(), [false, false, false, false, false, false, false, false], "nothing has changed since then");
  await put(koor, "state/made");
  await send(koor.port, "DELETE", "/api/state/deleted");
  await put(koor, "state/both", "2");
  await send(koor.port, "DELETE", "/api/state/both");
  await put(koor, "specs/p/made");
  await send(koor.port, "DELETE", "/api/specs/p/gone");
  t.same(await received(), [false, true, true, true, false, false, true, true]);
  t.match(await since("state=deleted"), { key: "deleted", version: null });
  t.equal(await loop.next(0, "state=deleted"), null, "it is reported once");
});

t.test("through a restart reports are not repeated, and changes meanwhile are reported", async (t) => {
  const dataDir = makeDirectory(t);
  const first = await startKoor(t, { data_dir: dataDir });
  const ana = await Agent.register(first.port, "ana");
  await ana.ask("POST", `/api/instances/${ana.id}/activate`);
  await put(first, "state/k");
  await message(first, ana, ana, "told");
  const lease = await ana.lease(["mine"]);
  const query = `event=**&state=k&state_above=0:k&state_gone=no&message=1&lease=${lease.id}&free=r&instance=ana&is=active`;
  const loop = new WaitLoop(first.port, query, ana.headers);
  const kinds: string[] = [];
  for (let matched = await loop.next(); matched !== null; matched = await loop.next())
    kinds.push(String(matched["kind"]));
  t.same(kinds.toSorted(), ["free", "instance", "lease", "message", "state", "state"]);
  const { matched } = await loop.begin();
  t.equal(await first.stop(), 0);
  t.equal(await matched, null, "a shutdown is the end of a wait, with a cursor");

  const second = await startKoor(t, { data_dir: dataDir });
  loop.port = second.port;
  t.equal(await loop.next(), null, "nothing has changed");
  const waiting = await loop.begin();
  await message(second, ana, ana, "new");
  const later = [await waiting.matched, await loop.next()].map((received) => received?.["kind"]);
  t.same(new Set(later), new Set(["event", "message"]));
  await second.stop("SIGKILL");
  const third = await startKoor(t, { data_dir: dataDir });
  loop.port = third.port;
  await put(third, "state/k", "2");
  t.match([await loop.next(), await loop.next()], [{ version: 2 }, { version: 2 }]);
  t.equal(await loop.next(), null);
});

t.test("a pruned history and another history are reported as lagged", { skip: RESTORE_REFUSED }, async (t) => {
  const dataDir = makeDirectory(t);
  const first = await startKoor(t, { data_dir: dataDir });
  const events = new WaitLoop(first.port, "event=a");
  const values = new WaitLoop(first.port, "state=k");
  for (const loop of [events, values]) await loop.next();
  for (const topic of ["a", "b", "a"]) await publish(first, topic);
  await put(first, "state/k");
  const snapshot = (await send(first.port, "GET", "/api/backup")).body;
  await first.stop();
  const db = openWriter(dataDir);
  db.prepare("DELETE FROM event WHERE id < 3").run();
  db.close();

  const second = await startKoor(t, { data_dir: dataDir });
  for (const loop of [events, values]) loop.port = second.port;
  const before = events.cursor;
  t.same(await events.next(60), LAGGED, "at once");
  t.equal(await events.next(), null, "and then it continues");
  t.match(await values.next(), { kind: "state", version: 1 }, "no change of a key was missed");
  const sure = new WaitLoop(second.port, "event=a");
  sure.cursor = encodeCursor({ event: 2, eventAt: 0, last: "", marks: new Map() });
  t.match(await sure.next(), { event: { id: 3 } }, "nothing is missing after the last pruned event");
  for (const topic of ["a", "c", "c"]) await publish(second, topic);
  t.match(await events.next(), { event: { id: 4 } });
  await publish(second, "last");
  await events.next();

  const third = await startKoor(t);
  const waiting = new WaitLoop(third.port, "event=**&state=k&state_gone=k");
  t.match(await waiting.next(), { key: "k" });
  const { matched } = await waiting.begin();
  t.equal((await send(third.port, "POST", "/api/restore", { body: snapshot })).status, 200);
  t.same(await matched, LAGGED, "a restore is reported to waiting calls");
  t.equal(await waiting.next(), null, "from then on the loop follows this history");
  await put(third, "state/k", "2");
  t.match(await waiting.next(), { key: "k", version: 2 });
  for (const loop of [events, values]) loop.port = third.port;
  t.same(await events.next(60), LAGGED, "an event id of another history that is not used yet");
  while ((await events.next()) !== null);
  events.cursor = before;
  t.match(await events.next(), { event: { id: 1 } }, "all events are new to a cursor without any");
  events.cursor = encodeCursor({ event: 2, eventAt: 12, last: "", marks: new Map() });
  t.same(await events.next(60), LAGGED, "or one that is used");
});

t.test("wrong queries are refused", async (t) => {
  const koor = common;
  const { cursor } = (await askWait(koor.port, "state=k")).json<Waited>();
  const bad = "after is no cursor of a wait";
  const changed = (at: number): string =>
    `${cursor.slice(0, at)}${cursor[at] === "0" ? "1" : "0"}${cursor.slice(at + 1)}`;
  for (const [query, error, status = 400] of [
    ["", /^no condition is given: event, state, .*instance$/],
    ["wait=1&workspace=w&is=gone&after=&message=0", /^no condition is given/],
    ["event=[", 'event: malformed pattern "["'],
    [`event=${"e".repeat(1025)}`, "event is longer than 1024 characters"],
    ["state=", "state is required"],
    ["state=a&state=%00", "state must not contain control characters"],
    ["state_above=k", "state_above must be N:KEY"],
    ["state_above=-1:k", "state_above must be N:KEY"],
    ["state_above=1:", "state_above is required"],
    ["state_above=9999999999999999:k", "state_above must be N:KEY"],
    [`state_above=1:${"k".repeat(1025)}`, "state_above is longer than 1024 characters"],
    ["spec=p", "spec must be PROJECT/NAME"],
    ["spec_gone=/n", "spec_gone must be PROJECT/NAME"],
    ["spec_above=1:p/", "spec_above must be PROJECT/NAME"],
    ["message=2", "message must be 0 or 1"],
    ["message=1", "this needs an instance: send X-Koor-Instance or its token"],
    ["lease=lease-7777", "lease not found: lease-7777", 404],
    ["lease=x", "lease not found: x", 404],
    ["free=path:/a", "free must be relative to the workspace: write a"],
    ["free=src/a", "free has no known prefix: write path:src/a for files, or name:src/a for a name"],
    ["free=path:src%5Ca", "free has a \\ that escapes nothing: write /"],
    ["free=state:", "free names nothing"],
    ["instance=a", "is must be one of active, stale, gone"],
    ["instance=a&is=pending", "is must be one of active, stale, gone"],
    ["state=k&wait=61", "wait must be at most 60"],
    ["state=k&after=%zz", "malformed escape in the query"],
    [
      `state=k&after=${"1".repeat(WAIT_CURSOR_BYTES_MAX + 1)}`,
      `after is longer than ${WAIT_CURSOR_BYTES_MAX} characters`,
    ],
    ["state=k&after=x", bad],
    ["state=k&after=lease-1", bad],
    [`state=k&after=${cursor}x`, bad],
    ...Array.from(cursor, (_, at) => [`state=k&after=${changed(at)}`, bad] as const),
    [
      Array.from({ length: WAIT_CONDITIONS_MAX + 1 }, (_, at) => `state=${at}`).join("&"),
      `state must be given at most ${WAIT_CONDITIONS_MAX} times`,
    ],
    [
      Array.from({ length: WAIT_CONDITIONS_MAX }, (_, at) => `state=${at}&state_gone=${at}`).join("&"),
      `more than ${WAIT_CONDITIONS_MAX} conditions are given`,
    ],
  ] as readonly (readonly [string, string | RegExp, number?])[]) {
    const answer = await askWait(koor.port, query);
    if (typeof error === "string") t.same(refusalOf(answer), refusal(status, error), query.slice(0, 100));
    else t.match(answer.json(), { error, code: status }, query);
  }
  const many = Array.from({ length: WAIT_CONDITIONS_MAX }, (_, at) => `state=${at}`).join("&");
  const loop = new WaitLoop(koor.port, many);
  await loop.next();
  await put(koor, `state/${WAIT_CONDITIONS_MAX - 1}`);
  t.match(await loop.next(), { key: String(WAIT_CONDITIONS_MAX - 1) }, "the greatest number is accepted");
  t.equal(await countWaiting(koor.port), 0);
});

t.test("a waiting client counts as alive, and one that disconnects leaves nothing", async (t) => {
  const koor = impatient;
  const { port } = koor;
  const [ana, ben] = [await Agent.register(port, "ana"), await Agent.register(port, "ben")];
  for (const { id } of [ana, ben]) await send(port, "POST", `/api/instances/${id}/activate`);
  const { matched } = await new WaitLoop(port, "event=none&event=woken", ana.headers).begin();
  await silence(koor, ben);
  t.match((await send(port, "GET", `/api/instances/${ana.id}`)).json(), { status: "active" });
  const query = "event=x&event=y.*&state=k&spec=p/s&message=1&free=r&free=state:k&instance=nobody&is=active";
  const gone = httpRequest({ port, path: `/api/wait?${query}&wait=60&after=`, headers: ben.headers });
  gone.on("error", () => undefined);
  // A condition that holds at first is reported before the call waits.
  const { cursor } = (await askWait(port, query, ben.headers)).json<Waited>();
  const loop = new WaitLoop(port, query, ben.headers);
  loop.cursor = cursor;
  while ((await loop.next()) !== null);
  gone.path = `/api/wait?${query}&wait=60&after=${loop.cursor}`;
  gone.end();
  while ((await countWaiting(port)) < 2) await betweenLooks();
  t.equal(await readMetric(port, "koor_subscribers"), 4);
  gone.destroy();
  while ((await countWaiting(port)) > 1) await betweenLooks();
  t.equal(await readMetric(port, "koor_subscribers"), 2, "those of the other");
  await publish(koor, "woken");
  t.match(await matched, { kind: "event" });
  t.equal(await readMetric(port, "koor_subscribers"), 0);
  while ((await countInFlight(port)) > 0) await betweenLooks();
  const started = Date.now();
  t.equal(await new WaitLoop(port, "event=x").next(1), null);
  t.ok(Date.now() - started >= 900, "it waits for the requested time");
});

const curl = spawnSync("curl", ["--version"]);

t.test(
  "the recipe of docs/waiting.md works",
  { skip: curl.status === 0 ? false : "there is no curl here" },
  async (t) => {
    const koor = await startKoor(t);
    const page = readFileSync(new URL("../../../docs/waiting.md", import.meta.url), "utf8");
    const [, recipe = "", says = ""] = /^```sh\n([^]*?)^```\n\n```\n([^]*?)^```$/m.exec(page) ?? [];
    t.match(recipe, "/api/wait?$what&after=$after&wait=60");
    const shell = spawn("sh", ["-c", recipe], { env: { PATH: process.env["PATH"] ?? "", KOOR_SERVER: koor.url } });
    let said = "";
    for (const stream of [shell.stdout, shell.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (said += text));
    t.same(await once(shell, "close"), [0, null]);
    t.equal(said, says, "its output is that of the page");
  },
);
