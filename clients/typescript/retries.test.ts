/**
 * Tests retries, failover, timeouts and errors. clients/behaviours.json describes the expected behaviour. The servers
 * are scripted, except where a test needs a real one.
 */
import { once } from "node:events";
import { connect as dial, createServer, type AddressInfo } from "node:net";
import t, { type Test } from "tap";
import { behaviour, ERRORS } from "../../test/support/behaviours.js";
import { ScriptedServer, type ScriptedAnswer } from "../../test/support/scripted-server.js";
import { startKoor } from "../../test/support/server-process.js";
import * as library from "./client.js";
import { connect, type Client } from "./client.js";

/** An answer that satisfies every call in this file. */
const OK: ScriptedAnswer = { status: 200, headers: { "x-koor-version": "1" }, body: "{}" };
const refusal = (status: number, headers: Record<string, string> = {}): ScriptedAnswer => ({
  status,
  headers,
  body: JSON.stringify({ error: "not now", code: status }),
});

const at = (position: number, status = 200): ScriptedAnswer =>
  status === 200
    ? { status, headers: { "x-koor-position": String(position) }, body: "1" }
    : refusal(status, { "x-koor-position": String(position) });

for (const row of ERRORS)
  await t.test(row.id, async (t) => {
    const body = { error: row.error, code: row.status };
    const server = await ScriptedServer.start(t, [{ status: row.status, body: JSON.stringify(body) }]);
    const client = connect({ url: server.url, retries: 0 });
    const error: unknown = await client.events.publish("a").catch((failure: unknown) => failure);
    t.ok(error instanceof library.KoorError);
    t.equal((error as Error).constructor, (library as unknown as Record<string, unknown>)[row.class]);
    t.match(error, { status: row.status, code: row.status, body, message: row.error, name: row.class });
    t.equal(server.requests.length, 1);
  });

await t.test("an answer of a proxy, and the families of errors", async (t) => {
  const server = await ScriptedServer.start(t, [{ status: 503, body: "<h1>Service unavailable</h1>" }, OK]);
  const client = connect({ url: server.url });
  const error: unknown = await client.events.publish("a").catch((failure: unknown) => failure);
  t.ok(error instanceof library.UnavailableError, "it does not prove that nothing was stored");
  t.match(error, { status: 503, code: 503, body: "<h1>Service unavailable</h1>" });
  for (const derived of [library.LeasedError, library.LeaseLostError, library.StaleFenceError])
    t.ok(new derived("x") instanceof library.ConflictError);
  t.ok(new library.TimeoutError("x") instanceof library.UnavailableError);
});

for (const [id, status] of [
  ["retry-429", 429],
  ["retry-503", 503],
] as const) {
  const check = async (t: Test): Promise<void> => {
    const server = await ScriptedServer.start(t, [refusal(status, { "retry-after": "1" }), OK]);
    await connect({ url: server.url }).state.set("a", 1);
    const [first, second] = server.requests;
    t.ok(second !== undefined && first !== undefined && second.atMs - first.atMs >= 1000);
    t.same(second?.body, first?.body);
  };
  if (id === "retry-429") await behaviour(t, "retry-429", check);
  else await behaviour(t, "retry-503", check);
}

await behaviour(t, "retry-one-request-id", async (t) => {
  const answered = {
    ...OK,
    body: JSON.stringify({ id: "lease-1", state: "held", fence: 1, ttl_s: 600, max_s: 600, task: null, lease: null }),
  };
  const calls: readonly ((client: Client) => Promise<unknown>)[] = [
    async (client) => {
      const held = await client.leases.acquire("a");
      // Releases the lease here. Otherwise it would be released later, by a further request.
      await held.release();
    },
    (client) => client.tasks.add({ title: "a" }),
    (client) => client.tasks.claim(),
    (client) => client.messages.send({ to: "name:ben", subject: "a" }),
  ];
  for (const call of calls) {
    const server = await ScriptedServer.start(t, ["cut", refusal(503), answered]);
    const client = connect({ url: server.url });
    await call(client);
    await call(client);
    const ids = server.requests
      .filter(({ method }) => method === "POST")
      .map(({ body }) => (JSON.parse(body) as { request_id: string }).request_id);
    t.match(ids, [/^\S+$/, ids[0], ids[0], /^\S+$/]);
    t.equal(new Set(ids).size, 2);
  }
});

await behaviour(t, "retry-real-once", async (t) => {
  const { url, port } = await startKoor(t);
  const direct = connect({ url });
  const { client: ben } = await direct.instances.register({ name: "ben" });
  const { instance } = await direct.instances.register({ name: "ana" });
  // This proxy cuts its first connection when the first bytes of an answer arrive. It passes all other data on.
  let connections = 0;
  const proxy = createServer((near) => {
    const isFirst = connections++ === 0;
    const far = dial(port, "127.0.0.1");
    for (const socket of [near, far]) socket.on("error", () => undefined);
    near.pipe(far);
    far.on("data", (bytes) => (isFirst ? near.destroy() : near.write(bytes)));
    near.once("close", () => far.destroy());
    far.once("close", () => near.destroy());
  }).listen(0, "127.0.0.1");
  t.teardown(() => proxy.close());
  await once(proxy, "listening");
  const through = connect({ url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, instance: instance.id });
  await through.messages.send({ to: "name:ben", subject: "once" });
  t.ok(connections > 1, "the first answer was lost");
  t.match(await ben.messages.list(), { messages: [{ subject: "once" }] });
  t.equal((await ben.messages.list()).messages.length, 1);
});

await behaviour(t, "no-retry-unsafe", async (t) => {
  const server = await ScriptedServer.start(t, ["cut", OK]);
  const error: unknown = await connect({ url: server.url })
    .events.publish("a")
    .catch((failure: unknown) => failure);
  t.ok(error instanceof library.UnavailableError);
  t.match(error, { status: 0, body: null, outcomeUnknown: true });
  t.equal(server.requests.length, 1);
  const safe = await ScriptedServer.start(t, ["cut", OK]);
  await connect({ url: safe.url }).state.get("a");
  t.equal(safe.requests.length, 2);
});

/** Returns the address of a port on which nothing listens. */
async function closedAddress(t: Test): Promise<string> {
  const server = await ScriptedServer.start(t, []);
  const { url } = server;
  server.close();
  return url;
}

await behaviour(t, "failover", async (t) => {
  const { url } = await startKoor(t);
  const client = connect({ url: [await closedAddress(t), await closedAddress(t), url] });
  // A refused connection has transferred nothing. So even a write that must not be repeated is sent to the next server.
  t.match(await client.events.publish("a.b", 1), { topic: "a.b" });
  await client.state.set("a", 1);
  t.equal((await client.state.get("a")).value, 1);
  const fresh = connect({ url: [await closedAddress(t), await closedAddress(t), url] });
  for await (const event of fresh.events.subscribe("a.*", { since: 0 })) {
    t.match(event, { topic: "a.b" });
    break;
  }
});

await behaviour(t, "failover-killed", async (t) => {
  const servers = await Promise.all([1, 2, 3].map(() => ScriptedServer.start(t, [OK])));
  const client = connect({ url: servers.map(({ url }) => url) });
  await client.state.get("a");
  t.same(
    servers.map(({ requests }) => requests.length),
    [1, 0, 0],
  );
  servers[0]?.close();
  await client.state.get("a");
  t.same(
    servers.map(({ requests }) => requests.length),
    [1, 1, 0],
  );
});

await behaviour(t, "failover-position", async (t) => {
  const server = await ScriptedServer.start(t, [at(7), at(5)]);
  const client = connect({ url: server.url });
  for (let call = 0; call < 3; call++) await client.state.get("a");
  t.same(
    server.requests.map(({ headers }) => headers["x-koor-after"]),
    [undefined, "7", "7"],
  );
});

await behaviour(t, "failover-lagging", async (t) => {
  const first = await ScriptedServer.start(t, [at(7), at(5, 503)]);
  const second = await ScriptedServer.start(t, [at(7)]);
  const client = connect({ url: [first.url, second.url] });
  await client.state.get("a");
  await client.state.get("a");
  t.equal(second.requests.length, 1);
  t.equal(second.requests[0]?.headers["x-koor-after"], "7");
});

await behaviour(t, "failover-silent", async (t) => {
  const silent = await ScriptedServer.start(t, ["silent"]);
  const second = await ScriptedServer.start(t, [OK]);
  const url = [silent.url, second.url];
  const writer = connect({ url });
  await t.rejects(writer.events.publish("a", 1, { timeoutMs: 200 }), { name: "TimeoutError" });
  await writer.state.get("a");
  t.same([silent.requests.length, second.requests.length], [1, 1]);
  // A repeatable call keeps a part of its time for the next server.
  const reader = connect({ url });
  await reader.state.get("a", { timeoutMs: 2000 });
  t.same([silent.requests.length, second.requests.length], [2, 2]);
});

await behaviour(t, "failover-isolated", async (t) => {
  const isolated = await ScriptedServer.start(t, [
    { status: 200, body: '{"matched":null,"cursor":"c"}' },
    { status: 503, body: '{"status":"degraded","cluster":{"state":"cut_off"}}' },
  ]);
  const healthy = await ScriptedServer.start(t, [
    { status: 200, body: '{"status":"ok"}' },
    { status: 200, body: '{"matched":{"kind":"event"},"cursor":"d"}' },
  ]);
  const { matched } = await connect({ url: [isolated.url, healthy.url] }).wait({ event: "a" });
  t.match(matched, { kind: "event" });
  t.same(
    isolated.requests.map(({ url }) => url.replace(/\?.*/, "")),
    ["/api/wait", "/health"],
  );
  t.match(healthy.requests[1]?.url, /^\/api\/wait\?.*\bafter=c\b/);
});

await behaviour(t, "failover-long-poll", async (t) => {
  const { url } = await startKoor(t);
  const others = await Promise.all(Array.from({ length: 9 }, () => ScriptedServer.start(t, [OK])));
  const client = connect({ url: [url, ...others.map((other) => other.url)], timeoutMs: 15_000 });
  t.equal((await client.wait({ event: "a.b", wait_s: 2 })).matched, null);
  t.same(
    others.flatMap(({ requests }) => requests.filter((request) => request.url !== "/health")),
    [],
  );
});

await t.test("a position behind the end of the cluster's log is given up", async (t) => {
  const status = JSON.stringify({ state: "ok", log_last: 3 });
  // There are four requests: the first get, the refused get, the request for the log's end, and the get with the new
  // position.
  const server = await ScriptedServer.start(t, [at(7), at(3, 503), { ...OK, body: status }, at(3)]);
  const client = connect({ url: server.url });
  await client.state.get("a");
  await client.state.get("a");
  t.same(
    server.requests.map(({ url, headers }) => [url, headers["x-koor-after"]]),
    [
      ["/api/state/a", undefined],
      ["/api/state/a", "7"],
      ["/api/cluster", undefined],
      ["/api/state/a", "3"],
    ],
  );
});

await behaviour(t, "timeout", async (t) => {
  const server = await ScriptedServer.start(t, ["silent"]);
  const error: unknown = await connect({ url: server.url })
    .state.get("a", { timeoutMs: 200 })
    .catch((failure: unknown) => failure);
  t.ok(error instanceof library.TimeoutError && error instanceof library.UnavailableError);
  await server.gaveUp(1);
  const byConnection = connect({ url: server.url, timeoutMs: 50 });
  await t.rejects(byConnection.state.get("a"), library.TimeoutError, "also of the whole client");
});

await behaviour(t, "abort", async (t) => {
  const server = await ScriptedServer.start(t, ["silent"]);
  const whole = new AbortController();
  const one = new AbortController();
  const client = connect({ url: server.url, signal: whole.signal });
  const first = client.state.get("a", { signal: one.signal });
  await server.asked(1);
  one.abort(new Error("one"));
  await t.rejects(first, { message: "one" });
  const second = client.state.get("a");
  await server.asked(2);
  whole.abort(new Error("whole"));
  await t.rejects(second, { message: "whole" });
  await server.gaveUp(2);
  await t.rejects(client.state.get("a"), { message: "whole" }, "nothing is sent any more");
  t.equal(server.requests.length, 2);
});

await t.test("a server that says nothing leaves time for the next one", async (t) => {
  const silent = await ScriptedServer.start(t, ["silent"]);
  const answering = await ScriptedServer.start(t, [OK]);
  await connect({ url: [silent.url, answering.url], timeoutMs: 1000 }).state.get("a");
  t.equal(answering.requests.length, 1);
});
