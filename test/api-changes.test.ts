/**
 * Tests "Changes" of the HTTP API against a real server: how each kind of call is reported, over REST and MCP, to which
 * readers, and what a reader gets when there are too many changes, and at the end.
 */
import t from "tap";
import { ASKED_KINDS, type ChangeMessage } from "../schemas/changes.js";
import { CHANGE_MESSAGES_MAX, CHANGE_WINDOW_MS } from "../schemas/limits/changes.js";
import { dial, send, sendJson, type Answer, type Refusal } from "./support/http-client.js";
import { ask, callTool, resultOf } from "./support/mcp-messages.js";
import { readMetric } from "./support/metrics.js";
import { startReceiver } from "./support/receiver.js";
import { RESTORE_REFUSED } from "./support/variant.js";
import { makeDirectory, startKoor, type Koor, type Owner } from "./support/server-process.js";
import { makeSnapshot, readSnapshot } from "./support/snapshot.js";
import { openChanges } from "./support/subscriber.js";
import { betweenLooks } from "./support/between-looks.js";

const LAST = "the/last";
const TOKEN = "only-for-this-test";
const CONTRACT = { kind: "contract", version: 1, endpoints: { "GET /x": {} } };
const RULE = { rule_id: "r", pattern: "x" };

/** Formats a change as `kind key version`, as `kind key` where it has no version, or as `lagged`. */
function shown(message: ChangeMessage): string {
  if (message.kind === "lagged") return "lagged";
  const { kind, key, version } = message;
  return `${kind} ${key === null ? "*" : key}${version === null ? "" : ` ${version}`}`;
}

const isLast = (message: ChangeMessage): boolean => message.kind === "state" && message.key === LAST;

/** Returns the changes of these kinds that `act` causes, sorted, without the change that marks the end. */
async function changesOf(t: Owner, koor: Koor, act: () => Promise<unknown>, kinds = ""): Promise<string[]> {
  const reader = await openChanges(t, koor.port, kinds === "" ? "" : `${kinds},state`);
  await act();
  await sendJson(koor.port, "PUT", `/api/state/${LAST}`, 1);
  await reader.until(isLast);
  reader.leave();
  return reader
    .received()
    .filter((message) => message.kind === "lagged" || message.key !== LAST)
    .map(shown)
    .toSorted();
}

async function idOf(answer: Promise<Answer>): Promise<string> {
  return (await answer).json<{ readonly id: string }>().id;
}

t.test("each kind of call is reported under the name that the audit log has for it", async (t) => {
  const koor = await startKoor(t);
  const { port } = koor;
  const put = (path: string, body: unknown): Promise<Answer> => sendJson(port, "PUT", path, body);
  const post = (path: string, body?: unknown): Promise<Answer> =>
    body === undefined ? send(port, "POST", path) : sendJson(port, "POST", path, body);
  const remove = (path: string): Promise<Answer> => send(port, "DELETE", path);
  const expectChanges = async (
    what: string,
    act: () => Promise<Answer>,
    expected: readonly string[],
  ): Promise<void> => {
    t.same(await changesOf(t, koor, async () => t.equal((await act()).status, 200, what)), expected.toSorted(), what);
  };

  await expectChanges("a put", () => put("/api/state/plan/build", 1), ["state plan/build 1", "audit plan/build"]);
  await expectChanges("another", () => put("/api/state/plan/build", 2), ["state plan/build 2", "audit plan/build"]);
  const text = "rollback";
  await expectChanges(text, () => post("/api/state/plan/build?rollback=1"), ["state plan/build 3", "audit plan/build"]);
  await expectChanges("a deletion", () => remove("/api/state/plan/build"), ["state plan/build", "audit plan/build"]);

  await expectChanges("a spec", () => put("/api/specs/p/a%2Fb", CONTRACT), ["spec p/a/b 1", "audit p/a/b"]);
  await expectChanges("its rollback", () => post("/api/specs/p/a%2Fb?rollback=1"), ["spec p/a/b 2", "audit p/a/b"]);
  await expectChanges("its end", () => remove("/api/specs/p/a%2Fb"), ["spec p/a/b", "audit p/a/b"]);

  await expectChanges("a proposal", () => post("/api/rules/propose", { project: "p", ...RULE }), [
    "rule p/r",
    "audit p/r",
  ]);
  await expectChanges("its acceptance", () => post("/api/rules/p/r/accept"), ["rule p/r", "audit p/r"]);
  await expectChanges("a rule's end", () => remove("/api/rules/p/r"), ["rule p/r", "audit p/r"]);
  await expectChanges("a project's rules", () => put("/api/validate/p/rules", [RULE]), ["rule p", "audit p"]);
  await expectChanges("an import", () => post("/api/rules/import", [{ project: "q", ...RULE }]), [
    "rule bulk",
    "audit bulk",
  ]);

  const bundle = { rules: [RULE], contracts: { one: CONTRACT, two: CONTRACT } };
  await expectChanges(
    "a template",
    () => post("/api/templates", { id: "t", name: "T", kind: "bundle", data: bundle }),
    ["template t", "audit t"],
  );
  await expectChanges("its results", () => post("/api/templates/t/apply", { project: "p" }), [
    "rule p",
    "spec p/one 1",
    "spec p/two 1",
    "audit t",
  ]);
  await expectChanges("a template's end", () => remove("/api/templates/t"), ["template t", "audit t"]);

  const url = "http://127.0.0.1:9/";
  await expectChanges("a webhook", () => post("/api/webhooks", { id: "w", url, patterns: ["none"] }), [
    "webhook w",
    "audit w",
  ]);
  // It was enabled already, so that this leaves no row.
  await expectChanges("its enabling", () => post("/api/webhooks/w/enable"), ["webhook w"]);
  await expectChanges("a webhook's end", () => remove("/api/webhooks/w"), ["webhook w", "audit w"]);

  let id = "";
  const registered = await changesOf(t, koor, async () => {
    id = await idOf(post("/api/instances/register", { name: "a", workspace: "p" }));
  });
  t.same(registered, [`audit ${id}`, `instance ${id}`]);
  const activity = (changes: readonly string[]): string[] => changes.filter((change) => change !== "instance *");
  for (const [path, body, audited] of [
    ["activate", undefined, true],
    ["capabilities", { capabilities: ["x"] }, true],
    ["intent", { intent: "i" }, false],
  ] as const) {
    const changes = await changesOf(t, koor, () => post(`/api/instances/${id}/${path}`, body));
    t.same(activity(changes), [...(audited ? [`audit ${id}`] : []), `instance ${id}`], path);
  }

  t.same(
    activity(
      await changesOf(t, koor, () => post("/api/events/publish", [{ topic: "a.b" }, { topic: "c" }, { topic: "c" }])),
    ),
    ["event a.b 1", "event c 3"],
    "an event by its topic, with the newest id",
  );
  const usage = { provider: "x", model: "y", project: "shop" };
  t.same(
    activity(await changesOf(t, koor, () => post("/api/llm/usage", usage))),
    ["audit 1", "event llm.usage.recorded 4", "usage shop 1"],
    "usage by its project, with the report's id",
  );
  t.same(
    activity(await changesOf(t, koor, () => post("/api/compliance/run"))),
    [`compliance ${id}`, "event compliance.violation 6"],
    "compliance by the instance, one failing contract after the other",
  );
  t.same(activity(await changesOf(t, koor, () => post("/api/metrics/reset"))), ["audit "]);
  t.same(
    (await changesOf(t, koor, () => remove(`/api/instances/${id}`), "instance")).filter(
      (change) => change !== "instance *",
    ),
    [`instance ${id}`],
  );
});

t.test("a refused call is reported as its audit row only, and a read is not reported", async (t) => {
  const koor = await startKoor(t);
  const { port } = koor;
  await sendJson(port, "PUT", "/api/state/k", 1);
  t.same(
    await changesOf(t, koor, async () => {
      t.equal((await send(port, "PUT", "/api/state/k?if_version=7", { body: "2" })).status, 412);
      t.equal((await send(port, "PUT", "/api/state/empty")).status, 400);
      t.equal((await send(port, "DELETE", "/api/state/none")).status, 404);
    }),
    ["audit empty", "audit k", "audit none"],
    "the writer and the front each refuse one",
  );
  t.same(
    await changesOf(t, koor, async () => {
      for (const path of ["/api/state", "/api/state/k", "/api/audit", "/api/events/history", "/nope"])
        await send(port, "GET", path);
      await sendJson(port, "POST", "/api/validate/p", { content: "x" });
      t.equal((await sendJson(port, "POST", "/api/events/publish", { data: 1 })).status, 400);
    }),
    [],
  );
});

t.test("calls over MCP are reported as over REST", async (t) => {
  const koor = await startKoor(t);
  const { port } = koor;
  let id = "";
  const registered = await changesOf(t, koor, async () => {
    const tool = await callTool(port, "register_instance", { name: "a" });
    id = resultOf<{ readonly instance_id: string }>(tool).instance_id;
  });
  t.same(registered, [`audit ${id}`, `instance ${id}`]);
  const proposal = { project: "p", rule_id: "r", pattern: "x", message: "m" };
  t.same(await changesOf(t, koor, () => callTool(port, "propose_rule", proposal)), ["audit p/r", "rule p/r"]);
  t.same(await changesOf(t, koor, () => ask(port, "2025-06-18", "tools/list")), []);
});

t.test("a change of status is reported at once, other heartbeats when they are stored", async (t) => {
  const koor = await startKoor(t, { args: ["--stale-after", "1ms", "--liveness-interval", "1h"] });
  const { port } = koor;
  const id = await idOf(sendJson(port, "POST", "/api/instances/register", { name: "a" }));
  await send(port, "POST", `/api/instances/${id}/activate`);
  const reader = await openChanges(t, port, "instance,event,agent_metric");
  const isOne = (message: ChangeMessage): boolean => message.kind === "instance" && message.key === id;
  const isAny = (message: ChangeMessage): boolean => message.kind === "instance" && message.key === null;
  let found = 0;
  while (found === 0) {
    const answer = await send(port, "POST", "/api/liveness/check");
    found = answer.json<{ readonly count: number }>().count;
  }
  let seen = await reader.until(isOne);
  t.ok(reader.received().map(shown).includes("event agent.stale 1"));
  await send(port, "POST", `/api/instances/${id}/heartbeat`);
  seen = await reader.until(isOne, seen);
  t.equal(
    (await send(port, "GET", `/api/instances/${id}`)).json<{ readonly status: string }>().status,
    "active",
    "the heartbeat alone has made it active",
  );
  await reader.until(isAny, 0);
  t.pass("the flush is reported, too");
  await sendJson(port, "PUT", "/api/state/k", 1, { "X-Koor-Instance": id });
  await send(port, "GET", "/api/metrics/agents");
  await reader.until((message) => message.kind === "agent_metric" && message.key === null);
});

t.test("a webhook that fails or is turned off is reported, whichever call caused it", async (t) => {
  const receiver = await startReceiver(t, () => 500);
  const koor = await startKoor(t, { args: ["--webhook-allow-private"] });
  const { port } = koor;
  for (const id of ["chain", "other"])
    await sendJson(port, "POST", "/api/webhooks", { id, url: receiver.url, patterns: [id === "chain" ? "a" : "b"] });
  const reader = await openChanges(t, port, "webhook,event");
  await sendJson(port, "POST", "/api/events/publish", { topic: "b" });
  await reader.until((message) => message.kind === "webhook" && message.key === null);
  t.pass("the progress of deliveries is reported without a name");
  await sendJson(port, "POST", "/api/events/publish", { topic: "a" }, { "X-Koor-Hops": "100" });
  await reader.until((message) => message.kind === "webhook" && message.key === "chain");
  await reader.until((message) => message.kind === "event" && message.key === "webhook.disabled");
  t.notOk(reader.received().map(shown).includes("webhook other"));
});

t.test("events of the state are reported as events, too", async (t) => {
  const koor = await startKoor(t, { args: ["--state-events"] });
  const { port } = koor;
  const reader = await openChanges(t, port, "event");
  await sendJson(port, "PUT", "/api/state/k", 1);
  await reader.until(({ kind }) => kind === "event");
  t.same(reader.received(), [{ kind: "event", key: "koor.state.updated", version: 1 }]);
});

t.test("a reader gets the kinds that it asks for, and a spec as a contract where it asks for contracts", async (t) => {
  const koor = await startKoor(t);
  const { port } = koor;
  const [all, specs, contracts, both] = [
    await openChanges(t, port),
    await openChanges(t, port, "spec"),
    await openChanges(t, port, "contract"),
    await openChanges(t, port, "contract,spec"),
  ];
  const audits = await openChanges(t, port, "audit");
  t.match(all.headers, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  t.match(all.lines, [/^:/], "a comment tells the client that it is subscribed");
  await sendJson(port, "PUT", "/api/specs/p/n", CONTRACT);
  const isContract = (message: ChangeMessage): boolean => message.kind === "contract";
  const isSpec = (message: ChangeMessage): boolean => message.kind === "spec";
  await Promise.all([all.until(isSpec), specs.until(isSpec), contracts.until(isContract), both.until(isContract)]);
  await audits.until(({ kind }) => kind === "audit");
  const change = { key: "p/n", version: 1 };
  t.same(all.received(), [
    { kind: "audit", key: "p/n", version: null },
    { kind: "spec", ...change },
  ]);
  t.same(specs.received(), [{ kind: "spec", ...change }]);
  t.same(contracts.received(), [{ kind: "contract", ...change }]);
  t.same(both.received().map(shown), ["spec p/n 1", "contract p/n 1"]);
  t.same(audits.received(), [{ kind: "audit", key: "p/n", version: null }]);
  t.equal(await readMetric(port, "koor_change_readers"), 5);

  for (const [query, named] of [
    ["kinds=states", "states"],
    ["kinds=state,,Spec", "Spec"],
    ["kinds=lagged", "lagged"],
    ["kinds=state%0a%22", 'state\\n\\"'],
  ] as const) {
    const answer = await send(port, "GET", `/api/changes?${query}`);
    t.same(
      answer.json<Refusal>(),
      { error: `kinds: "${named}" is none of ${ASKED_KINDS.join(", ")}`, code: 400 },
      query,
    );
  }
  for (const query of ["", "?kinds=", "?kinds=,"]) {
    const head = await send(port, "HEAD", `/api/changes${query}`);
    t.match(head, { status: 200, headers: { "content-type": "text/event-stream" } }, `HEAD ${query}`);
  }
  t.equal(await readMetric(port, "koor_change_readers"), 5, "a HEAD opens no stream");
  const { token_tax } = (await send(port, "GET", "/api/metrics")).json<{
    readonly token_tax: { rest_calls: number };
  }>();
  t.equal(token_tax.rest_calls, 1, "readers and their refusals do not count as calls, the PUT does");
});

t.test("changes can be read on both ports with any token", async (t) => {
  const koor = await startKoor(t, { args: ["--auth-token", TOKEN, "--dashboard-bind", "127.0.0.1:0"] });
  const { port, dashboardPort } = koor;
  const server = { Authorization: `Bearer ${TOKEN}` };
  const registered = await sendJson(port, "POST", "/api/instances/register", { name: "a" }, server);
  const instance = { Authorization: `Bearer ${registered.json<{ readonly token: string }>().token}` };
  for (const of of [port, dashboardPort]) {
    for (const headers of [{}, { Authorization: "Bearer wrong" }])
      t.equal((await send(of, "GET", "/api/changes", { headers })).status, 401);
    for (const headers of [server, instance]) {
      const reader = await openChanges(t, of, "state", headers);
      await sendJson(port, "PUT", "/api/state/k", 1, server);
      await reader.until(({ kind }) => kind === "state");
      reader.leave();
    }
  }
  t.equal(
    (await send(port, "GET", "/api/changes", { headers: { ...server, Origin: "http://evil.example" } })).status,
    403,
  );
});

t.test("too many changes become one lagged message, for the readers of that kind only", async (t) => {
  const koor = await startKoor(t);
  const { port } = koor;
  const all = await openChanges(t, port);
  const rules = await openChanges(t, port, "rule");
  const arrivedMs: number[] = [];
  const isLagged = ({ kind }: ChangeMessage): boolean => kind === "lagged";
  const beganMs = performance.now();
  let at = 0;
  let seen = 0;
  while (performance.now() - beganMs < 2.5 * CHANGE_WINDOW_MS) {
    await Promise.all(Array.from({ length: 20 }, () => sendJson(port, "PUT", `/api/state/${at++}`, at)));
    const { length } = all.received();
    for (; seen < length; seen++) arrivedMs.push(performance.now());
  }
  t.ok(at > 10 * CHANGE_MESSAGES_MAX, `${at} writes`);
  await all.until(isLagged);
  t.ok(all.received().length <= 4 * CHANGE_MESSAGES_MAX, `${all.received().length} messages`);
  const before = await readMetric(port, "koor_changes_lagged_total");
  t.ok(before > 0);
  await sendJson(port, "PUT", "/api/validate/p/rules", [RULE]);
  await rules.until(({ kind }) => kind === "rule");
  t.same(rules.received().map(shown), ["rule p"]);

  const fresh = await openChanges(t, port, "event");
  const events = Array.from({ length: 1000 }, (_, number) => ({ topic: `t.${number}` }));
  await sendJson(port, "POST", "/api/events/publish", events);
  await fresh.until(isLagged);
  t.same(fresh.received().map(shown), [
    ...Array.from({ length: CHANGE_MESSAGES_MAX - 1 }, (_, number) => `event t.${number} ${number + 1}`),
    "lagged",
  ]);
});

t.test("a reader that does not read delays no other client", async (t) => {
  const koor = await startKoor(t);
  const { port } = koor;
  const socket = await dial(t, port);
  socket.pause();
  socket.write("GET /api/changes HTTP/1.1\r\nHost: localhost\r\n\r\n");
  while ((await readMetric(port, "koor_change_readers")) !== 1) await betweenLooks();
  const reader = await openChanges(t, port, "state");
  for (let at = 0; at < 50; at++) await sendJson(port, "PUT", `/api/state/${at % 5}`, at);
  await sendJson(port, "PUT", "/api/state/after", 1);
  await reader.until((message) => message.kind === "state" && message.key === "after");
  socket.destroy();
  while ((await readMetric(port, "koor_change_readers")) !== 1) await betweenLooks();
  t.same(koor.complaints(), []);
});

t.test("a restore is reported as one lagged message", { skip: RESTORE_REFUSED }, async (t) => {
  const source = await startKoor(t);
  await sendJson(source.port, "PUT", "/api/state/k", 1);
  const records = readSnapshot((await send(source.port, "GET", "/api/backup")).text);
  const koor = await startKoor(t);
  const readers = [await openChanges(t, koor.port), await openChanges(t, koor.port, "template")];
  t.equal((await send(koor.port, "POST", "/api/restore", { body: makeSnapshot(records) })).status, 200);
  for (const reader of readers) await reader.until(({ kind }) => kind === "lagged");
  t.same(readers[1]?.received(), [{ kind: "lagged" }]);
  t.notOk(readers[0]?.received().some((message) => message.kind !== "lagged" && message.key === "k"));
});

t.test("a shutdown ends the stream, and a server without readers publishes nothing", async (t) => {
  const dataDir = makeDirectory(t);
  const koor = await startKoor(t, { data_dir: dataDir });
  const reader = await openChanges(t, koor.port);
  const gone = await openChanges(t, koor.port);
  gone.leave();
  while ((await readMetric(koor.port, "koor_change_readers")) !== 1) await betweenLooks();
  t.equal(await koor.stop(), 0);
  await reader.ended;
  t.same(koor.complaints(), []);
});
