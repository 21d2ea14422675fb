/**
 * Tests the scopes of leases over HTTP: checkouts, subagents, leases nearby, and renewals that start the maximum life
 * again. Runs against a real server.
 */
import { once } from "node:events";
import { join } from "node:path";
import t from "tap";
import { LEASE_NEARBY_MAX } from "../schemas/limits/leases.js";
import { openDatabase } from "../src/platform/store/sqlite/choice.js";
import { send, type Answer, type Refusal } from "./support/http-client.js";
import { Agent, type Lease } from "./support/leasing.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { TestSpace } from "./support/test-space.js";
import { RESTORE_REFUSED, singleServerOnly } from "./support/variant.js";

interface Near {
  readonly nearby?: readonly {
    readonly resource?: string;
    readonly wanted?: string;
    readonly path?: string;
    readonly lease: Lease;
  }[];
}

interface Checked extends Near {
  readonly free: boolean;
  readonly conflicts: readonly { readonly path: string; readonly lease: Lease }[];
}

const HERE = { scope: "checkout" };

/** The server of the tests that have a workspace of their own. */
const common = await startKoor(t);

async function agents(port: number, workspace = "w"): Promise<[ana: Agent, bob: Agent, cid: Agent, dan: Agent]> {
  return [
    await Agent.register(port, "ana", { workspace, checkout: "one" }),
    await Agent.register(port, "bob", { workspace, checkout: "two" }),
    await Agent.register(port, "cid", { workspace }),
    await Agent.register(port, "dan", { workspace, checkout: "one" }),
  ];
}

async function check(agent: Agent, body: object): Promise<Checked> {
  const answer = await agent.ask("POST", "/api/leases/check", body);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.json<Checked>();
}

function holdersOf({ nearby = [] }: Near): string[] {
  return nearby.map(({ lease }) => lease.holder.name);
}

t.test("leases of files in different checkouts do not conflict, but are told of", async (t) => {
  const space = await TestSpace.begin(common.port, "told");
  const { port, workspace } = space;
  const [ana, bob, cid, dan] = await agents(port, workspace);
  const first = await ana.tryLease(["path:src/**", "state:plan", "deploy"], HERE);
  t.match(first.json(), { state: "held", scope: "checkout", checkout: "one" });
  t.notOk("nearby" in first.json<object>(), "there is nothing nearby");
  t.match(await cid.lease(["path:docs"]), { scope: "repo", checkout: null }, "the default");
  t.match(await dan.lease(["path:test"]), { scope: "repo", checkout: "one" }, "the checkout is told for any scope");

  const second = await bob.tryLease(["path:src/a.ts", "path:b"], HERE);
  t.equal(second.status, 200);
  t.match(second.json(), {
    scope: "checkout",
    checkout: "two",
    nearby: [{ resource: "path:src/**", wanted: "path:src/a.ts", lease: { id: space.leaseId(1), checkout: "one" } }],
  });
  t.match((await bob.tryLease(["path:src/a.ts", "path:b"], HERE)).json(), { id: second.json<Lease>().id }, "again");

  const blocked = async (agent: Agent, resource: string, more: object): Promise<string | null> => {
    const answer = await agent.tryLease([resource], more);
    return answer.status === 409 ? answer.json<Refusal>().error : null;
  };
  t.equal(await blocked(bob, "path:src/c.ts", {}), "leased by ana: path:src/**", "the whole repository includes ana's");
  t.equal(await blocked(cid, "path:src/c.ts", {}), "leased by ana: path:src/**");
  t.equal(await blocked(ana, "path:docs/a.md", HERE), "leased by cid: path:docs", "the other way round, too");
  t.equal(await blocked(dan, "path:src/c.ts", HERE), "leased by ana: path:src/**", "it is the same checkout");
  t.equal(await blocked(bob, "state:plan", HERE), "leased by ana: state:plan", "values belong to no checkout");
  t.equal(await blocked(bob, "deploy", HERE), "leased by ana: deploy", "and names neither");

  const both = await dan.tryLease(["path:src/a.ts"], HERE);
  t.equal(both.status, 409);
  t.match(both.json(), { conflicts: [{ lease: { id: space.leaseId(1) } }], nearby: [{ lease: { checkout: "two" } }] });
  const waiting = await dan.tryLease(["path:src/a.ts"], { ...HERE, queue: true });
  t.equal(waiting.status, 202);
  t.match(waiting.json(), { state: "waiting", position: 1, nearby: [{ lease: { checkout: "two" } }] });
  const late = await dan.tryLease(["path:src/b.ts", "path:b"], { ...HERE, wait_s: 1 });
  t.equal(late.status, 409);
  t.same(holdersOf(late.json<Near>()), ["bob"], "after a wait, too");
  t.equal((await bob.ask("PUT", "/api/state/plan", {})).status, 423, "writes of values are refused as before");

  for (const [scope, agent] of [
    ["checkout", cid],
    ["tree", ana],
    ["", ana],
    [1, ana],
  ] as const) {
    const refused = await agent.tryLease(["path:x"], { scope });
    t.equal(refused.status, 400, `scope ${scope}`);
    t.match(refused.json<Refusal>().error, /^scope /);
  }
});

t.test("only what would conflict in one checkout is nearby, and at most so much is listed", async (t) => {
  const { port } = common;
  const workspace = "nearby";
  const [ana, bob] = await agents(port, workspace);
  await ana.lease(["path:shared"], { ...HERE, mode: "shared" });
  const reader = await bob.tryLease(["path:shared"], { ...HERE, mode: "shared" });
  t.notOk("nearby" in reader.json<object>(), "two readers have nothing to merge");
  const writer = await bob.tryLease(["path:shared"], HERE);
  t.same(holdersOf(writer.json<Near>()), ["ana"]);
  t.match(await check(bob, { paths: ["shared"], checkout: "two", mode: "shared" }), { free: true });
  for (let at = 0; at <= LEASE_NEARBY_MAX; at++) {
    const agent = await Agent.register(port, `agent-${at}`, { workspace, checkout: `tree-${at}` });
    await agent.lease(["path:a", "path:a/b"], HERE);
  }
  const last = (await ana.tryLease(["path:a/**"], HERE)).json<Near>();
  t.equal(last.nearby?.length, LEASE_NEARBY_MAX);
  t.equal(new Set(holdersOf(last)).size, LEASE_NEARBY_MAX, "a lease is listed once for each wanted resource");
  const checked = await check(ana, { paths: ["a/b", "a/c"], scope: "checkout" });
  t.equal(checked.nearby?.length, LEASE_NEARBY_MAX);
});

t.test("a check is that of a lease in the given checkout, or of the whole repository", async (t) => {
  const { port } = common;
  const workspace = "checks";
  const [ana, bob, cid] = await agents(port, workspace);
  await ana.lease(["path:src"], HERE);
  await cid.lease(["path:docs"]);
  const paths = ["src/a.ts", "docs/b.md"];
  const taken = async (agent: Agent, more: object): Promise<unknown> => {
    const { free, conflicts, nearby = [] } = await check(agent, { paths, ...more });
    return [free, conflicts.map(({ path }) => path), nearby.map(({ path }) => path)];
  };
  t.same(await taken(bob, {}), [false, paths, []], "without a checkout, all of them count");
  t.same(await taken(bob, { checkout: "two" }), [false, ["docs/b.md"], ["src/a.ts"]]);
  t.same(await taken(bob, { checkout: "one" }), [false, paths, []]);
  t.same(await taken(bob, { scope: "checkout" }), [false, ["docs/b.md"], ["src/a.ts"]], "in one's own checkout");
  t.same(await taken(cid, { scope: "checkout" }), [false, ["src/a.ts"], []], "whoever has none asks for all");
  t.same(await taken(bob, { checkout: "two", scope: "repo" }), [false, paths, []]);
  t.match(await check(bob, { paths: ["src/a.ts"], checkout: "two" }), { free: true, conflicts: [] });
  const { text } = await bob.ask("POST", "/api/leases/check", { paths: ["x"], checkout: "two" });
  t.equal(text.trim(), '{"free":true,"conflicts":[]}');
  for (const checkout of ["", "A", "a/b", "a".repeat(65), 1, null]) {
    const refused = await bob.ask("POST", "/api/leases/check", { paths, checkout });
    t.equal(refused.status, 400, `checkout ${checkout}`);
    t.match(refused.json<Refusal>().error, /^checkout /);
  }
});

t.test("a wait for a resource is that of the caller's checkout", async (t) => {
  const { port } = common;
  const workspace = "waits";
  const [ana, bob, cid, dan] = await agents(port, workspace);
  const wait = async (agent: Agent, after = ""): Promise<{ readonly isFree: boolean; readonly cursor: string }> => {
    const answer = await agent.ask("GET", `/api/wait?free=path:src/a.ts&after=${after}`);
    const { matched, cursor } = answer.json<{ matched: { kind: string } | null; cursor: string }>();
    return { isFree: matched?.kind === "free", cursor };
  };
  const others = await bob.lease(["path:src"], HERE);
  const first = await wait(ana);
  t.ok(first.isFree, "a lease of another checkout is not in the way");
  t.notOk((await wait(cid)).isFree, "but it is in that of one without a checkout");
  await bob.release(others);
  await bob.release(await bob.lease(["path:src"], HERE));
  const second = await wait(ana, first.cursor);
  t.notOk(second.isFree, "nothing has changed for ana");
  await dan.release(await dan.lease(["path:src"], HERE));
  t.ok((await wait(ana, second.cursor)).isFree, "it was leased in her checkout meanwhile");
  await cid.lease(["path:src"]);
  t.notOk((await wait(ana)).isFree);
  t.notOk((await wait(bob)).isFree, "a lease of the whole repository is in the way of all");
});

t.test("a task needs its files in all checkouts", async (t) => {
  const { port } = common;
  const workspace = "tasks";
  const [ana, bob] = await agents(port, workspace);
  await ana.ask("POST", "/api/tasks", { id: "files", title: "t", workspace, resources: ["path:src/a.ts"] });
  const lease = await ana.lease(["path:src"], HERE);
  const claim = (): Promise<Answer> => bob.ask("POST", "/api/tasks/claim", { id: "files" });
  t.match((await claim()).json(), { error: "leased by ana: path:src", code: 409 });
  await ana.release(lease);
  t.match((await claim()).json(), { lease: { scope: "repo", checkout: "two", task: "files" } });
  t.equal((await ana.tryLease(["path:src"], HERE)).status, 409);
});

t.test("a renewal may start the maximum life again", async (t) => {
  const space = await TestSpace.begin(common.port, "renewals");
  const { port, workspace } = space;
  const [ana, bob] = await agents(port, workspace);
  const lease = await ana.lease(["a"], { ttl_s: 600, max_s: 60 });
  t.notOk("touched_at" in lease);
  const endOf = (since: string | null | undefined): string => new Date(Date.parse(since ?? "") + 60_000).toISOString();
  t.equal(lease.expires_at, endOf(lease.granted_at), "max_s is shorter than the ttl");
  const touched = (await ana.renew(lease, { fence: lease.fence, touch: true })).json<Lease>();
  t.equal(touched.expires_at, endOf(touched.touched_at));
  t.equal(touched.granted_at, lease.granted_at);
  t.equal(touched.max_s, 60);
  t.ok(Date.parse(touched.touched_at ?? "") >= Date.parse(lease.granted_at ?? ""));
  const changed = (await ana.renew(lease, { fence: lease.fence, ttl_s: 10 })).json<Lease>();
  t.equal(changed.touched_at, touched.touched_at, "a plain renewal does not start it again");
  t.match((await ana.renew(lease, { fence: lease.fence, touch: false })).json(), { touched_at: touched.touched_at });
  t.equal((await ana.renew(lease, { fence: space.fence(99), touch: true })).status, 409);
  t.equal((await bob.renew(lease, { fence: lease.fence, touch: true })).status, 403);
  t.equal((await ana.renew(lease, { fence: lease.fence, touch: 1 })).status, 400);
  const rows = (await space.auditRows()).filter(({ action }) => action === "lease.renew");
  t.same(
    rows.map(({ detail }) => (JSON.parse(detail) as { touch?: boolean }).touch),
    [true, undefined, undefined, undefined, undefined],
    "what changes has a row, and so have refusals",
  );
  await ana.ask("POST", "/api/tasks", { id: "renewed", title: "t", workspace, resources: ["b"] });
  const claimed = (await bob.ask("POST", "/api/tasks/claim", { id: "renewed" })).json<{ lease: Lease }>();
  const refused = await bob.renew(claimed.lease, { fence: claimed.lease.fence, touch: true });
  t.match(refused.json(), { error: "held by task renewed", code: 409 }, "the lease of a task lives as the task does");
});

t.test("scopes, checkouts and renewals outlive a restart, and are in a snapshot", async (t) => {
  const dataDir = makeDirectory(t);
  const first = await startKoor(t, { data_dir: dataDir });
  const [ana, bob, cid] = await agents(first.port);
  const lease = await ana.lease(["path:src"], { ...HERE, max_s: 60 });
  const before = (await ana.renew(lease, { fence: lease.fence, touch: true })).json<Lease>();
  first.process.kill("SIGKILL");
  await once(first.process, "exit");
  const { port } = await startKoor(t, { data_dir: dataDir });
  const { scope, checkout, touched_at } = before;
  t.match(await ana.at(port).get(lease.id), { scope, checkout, touched_at, state: "held" });
  t.equal((await bob.at(port).tryLease(["path:src"], HERE)).status, 200);
  t.equal((await cid.at(port).tryLease(["path:src"])).status, 409);
  if (RESTORE_REFUSED !== false) return;
  const snapshot = (await send(port, "GET", "/api/backup")).body;
  const other = await startKoor(t);
  t.equal((await send(other.port, "POST", "/api/restore", { body: snapshot })).status, 200);
  const restored = (await send(other.port, "GET", `/api/leases/${lease.id}`)).json<Lease>();
  t.match(restored, { scope, checkout, touched_at, state: "lost" });
});

t.test(
  "the claims of a parent cover its children, who stay apart",
  { skip: singleServerOnly("the test writes to the database") },
  async (t) => {
    const dataDir = makeDirectory(t);
    const server = await startKoor(t, { data_dir: dataDir });
    const [parent, first, second, other] = await agents(server.port);
    const old = await other.lease(["path:old"], HERE);
    server.process.kill("SIGTERM");
    await once(server.process, "exit");
    // Only the hooks of clients make subagents.
    const db = openDatabase(join(dataDir, "data.db"));
    db.prepare("UPDATE lease SET scope = NULL, checkout = NULL").run();
    for (const { id } of [first, second]) db.prepare("UPDATE instance SET parent = ? WHERE id = ?").run(parent.id, id);
    db.close();
    const { port } = await startKoor(t, { data_dir: dataDir });
    const [ana, bob, cid, dan] = [parent.at(port), first.at(port), second.at(port), other.at(port)];
    t.match(await dan.get(old.id), { scope: "repo", checkout: null }, "as in a row of an earlier version");
    t.equal((await ana.tryLease(["path:old"], HERE)).status, 409);
    const own = await ana.lease(["path:a", "state:k", "x"]);
    const theirs = await bob.lease(["path:a/b", "y"]);
    t.equal(theirs.state, "held", "the parent's claim is not in the way");
    t.match(await ana.lease(["y"]), { state: "held" }, "nor the child's in the parent's");
    t.match((await cid.tryLease(["path:a/b"])).json(), { error: "leased by bob: path:a/b" });
    t.match((await cid.tryLease(["y"])).json(), { error: "leased by bob: y" }, "siblings stay apart");
    const waiting = await dan.lease(["x"], { queue: true });
    t.equal(waiting.state, "waiting");
    t.match(await cid.lease(["x"]), { state: "held" }, "it may overtake what waits for its parent");
    t.match((await bob.tryLease(["x"])).json(), { error: "leased by cid: x" });
    t.equal((await bob.ask("PUT", "/api/state/k", {})).status, 200, "the parent's lease of a value covers it");
    t.equal((await dan.ask("PUT", "/api/state/k", {})).status, 423);
    const fence = { "X-Koor-Fence": String(own.fence) };
    t.equal((await bob.ask("PUT", "/api/state/k", {}, fence)).status, 412, "but a fence is that of its holder");
    const paths = ["a/b", "a/c"];
    const taken = async (agent: Agent): Promise<string[]> =>
      (await check(agent, { paths })).conflicts.map(({ path, lease }) => `${path} ${lease.holder.name}`);
    t.same(await taken(ana), []);
    t.same(await taken(bob), []);
    t.same(await taken(cid), ["a/b bob"]);
    t.same(await taken(dan), ["a/b ana", "a/b bob", "a/c ana"].toSorted());
    await ana.ask("POST", "/api/tasks", { id: "t", title: "t", workspace: "w", resources: ["path:a/c"] });
    t.match((await dan.ask("POST", "/api/tasks/claim", {})).json(), { task: null });
    t.match((await dan.ask("GET", "/api/wait?task=1")).json(), { matched: null });
    t.match((await cid.ask("GET", "/api/wait?task=1")).json(), { matched: { kind: "task" } });
    t.match((await cid.ask("POST", "/api/tasks/claim", {})).json(), { task: { id: "t" } });

    await dan.release(waiting);
    await ana.lease(["p"]);
    await dan.lease(["q"]);
    const child = await bob.lease(["q"], { queue: true });
    t.equal(child.state, "waiting");
    const refused = await dan.tryLease(["p"], { queue: true });
    t.match(refused.json(), {
      error: "this would deadlock",
      code: 409,
      cycle: [
        { holder: { id: dan.id, name: "dan" }, lease: null },
        { holder: { id: ana.id, name: "ana" }, lease: null },
        { holder: { id: bob.id, name: "bob" }, lease: { id: child.id } },
      ],
    });
  },
);
