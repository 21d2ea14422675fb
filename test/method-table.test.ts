/**
 * Tests the table of RPC methods, the seam to storage: every row of every feature is in it once, and what the routes
 * really send matches the schemas. The server of these tests checks every request on the thread that runs it
 * (threads/checked-methods.ts).
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import * as Type from "typebox";
import { FRONT_JSON_BYTES_MAX } from "../schemas/limits/request-bodies.js";
import { Failure } from "../src/base/result.js";
import { METHODS, PUSH_MESSAGES } from "../src/methods.js";
import { methodsIn } from "../src/platform/threads/methods.js";
import { Models } from "../src/platform/threads/model.js";
import { streamJob } from "../src/platform/threads/pool-method.js";
import { writerMethod } from "../src/platform/threads/writer-method.js";
import { send, sendJson } from "./support/http-client.js";
import { makeDirectory, startKoor, type Owner } from "./support/server-process.js";
import { makeSnapshot } from "./support/snapshot.js";
import { CALLED_FILE, checkRow } from "./threads/checked-methods.js";
import { openDatabase } from "../src/platform/store/sqlite/choice.js";
import { betweenLooks } from "./support/between-looks.js";

const PROGRAM = fileURLToPath(new URL("./threads/checked-server.js", import.meta.url));
/**
 * The pruner runs a while after the start. The test of its table checks the requests
 * (src/composition/retention.test.ts).
 */
const NOT_CALLED = new Set<string>([
  "events.prune",
  "claims.prune",
  "message.prune",
  "task.prune",
  "evidence.prune",
  "radar.end",
  "budget.reset",
  "rate_limit.end",
]);
/** This file runs from dist/tree/test. */
const SRC = new URL("../src/", import.meta.url);
/** Makes the rows that state and specs share; each of these exports its own. */
const SHARED_ROWS = "features/versioned/jobs.js";

/** Counts the rows that the text of a file makes. */
function rowsMadeIn(file: string): number {
  const text = readFileSync(new URL(file, SRC), "utf8");
  return [...text.matchAll(/(?<!function )\b(?:writerMethod|unaryJob|streamJob|stagingMethod)\(/g)].length;
}

t.test("every row of every feature is in the table, in the file where one expects it", async (t) => {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".js") && !file.endsWith(".test.js"))
    .toSorted();
  const places = files.filter((file) => /^(?:[a-z-]+\/)+(commands|jobs|staging-jobs)\.js$/.test(file));
  t.ok(places.length >= 20);
  places.push("platform/threads/close-store.js");
  const found: string[] = [];
  for (const file of places) {
    const rows = methodsIn((await import(new URL(file, SRC).href)) as object);
    for (const row of rows) {
      found.push(row.name);
      t.equal(METHODS.named(row.name), row, `${file}: ${row.name} is in src/methods.ts`);
      const wanted = file.endsWith("/staging-jobs.js") ? "staging" : file.endsWith("/jobs.js") ? "pool" : "writer";
      t.equal(row.runsIn, wanted, `${file}: ${row.name} runs where its file says`);
    }
    if (file !== SHARED_ROWS) t.ok(rows.length >= rowsMadeIn(file), `${file} exports each row that it makes`);
  }
  t.same(found.toSorted(), METHODS.rows.map(({ name }) => name).toSorted(), "and the table has no others");
  t.same(
    files.filter((file) => !places.includes(file) && rowsMadeIn(file) > 0),
    [],
    "rows are made nowhere else",
  );
});

t.test("each row has what its thread needs to know", (t) => {
  const names = METHODS.rows.map(({ name }) => name);
  t.equal(new Set(names).size, names.length, "names are unique");
  for (const [at, row] of METHODS.rows.entries()) {
    const { name } = row;
    t.match(name, /^[a-z_]+\.[a-z_]+$/);
    t.ok(row.deadlineMs > 0, name);
    t.equal((row.request as { type?: string }).type, "object", `${name} takes an object`);
    t.equal(METHODS.at(METHODS.positionOf(row)), row, name);
    t.equal(METHODS.positionOf(row), at);
    if (row.runsIn === "writer") t.equal(row.kind, "unary", `${name}: the writer does not stream`);
    else
      t.notOk(
        "audit" in row || "changes" in row,
        `${name}: a method that stores nothing is neither audited nor a change`,
      );
  }
  const pushed = Object.values(PUSH_MESSAGES).map(({ name }) => name);
  t.equal(new Set(pushed).size, pushed.length, "the names of push messages are unique");
  t.end();
});

t.test("a message that does not match its schema is caught", (t) => {
  const directory = makeDirectory(t);
  const db = openDatabase(":memory:");
  t.teardown(() => {
    db.close();
  });
  const models = new Models(db, { state_history: 0, state_events: false, event_history: 0 });
  const base = { weight: () => 0, audit: null, changes: [], models: {} };
  const say = writerMethod({
    ...base,
    name: "test.say",
    request: Type.Object({ limit: Type.Integer({ minimum: 1 }) }),
    reply: Type.Object({ text: Type.String() }),
    run: (_, { limit }) => {
      if (limit === 2) return new Failure("NOT_FOUND", "no such thing");
      return { text: limit === 3 ? (3 as unknown as string) : "fine" };
    },
  });
  const list = streamJob({
    name: "test.list",
    request: Type.Object({ ends: Type.String() }),
    text: Type.Array(Type.Integer()),
    reply: Type.Null(),
    cost: "bounded",
    models: {},
    *run(_, { ends }) {
      yield "[1";
      if (ends === "refused") return new Failure("NOT_FOUND", "no more");
      yield ends === "text" ? ',"2"]' : ",2]";
      return ends === "reply" ? (5 as unknown as null) : null;
    },
  });
  for (const row of [say, list]) checkRow(row, directory);
  const command = say.bind(models);
  const call = { nowMs: 0, actor: "", reload: () => undefined };
  t.same(command({ limit: 1 }, call), { text: "fine" });
  t.match(command({ limit: 2 }, call), { status: "NOT_FOUND" }, "a refusal has no schema");
  t.throws(() => command({ limit: 0 }, call), /request of test\.say/);
  t.throws(() => command({ limit: 3 }, call), /reply of test\.say/);
  const read = list.bind(models);
  t.same([...read({ ends: "well" })], ["[1", ",2]"]);
  t.same([...read({ ends: "refused" })], ["[1"]);
  t.throws(() => [...read({ ends: "text" })], /text of test\.list/);
  t.throws(() => [...read({ ends: "reply" })], /reply of test\.list/);
  t.throws(() => read({ ends: 5 as unknown as string }), /request of test\.list/);
  const called = [...Array.from({ length: 4 }, () => say), ...Array.from({ length: 5 }, () => list)];
  t.equal(readFileSync(join(directory, CALLED_FILE), "utf8"), called.map(({ name }) => `${name}\n`).join(""));
  t.end();
});

/** A session of the same server with a token: opened, used, which is stored at the end, and ended. */
async function useSessions(t: Owner, dataDir: string): Promise<void> {
  const koor = await startKoor(t, {
    data_dir: dataDir,
    program: PROGRAM,
    env: { KOOR_DATA_DIR: dataDir },
    args: ["--state-events", "--auth-token", "secret", "--dashboard-bind", "127.0.0.1:0"],
  });
  const { dashboardPort } = koor;
  const logIn = async (): Promise<Readonly<Record<string, string>>> => {
    const { headers } = await sendJson(dashboardPort, "POST", "/session", { token: "secret" });
    return { Cookie: String(headers["set-cookie"]).split(";")[0] ?? "", Origin: `http://127.0.0.1:${dashboardPort}` };
  };
  await send(dashboardPort, "GET", "/session", { headers: await logIn() });
  await send(dashboardPort, "DELETE", "/session", { headers: await logIn() });
  await koor.stop();
}

t.test("what the routes send matches the schemas", async (t) => {
  const dataDir = makeDirectory(t);
  const koor = await startKoor(t, {
    data_dir: dataDir,
    program: PROGRAM,
    env: { KOOR_DATA_DIR: dataDir },
    args: ["--state-events", "--stale-after", "1ms"],
  });
  const { port } = koor;
  const statuses = new Map<string, number>();
  const ask = async (
    method: string,
    path: string,
    body?: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> => {
    const answer = await send(port, method, path, { ...(body === undefined ? {} : { body }), headers });
    statuses.set(`${method} ${path} ${JSON.stringify(headers)}`, answer.status);
    t.ok(answer.status < 500, `${method} ${path}: ${answer.status} ${answer.status < 500 ? "" : answer.text}`);
  };
  await ask("POST", "/api/restore", makeSnapshot([]));
  await ask(
    "POST",
    "/api/restore",
    makeSnapshot([
      {
        kind: "audit",
        id: 7,
        timestamp: "2026-02-09T14:30:00.000Z",
        actor: "",
        action: "a",
        resource: "r",
        detail: "{}",
        outcome: "success",
      },
    ]),
  );
  await ask("POST", "/api/restore", "nothing");
  // Enough that lists run in the pool, too.
  for (let at = 0; at < 120; at++) await sendJson(port, "PUT", `/api/state/many/${at}`, { at });
  const key = "/api/state/k%C3%A9y/%F0%9F%98%80";
  await ask("PUT", key, '{"a":1}');
  await ask("PUT", key, "x".repeat(20_000), { "Content-Type": "text/plain", "If-Match": "*" });
  await ask("PUT", key, '{"a":2}', { "If-Match": 'W/"x", "y"' });
  await ask("PUT", key, '{"a":2}', { "If-None-Match": '"x"' });
  await ask("PUT", `${key}?if_version=2`, '{"a":3}', { "If-Match": "*", "If-None-Match": '"x"' });
  await ask("PUT", `${key}?if_version=0`, '{"a":4}');
  await ask("PUT", key, "");
  await ask("POST", `${key}?rollback=1`);
  await ask("POST", `${key}?rollback=1&if_version=3`, undefined, { "If-None-Match": "*" });
  await ask("POST", `${key}?rollback=99`);
  await ask("DELETE", `${key}?if_version=1`);
  await ask("DELETE", "/api/state/none");
  for (const query of ["", "?version=1", "?history=1", "?history=1&limit=1000", "?diff=1,3", "?diff=1,99"])
    await ask("GET", `${key}${query}`);
  for (const query of ["", "?limit=1", "?limit=10000", "?prefix=many/&after=many/3", "?prefix=%F4%8F%BF%BF"])
    await ask("GET", `/api/state${query}`);
  await ask("DELETE", key);
  const spec = "/api/specs/a%2Fb/%F0%9F%98%80";
  await ask("PUT", spec, '{"a":1}');
  await ask("PUT", `${spec}?if_version=1`, '{"a":2}');
  await ask("POST", `${spec}?rollback=1`);
  await ask("DELETE", `${spec}?if_version=1`);
  for (const query of ["", "?version=1", "?history=1", "?diff=1,2"]) await ask("GET", `${spec}${query}`);
  for (const path of ["/api/specs", "/api/specs/a%2Fb", "/api/specs/none"]) await ask("GET", path);
  await ask("DELETE", spec);
  await ask("POST", "/api/events/publish", '{"topic":"a.b"}');
  await ask(
    "POST",
    "/api/events/publish",
    '[{"topic":"a.b","data":{"n":1e400},"source":"me"},{"topic":"a.c","data":null}]',
  );
  await ask("POST", "/api/events/publish", '{"topic":1}');
  await ask("POST", "/api/events/publish", `{"topic":"a.b","data":"${"é".repeat(FRONT_JSON_BYTES_MAX)}"}`);
  for (const query of [
    "",
    "?last=10000",
    "?after=0&last=10000",
    "?topic=a.*&source=me",
    "?from=2026-01-01T00:00:00Z&to=2100-01-01T00:00:00.123Z",
    "?after=0&wait=1",
    "?wait=0",
  ]) {
    await ask("GET", `/api/events/history${query}`);
  }
  for (const query of [
    "",
    "?limit=10000",
    "?actor=a&action=state.put",
    "?from=2026-01-01T00:00:00Z&to=2100-01-01T00:00:00Z",
  ])
    await ask("GET", `/api/audit${query}`);
  for (const query of ["", "?from=2026-01-01T00:00:00Z", "?to=2100-01-01T00:00:00Z"])
    await ask("GET", `/api/audit/summary${query}`);
  await ask("POST", "/api/webhooks", '{"id":"w","url":"http://127.0.0.1:1/","patterns":["nothing.*",""],"secret":"s"}');
  await ask("POST", "/api/webhooks", '{"id":"dead","url":"http://127.0.0.1:1/"}');
  await ask("POST", "/api/webhooks", '{"id":"w","url":"http://127.0.0.1:1/"}');
  await ask("POST", "/api/events/publish", '{"topic":"nothing.more"}');
  await ask("GET", "/api/webhooks");
  await ask("POST", "/api/webhooks/w/test");
  await ask("POST", "/api/webhooks/w/enable");
  await ask("DELETE", "/api/webhooks/w");
  // The first failure is reported to the writer at the next tick.
  for (let reported = false; !reported; )
    reported = (await send(port, "GET", "/api/webhooks"))
      .json<readonly { readonly fail_count: number }[]>()
      .some(({ fail_count }) => fail_count > 0);
  await ask("GET", "/api/webhooks/dead/deliveries");
  await ask("POST", "/api/webhooks/dead/skip");
  await ask("GET", "/api/webhooks/dead/dead-letters");
  const [letter] = (await send(port, "GET", "/api/webhooks/dead/dead-letters")).json<
    readonly { readonly event_id: number }[]
  >();
  await ask("POST", `/api/webhooks/dead/dead-letters/${letter?.event_id}/send`);
  await ask("DELETE", `/api/webhooks/dead/dead-letters/${letter?.event_id}`);
  await ask("PUT", "/api/budgets/b", '{"scope":"workspace","target":"é","tokens":1}');
  await ask("GET", "/api/budgets");
  await ask("DELETE", "/api/budgets/b");
  await ask("POST", "/api/llm/limits", '{"provider":"é","account":"é","retry_after_s":60,"reason":"é"}');
  await ask("GET", "/api/llm/limits");
  await ask("DELETE", "/api/llm/limits/1");
  await ask("POST", "/api/llm/usage", '{"provider":"p","model":"m"}');
  await ask(
    "POST",
    "/api/llm/usage",
    JSON.stringify({
      provider: "p",
      model: "m",
      instance_id: "i",
      project: "p",
      tokens_in: Number.MAX_SAFE_INTEGER,
      tokens_out: 2,
      cost_usd: 0.1,
      request_type: "chat",
      session_tag: "s",
    }),
  );
  await ask("POST", "/api/llm/usage", '{"provider":"p","model":"m","tokens_in":-1}');
  for (const query of [
    "",
    "?limit=10000",
    "?instance=i&project=p",
    "?project=p&from=2026-01-01T00:00:00Z&to=2100-01-01T00:00:00Z",
    "?session_tag=s&limit=1",
  ])
    await ask("GET", `/api/llm/usage${query}`);
  for (const query of [
    "",
    "?group_by=model",
    "?group_by=session_tag&from=2026-01-01T00:00:00Z&to=2100-01-01T00:00:00Z",
    "?interval=hour",
    "?group_by=model&interval=day&from=2100-01-01T00:00:00Z",
  ])
    await ask("GET", `/api/llm/usage/summary${query}`);
  await ask(
    "PUT",
    "/api/validate/a%2Fb/rules",
    '[{"rule_id":"\u00e9","pattern":"x"},{"rule_id":"m","pattern":"y","match_type":"missing","applies_to":["*.ts"]}]',
  );
  await ask(
    "PUT",
    "/api/validate/p/rules",
    JSON.stringify(Array.from({ length: 500 }, (_, at) => ({ rule_id: `r${at}`, pattern: "x".repeat(100) }))),
  );
  await ask("PUT", "/api/validate/p/rules", '[{"rule_id":"x","pattern":"("}]');
  for (const content of ["x", "x".repeat(20_000), "x\n".repeat(50_000)])
    await ask("POST", "/api/validate/a%2Fb", JSON.stringify({ content, filename: "a/b.ts", stack: "go" }));
  for (const ruleId of ["%C3%A9", "none"])
    for (const content of ["x", "x\n".repeat(50_000)])
      await ask("POST", `/api/rules/a%2Fb/${ruleId}/preview`, JSON.stringify({ content, filename: "a/b.ts" }));
  await ask("POST", "/api/validate/p", "{}");
  for (const ruleId of ["one", "one", "two"])
    await ask("POST", "/api/rules/propose", JSON.stringify({ project: "p", rule_id: ruleId, pattern: "x" }));
  await ask("POST", "/api/rules/p/one/accept");
  await ask("POST", "/api/rules/p/two/reject");
  await ask("POST", "/api/rules/import", '[{"project":"q","rule_id":"r","pattern":"x","source":"local"}]');
  for (const path of [
    "/api/rules",
    "/api/rules?project=p&stack=go&source=local,learned&status=accepted",
    "/api/rules/export",
    "/api/rules/export?source=external",
    "/api/validate/p/rules",
    "/api/validate/a%2Fb/rules?stack=go",
  ])
    await ask("GET", path);
  await ask("DELETE", "/api/rules/q/r");
  await ask("DELETE", "/api/rules/q/r");
  const registered = await sendJson(port, "POST", "/api/instances/register", {
    name: "\u00e9",
    workspace: "w",
    intent: "a\nb",
    stack: "go",
    capabilities: ["x", "x"],
  });
  const instance = `/api/instances/${registered.json<{ readonly id: string }>().id}`;
  const actor = { "X-Koor-Instance": registered.json<{ readonly id: string }>().id };
  await ask("POST", `${instance}/activate`);
  await ask("POST", `${instance}/heartbeat`);
  await ask("POST", `${instance}/intent`, '{"intent":""}');
  await ask("POST", `${instance}/capabilities`, '{"capabilities":[]}');
  await ask("PATCH", instance, '{"account":"é"}');
  await ask("PATCH", instance, '{"checkout":{"id":"c","root":"\u00e9"}}');
  await ask("POST", `${instance}/heartbeat`, '{"branch":"b"}');
  await ask("POST", "/api/events/publish", '{"topic":"a.b"}', actor);
  const rival = await sendJson(port, "POST", "/api/instances/register", { name: "rival", workspace: "w" });
  const asRival = { "X-Koor-Instance": rival.json<{ readonly id: string }>().id };
  await ask("POST", "/api/leases", '{"resources":["path:a/**"],"request_id":"r"}', actor);
  await ask("POST", "/api/leases", '{"resources":["path:a/b"]}', asRival);
  await ask("POST", "/api/leases", '{"resources":["path:a/b"],"queue":true}', asRival);
  await ask("POST", "/api/leases", '{"resources":["path:a/b"],"wait_s":1}', asRival);
  await ask("GET", "/api/leases/waits?workspace=%C3%A9");
  await ask("POST", "/api/leases/lease-1/renew", '{"fence":1,"ttl_s":1}', actor);
  // These calls are no heartbeat of an instance: the life of the first lease ends.
  await ask("GET", "/api/events/history?topic=lease.lost&after=0&wait=20");
  await ask("POST", "/api/leases/lease-2/break", '{"reason":"é"}');
  await ask("POST", "/api/leases", '{"resources":["deploy"]}', asRival);
  for (const fence of [9, 3]) await ask("DELETE", `/api/leases/lease-4?fence=${fence}`, undefined, asRival);
  await ask(
    "POST",
    "/api/tasks",
    JSON.stringify([
      { id: "a", title: "é", body: "b", data: { n: [1.0] }, labels: ["x"], requires: ["go"], resources: ["path:é"] },
      { title: "t", after: ["#0"], not_before: "2026-01-01T00:00:00Z", assignee: "rival", request_id: "of-task" },
      { id: "c", title: "t" },
    ]),
    asRival,
  );
  await ask("POST", "/api/tasks", '{"title":"t","max_attempts":1,"ttl_s":1,"max_s":1}');
  await ask("POST", "/api/tasks", '{"title":"t","after":["none"]}');
  for (const query of ["", "?workspace=w&state=blocked&label=x&holder=h&assignee=a&limit=1&after=c"])
    await ask("GET", `/api/tasks${query}`);
  await ask("POST", "/api/tasks/claim", '{"labels":["x"],"wait_s":1}', asRival);
  await ask("POST", "/api/tasks/claim", '{"id":"a"}', asRival);
  await sendJson(port, "POST", `/api/instances/${asRival["X-Koor-Instance"]}/capabilities`, { capabilities: ["go"] });
  const claimed = await sendJson(port, "POST", "/api/tasks/claim", { id: "a", ttl_s: 60, request_id: "r" }, asRival);
  let { fence } = claimed.json<{ readonly task: { readonly fence: number } }>().task;
  await ask("POST", "/api/tasks/a/progress", `{"fence":${fence},"percent":1,"note":"n","checkpoint":"c"}`, asRival);
  await ask("POST", "/api/tasks/a/ask", `{"fence":${fence},"question":"q"}`, asRival);
  await ask("POST", "/api/tasks/a/answer", '{"answer":"a"}', asRival);
  for (const [verb, more] of [
    ["release", { note: "n" }],
    ["fail", { error: "e", retry: false }],
    ["complete", { result: null }],
  ] as const) {
    const again = await sendJson(port, "POST", "/api/tasks/claim", { id: "a" }, asRival);
    ({ fence } = again.json<{ readonly task: { readonly fence: number } }>().task);
    await ask("POST", `/api/tasks/a/${verb}`, JSON.stringify({ fence, ...more }), asRival);
    await ask("POST", `/api/tasks/a/${verb}`, JSON.stringify({ fence, ...more }), asRival);
    await ask("POST", "/api/tasks/a/retry");
  }
  await ask("PATCH", "/api/tasks/c", '{"title":"u","body":"","priority":0,"labels":[],"assignee":null}');
  await ask("POST", "/api/tasks/c/cancel", '{"reason":"r"}');
  await ask("GET", "/api/tasks/a");
  const me = actor["X-Koor-Instance"];
  for (const message of [
    { to: me, subject: "a" },
    {
      to: [me, "workspace:none"],
      subject: "a",
    },
    {
      to: [me],
      subject: "\u00e9",
      body: "a\nb",
      intent: "request",
      importance: "high",
      thread: "t",
      data: { n: 1 },
      expires_in_s: 60,
      request_id: "of-message",
    },
    { to: me, subject: "a", reply_to: "message-1" },
    { to: me, subject: "a", reply_to: "message-99" },
  ])
    await ask("POST", "/api/messages", JSON.stringify(message), actor);
  for (const query of [
    "",
    "?unread=1&thread=t",
    "?box=out",
    "?box=out&unread=1&wait=1",
    "?limit=1000&after=message-1",
    "?thread=none",
  ])
    await ask("GET", `/api/messages${query}`, undefined, actor);
  await ask("POST", "/api/messages/mark", '{"ids":["message-1","x"],"as":"read"}', actor);
  await ask("POST", "/api/messages/mark", '{"ids":["message-1"],"as":"acked","note":"done"}', actor);
  await ask("GET", "/api/messages/threads", undefined, actor);
  await ask("GET", "/api/messages/all?instance=%C3%A9&thread=t&unread=1&urgent=1&before=message-9");
  for (const query of ["", "?period=2026", "?instance_id=x"]) await ask("GET", `/api/metrics/agents${query}`);
  await ask("GET", "/api/metrics/agents/x?period=2");
  // With --stale-after 1ms it is silent in the next millisecond.
  while ((await send(port, "POST", "/api/liveness/check")).json<{ readonly count: number }>().count === 0)
    await betweenLooks();
  await ask("DELETE", instance);
  // The activity of this instance is stored at the end.
  const other = await sendJson(port, "POST", "/api/instances/register", { name: "other" });
  await ask("POST", `/api/instances/${other.json<{ readonly id: string }>().id}/heartbeat`);
  await ask(
    "PUT",
    "/api/specs/p/contract",
    JSON.stringify({
      kind: "contract",
      endpoints: {
        "GET /health": { response: { schema: { type: "object" } } },
        "POST /x": { request: { a: { type: "string" } } },
      },
    }),
  );
  for (const payload of ['{"a":"x"}', '{"a":1}', JSON.stringify({ a: "x".repeat(100_000) })])
    await ask("POST", "/api/contracts/p/contract/validate", `{"endpoint":"POST /x","payload":${payload}}`);
  await ask("POST", "/api/contracts/p/none/validate", '{"endpoint":"POST /x"}');
  await ask("POST", "/api/contracts/p/contract/test", JSON.stringify({ endpoint: "GET /health", base_url: koor.url }));
  await ask("GET", "/api/backup");
  await ask("POST", "/api/restore", makeSnapshot([]));
  const bundle = { rules: [{ rule_id: "t", pattern: "x" }], contracts: { "a/b": { kind: "contract", endpoints: {} } } };
  for (const id of ["t/1", "t/1"])
    await ask("POST", "/api/templates", JSON.stringify({ id, name: "T", kind: "bundle", data: bundle, tags: ["a"] }));
  await ask(
    "POST",
    "/api/templates",
    JSON.stringify({
      id: "large",
      name: "L",
      data: Array.from({ length: 500 }, (_, at) => ({ rule_id: `r${at}`, pattern: "x".repeat(100) })),
    }),
  );
  for (const path of [
    "/api/templates",
    "/api/templates?kind=bundle&tag=a",
    "/api/templates/t%2F1",
    "/api/templates/none",
  ])
    await ask("GET", path);
  for (const id of ["t%2F1", "large", "none"]) await ask("POST", `/api/templates/${id}/apply`, '{"project":"p"}');
  await ask("DELETE", "/api/templates/t%2F1");
  const checked = (await sendJson(port, "POST", "/api/instances/register", { name: "checked", workspace: "p" })).json<{
    readonly id: string;
  }>().id;
  // Other calls may mark it stale in between.
  for (let runs = 0; runs === 0; ) {
    await send(port, "POST", `/api/instances/${checked}/activate`);
    runs = (await send(port, "POST", "/api/compliance/run")).json<{ readonly count: number }>().count;
  }
  for (const query of ["", `?instance_id=${checked}&limit=1`, "?limit=10000"])
    await ask("GET", `/api/compliance/history${query}`);
  for (const event of ["SessionStart", "PreToolUse", "SessionEnd"]) {
    const input = { session_id: "s", cwd: "/w", hook_event_name: event, tool_name: "Edit" };
    await ask("POST", "/api/hooks/claude", JSON.stringify({ ...input, tool_input: { file_path: "/w/a" } }));
  }
  await ask("POST", "/api/guard/off", JSON.stringify({ commit: "0".repeat(40), paths: ["a.ts"] }));
  const files = [
    {
      path: "a.ts",
      ranges: [
        [1, 2],
        [5, 4],
      ],
      blob: null,
    },
    { path: "b.ts", deleted: true },
  ];
  for (const checkout of ["a", "b"])
    await ask("PUT", `/api/checkouts/${checkout}/changes`, JSON.stringify({ workspace: "é", files }));
  // A long body is read by the pool.
  const long = { workspace: "é", files, padding: "x".repeat(FRONT_JSON_BYTES_MAX) };
  await ask("PUT", "/api/checkouts/a/changes", JSON.stringify(long));
  await ask("GET", "/api/checkouts/a/changes");
  for (const query of ["", "?workspace=%C3%A9", "?workspace=%C3%A9&checkout=a"]) await ask("GET", `/api/radar${query}`);
  await ask("POST", "/api/evidence", '{"command":"é","exit_code":0,"task":null,"tail":"é"}');
  await ask("GET", "/api/evidence");
  const past = new Date().toISOString();
  for (const what of ["state", "state/k", "leases", "tasks"]) await ask("GET", `/api/at/${past}/${what}`);
  // An edit that a hook sees makes the records of a claimed task stale.
  const asSession = { "X-Koor-Session": "editor" };
  const hook = (event: string, more: object) =>
    ask(
      "POST",
      "/api/hooks/claude",
      JSON.stringify({ session_id: "editor", cwd: "/e", hook_event_name: event, ...more }),
    );
  await hook("SessionStart", {});
  await ask("POST", "/api/tasks", '{"id":"seen","title":"t","requires_evidence":["make"]}', asSession);
  await ask("POST", "/api/tasks/claim", '{"id":"seen"}', asSession);
  await ask("POST", "/api/evidence", '{"command":"make","exit_code":0,"seen_by":"cli"}', asSession);
  await hook("PreToolUse", { tool_name: "Edit", tool_input: { file_path: "/e/a" } });
  await ask("POST", "/api/metrics/reset");
  t.equal(await koor.stop(), 0);
  t.notMatch(koor.log(), /crashed|(?<!task )failed/);
  await useSessions(t, dataDir);
  const called = new Set(readFileSync(join(dataDir, CALLED_FILE), "utf8").trim().split("\n"));
  t.same(
    [...called].toSorted(),
    METHODS.rows
      .map(({ name }) => name)
      .filter((name) => !NOT_CALLED.has(name))
      .toSorted(),
    "every method was called",
  );
  t.ok(new Set(statuses.values()).size >= 4, "with successes and refusals");
});
