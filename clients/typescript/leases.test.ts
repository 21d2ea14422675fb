/** Tests held leases against a real server. clients/behaviours.json describes the expected behaviour. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import t from "tap";
import { behaviour } from "../../test/support/behaviours.js";
import { betweenLooks } from "../../test/support/between-looks.js";
import { makeDirectory, tieToThisProcess } from "../../test/support/owner.js";
import { startKoor } from "../../test/support/server-process.js";
import { TcpProxy } from "../../test/support/tcp-proxy.js";
import { connect, LeasedError, LeaseLostError, type Lease, type LeaseListOptions } from "./client.js";

const HOLDER = fileURLToPath(new URL("../../test/support/stopped-holder.js", import.meta.url));

const { url, port } = await startKoor(t);
const client = connect({ url });
const { client: ana, instance: anaInstance } = await client.instances.register({ name: "ana", workspace: "w" });
const { client: ben, instance: benInstance } = await client.instances.register({ name: "ben", workspace: "w" });

/** Resolves when the signal fires. */
async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

/** Resolves when the server lists no lease that matches the options. */
async function isEmpty(options: LeaseListOptions): Promise<void> {
  while ((await client.leases.list(options)).length > 0) await betweenLooks();
}

await behaviour(t, "lease-conflict", async (t) => {
  await using held = await ana.leases.acquire("deploy");
  const refused = await ben.leases.acquire("deploy").catch((error: unknown) => error);
  t.type(refused, LeasedError);
  t.match(refused, { status: 409, body: { conflicts: [{ lease: { id: held.lease.id } }] } });
});

await behaviour(t, "lease-with", async (t) => {
  t.equal(
    await ana.leases.with(["deploy", "path:src/**"], async ({ signal, fence }) => {
      t.notOk(signal.aborted);
      t.match(await client.leases.list(), [{ fence, resources: ["deploy", "path:src/**"], holder: { name: "ana" } }]);
      return "result";
    }),
    "result",
  );
  t.same(await client.leases.list(), []);
  const failing = ana.leases.with("deploy", () => Promise.reject(new Error("of the function")));
  await t.rejects(failing, { message: "of the function" });
  t.same(await client.leases.list(), []);
  {
    await using held = await ana.leases.acquire("deploy");
    t.equal((await client.leases.get(held.lease.id)).state, "held");
    t.match(await client.leases.check(["src/a.ts"]), { free: true });
  }
  t.same(await client.leases.list(), []);
});

await behaviour(t, "lease-waits", async (t) => {
  const first = await ana.leases.acquire("deploy");
  const waiting = ben.leases.with("deploy", ({ lease }) => lease.holder.name, { wait_s: Infinity });
  // The server publishes an event when a lease waits.
  for await (const _ of client.events.subscribe("lease.waiting", { since: 0 })) break;
  await first.release();
  t.equal(await waiting, "ben");

  await using second = await ana.leases.acquire("deploy");
  await t.rejects(ben.leases.acquire("deploy", { wait_s: 1 }), LeasedError);
  t.same(await client.leases.list({ state: "waiting" }), []);
  const leaving = new AbortController();
  const since = (await client.events.history({ last: 1 }))[0]?.id ?? 0;
  const aborting = ben.leases.acquire("deploy", { wait_s: 60, signal: leaving.signal });
  for await (const _ of client.events.subscribe("lease.waiting", { since })) break;
  leaving.abort(new Error("enough"));
  await t.rejects(aborting, { message: "enough" });
  await isEmpty({ state: "waiting" });
  t.notOk(second.signal.aborted, "an aborted call leaves the line, too");
});

await behaviour(t, "lease-renews", async (t) => {
  await ana.leases.with(
    "deploy",
    async ({ lease, signal }) => {
      const expiries = new Set<string | null>();
      while (expiries.size < 4 && !signal.aborted) {
        expiries.add((await client.leases.get(lease.id)).expires_at);
        await betweenLooks();
      }
      t.notOk(signal.aborted);
    },
    { ttl_s: 3 },
  );
});

await behaviour(t, "lease-broken", async (t) => {
  let reason: unknown;
  const broken = ana.leases.with(
    "deploy",
    async ({ lease, signal }) => {
      await client.leases.break(lease.id, "the release is today");
      await aborted(signal);
      ({ reason } = signal as { reason: unknown });
    },
    { ttl_s: 3 },
  );
  await t.rejects(broken, LeaseLostError);
  t.type(reason, LeaseLostError);
  t.match(reason, { status: 409, message: "lease lost" });
});

t.test("a lease whose request was aborted before its answer is given back", async (t) => {
  const proxy = await TcpProxy.start(t, () => port);
  const through = connect({ url: `http://127.0.0.1:${proxy.port}`, instance: anaInstance.id });
  await through.state.list();
  const leaving = new AbortController();
  const since = (await client.events.history({ last: 1 }))[0]?.id ?? 0;
  // The proxy holds the answer back until the call has failed.
  proxy.slow(50);
  const aborting = through.leases.acquire("deploy", { signal: leaving.signal });
  for await (const _ of client.events.subscribe("lease.granted", { since })) break;
  leaving.abort(new Error("enough"));
  await t.rejects(aborting, { message: "enough" });
  proxy.resume();
  await isEmpty({ state: "held" });
});

await behaviour(t, "lease-max", async (t) => {
  const limited = ana.leases.with(
    "deploy",
    async ({ lease, signal }) => {
      await aborted(signal);
      t.equal((await client.leases.get(lease.id)).state, "held");
    },
    { ttl_s: 60, max_s: 5 },
  );
  await t.rejects(limited, LeaseLostError);
});

await behaviour(t, "lease-unreachable", async (t) => {
  const proxy = await TcpProxy.start(t, () => port);
  const through = connect({ url: `http://127.0.0.1:${proxy.port}`, instance: anaInstance.id });
  const held = await through.leases.acquire("deploy", { ttl_s: 5 });
  const before = performance.now();
  proxy.stall();
  await aborted(held.signal);
  t.type(held.signal.reason, LeaseLostError);
  t.equal((await client.leases.get(held.lease.id)).state, "held");
  t.ok(performance.now() - before < 60_000);
  proxy.resume();
  await held.release();
});

await behaviour(t, "lease-stopped-process", async (t) => {
  const file = join(makeDirectory(t), "steps");
  const child = spawn(process.execPath, [HOLDER, url, anaInstance.id, file], { stdio: ["ignore", "pipe", "inherit"] });
  tieToThisProcess(child);
  t.teardown(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  t.match(await lines.next(), { value: "held" });
  const [lease] = (await client.leases.list()) as [Lease];
  child.kill("SIGSTOP");
  // Ben waits in the queue, and gets the lease as soon as the server has ended Ana's.
  const other = await ben.leases.acquire("deploy", { wait_s: Infinity });
  t.match(await client.leases.get(lease.id), { state: "lost", reason: "expired" });
  const grantedMs = Date.parse(other.lease.granted_at ?? "");
  child.kill("SIGCONT");
  t.match(await lines.next(), { value: "LeaseLostError" });
  const steps = readFileSync(file, "utf8").trim().split("\n").map(Number);
  t.ok(steps.length > 0);
  t.same(
    steps.filter((atMs) => atMs >= grantedMs),
    [],
    "no step after another client had the lease",
  );
  t.equal(other.lease.holder.id, benInstance.id);
  await other.release();
});
