/**
 * Tests three nodes over one log: a change at one node shows at the others, if the request names its position. Each
 * kind of change is made at one node and read at another. A waiter or subscriber at one node is notified of changes at
 * another. A node that cannot reach a requested position says so.
 */
import type { OutgoingHttpHeaders } from "node:http";
import t from "tap";

import { hashOf, refusal, refusalOf } from "./support/answers.js";
import { Clustered, CLUSTERED_MISSING, positionOf, startThree, until, Wanderer } from "./support/clustered.js";
import { longFormOnly } from "./support/test-size.js";
import { send, sendJson } from "./support/http-client.js";
import type { Koor } from "./support/server-process.js";
import type { Lease, StoredEvent } from "./support/leasing.js";
import { makeRandom, newSeed } from "./support/random.js";
import { countInFlight } from "./support/metrics.js";
import { startReceiver } from "./support/receiver.js";
import { openChanges, openSocket, openStream, UpgradeRefused, type ReceivedEvent } from "./support/subscriber.js";
import type { Claimed, Task } from "./support/tasking.js";
import type { Waited } from "./support/waiting.js";
import { betweenLooks } from "./support/between-looks.js";

if (CLUSTERED_MISSING !== false) {
  t.plan(0, CLUSTERED_MISSING);
  process.exit();
}

const TOKEN = "the-cluster-token";
const RIGHT: OutgoingHttpHeaders = { Authorization: `Bearer ${TOKEN}` };

const three = await startThree(t, ["--auth-token", TOKEN]);
const [a, b, c] = three;

interface Registered {
  readonly id: string;
  readonly token: string;
}

/** A client with the server's token. */
const operator = (): Wanderer => new Wanderer(RIGHT);

/** An instance that registers at one node and calls others with its own token. */
async function register(
  at: Koor,
  name: string,
  workspace = "w",
): Promise<{ id: string; token: string; who: Wanderer }> {
  const registering = operator();
  const { id, token } = await registering.call<Registered>(at, "POST", "/api/instances/register", { name, workspace });
  const who = new Wanderer({ Authorization: `Bearer ${token}` });
  who.position = registering.position;
  return { id, token, who };
}

/** Continues as one client from the position of another. */
function follow(one: Wanderer, other: Wanderer): Wanderer {
  one.position = Math.max(one.position, other.position);
  return one;
}

t.test("what is open at one node ends with a deletion at another", async (t) => {
  const registered = await register(a, "revoked");
  // An instance owns those that it has registered: the one that is deleted has registered the one with the sockets.
  const { id, token } = await registered.who.call<Registered>(b, "POST", "/api/instances/register", {
    name: "its own",
  });
  const headers = { Authorization: `Bearer ${token}` };
  for (const node of [b, c]) await until(node.port, "/api/state", ({ status }) => status === 200, headers);
  const page = { Origin: `http://127.0.0.1:${c.dashboardPort}` };
  const entered = await sendJson(c.dashboardPort, "POST", "/session", { token }, page);
  const Cookie = (entered.headers["set-cookie"]?.[0] ?? "").split(";")[0] ?? "";
  const sockets = [
    await openSocket(t, b.port, "", headers),
    await openSocket(t, c.port, "", headers),
    await openSocket(t, c.dashboardPort, "", { ...page, Cookie }),
  ];
  const stream = await openStream(t, b.port, "pattern=never", headers);
  const stays = await openSocket(t, b.port, "", RIGHT);
  const polls = [b, c].map(({ port }) => send(port, "GET", "/api/events/history?topic=never&wait=60", { headers }));
  for (const [node, count] of [
    [b, 2],
    [c, 1],
  ] as const)
    while ((await countInFlight(node.port, RIGHT)) !== count) await betweenLooks();
  const begun = performance.now();
  t.equal((await send(a.port, "DELETE", `/api/instances/${registered.id}`, { headers: RIGHT })).status, 200);
  for (const socket of sockets) t.equal(await socket.closed, 4401);
  await t.rejects(stream.untilCount(1), "the stream is over");
  for (const poll of polls) t.equal((await poll).status, 401);
  t.ok(performance.now() - begun < 5_000, "at once, and not when they would have ended anyway");
  t.equal(stays.socket.readyState, stays.socket.OPEN);
  for (const { port } of three)
    t.equal((await send(port, "GET", `/api/instances/${id}`, { headers: RIGHT })).status, 404);
});

t.test("every node knows every node, and the same one that leads", async (t) => {
  for (const { port, node } of three) {
    // Each node reports on itself with its entries.
    const answer = await until(
      port,
      "/api/cluster",
      (asked) => asked.json<{ readonly nodes: readonly object[] }>().nodes.length === 3,
      RIGHT,
    );
    t.match(answer.json(), {
      node,
      leader: "a",
      state: "ok",
      reason: "",
      nodes: ["a", "b", "c"].map((name) => ({ node: name, leader: name === "a", state: "ok" })),
    });
    t.match((await send(port, "GET", "/health")).json(), {
      status: "ok",
      cluster: { node, leader: "a", state: "ok", reason: "" },
    });
  }
});

t.test("state", async (t) => {
  const who = operator();
  const put = await who.ask(a, "PUT", "/api/state/k", "1");
  t.equal(put.status, 200);
  t.ok(positionOf(put) > 0);
  for (const at of [b, c]) t.equal((await who.get(at, "/api/state/k")).text, "1");
  t.equal((await who.ask(b, "PUT", "/api/state/k?if_version=1", "2")).status, 200);
  t.equal((await who.ask(c, "PUT", "/api/state/k?if_version=1", "3")).status, 412, "a version that is past everywhere");
  t.match(await who.read(a, "/api/state/k?history=1"), { versions: [{ version: 2 }, { version: 1 }] });
  const { headers } = await who.get(a, "/api/state/k");
  const etag = String(headers.etag);
  t.equal((await who.ask(c, "GET", "/api/state/k", undefined, { "If-None-Match": etag })).status, 304);
  t.equal((await who.ask(b, "PUT", "/api/state/k", "4", { "If-Match": etag })).status, 200, "an ETag of another node");
  t.equal((await who.ask(c, "PUT", "/api/state/k", "5", { "If-Match": etag })).status, 412);
  t.equal((await who.ask(c, "GET", "/api/state/k", undefined, { "If-None-Match": etag })).status, 200);
  t.equal((await who.ask(c, "POST", "/api/state/k?rollback=1")).status, 200);
  t.equal((await who.get(b, "/api/state/k")).text, "1");
  t.equal((await who.ask(b, "DELETE", "/api/state/k")).status, 200);
  for (const at of three) t.equal((await who.get(at, "/api/state/k")).status, 404);
  await who.ask(a, "PUT", "/api/state/k", "6");
  t.match((await who.get(c, "/api/state/k")).headers, { "x-koor-position": String(who.position) });
  const ofPage = await who.ask(c, "GET", "/api/state/k", undefined, { Origin: `http://localhost:${c.port}` });
  t.match(ofPage.headers, {
    "x-koor-position": /^\d+$/,
    "access-control-expose-headers": /(?:^|, )X-Koor-Position(?:,|$)/,
  });
  t.same(
    (await who.read<readonly { key: string }[]>(b, "/api/state")).map(({ key }) => key),
    ["k"],
  );
});

t.test("specs, contracts, rules and templates", async (t) => {
  const who = operator();
  await who.call(a, "PUT", "/api/specs/p/n", { x: 1 });
  t.same(await who.read(b, "/api/specs/p/n"), { x: 1 });
  t.same((await who.read<{ readonly specs: readonly object[] }>(c, "/api/specs/p")).specs.length, 1);
  await who.call(b, "PUT", "/api/specs/p/n", { x: 2 });
  t.same(await who.read(a, "/api/specs/p/n"), { x: 2 }, "one that was read here before");
  await who.ask(c, "DELETE", "/api/specs/p/n");
  for (const at of three) t.equal((await who.get(at, "/api/specs/p/n")).status, 404);

  const contract = (type: string): object => ({
    kind: "contract",
    version: 1,
    endpoints: { "GET /x": { response: { a: { type } } } },
  });
  const payload = { endpoint: "GET /x", direction: "response", payload: { a: 1 } };
  const validate = (at: Koor): Promise<{ readonly valid: boolean }> =>
    who.call(at, "POST", "/api/contracts/p/c/validate", payload);
  await who.call(a, "PUT", "/api/specs/p/c", contract("string"));
  for (const at of [b, c]) t.equal((await validate(at)).valid, false);
  await who.call(b, "PUT", "/api/specs/p/c", contract("number"));
  for (const at of three) t.equal((await validate(at)).valid, true, "not by what was known by heart");

  const check = async (at: Koor): Promise<number> =>
    (await who.call<{ readonly count: number }>(at, "POST", "/api/validate/p", { content: "bad" })).count;
  t.equal(await check(c), 0);
  await who.call(a, "PUT", "/api/validate/p/rules", [{ rule_id: "r", pattern: "bad" }]);
  for (const at of three) t.equal(await check(at), 1);
  await who.call(b, "PUT", "/api/validate/p/rules", [{ rule_id: "r", pattern: "worse" }]);
  for (const at of three) t.equal(await check(at), 0, "not by the set of before");
  await who.call(c, "POST", "/api/rules/propose", { project: "p", rule_id: "s", pattern: "bad" });
  await who.call(a, "POST", "/api/rules/p/s/accept");
  t.equal(await check(b), 1);
  await who.ask(b, "DELETE", "/api/rules/p/s");
  t.equal(await check(c), 0);

  const template = { id: "t", name: "T", data: [{ rule_id: "from-t", pattern: "template" }] };
  await who.call(b, "POST", "/api/templates", template);
  t.match(await who.read(c, "/api/templates/t"), { id: "t", data: template.data });
  await who.call(a, "POST", "/api/templates/t/apply", { project: "q" });
  t.match(await who.read(b, "/api/validate/q/rules"), { rules: [{ rule_id: "from-t" }] });
  await who.ask(c, "DELETE", "/api/templates/t");
  t.equal((await who.get(a, "/api/templates/t")).status, 404);
});

t.test("an instance, and its token, at each node", async (t) => {
  const { id, token, who } = await register(a, "moves");
  const own = `/api/instances/${id}`;
  t.match(await who.read(b, own), { id, name: "moves", status: "pending" }, "its own token, at once");
  await who.call(b, "POST", `${own}/activate`);
  t.match(await who.read(c, own), { status: "active" });
  await who.call(c, "POST", `${own}/intent`, { intent: "to move" });
  t.match(await who.read(a, own), { intent: "to move" });
  await who.call(a, "POST", `${own}/capabilities`, { capabilities: ["walks"] });
  const found = await who.read<readonly object[]>(b, "/api/instances?capability=walks");
  t.match(found, [{ id, intent: "to move", status: "active" }]);
  const before = await who.read<{ readonly last_seen: string }>(c, own);
  // The clocks of two nodes differ a little, so the first heartbeats may be older than the last call at the other node.
  let after = before;
  for (let beats = 0; beats < 1_000 && after.last_seen <= before.last_seen; beats++) {
    await who.call(b, "POST", `${own}/heartbeat`);
    after = await follow(operator(), who).read(c, own);
  }
  t.ok(after.last_seen > before.last_seen, "a heartbeat is known at its position");
  const stranger = await register(b, "stays");
  t.equal((await stranger.who.ask(c, "DELETE", own)).status, 403, "whose it is, each node knows");
  const gone = follow(operator(), who);
  t.equal((await gone.ask(b, "DELETE", own)).status, 200);
  for (const at of three) {
    t.equal((await gone.get(at, own)).status, 404);
    t.equal(
      (await gone.ask(at, "GET", "/api/state", undefined, { Authorization: `Bearer ${token}` })).status,
      401,
      "and its token opens nothing",
    );
  }
});

t.test("who was silent is awake wherever it is asked for behind what it did", async (t) => {
  const cluster = await Clustered.begin(["--stale-after", "1s", "--liveness-interval", "1s", "--auth-token", TOKEN]);
  const first = await cluster.start(t, "first");
  const second = await cluster.start(t, "second");
  const { id, who } = await register(first, "sleeps");
  const own = `/api/instances/${id}`;
  await who.call(first, "POST", `${own}/activate`);
  for (const [method, path] of [
    ["POST", `${own}/heartbeat`],
    ["PUT", "/api/state/awake"],
  ] as const) {
    await until(second.port, own, ({ text }) => text.includes('"status":"stale"'), RIGHT);
    await until(first.port, own, ({ text }) => text.includes('"status":"stale"'), RIGHT);
    await who.call(first, method, path);
    t.match(await follow(operator(), who).read(second, own), { status: "active" }, path);
  }
});

t.test("who has come and gone while a node was held", { skip: process.platform === "win32" }, async (t) => {
  const leaving = await register(a, "leaves");
  await leaving.who.get(b, "/api/state");
  b.process.kill("SIGSTOP");
  const come = await register(a, "comes");
  const own = `/api/instances/${come.id}`;
  const gone = follow(operator(), come.who);
  await gone.ask(c, "DELETE", `/api/instances/${leaving.id}`);
  const asked = Promise.all([
    come.who.get(b, own),
    come.who.ask(b, "POST", `${own}/activate`),
    come.who.ask(b, "PUT", "/api/state/by-who-came", "1"),
    come.who.ask(b, "DELETE", "/api/webhooks/none"),
    follow(leaving.who, gone).ask(b, "PUT", "/api/state/by-who-left", "1"),
    leaving.who.get(b, "/api/state"),
    new Wanderer({ Authorization: "Bearer nobody's" }).ask(b, "PUT", "/api/state/by-nobody", "{", {
      "X-Koor-After": String(gone.position),
    }),
  ]);
  // The requests wait in the node's sockets, and so do the entries that it missed.
  b.process.kill("SIGCONT");
  const answers = await asked;
  t.same(
    answers.map(({ status }) => status),
    [200, 200, 200, 403, 401, 401, 401],
  );
  const rows = await follow(operator(), come.who).read<readonly { readonly actor: string }[]>(
    c,
    `/api/audit?action=state.put&actor=${come.id}&limit=1`,
  );
  t.match(rows, [{ actor: come.id, resource: "by-who-came" }], "it was known by name");
});

t.test("a session of the dashboard goes from node to node", async (t) => {
  const pageOf = ({ dashboardPort }: Koor): OutgoingHttpHeaders => ({ Origin: `http://127.0.0.1:${dashboardPort}` });
  const loggedIn = await sendJson(a.dashboardPort, "POST", "/session", { token: TOKEN }, pageOf(a));
  t.equal(loggedIn.status, 200);
  const position = positionOf(loggedIn);
  const [pair = ""] = (loggedIn.headers["set-cookie"]?.[0] ?? "").split(";");
  const value = pair.slice(pair.indexOf("=") + 1);
  const cookieAt = ({ dashboardPort }: Koor): OutgoingHttpHeaders => ({
    Cookie: `koor_session_${dashboardPort}=${value}`,
    "X-Koor-After": String(position),
  });
  for (const at of three) {
    const answer = await send(at.dashboardPort, "GET", "/session", { headers: cookieAt(at) });
    t.match(answer.json(), { logged_in: true, role: "server" });
    const put = await sendJson(at.dashboardPort, "PUT", "/api/state/page", 1, { ...cookieAt(at), ...pageOf(at) });
    t.equal(put.status, 200);
  }
  const out = await send(b.dashboardPort, "DELETE", "/session", { headers: { ...cookieAt(b), ...pageOf(b) } });
  t.equal(out.status, 200);
  for (const at of three) {
    const headers = { ...cookieAt(at), "X-Koor-After": String(positionOf(out)) };
    t.equal((await send(at.dashboardPort, "GET", "/api/state", { headers })).status, 401, "over at each of them");
  }
});

t.test("leases, and the line for them", async (t) => {
  const ana = (await register(a, "ana")).who;
  const bob = (await register(b, "bob")).who;
  const held = await ana.call<Lease>(a, "POST", "/api/leases", { resources: ["path:src/x"], ttl_s: 30 });
  t.equal(held.state, "held");
  t.match((await follow(bob, ana).ask(b, "POST", "/api/leases", { resources: ["path:src/x"] })).json(), { code: 409 });
  t.match(await bob.read(c, `/api/leases/${held.id}`), { state: "held", holder: { name: "ana" } });
  t.match(await ana.call(b, "POST", `/api/leases/${held.id}/renew`, { fence: held.fence, ttl_s: 60 }), { ttl_s: 60 });
  t.match(await follow(bob, ana).read(a, `/api/leases/${held.id}`), { ttl_s: 60 });

  // Waits in the queue at another node.
  const waiting = bob.call<Lease>(c, "POST", "/api/leases", { resources: ["path:src/x"], wait_s: 60 });
  const line = await until(
    a.port,
    "/api/leases/waits",
    // A request that arrived after the queue was read is counted already.
    (answer) => answer.json<{ readonly waits: readonly unknown[] }>().waits.length === 1,
    RIGHT,
  );
  t.match(line.json(), { waiting: 1, waits: [{ for: held.id, resource: "path:src/x" }] });
  t.equal((await ana.ask(a, "DELETE", `/api/leases/${held.id}?fence=${held.fence}`)).status, 200);
  const granted = await waiting;
  t.equal(granted.state, "held", "granted at c when it was released at a");
  t.ok((granted.fence ?? 0) > (held.fence ?? 0));
  t.match(await follow(ana, bob).read(b, `/api/leases/${granted.id}`), { state: "held", holder: { name: "bob" } });
  t.equal((await bob.ask(b, "DELETE", `/api/leases/${granted.id}?fence=${granted.fence}`)).status, 200);

  const first = await ana.call<Lease>(b, "POST", "/api/leases", { resources: ["path:src/y"] });
  const queued = await follow(bob, ana).call<Lease>(a, "POST", "/api/leases", {
    resources: ["path:src/y"],
    queue: true,
  });
  t.equal(queued.state, "waiting");
  await ana.ask(c, "DELETE", `/api/leases/${first.id}?fence=${first.fence}`);
  t.match(await follow(bob, ana).read(a, `/api/leases/${queued.id}`), { state: "held" });
  const write = await follow(ana, bob).ask(b, "PUT", "/api/state/led", "1");
  t.equal(write.status, 200);
});

t.test("a call in line that is given up at one node leaves the line at all", async (t) => {
  const ana = (await register(a, "ana")).who;
  const bob = await register(b, "bob");
  await ana.call<Lease>(a, "POST", "/api/leases", { resources: ["path:src/z"] });
  follow(bob.who, ana);
  const left = await bob.who.ask(c, "POST", "/api/leases", { resources: ["path:src/z"], wait_s: 1 });
  t.equal(left.status, 409, "it was not free in time");
  const waits = await bob.who.read<{ readonly waiting: number }>(a, "/api/leases/waits");
  t.equal(waits.waiting, 0);
});

t.test("tasks", async (t) => {
  const ana = await register(a, "ana");
  const bob = await register(b, "bob");
  const [made] = await ana.who.call<readonly Task[]>(a, "POST", "/api/tasks", [{ workspace: "w", title: "t" }]);
  const id = made?.id ?? "";
  const { task } = await follow(bob.who, ana.who).call<Claimed>(b, "POST", "/api/tasks/claim");
  t.match(task, { id, holder: { id: bob.id } });
  t.same(
    (await follow(ana.who, bob.who).call<Claimed>(c, "POST", "/api/tasks/claim")).task,
    null,
    "it is claimed once",
  );
  const fence = task?.fence;
  await bob.who.call(c, "POST", `/api/tasks/${id}/progress`, { fence, percent: 50, note: "half" });
  t.match(await follow(ana.who, bob.who).read(a, `/api/tasks/${id}`), { progress: 50, note: "half" });
  await bob.who.call(c, "POST", `/api/tasks/${id}/complete`, { fence, result: 1 });
  t.match(await follow(ana.who, bob.who).read(b, `/api/tasks/${id}`), { state: "done", result: 1 });

  // A waiter at one node gets the task that is made at another.
  const waiting = bob.who.call<Claimed>(b, "POST", "/api/tasks/claim", { wait_s: 60 });
  await until(b.port, "/metrics", ({ text }) => /^koor_http_requests_in_flight 2$/m.test(text), RIGHT);
  const [second] = await ana.who.call<readonly Task[]>(c, "POST", "/api/tasks", [{ workspace: "w", title: "u" }]);
  t.equal((await waiting).task?.id, second?.id);
});

t.test("messages", async (t) => {
  const ana = await register(a, "ana");
  const bob = await register(b, "bob");
  follow(bob.who, ana.who);
  follow(ana.who, bob.who);
  const waiting = bob.who.read<{ readonly messages: readonly { readonly id: string }[] }>(c, "/api/messages?wait=60");
  const sent = await ana.who.call<{ readonly id: string }>(a, "POST", "/api/messages", { to: bob.id, subject: "s" });
  t.same(
    (await waiting).messages.map(({ id }) => id),
    [sent.id],
    "who waits for one at another node has it",
  );
  const marked = await bob.who.call(b, "POST", "/api/messages/mark", { ids: [sent.id], as: "acked" });
  t.ok(marked);
  const box = await follow(ana.who, bob.who).read<{ readonly messages: readonly object[] }>(a, "/api/messages?box=out");
  t.match(box.messages, [{ id: sent.id, to: [{ id: bob.id, acked_at: String }] }]);
});

t.test("who waits at one node is woken by what is done at another", async (t) => {
  const who = operator();
  const { id, who: own } = await register(a, "waits");
  follow(who, own);
  const rows: readonly (readonly [query: string, act: () => Promise<unknown>, matched: object])[] = [
    ["event=wake.*", () => who.call(a, "POST", "/api/events/publish", { topic: "wake.up" }), { kind: "event" }],
    ["state=wakes", () => who.call(c, "PUT", "/api/state/wakes", 1), { kind: "state", key: "wakes" }],
    ["spec=p/wakes", () => who.call(a, "PUT", "/api/specs/p/wakes", {}), { kind: "spec" }],
    [`instance=${id}&is=active`, () => who.call(c, "POST", `/api/instances/${id}/activate`), { kind: "instance" }],
    [`instance=${id}&is=gone`, () => who.ask(a, "DELETE", `/api/instances/${id}`), { kind: "instance" }],
  ];
  for (const [query, act, matched] of rows) {
    const before = await waitingAt(b);
    const answer = who.read<{ readonly matched: object | null }>(b, `/api/wait?${query}&wait=60`);
    while ((await waitingAt(b)) <= before) await betweenLooks();
    await act();
    t.match((await answer).matched, matched, query);
  }
});

async function waitingAt({ port }: Koor): Promise<number> {
  const { text } = await send(port, "GET", "/metrics", { headers: RIGHT });
  return Number(/^koor_waiting_calls(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1] ?? Number.NaN);
}

t.test("events: each subscriber at another node gets each once, in order", async (t) => {
  const who = operator();
  await who.call(a, "POST", "/api/events/publish", { topic: "fan.first" });
  const query = "pattern=fan.*";
  const behind = `${query}&after_position=${who.position}`;
  const socket = await openSocket(t, b.port, behind, RIGHT);
  const stream = await openStream(t, c.port, behind, RIGHT);
  const published: number[] = [];
  for (let round = 0; round < 20; round++) {
    const ids = await Promise.all(
      three.map(async (at, index) => {
        const event = await operator().call<ReceivedEvent>(at, "POST", "/api/events/publish", {
          topic: `fan.${index}`,
          data: round,
        });
        return event.id;
      }),
    );
    published.push(...ids);
  }
  const expected = published.toSorted((one, other) => one - other);
  const last = expected.at(-1) ?? 0;
  t.equal(new Set(expected).size, 60, "an id is given out once");
  for (const [name, subscriber] of [
    ["WebSocket", socket],
    ["SSE", stream],
  ] as const) {
    const reported = (await subscriber.untilId(last)) as ReceivedEvent[];
    t.same(
      reported.map(({ id }) => id),
      expected,
      name,
    );
  }
  const polled = await who.read<readonly StoredEvent[]>(
    b,
    `/api/events/history?pattern=fan.*&after=${(expected[0] ?? 0) - 1}&last=100&wait=5`,
  );
  t.same(
    polled.map(({ id }) => id).toSorted((one, other) => one - other),
    expected,
    "the history is the same",
  );

  // A subscriber that loses its node resumes at another from the last event that it got.
  socket.socket.terminate();
  await who.call(c, "POST", "/api/events/publish", { topic: "fan.moved" });
  const moved = await openSocket(t, a.port, `${query}&since=${last}`, RIGHT);
  t.match(await moved.untilCount(1), [{ topic: "fan.moved" }], "what came between, and nothing twice");
});

t.test("a subscriber that is ahead of a node that lags", async (t) => {
  const who = operator();
  const { id } = await who.call<ReceivedEvent>(a, "POST", "/api/events/publish", { topic: "ahead.one" });
  const query = `pattern=ahead.*&since=${id}&after_position=${who.position}`;
  const socket = await openSocket(t, c.port, query, RIGHT);
  const stream = await openStream(t, b.port, query, RIGHT);
  await who.call(b, "POST", "/api/events/publish", { topic: "ahead.two" });
  for (const subscriber of [socket, stream])
    t.match(await subscriber.untilCount(1), [{ topic: "ahead.two" }], "neither the one of before, nor none");

  // A position ahead of every node: the request is refused, and the socket is told to come again.
  const far = `pattern=ahead.*&after_position=${Number.MAX_SAFE_INTEGER}`;
  const refused = await openSocket(t, c.port, far, RIGHT);
  t.equal(await refused.closed, 1013);
  await t.rejects(openStream(t, b.port, far, RIGHT), /refused: 503/);
});

/** Waits until a node has this many unanswered requests, or one of them was answered. */
async function untilWaiting({ port }: Koor, asked: readonly Promise<unknown>[]): Promise<void> {
  const waiting = new RegExp(`^koor_http_requests_in_flight ${asked.length + 1}$`, "m");
  await Promise.race([until(port, "/metrics", ({ text }) => waiting.test(text), RIGHT), ...asked]);
}

t.test("a node that lags", async (t) => {
  const cluster = await Clustered.begin(["--auth-token", TOKEN]);
  const ahead = await cluster.start(t, "ahead");
  const { member: behind, way } = await cluster.startApart(t, "behind");

  t.test("lets in who has come meanwhile, when it knows them, and nobody else", async (t) => {
    const leaving = await register(ahead, "leaves");
    await leaving.who.get(behind, "/api/state");
    way.stall();
    const { token, who } = await register(ahead, "comes");
    const own: OutgoingHttpHeaders = { Authorization: `Bearer ${token}` };
    const nobodys: OutgoingHttpHeaders = { Authorization: "Bearer nobody's" };
    const page = { Origin: `http://127.0.0.1:${ahead.dashboardPort}` };
    const loggedIn = await sendJson(ahead.dashboardPort, "POST", "/session", { token: TOKEN }, page);
    const session = /=([^;]*)/.exec(loggedIn.headers["set-cookie"]?.[0] ?? "")?.[1] ?? "";
    const { dashboardPort } = behind;
    const bySession: OutgoingHttpHeaders = {
      Cookie: `koor_session_${dashboardPort}=${session}`,
      Origin: `http://127.0.0.1:${dashboardPort}`,
    };
    const gone = follow(operator(), who);
    await gone.ask(ahead, "DELETE", `/api/instances/${leaving.id}`);
    const after = `after_position=${gone.position}`;
    const left: OutgoingHttpHeaders = { Authorization: `Bearer ${leaving.token}` };

    const query = `pattern=come.*&${after}`;
    const large = JSON.stringify("large ".repeat(100_000));
    const put = (path: string, headers: OutgoingHttpHeaders, body = large): Promise<number> =>
      send(behind.port, "PUT", `${path}?${after}`, { body, headers }).then(({ status }) => status);
    const halves = [large.slice(0, 100_000), large.slice(100_000)];
    const refused = (headers: OutgoingHttpHeaders): Promise<number> =>
      openSocket(t, behind.port, query, headers).then(
        () => 101,
        (error: unknown) => (error instanceof UpgradeRefused ? error.status : Number.NaN),
      );
    const subscribing = [
      openSocket(t, behind.port, query, own),
      openSocket(t, dashboardPort, query, bySession),
      openStream(t, behind.port, query, own),
    ] as const;
    const answering = [
      put("/api/state/large", own),
      send(behind.port, "PUT", `/api/state/chunked?${after}`, { chunks: halves, headers: own }).then(
        ({ status }) => status,
      ),
      put("/api/state/small", own, "1"),
      refused(nobodys),
      refused(left),
      put("/api/state/nobodys", nobodys),
      send(behind.port, "GET", `/api/events/stream?${after}`, { headers: nobodys }).then(({ status }) => status),
    ];
    await untilWaiting(behind, [...subscribing, ...answering]);
    way.resume();
    t.same(await Promise.all(answering), [200, 200, 200, 401, 401, 401, 401]);
    const subscribers = await Promise.all(subscribing);
    await gone.call(ahead, "POST", "/api/events/publish", { topic: "come.first" });
    for (const subscriber of subscribers) t.match(await subscriber.untilCount(1), [{ topic: "come.first" }]);
    for (const key of ["large", "chunked"]) t.equal((await gone.get(behind, `/api/state/${key}`)).text, large, key);
    t.equal((await gone.get(behind, "/api/state/small")).text, "1");
    t.equal((await gone.get(ahead, "/api/state/nobodys")).status, 404);
  });

  t.test("does nothing for who has gone meanwhile", async (t) => {
    const { id, who } = await register(ahead, "goes");
    await who.call(ahead, "POST", `/api/instances/${id}/activate`);
    await who.call(ahead, "POST", "/api/tasks", { title: "left alone" });
    await who.get(behind, "/api/state");
    way.stall();
    await who.call(ahead, "PUT", "/api/state/later", 1);
    const leaving = new AbortController();
    const asked = Object.entries({
      "/api/leases": { resources: ["nobody-s"] },
      "/api/tasks/claim": {},
    }).map(([path, body]) =>
      fetch(`http://127.0.0.1:${behind.port}${path}`, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { ...(who.headers as Record<string, string>), "X-Koor-After": String(who.position) },
        signal: leaving.signal,
      }),
    );
    await untilWaiting(behind, asked);
    leaving.abort();
    for (const each of asked) await t.rejects(each, { name: "AbortError" });
    // The node reads the end of these connections before it reads the log again.
    await send(behind.port, "GET", "/health");
    way.resume();
    await who.call(behind, "PUT", "/api/state/last", 1);
    t.same(await who.read(ahead, "/api/leases?resource=nobody-s&state=all"), { leases: [] });
    t.match(await who.read(ahead, "/api/tasks"), { tasks: [{ title: "left alone", state: "ready" }] });
  });

  t.test("goes on behind a cursor of a wait that another node has given out", async (t) => {
    const who = operator();
    const loop = async (at: Koor, query: string, after = "", waitS = 0): Promise<Waited> =>
      (await send(at.port, "GET", `/api/wait?${query}&after=${after}&wait=${waitS}`, { headers: RIGHT })).json();
    const both = "event=lag.*&state=lag";
    const quiet = "event=quiet.*&state=quiet";
    const begun = await Promise.all([loop(ahead, both), loop(ahead, quiet)]);
    way.stall();
    const cursors: string[] = [];
    for (const [at, name] of (["lag", "quiet"] as const).entries()) {
      await who.call(ahead, "POST", "/api/events/publish", { topic: `${name}.one` });
      await who.call(ahead, "PUT", `/api/state/${name}`, 1);
      const query = at === 0 ? both : quiet;
      const first = await loop(ahead, query, begun[at]?.cursor);
      const second = await loop(ahead, query, first.cursor);
      t.same([first.matched?.["kind"], second.matched?.["kind"]], ["event", "state"]);
      cursors.push(second.cursor);
    }
    const [lag = "", quieted = ""] = cursors;
    const asked = [loop(behind, both, lag, 30), loop(behind, quiet, quieted)] as const;
    await untilWaiting(behind, asked);
    await who.call(ahead, "POST", "/api/events/publish", { topic: "lag.two" });
    way.resume();
    const [waited, looked] = await Promise.all(asked);
    t.match(waited.matched, { kind: "event", event: { topic: "lag.two" } }, "what is new, and nothing before it");
    t.equal(looked.matched, null, "neither lagged, nor told once more");
    t.equal((await loop(behind, both, waited.cursor)).matched, null);
    t.equal((await loop(ahead, quiet, looked.cursor)).matched, null);
  });

  t.test("tells of each event once, to who polls behind one that it has not", async (t) => {
    const who = operator();
    way.stall();
    const { id } = await who.call<ReceivedEvent>(ahead, "POST", "/api/events/publish", { topic: "poll.known" });
    const poll = async (after: number, waitS: number): Promise<readonly StoredEvent[]> => {
      const query = `topic=poll.*&after=${after}&wait=${waitS}`;
      return (await send(behind.port, "GET", `/api/events/history?${query}`, { headers: RIGHT })).json();
    };
    t.same(await poll(id, 0), [], "it does not wait where it is not asked to");
    const asked = poll(id, 30);
    await untilWaiting(behind, [asked]);
    const published: number[] = [];
    for (const topic of ["poll.new", "other.new", "poll.newer"]) {
      const event = await who.call<ReceivedEvent>(ahead, "POST", "/api/events/publish", { topic });
      if (topic.startsWith("poll.")) published.push(event.id);
    }
    way.resume();
    const reported = (await asked).map((event) => event.id);
    while (reported.length < published.length)
      reported.push(...(await poll(reported.at(-1) ?? id, 30)).map((event) => event.id));
    t.same(reported, published);
  });

  t.test("refuses a cursor that it does not come to in time", { skip: longFormOnly() }, async (t) => {
    const { cursor } = await operator().read<Waited>(ahead, "/api/wait?event=late.*");
    way.stall();
    await operator().call(ahead, "POST", "/api/events/publish", { topic: "late.one" });
    const { cursor: newer } = await operator().read<Waited>(ahead, `/api/wait?event=late.*&after=${cursor}`);
    const late = await send(behind.port, "GET", `/api/wait?event=late.*&after=${newer}&wait=30`, { headers: RIGHT });
    t.equal(late.status, 503);
    t.match(late.json(), { error: /has not come to \d+ in 5 s/ });
    way.resume();
    await until(behind.port, "/health", ({ status }) => status === 200);
    const answer = await send(behind.port, "GET", `/api/wait?event=late.*&after=${newer}`, { headers: RIGHT });
    t.match(answer.json(), { matched: null });
  });
});

t.test("changes at one node are told at another", async (t) => {
  const who = operator();
  const changes = await openChanges(t, b.port, "state,spec,event,instance,rule", RIGHT);
  await who.call(a, "PUT", "/api/state/told", 1);
  await changes.until((message) => message.kind === "state" && message.key === "told" && message.version === 1);
  await who.call(c, "PUT", "/api/specs/p/told", 1);
  await changes.until((message) => message.kind === "spec" && message.key === "p/told");
  await who.call(a, "PUT", "/api/validate/told/rules", []);
  await changes.until((message) => message.kind === "rule");
  const { id } = await register(c, "told");
  await changes.until((message) => message.kind === "instance" && message.key === id);
  await who.ask(b, "DELETE", "/api/state/told");
  await changes.until((message) => message.kind === "state" && message.key === "told" && message.version === null);
});

t.test("a webhook is delivered once, whichever nodes know of it", async (t) => {
  const receiver = await startReceiver(t);
  const who = operator();
  await who.call(b, "POST", "/api/webhooks", { id: "w", url: receiver.url, patterns: ["hook.*"] });
  t.match(await who.read(c, "/api/webhooks"), [{ id: "w" }]);
  const ids: number[] = [];
  for (const at of [a, b, c, b])
    ids.push((await who.call<ReceivedEvent>(at, "POST", "/api/events/publish", { topic: "hook.x" })).id);
  await receiver.untilCount(ids.length);
  // An event after them would also come after a second delivery.
  const { id } = await who.call<ReceivedEvent>(c, "POST", "/api/events/publish", { topic: "hook.last" });
  await receiver.until(() => receiver.ids().includes(id));
  t.same(receiver.ids(), [...ids, id]);
  t.match(await who.call<{ readonly ok?: boolean }>(c, "POST", "/api/webhooks/w/test"), {});
  await who.ask(a, "DELETE", "/api/webhooks/w");
  t.same(await who.read(b, "/api/webhooks"), []);
});

t.test("agents' calls are counted over the nodes, and rows of the audit log and of usage are there", async (t) => {
  const { id, who } = await register(a, "counted");
  for (const at of three) for (let call = 0; call < 4; call++) await who.get(at, "/api/state");
  const counted = async (at: Koor): Promise<number> => {
    // A node stores its own counts before it reads them there.
    for (const other of three) await send(other.port, "GET", "/api/metrics/agents", { headers: RIGHT });
    interface Counted {
      readonly instance_id: string;
      readonly metrics: { readonly rest_calls: number };
    }
    const rows = await operator().read<readonly Counted[]>(at, "/api/metrics/agents");
    return rows.find(({ instance_id }) => instance_id === id)?.metrics.rest_calls ?? 0;
  };
  for (const at of three) {
    let count = await counted(at);
    while (count < 12) count = await counted(at);
    t.equal(count, 12, "each call once, of all nodes");
  }
  await who.call(b, "PUT", "/api/state/audited", 1);
  t.match(
    await follow(operator(), who).read(c, `/api/audit?actor=${id}&limit=1`),
    [{ action: "state.put", resource: "audited", actor: id, outcome: "success" }],
    "the row of what was done at another node",
  );
  t.equal((await who.ask(c, "PUT", "/api/state/audited?if_version=7", "1")).status, 412);
  t.match(await follow(operator(), who).read(a, `/api/audit?actor=${id}&limit=1`), [{ outcome: "error" }]);
  const usage = { project: "u", provider: "x", model: "m", tokens_in: 3, tokens_out: 4 };
  await who.call(b, "POST", "/api/llm/usage", usage);
  await who.call(c, "POST", "/api/llm/usage", usage);
  t.match(await follow(operator(), who).read(a, "/api/llm/usage/summary?project=u"), {
    total: { total_tokens_in: 6, request_count: 2 },
  });
});

t.test("a budget that is used up at one node holds claims at the others", async (t) => {
  const { id, who } = await register(a, "spender");
  const boss = operator();
  await boss.call(a, "PUT", "/api/budgets/spender", { scope: "agent", target: id, tokens: 10 });
  await follow(who, boss).call(b, "POST", "/api/llm/usage", { provider: "x", model: "m", tokens_in: 10 });
  t.match(await follow(boss, who).read(c, "/api/budgets"), {
    budgets: [{ id: "spender", state: "exhausted", used: { tokens: 10, reports: 1 } }],
  });
  t.match(await who.call(c, "POST", "/api/tasks/claim", {}), { task: null, held: [{ budget: "spender" }] });
  await boss.call(c, "DELETE", "/api/budgets/spender");
});

t.test("a rate limit that is reported at one node holds claims at the others", async (t) => {
  const { id, who } = await register(a, "limited");
  const boss = operator();
  await boss.call(a, "PATCH", `/api/instances/${id}`, { account: "acme:a" });
  await follow(who, boss).call(b, "POST", "/api/llm/limits", { provider: "acme", retry_after_s: 600 });
  const { limits } = await follow(boss, who).read<{ readonly limits: readonly { readonly id: number }[] }>(
    c,
    "/api/llm/limits",
  );
  t.match(limits, [{ account: "acme:a", reported_by: id }]);
  t.match(await who.call(c, "POST", "/api/tasks/claim", {}), { task: null, held: [{ account: "acme:a" }] });
  await boss.call(c, "DELETE", `/api/llm/limits/${limits[0]?.id}`);
});

t.test("an agent over MCP at another node", async (t) => {
  const who = operator();
  await who.call(a, "PUT", "/api/state/by-mcp", 7);
  const answer = await who.ask(
    b,
    "POST",
    "/mcp",
    { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} },
    { Accept: "application/json, text/event-stream" },
  );
  t.equal(answer.status < 500, true);
});

t.test("a position that is malformed, or not reached", { skip: longFormOnly() }, async (t) => {
  for (const header of ["x", "-1", "1.5", "99999999999999999"]) {
    const answer = await send(b.port, "GET", "/api/state", { headers: { ...RIGHT, "X-Koor-After": header } });
    t.same(
      refusalOf(answer),
      refusal(400, "X-Koor-After and after_position must be what X-Koor-Position was, a whole number"),
      header,
    );
  }
  t.equal((await send(b.port, "GET", "/api/state?after_position=x", { headers: RIGHT })).status, 400);
  const asked = (await operator().get(c, "/api/state")).headers["x-koor-position"];
  const far = Number(asked) + 1_000_000;
  const began = performance.now();
  const [read, write] = await Promise.all([
    send(c.port, "GET", `/api/state?after_position=${far}`, { headers: RIGHT }),
    send(c.port, "PUT", "/api/state/never", { body: "1", headers: { ...RIGHT, "X-Koor-After": String(far) } }),
  ]);
  const tookMs = performance.now() - began;
  t.ok(tookMs >= 4_500 && tookMs < 15_000, `${tookMs} ms`);
  for (const answer of [read, write]) {
    t.equal(answer.status, 503);
    t.match(answer.json(), { error: /has not come to \d+ in 5 s/, code: 503 });
  }
  t.equal((await send(c.port, "GET", "/api/state/never", { headers: RIGHT })).status, 404, "nor was it carried out");
  t.equal((await send(c.port, "GET", "/api/state?after_position=1", { headers: RIGHT })).status, 200);
});

t.test("whatever node is asked, no answer is older than the position", async (t) => {
  const seed = newSeed();
  const random = makeRandom(seed);
  const values = new Map<string, string>();
  const clients = Array.from({ length: 4 }, (_, number) => ({ who: operator(), key: `hot/${number}` }));
  await Promise.all(
    clients.map(async ({ who, key }) => {
      for (let round = 0; round < 100; round++) {
        const at = three[random(3)] ?? a;
        const path = `/api/state/${key}`;
        if (random(2) === 0) {
          const value = JSON.stringify(`${key} ${round}`);
          const answer = await who.ask(at, "PUT", path, value);
          if (answer.status !== 200) throw new Error(answer.text);
          values.set(key, value);
        } else {
          const { status, text } = await who.get(at, path);
          const value = values.get(key);
          if (value === undefined ? status !== 404 : text !== value)
            throw new Error(`seed ${seed}: ${at.node} says ${text} of ${key}, and ${value} was written`);
        }
      }
    }),
  );
  for (const { who, key } of clients)
    for (const at of three) {
      const { text, headers } = await who.get(at, `/api/state/${key}`);
      const value = values.get(key) ?? "";
      if (value === "") continue;
      t.equal(text, value);
      t.equal(headers.etag, (await who.get(a, `/api/state/${key}`)).headers.etag, "one ETag at each node");
      t.ok(hashOf(value).length > 0);
    }
});

t.test("positions never go back while others write", async (t) => {
  const who = operator();
  const progress = { done: false };
  const writing = (async () => {
    for (let round = 0; round < 60; round++) await who.call(a, "PUT", "/api/state/moving", round);
    progress.done = true;
  })();
  const watchers = three.map(async ({ port, node }) => {
    let position = 0;
    let asked = 0;
    while (!progress.done) {
      const reached = positionOf(await send(port, "GET", "/api/state/moving", { headers: RIGHT }));
      if (reached < position) throw new Error(`${node} went from ${position} back to ${reached}`);
      position = reached;
      asked += 1;
    }
    return asked;
  });
  const counts = await Promise.all(watchers);
  await writing;
  t.ok(counts.every((count) => count > 0));
});

t.test(
  "who is heard of at one node is neither stale nor loses claims at another",
  { skip: longFormOnly() },
  async (t) => {
    const [first, second, third] = await startThree(t, ["--stale-after", "2s", "--liveness-interval", "200ms"]);
    const who = new Wanderer();
    const enlist = async (name: string): Promise<{ id: string; as: Wanderer }> => {
      const { id } = await who.call<Registered>(first, "POST", "/api/instances/register", { name, workspace: "w" });
      await who.call(first, "POST", `/api/instances/${id}/activate`);
      return { id, as: follow(new Wanderer({ "X-Koor-Instance": id }), who) };
    };
    const alive = await enlist("alive");
    const silent = await enlist("silent");
    const kept = await alive.as.call<Lease>(first, "POST", "/api/leases", { resources: ["kept"], ttl_s: 2 });
    const lost = await silent.as.call<Lease>(second, "POST", "/api/leases", { resources: ["lost"], ttl_s: 2 });
    const stale = await openSocket(t, second.port, "pattern=agent.stale");
    const ended = await openSocket(t, third.port, "pattern=lease.lost");
    // Sends requests to a node that is not the leader, until long after the other instance has expired.
    for (let more = 4; more > 0; ) {
      await send(third.port, "POST", `/api/instances/${alive.id}/heartbeat`);
      // Ends after a second, because nothing is published there.
      await send(third.port, "GET", "/api/events/history?topic=never&wait=1");
      if (stale.items.length > 0 && ended.items.length > 0) more -= 1;
    }
    t.match(stale.received(), [{ topic: "agent.stale", data: { instance_id: silent.id } }]);
    t.equal(stale.items.length, 1, "one of them, once");
    t.match(ended.received(), [{ topic: "lease.lost", data: { lease_id: lost.id, reason: "expired" } }]);
    t.equal(ended.items.length, 1);
    const after = new Wanderer();
    for (const at of [first, second, third]) {
      t.match(await after.read(at, `/api/instances/${alive.id}`), { status: "active" });
      t.match(await after.read(at, `/api/instances/${silent.id}`), { status: "stale" });
      t.match(await after.read(at, `/api/leases/${kept.id}`), { state: "held" });
    }
    // A request at one node ends the silence at all of them.
    await send(second.port, "POST", `/api/instances/${silent.id}/heartbeat`);
    for (const { port } of [first, second, third])
      await until(port, `/api/instances/${silent.id}`, ({ text }) => /"status":"active"/.test(text));
    t.pass("active again everywhere");
  },
);

t.test("when the node that leads has gone, another one does what it did", { skip: longFormOnly() }, async (t) => {
  const receiver = await startReceiver(t);
  const cluster = await Clustered.begin();
  const first = await cluster.start(t, "first");
  const others = await Promise.all([cluster.start(t, "second"), cluster.start(t, "third")]);
  const [second, third] = others;
  const who = new Wanderer();
  await who.call(first, "POST", "/api/webhooks", { id: "w", url: receiver.url, patterns: ["led.*"] });
  const before = await who.call<ReceivedEvent>(second, "POST", "/api/events/publish", { topic: "led.before" });
  await receiver.until(() => receiver.ids().includes(before.id));
  t.equal(await first.stop(), 0);
  const meanwhile = await who.call<ReceivedEvent>(third, "POST", "/api/events/publish", { topic: "led.meanwhile" });
  const reported = await until(second.port, "/health", (answer) =>
    /^(second|third)$/.test(answer.json<{ cluster: { leader: string } }>().cluster.leader),
  );
  const { leader } = reported.json<{ readonly cluster: { readonly leader: string } }>().cluster;
  t.ok(leader === "second" || leader === "third");
  await receiver.until(() => receiver.ids().includes(meanwhile.id));
  t.same(receiver.ids().slice(-1), [meanwhile.id]);
  await until(third.port, "/api/cluster", (answer) =>
    answer
      .json<{ readonly nodes: readonly { readonly node: string; readonly state: string }[] }>()
      .nodes.some(({ node, state }) => node === "first" && state === "silent"),
  );
  // It rejoins and has what it missed.
  await who.call(third, "PUT", "/api/state/missed", 1);
  const again = await cluster.start(t, "first", first.data_dir);
  t.equal((await who.get(again, "/api/state/missed")).text, "1");
  t.match((await send(again.port, "GET", "/health")).json(), { cluster: { leader, state: "ok" } });
  const last = await who.call<ReceivedEvent>(again, "POST", "/api/events/publish", { topic: "led.after" });
  await receiver.until(() => receiver.ids().includes(last.id));
  t.equal(new Set(receiver.ids()).size, receiver.ids().length, "nothing twice");
});
