/**
 * Tests "Leases" of the HTTP API against a real server: requests, wait queues, the lives of claims, fences, and
 * refusals.
 */
import { once } from "node:events";
import t from "tap";
import { RESOURCE_BYTES_MAX } from "../schemas/limits/claims.js";
import { LEASE_RESOURCES_MAX, LEASES_OF_HOLDER_MAX } from "../schemas/limits/leases.js";
import { TIMESTAMP } from "./support/answers.js";
import { parseExposition } from "./support/exposition.js";
import { send, type Refusal } from "./support/http-client.js";
import { Agent, eventsOf, type Lease, nextEvent } from "./support/leasing.js";
import { RESTORE_REFUSED } from "./support/variant.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { type AuditRow, TestSpace } from "./support/test-space.js";

interface Conflicts extends Refusal {
  readonly conflicts: readonly { readonly resource: string; readonly wanted: string; readonly lease: Lease }[];
  readonly cycle: readonly { readonly holder: { readonly id: string }; readonly lease: Lease | null }[];
}

interface Waits {
  readonly waiting: number;
  readonly waits: readonly { readonly lease: string; readonly for: string; readonly wanted: string }[];
  readonly leases: readonly Lease[];
}

/** The server of the tests that have a workspace, keys and names of resources of their own. */
const common = await startKoor(t);

t.test("a lease can be acquired, read and released", async (t) => {
  const space = await TestSpace.begin(common.port, "acquired");
  const { port } = space;
  const [ana, bob] = await space.agents("ana", "bob");
  const lease = await ana.lease(["path:src/**", "state:acquired/*", "deploy"], { reason: "why" });
  t.match(lease, {
    id: space.leaseId(1),
    fence: space.fence(1),
    state: "held",
    holder: { id: ana.id, name: "ana" },
    workspace: "acquired",
    resources: ["path:src/**", "state:acquired/*", "deploy"],
    mode: "exclusive",
    reason: "why",
    note: null,
    ttl_s: 600,
    max_s: 14_400,
    granted_at: TIMESTAMP,
    expires_at: TIMESTAMP,
    ended_at: null,
    position: null,
  });
  const refused = await bob.tryLease(["path:src/a.ts"]);
  t.equal(refused.status, 409);
  t.match(refused.json(), {
    error: "leased by ana: path:src/**",
    code: 409,
    conflicts: [{ resource: "path:src/**", wanted: "path:src/a.ts", lease: { id: space.leaseId(1) } }],
  });
  t.equal((await ana.tryLease(["path:src/a.ts"])).status, 200, "a holder does not block itself");
  t.equal((await bob.tryLease(["path:docs/a.md"])).status, 200, "another resource is free");
  t.equal(
    (await bob.tryLease(["path:src/a.ts"], { workspace: "acquired-other" })).status,
    200,
    "the same path in another workspace is another resource",
  );
  t.equal(
    (await bob.tryLease(["state:acquired/x"], { workspace: "acquired-other" })).status,
    409,
    "but values are the whole server's",
  );
  t.same((await ana.release(lease)).json(), { released: space.leaseId(1) });
  t.same((await ana.release(lease)).json(), { released: space.leaseId(1) }, "a second release is answered alike");
  t.match(await ana.get(space.leaseId(1)), {
    state: "released",
    ended_at: TIMESTAMP,
    expires_at: null,
    fence: space.fence(1),
  });
  t.equal(
    (await ana.ask("DELETE", `/api/leases/${space.leaseId(1)}?fence=${space.fence(9)}`)).status,
    409,
    "a release under another fence is refused",
  );
  t.same((await ana.ask("GET", `/api/leases/${space.leaseId(99)}`)).json(), {
    error: `lease not found: ${space.leaseId(99)}`,
    code: 404,
  });
  const rows = await space.auditRows();
  t.same(
    rows.filter(({ action }) => action.startsWith("lease.")).map((row) => [row.action, row.resource, row.outcome]),
    [
      ["lease.acquire", space.leaseId(1), "success"],
      ["lease.acquire", "", "error"],
      ["lease.acquire", space.leaseId(2), "success"],
      ["lease.acquire", space.leaseId(3), "success"],
      ["lease.acquire", space.leaseId(4), "success"],
      ["lease.acquire", "", "error"],
      ["lease.release", space.leaseId(1), "success"],
      ["lease.release", space.leaseId(1), "error"],
    ],
    "each call that changes something has one row, and refusals do, too",
  );
  const [granted] = await space.events("lease.*");
  t.match(granted, {
    topic: "lease.granted",
    source: "koor",
    data: {
      lease_id: space.leaseId(1),
      holder: { id: ana.id, name: "ana" },
      workspace: "acquired",
      resources: ["path:src/**", "state:acquired/*", "deploy"],
      mode: "exclusive",
      fence: space.fence(1),
      task: null,
      reason: "why",
    },
  });
  const figures = parseExposition((await send(port, "GET", "/metrics")).text);
  t.ok(figures.has("koor_leases") && figures.has("koor_lease_wait_seconds"));
});

t.test("requests wait in the order of their arrival", async (t) => {
  const space = await TestSpace.begin(common.port, "order");
  const [ana, bob, cid] = await space.agents("ana", "bob", "cid");
  const first = await ana.lease(["path:a", "path:b"]);
  const waiting = await bob.tryLease(["path:a"], { queue: true });
  t.equal(waiting.status, 202);
  t.match(waiting.json(), { state: "waiting", fence: null, granted_at: null, expires_at: null, position: 1 });
  const shared = await cid.lease(["path:*"], { queue: true, mode: "shared" });
  t.equal(shared.position, 2);
  t.match((await cid.tryLease(["path:a"], { wait_s: 1 })).json(), { error: /^leased by ana: path:a$/ });
  t.equal(
    (await cid.ask("GET", "/api/leases?state=waiting&workspace=order")).json<{ leases: Lease[] }>().leases.length,
    2,
    "it has left the queue",
  );
  const held = bob.get(waiting.json<Lease>().id, 60);
  await ana.release(first);
  t.match(await held, { state: "held", fence: space.fence(2), position: null });
  t.equal((await cid.get(shared.id)).position, 1);
  const awaited = await ana.tryLease(["path:b"]);
  t.match(
    awaited.json(),
    { error: "awaited by cid: path:*", conflicts: [{ lease: { id: shared.id } }] },
    "no request overtakes",
  );
  await bob.release(await bob.get(waiting.json<Lease>().id));
  t.match(await cid.get(shared.id, 60), { state: "held", fence: space.fence(3) });
  t.equal((await ana.tryLease(["path:z"], { mode: "shared" })).status, 200, "shared leases are compatible");
  const left = await ana.lease(["path:b"], { queue: true });
  t.equal((await ana.release(left)).status, 200);
  t.equal(
    (await ana.ask("DELETE", `/api/leases/${left.id}?fence=${space.fence(9)}`)).status,
    200,
    "and again under any fence",
  );
  t.match(await ana.get(left.id), { state: "released", fence: null, granted_at: null });
});

t.test("a request that would close a cycle is refused, and one that others wait for may overtake", async (t) => {
  const space = await TestSpace.begin(common.port, "cycle");
  const { port } = space;
  const [ana, bob, cid] = await space.agents("ana", "bob", "cid");
  await ana.lease(["a"]);
  await bob.lease(["b"]);
  await cid.lease(["c"]);
  const [one, two] = [await ana.lease(["b"], { queue: true }), await bob.lease(["c"], { queue: true })];
  const refused = await cid.tryLease(["a"], { queue: true });
  t.equal(refused.status, 409);
  const { error, cycle } = refused.json<Conflicts>();
  t.equal(error, "this would deadlock");
  t.same(
    cycle.map(({ holder, lease }) => [holder.id, lease?.id ?? null]),
    [
      [cid.id, null],
      [ana.id, one.id],
      [bob.id, two.id],
    ],
  );
  t.match(
    (await cid.tryLease(["a"])).json(),
    { error: "leased by ana: a" },
    "a request that does not wait closes no cycle",
  );
  const [dan] = await space.agents("dan");
  await dan.lease(["a", "free"], { queue: true });
  const [eve] = await space.agents("eve");
  t.match((await eve.tryLease(["free"])).json(), { error: "awaited by dan: free" }, "no request overtakes dan");
  t.equal((await ana.tryLease(["free"])).status, 200, "but ana's does, because dan waits for her");
  t.equal((await bob.tryLease(["a"])).status, 409);
  const waitsOf = async (query = ""): Promise<Waits> =>
    (await send(port, "GET", `/api/leases/waits${query}`)).json<Waits>();
  const pairs = ({ waits, leases }: Waits): string[] =>
    waits.map(({ lease, for: blocker, wanted }) => {
      const nameOf = (id: string): string => leases.find((named) => named.id === id)?.holder.name ?? "";
      return `${nameOf(lease)} ${wanted} ${nameOf(blocker)}`;
    });
  // Dan is blocked by ana's two leases. A later waiter is blocked by dan as long as no other client holds what it
  // wants.
  await eve.lease(["free"], { queue: true, workspace: "cycle-elsewhere" });
  const all = await waitsOf();
  t.same(pairs(all), ["ana b bob", "bob c cid", "dan a ana", "dan free ana"]);
  t.equal(all.waiting, 3);
  t.same(
    all.leases.map(({ id }) => Number(id.slice(6))),
    all.leases.map(({ id }) => Number(id.slice(6))).toSorted((a, b) => b - a),
    "each lease is there once, the newest first",
  );
  const eves = await eve.lease(["free"], { queue: true });
  const frees = await ana.ask("GET", "/api/leases?resource=free&workspace=cycle");
  const [held] = frees.json<{ leases: Lease[] }>().leases;
  if (held !== undefined) await ana.release(held);
  t.same(pairs(await waitsOf()).at(-1), "eve free dan", "the earlier waiter is the blocker where nothing is held");
  t.same(pairs(await waitsOf("?limit=1")), ["ana b bob"], "the longest waiting is first");
  t.equal((await waitsOf("?limit=1")).waiting, 4, "the answer has the number of blockers");
  t.same(await waitsOf("?workspace=none"), { waiting: 0, waits: [], leases: [] });
  await eve.release(eves);
  t.equal((await waitsOf()).waiting, 3);
});

t.test("a request that a queued one waits for may overtake, too", async (t) => {
  const space = await TestSpace.begin(common.port, "overtakes");
  const [ana, bob, cid] = await space.agents("ana", "bob", "cid");
  await ana.lease(["a"]);
  await bob.lease(["a", "b"], { queue: true });
  await cid.lease(["b", "c"], { queue: true });
  const [dan] = await space.agents("dan");
  t.match((await dan.tryLease(["c"])).json(), { error: "awaited by cid: c" }, "no request overtakes cid");
  t.equal((await bob.tryLease(["c"])).status, 200, "but bob's does, because cid waits for him");
  await bob.release(await bob.get(space.leaseId(4)));
  t.equal((await ana.tryLease(["c"])).status, 200, "and so does ana's, because bob waits for her");
});

t.test("a claim lives while its holder sends heartbeats", async (t) => {
  const space = await TestSpace.begin(common.port, "lives");
  const [ana, bob, cid] = await space.agents("ana", "bob", "cid");
  const silent = await ana.lease(["a"], { ttl_s: 1, reason: "mine" });
  const busy = await bob.lease(["b"], { ttl_s: 1 });
  await bob.ask("POST", `/api/instances/${bob.id}/heartbeat`, { busy_s: 60 });
  const waits = await cid.lease(["c"], { ttl_s: 1 });
  const poll = cid.ask("GET", "/api/events/history?topic=enough&wait=30");
  const lost = await space.nextEvent("lease.lost");
  t.match(lost.data, { lease_id: silent.id, holder: { id: ana.id }, fence: space.fence(1), reason: "expired" });
  t.match(await ana.get(silent.id), { state: "lost", reason: "expired", note: null, expires_at: null });
  t.same((await ana.release(silent)).json(), { error: "lease lost", code: 409 });
  t.same((await ana.renew(silent, { fence: silent.fence })).json(), { error: "lease lost", code: 409 });
  t.equal((await bob.get(waits.id)).state, "held", "an agent that waits in a call is alive");
  await bob.ask("POST", "/api/events/publish", { topic: "enough", data: 1 });
  await poll;
  t.equal((await bob.get(busy.id)).state, "held", "an agent that said so is busy");
  const ends = Date.parse((await bob.get(busy.id)).expires_at ?? "") - Date.now();
  // A busy machine may have taken many seconds until here.
  t.ok(ends > 5_000 && ends <= 61_000, `it ends in ${ends} ms`);
  await bob.ask("POST", `/api/instances/${bob.id}/heartbeat`, { busy_s: 0 });
  t.match((await space.nextEvent("lease.lost", lost.id)).data, { reason: "expired" });
  const short = await ana.lease(["a"], { max_s: 1 });
  // It sends heartbeats all the time.
  const alive = ana.ask("GET", "/api/events/history?topic=none&wait=2");
  t.match(await ana.renew(short, { fence: short.fence, ttl_s: 60 }).then((answer) => answer.json()), { ttl_s: 60 });
  await alive;
  t.match(await ana.get(short.id), { state: "lost", reason: "max_s" });
  const rows = (await space.auditRows()).filter(({ action, actor }) => action === "lease.lost" && actor === "koor");
  t.ok(rows.length >= 3 && rows.every(({ outcome }) => outcome === "success"), "the server publishes the end");
});

t.test("a write under an old fence is rejected", async (t) => {
  const space = await TestSpace.begin(common.port, "fences");
  const { port } = space;
  const [ana, bob] = await space.agents("ana", "bob");
  const old = await ana.lease(["state:fences/*", "spec:fences/*"]);
  const put = (agent: Agent, path: string, fence?: string) =>
    agent.ask("PUT", path, { by: agent.name }, fence === undefined ? {} : { "X-Koor-Fence": fence });
  for (const path of ["/api/state/fences/x", "/api/specs/fences/x"]) {
    t.equal((await put(ana, path, String(old.fence))).status, 200);
    t.equal((await put(ana, path)).status, 200, "the holder needs no fence");
    const locked = await put(bob, path);
    t.equal(locked.status, 423);
    t.match(locked.json(), { error: "leased by ana", code: 423, lease: { id: old.id } });
    t.equal((await bob.ask("DELETE", path)).status, 423);
    t.equal((await bob.ask("POST", `${path}?rollback=1`)).status, 423);
    t.equal((await send(port, "PUT", path, { body: "1" })).status, 423, "a call without an instance is another client");
  }
  t.equal((await put(bob, "/api/state/fences-elsewhere")).status, 200);
  await ana.release(old);
  const now = await bob.lease(["state:fences/*"]);
  for (const [agent, fence] of [
    [ana, String(space.fence(1))],
    [ana, String(space.fence(2))],
    [bob, String(space.fence(1))],
    [bob, String(space.fence(3))],
    [bob, "9007199254740991"],
    [bob, "9".repeat(400)],
  ] as const) {
    const refused = await put(agent, "/api/state/fences/x?if_version=99", fence);
    t.same(refused.json(), { error: "stale fence", code: 412 }, `${agent.name} under ${fence}`);
  }
  t.equal((await put(bob, "/api/state/fences/x", String(now.fence))).status, 200);
  for (const fence of ["0", "-1", "1.5", "x", "1e3"])
    t.match(
      (await put(bob, "/api/state/fences/x", fence)).json(),
      { error: /^X-Koor-Fence must be/, code: 400 },
      fence,
    );
  t.equal(
    (await send(port, "PUT", "/api/state/fences-k", { body: "1", headers: { "X-Koor-Fence": String(space.fence(2)) } }))
      .status,
    412,
  );
  t.equal((await send(port, "GET", "/api/state/fences/x")).text, '{"by":"bob"}');
});

t.test("an agent cannot change another's lease", async (t) => {
  const token = "only-for-this-test";
  const by = { Authorization: `Bearer ${token}` };
  const { port } = await startKoor(t, { args: ["--auth-token", token] });
  const [ana, bob] = [await Agent.register(port, "ana", { by }), await Agent.register(port, "bob", { by })];
  const lease = await ana.lease(["a"]);
  for (const answer of [
    await bob.release(lease),
    await bob.renew(lease, { fence: lease.fence }),
    await bob.ask("DELETE", `/api/leases/${lease.id}`),
  ])
    t.same(answer.json(), { error: "not yours", code: 403 });
  t.equal((await bob.ask("POST", `/api/leases/${lease.id}/break`, { reason: "mine" })).status, 403);
  t.match((await send(port, "POST", "/api/leases", { headers: by, body: '{"resources":["b"]}' })).json(), {
    error: "this needs an instance: send X-Koor-Instance or its token",
    code: 400,
  });
  const queued = await bob.lease(["a"], { queue: true });
  const broken = await send(port, "POST", `/api/leases/${lease.id}/break`, {
    headers: by,
    body: '{"reason":"release day"}',
  });
  t.same(broken.json(), { broken: lease.id });
  t.match(await ana.get(lease.id), { state: "lost", reason: "broken", note: "release day" });
  t.match(await bob.get(queued.id), { state: "held" });
  const again = await send(port, "POST", `/api/leases/${lease.id}/break`, { headers: by, body: '{"reason":"x"}' });
  t.same(again.json(), { error: "lease is lost", code: 409 });
  t.equal((await send(port, "DELETE", `/api/instances/${bob.id}`, { headers: by })).status, 200);
  t.match(await ana.get(queued.id), { state: "lost", reason: "holder deleted", holder: { name: "bob" } });
});

t.test("the same request_id gives the same lease", async (t) => {
  const space = await TestSpace.begin(common.port, "repeats");
  const [ana, bob] = await space.agents("ana", "bob");
  const answers = await Promise.all(Array.from({ length: 64 }, () => ana.lease(["a"], { request_id: "r" })));
  t.equal(new Set(answers.map(({ id, fence }) => `${id} ${fence}`)).size, 1, "64 at the same time get one");
  t.equal((await space.events("lease.granted")).length, 1);
  t.not(
    (await bob.tryLease(["b"], { request_id: "r" })).json<Lease>().id,
    answers[0]?.id,
    "another caller's request_id is another",
  );
  const [lease] = answers;
  if (lease === undefined) return;
  await ana.release(lease);
  t.match(await ana.lease(["a"], { request_id: "r" }), { id: lease.id, state: "released" }, "even after its end");
  const mine = await ana.lease(["c"]);
  t.equal((await bob.tryLease(["c"], { request_id: "s" })).status, 409);
  t.equal((await bob.tryLease(["c"], { request_id: "u", wait_s: 1 })).status, 409);
  await ana.release(mine);
  t.equal((await bob.lease(["c"], { request_id: "s" })).state, "held", "a refusal is not stored");
  t.equal((await bob.lease(["c"], { request_id: "u" })).state, "held", "nor is a request that got nothing");
});

t.test("a request for a lease that the agent has is answered with it", async (t) => {
  const space = await TestSpace.begin(common.port, "again");
  const [ana, bob] = await space.agents("ana", "bob");
  const first = await ana.lease(["path:src/**", "deploy"], { ttl_s: 60 });
  t.match(await ana.lease(["path:src/**", "deploy"], { ttl_s: 120 }), { ...first, ttl_s: 120, expires_at: String });
  t.match(
    await ana.lease(["deploy", "path:src/**"], { ttl_s: 5 }),
    { id: first.id, ttl_s: 120 },
    "in any order of resources",
  );
  t.match(await ana.lease(["path:src/**", "deploy"], { wait_s: 1, request_id: "r" }), { id: first.id });
  t.match(await ana.lease(["deploy", "path:src/**", "deploy"]), { id: first.id }, "a repeated resource counts once");
  const twice = await ana.lease(["b", "a", "b"]);
  t.same(twice.resources, ["b", "a"], "the lease has it once");
  await ana.release(twice);
  t.equal((await space.events("lease.granted")).length, 2, "each was granted once");
  for (const [what, resources, more] of [
    ["fewer", ["deploy"], {}],
    ["of another mode", ["path:src/**", "deploy"], { mode: "shared" }],
    ["of another workspace", ["path:src/**", "deploy"], { workspace: "again-other" }],
    ["of its own", ["path:src/**", "deploy"], { reuse: false }],
  ] as const)
    t.not((await ana.lease(resources, more)).id, first.id, what);
  t.equal((await bob.tryLease(["path:src/**", "deploy"])).status, 409, "another agent's lease is not the answer");
  await ana.release(await ana.get(first.id));
  t.not((await ana.lease(["path:src/**", "deploy"])).id, first.id, "nor is one that has ended");
});

t.test("calls of the same request_id wait for the same lease", async (t) => {
  const space = await TestSpace.begin(common.port, "shares");
  const { port } = space;
  const [ana, bob] = await space.agents("ana", "bob");
  const lease = await ana.lease(["a", "b", "c"]);
  const again = { request_id: "r", wait_s: 60 };
  const gone = new AbortController();
  const headers = { "X-Koor-Instance": bob.id };
  const body = JSON.stringify({ resources: ["a"], ...again });
  const first = fetch(`http://127.0.0.1:${port}/api/leases`, { method: "POST", headers, body, signal: gone.signal });
  const waiting = await space.nextEvent("lease.waiting");
  const second = bob.tryLease(["a"], again);
  const impatient = await bob.tryLease(["a"], { request_id: "r" });
  t.match(impatient.json(), { error: "leased by ana: a", conflicts: [{ wanted: "a" }] });
  gone.abort();
  await t.rejects(first);
  const queued = await bob.tryLease(["b"], { request_id: "q", queue: true });
  const unqueued = await bob.tryLease(["b"], { request_id: "q" });
  t.same([unqueued.status, unqueued.json<Lease>().id], [202, queued.json<Lease>().id], "it is still queued");
  await ana.release(lease);
  const granted = (await second).json<Lease>();
  t.match(granted, { id: waiting.data["lease_id"], state: "held" }, "one client is gone, the other still waits");
  t.equal((await space.events("lease.released")).length, 1, "no other request left the queue");
});

t.test("a request that is taken out of the queue answers its waiting call without a lease", async (t) => {
  const space = await TestSpace.begin(common.port, "taken");
  const { port } = space;
  const [ana, bob] = await space.agents("ana", "bob");
  await ana.lease(["a"]);
  const broken = bob.tryLease(["a"], { wait_s: 60 });
  const first = await space.nextEvent("lease.waiting");
  await send(port, "POST", `/api/leases/${String(first.data["lease_id"])}/break`, { body: '{"reason":"r"}' });
  t.same((await broken).json(), { error: "lease lost", code: 409 });
  const left = bob.tryLease(["a"], { wait_s: 60, queue: true });
  const second = await space.nextEvent("lease.waiting", first.id);
  await bob.ask("DELETE", `/api/leases/${String(second.data["lease_id"])}`);
  t.same((await left).json(), { error: "lease lost", code: 409 }, "whether or not it is queued");
});

t.test("lists and checks can be filtered", async (t) => {
  const space = await TestSpace.begin(common.port, "lists");
  const { port } = space;
  const [ana] = await space.agents("ana");
  const bob = await Agent.register(port, "bob", { workspace: "lists-v" });
  for (const resource of ["path:src/**", "path:docs/*.md", "state:lists"]) await ana.lease([resource]);
  await bob.lease(["path:src/a"], { mode: "shared" });
  await ana.release(await ana.get(space.leaseId(3)));
  const own = new Map([1, 2, 3, 4].map((number) => [space.leaseId(number), `lease-${number}`]));
  const ids = async (query: string): Promise<string[]> =>
    (await ana.ask("GET", `/api/leases${query}`))
      .json<{ leases: Lease[] }>()
      .leases.flatMap(({ id }) => own.get(id) ?? []);
  t.same(await ids(""), ["lease-4", "lease-2", "lease-1"]);
  t.same(await ids("?state=all"), ["lease-4", "lease-3", "lease-2", "lease-1"]);
  t.same(await ids(`?state=all&limit=2&after=${space.leaseId(4)}`), ["lease-3", "lease-2"]);
  t.same(await ids("?state=released"), ["lease-3"]);
  t.same(await ids(`?holder=${bob.id}`), ["lease-4"]);
  t.same(await ids("?workspace=lists"), ["lease-2", "lease-1"]);
  t.same(await ids("?resource=path:src/a"), ["lease-4", "lease-1"], "in any workspace");
  t.same(await ids("?resource=path:*/a&workspace=lists"), ["lease-1"]);
  t.same(await ids("?resource=state:*&state=all"), ["lease-3"]);
  for (const query of ["?after=x", "?state=x", "?limit=0", "?resource=path:/x"])
    t.equal((await ana.ask("GET", `/api/leases${query}`)).status, 400, query);
  const check = async (agent: Agent | null, body: object): Promise<unknown> => {
    const answer = await (agent === null
      ? send(port, "POST", "/api/leases/check", { body: JSON.stringify(body) })
      : agent.ask("POST", "/api/leases/check", body));
    const { free, conflicts } = answer.json<{ free: boolean; conflicts: { path: string; lease: Lease }[] }>();
    return [free, ...conflicts.map(({ path, lease }) => `${path} ${own.get(lease.id) ?? lease.id}`)];
  };
  t.same(await check(ana, { paths: ["src/a", "docs/x.md"] }), [true], "the agent's own are free to it");
  t.same(await check(bob, { paths: ["src/a"] }), [true], "in another workspace");
  t.same(await check(bob, { workspace: "lists", paths: ["src/a", "docs/x.md", "docs/x.txt"] }), [
    false,
    "src/a lease-1",
    "docs/x.md lease-2",
  ]);
  t.same(await check(null, { workspace: "lists-v", paths: ["src/a"] }), [false, "src/a lease-4"]);
  t.same(await check(null, { workspace: "lists-v", paths: ["src/a"], mode: "shared" }), [true]);
  t.same(
    await check(null, { workspace: "lists", paths: ["docs/*.md"] }),
    [false, "docs/*.md lease-2"],
    "a name is not a glob",
  );
});

t.test("a request with invalid or too large members changes nothing", async (t) => {
  const space = await TestSpace.begin(common.port, "invalid");
  const { port } = space;
  const [ana] = await space.agents("ana");
  for (const [resources, error] of [
    [[], /resources/],
    [Array.from({ length: LEASE_RESOURCES_MAX + 1 }, (_, at) => `r${at}`), /resources/],
    [["x".repeat(RESOURCE_BYTES_MAX + 1)], /resources\[0\] is longer/],
    [[""], /resources\[0\] is required/],
    [["a", "path:/abs"], /resources\[1\] must be relative/],
    [["path:a//b"], /empty segment/],
    [["path:a/../b"], /segment/],
    [["path:./a"], /segment/],
    [["path:"], /empty segment/],
    [["state:"], /names nothing/],
    [["a\u0000"], /control characters/],
  ] as const) {
    const answer = await ana.tryLease(resources);
    t.equal(answer.status, 400, JSON.stringify(resources).slice(0, 40));
    t.match(answer.json<Refusal>().error, error);
  }
  for (const more of [{ ttl_s: 0 }, { ttl_s: 86_401 }, { max_s: 0 }, { wait_s: 61 }, { mode: "both" }])
    t.equal((await ana.tryLease(["a"], more)).status, 400, JSON.stringify(more));
  t.equal((await ana.tryLease([`name:${"*".repeat(RESOURCE_BYTES_MAX - 5)}`])).status, 200, "a name is no glob");
  const stars = ["path:", "state:", "spec:"].map((kind) => kind + "*".repeat(RESOURCE_BYTES_MAX - kind.length));
  t.equal((await ana.tryLease(stars)).status, 200);
  const [bob] = await space.agents("bob");
  t.equal((await bob.tryLease([`path:${"*a".repeat(200)}`])).status, 409, "any two such globs overlap");
  t.equal((await bob.tryLease(["path:a/b"])).status, 200, "one segment is not two");
  t.equal((await ana.ask("POST", "/api/leases", { resources: ["a"], reason: "x".repeat(4097) })).status, 400);
  const held = async (): Promise<number> =>
    (await ana.ask("GET", "/api/leases?limit=10000&workspace=invalid")).json<{ leases: Lease[] }>().leases.length;
  const before = await held();
  await Promise.all(
    Array.from({ length: LEASES_OF_HOLDER_MAX - 2 }, (_, at) => ana.lease([`own-${at}`], { ttl_s: 3_600 })),
  );
  const full = await ana.tryLease(["one-too-many"]);
  t.equal(full.status, 429);
  t.match(full.json(), { error: `${LEASES_OF_HOLDER_MAX} leases of ana are held or waiting`, code: 429 });
  t.ok(Number(full.headers["retry-after"]) > 0);
  t.equal(await held(), before + LEASES_OF_HOLDER_MAX - 2);
  const refusals = (await send(port, "GET", "/api/audit?action=lease.acquire&limit=1")).json<AuditRow[]>();
  t.match(refusals, [{ outcome: "success" }], "repeated requests do not fill the log");
  // Her leases of values and specs concern all workspaces.
  await send(port, "DELETE", `/api/instances/${ana.id}`);
});

t.test("a client that disconnects while it waits gets nothing", async (t) => {
  const space = await TestSpace.begin(common.port, "leaves");
  const { port } = space;
  const [ana, bob] = await space.agents("ana", "bob");
  const lease = await ana.lease(["a"]);
  const gone = new AbortController();
  const headers = { "X-Koor-Instance": bob.id };
  const body = JSON.stringify({ resources: ["a"], wait_s: 60 });
  const asked = fetch(`http://127.0.0.1:${port}/api/leases`, { method: "POST", headers, body, signal: gone.signal });
  const waiting = await space.nextEvent("lease.waiting");
  gone.abort();
  await t.rejects(asked);
  const left = await space.nextEvent("lease.released");
  t.equal(left.data["lease_id"], waiting.data["lease_id"], "it has left the queue");
  await ana.release(lease);
  t.equal((await ana.tryLease(["a"])).status, 200);
});

t.test("leases outlive a restart, and a restore drops them", { skip: RESTORE_REFUSED }, async (t) => {
  const dataDir = makeDirectory(t);
  const first = await startKoor(t, { data_dir: dataDir });
  const [ana, bob] = [await Agent.register(first.port, "ana"), await Agent.register(first.port, "bob")];
  const held = await ana.lease(["state:k"], { ttl_s: 1 });
  const queued = await bob.lease(["state:k"], { queue: true });
  const newest = (await eventsOf(first.port, "lease.*")).at(-1)?.id;
  const cut = t.rejects(bob.tryLease(["state:k"], { wait_s: 60 }));
  const waiting = await nextEvent(first.port, "lease.waiting", newest);
  first.process.kill("SIGKILL");
  await once(first.process, "exit");
  await cut;
  const { port } = await startKoor(t, { data_dir: dataDir });
  const again = async (agent: Agent, id: string): Promise<Lease> =>
    (await send(port, "GET", `/api/leases/${id}`, { headers: agent.headers })).json<Lease>();
  const seen = (await send(port, "GET", `/api/leases/${held.id}`)).json<Lease>();
  t.equal(seen.state, "held");
  const leftMs = Date.parse(seen.expires_at ?? "") - Date.now();
  t.ok(leftMs > 5_000 && leftMs <= 15_000, `its holder has ${leftMs} ms to send a heartbeat`);
  t.match(await again(bob, queued.id), { state: "waiting", position: 1 });
  const left = await nextEvent(port, "lease.released");
  t.equal(left.data["lease_id"], waiting.data["lease_id"], "no call waits any more");
  t.equal((await send(port, "PUT", "/api/state/k", { body: "1" })).status, 423, "it is enforced as before");
  const snapshot = (await send(port, "GET", "/api/backup")).body;
  const other = await startKoor(t);
  t.equal((await send(other.port, "POST", "/api/restore", { body: snapshot })).status, 200);
  const restored = async (id: string): Promise<Lease> =>
    (await send(other.port, "GET", `/api/leases/${id}`)).json<Lease>();
  t.match(await restored(held.id), { state: "lost", reason: "restored", fence: 1 });
  t.match(await restored(queued.id), { state: "lost", reason: "restored", fence: null });
  const cid = await Agent.register(other.port, "cid");
  t.match(await cid.lease(["state:k"]), { fence: 2, state: "held" }, "no fence is used twice");
});

t.test("a directory and its content conflict, whichever is held, in every call", async (t) => {
  const space = await TestSpace.begin(common.port, "directories");
  const [ana, ben] = await space.agents("ana", "ben");
  const check = async (...paths: string[]): Promise<boolean> =>
    (await ben.ask("POST", "/api/leases/check", { paths })).json<{ free: boolean }>().free;
  const isFree = async (resource: string): Promise<boolean> => {
    const answer = await ben.ask("GET", `/api/wait?free=${encodeURIComponent(resource)}`);
    return answer.json<{ matched: unknown }>().matched !== null;
  };
  for (const [held, wanted] of [
    ["path:lib", "path:lib/a.ts"],
    ["path:lib/a.ts", "path:lib"],
    ["path:lib/a.ts", "path:lib/**"],
    ["path:lib/*.{ts,tsx}", "path:lib/a.tsx"],
    ["path:caf\u00e9", "path:cafe\u0301/a"],
    ["state:d-plan", "state:d-plan/build"],
    ["state:d-plan/build", "state:d-plan"],
    ["path:lib", "path:lib/*.ts"],
    ["state:{d-plan,d-goal}/*", "state:d-goal"],
  ] as const) {
    const lease = await ana.lease([held]);
    t.match(
      (await ben.tryLease([wanted])).json(),
      { error: `leased by ana: ${held}`, code: 409 },
      `${wanted}, ${held}`,
    );
    t.equal(await isFree(wanted), false, `free=${wanted}`);
    const listed = await ben.ask("GET", `/api/leases?resource=${encodeURIComponent(wanted)}`);
    t.match(listed.json(), { leases: [{ id: lease.id }] }, `the list of ${wanted}`);
    const task = (await ben.ask("POST", "/api/tasks", { title: "t", resources: [wanted] })).json<{ id: string }>();
    t.match((await ben.ask("POST", "/api/tasks/claim", {})).json(), { task: null }, `a task that needs ${wanted}`);
    if (wanted.startsWith("path:"))
      t.equal(await check(wanted.slice(5)), wanted === "path:lib/**", `check of ${wanted}`);
    else t.equal((await ben.ask("PUT", `/api/${wanted.replace(":", "/")}`, {})).status, 423, `a write of ${wanted}`);
    await ana.release(lease);
    t.equal(await isFree(wanted), true);
    const claimed = (await ben.ask("POST", "/api/tasks/claim", {})).json<{ task: { id: string; fence: number } }>()
      .task;
    t.equal(claimed.id, task.id);
    await ben.ask("POST", `/api/tasks/${task.id}/complete`, { fence: claimed.fence });
  }
  await ana.lease(["path:src", "state:d-plan"]);
  t.equal((await ben.tryLease(["path:src2/x", "state:d-plans/x"])).status, 200, "only whole segments match");
  t.equal(await check("src2/a", "source"), true);
});

t.test("every call refuses a path that no file of the workspace can have", async (t) => {
  const space = await TestSpace.begin(common.port, "paths");
  const [ana] = await space.agents("ana");
  for (const path of [
    "src\\a.ts",
    "C:\\p\\a.ts",
    "c:/p/a.ts",
    "\\\\host\\a.ts",
    "/a",
    "./a",
    "a/",
    "a\r",
    "a\u0085",
    "path:a",
  ]) {
    const resources = [`path:${path}`];
    for (const [method, target, body] of [
      ["POST", "/api/leases", { resources }],
      ["POST", "/api/leases/check", { paths: [path] }],
      ["POST", "/api/tasks", { title: "t", resources }],
      ["GET", `/api/leases?resource=${encodeURIComponent(resources.join())}`, undefined],
      ["GET", `/api/wait?free=${encodeURIComponent(resources.join())}`, undefined],
    ] as const)
      t.equal((await ana.ask(method, target, body)).status, 400, `${method} ${target} ${JSON.stringify(path)}`);
  }
});
