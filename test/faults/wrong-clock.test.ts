/**
 * Tests a server whose clock was wrong once, and one that did not run for a while: what it stores is right again,
 * claims end in time and not at once, and it reports what it has found.
 */
import t from "tap";
import { CLUSTER } from "../support/variant.js";
import { longFormOnly } from "../support/test-size.js";
import { send, sendJson } from "../support/http-client.js";
import { Agent, eventsOf } from "../support/leasing.js";
import { makeDirectory, type Koor, type Owner, startKoor } from "../support/server-process.js";
import { shiftedClock } from "../support/shifted-clock.js";

const HOUR_S = 3_600;
/** A node uses its log's time. */
const IN_CLUSTER = CLUSTER !== "" && "a cluster's time is its log's";

interface Health {
  readonly status: string;
  readonly times_ahead_s?: number;
}

/** Starts a server whose machine's clock is ahead. */
function startAhead(t: Owner, aheadS: number, dataDir = makeDirectory(t)): Promise<Koor> {
  const env = shiftedClock(t, aheadS * 1_000);
  return startKoor(t, { data_dir: dataDir, env, args: ["--stale-after", "1s", "--liveness-interval", "1s"] });
}

async function healthOf({ port }: Koor): Promise<Health> {
  return (await send(port, "GET", "/health")).json<Health>();
}

/** How far a time on the wire is ahead, in seconds. */
function aheadOf(time: unknown): number {
  return (Date.parse(String(time)) - Date.now()) / 1_000;
}

async function putAt({ port }: Koor, key: string): Promise<number> {
  await sendJson(port, "PUT", `/api/state/${key}`, 1);
  const [row] = (await send(port, "GET", `/api/audit?action=state.put&limit=1`)).json<{ timestamp: string }[]>();
  return aheadOf(row?.timestamp);
}

t.test(
  "a server whose clock was ahead before stores correct times after a restart",
  { skip: IN_CLUSTER },
  async (t) => {
    const before = await startAhead(t, 8 * HOUR_S);
    const { data_dir } = before;
    t.equal((await healthOf(before)).times_ahead_s, undefined, "it has no way to know yet");
    const ana = await Agent.register(before.port, "ana");
    await ana.lease(["deploy"], { ttl_s: 3, max_s: 3 });
    t.ok((await putAt(before, "a")) > 7 * HOUR_S);
    await before.stop();

    const koor = await startAhead(t, 0, data_dir);
    t.match(koor.log(), /stored times are ahead of the machine's clock.*ahead_s=28[78]\d\d/);
    const health = await healthOf(koor);
    t.equal(health.status, "ok");
    t.ok(Math.abs((health.times_ahead_s ?? 0) - 8 * HOUR_S) < 60, `${health.times_ahead_s} s`);
    t.match((await send(koor.port, "GET", "/metrics")).text, /^koor_times_ahead_seconds 2\d{4}$/m);
    const lease = (await send(koor.port, "GET", "/api/leases/lease-1")).json<{ expires_at: string }>();
    const leftS = aheadOf(lease.expires_at);
    t.ok(leftS > 5 && leftS <= 15, `the lease ends in ${leftS} s`);
    const [lastSeen] = (await send(koor.port, "GET", "/api/instances")).json<{ last_seen: string }[]>();
    t.ok(aheadOf(lastSeen?.last_seen) <= 1);
    t.ok(Math.abs(await putAt(koor, "b")) < 10, "new times are right");
    const since = new Date(Date.now() - 60_000).toISOString();
    const until = new Date(Date.now() + 60_000).toISOString();
    const rows = (await send(koor.port, "GET", `/api/audit?from=${since}&to=${until}&action=state.put`)).json<
      object[]
    >();
    t.same(
      rows.map((row) => "resource" in row && row.resource),
      ["b"],
      "and a query by time finds them",
    );
    const all = (await send(koor.port, "GET", `/api/audit?from=${since}&action=state.put`)).json<object[]>();
    t.same(
      all.map((row) => "resource" in row && row.resource),
      ["b", "a"],
    );
  },
);

t.test("a snapshot with times of another century can be restored", { skip: IN_CLUSTER }, async (t) => {
  const before = await startAhead(t, 73 * 365 * 24 * HOUR_S);
  await Agent.register(before.port, "ana");
  await putAt(before, "a");
  await sendJson(before.port, "POST", "/api/events/publish", { topic: "old" });
  const snapshot = (await send(before.port, "GET", "/api/backup")).text;
  await before.stop();
  const koor = await startAhead(t, 0);
  t.equal((await healthOf(koor)).times_ahead_s, undefined);
  const restored = await send(koor.port, "POST", "/api/restore", { body: snapshot });
  t.equal(restored.status, 200, restored.text);
  t.ok(((await healthOf(koor)).times_ahead_s ?? 0) > 70 * 365 * 24 * HOUR_S);
  t.ok(Math.abs(await putAt(koor, "b")) < 10, "new times are right");
  const ben = await Agent.register(koor.port, "ben");
  const lease = await ben.lease(["deploy"], { ttl_s: 5 });
  t.ok(aheadOf(lease.expires_at) <= 5.1);
  const again = (await send(koor.port, "GET", "/api/backup")).text;
  await koor.stop();

  const other = await startAhead(t, 0);
  t.equal(
    (await send(other.port, "POST", "/api/restore", { body: again })).status,
    200,
    "its own backup can be restored",
  );
  const since = new Date(Date.now() - 60_000).toISOString();
  const until = new Date(Date.now() + 60_000).toISOString();
  const rows = (await send(other.port, "GET", `/api/audit?from=${since}&to=${until}&action=state.put`)).json<
    object[]
  >();
  t.same(
    rows.map((row) => "resource" in row && row.resource),
    ["b"],
  );
  t.ok(Math.abs(await putAt(other, "c")) < 10);
});

const NO_STOPS = process.platform === "win32" ? "there is no SIGSTOP" : longFormOnly();

t.test(
  "a server that was stopped past the life of all claims does not expire them at once",
  { skip: IN_CLUSTER || NO_STOPS },
  async (t) => {
    const koor = await startKoor(t);
    const [ana, ben] = [await Agent.register(koor.port, "ana"), await Agent.register(koor.port, "ben")];
    const lease = await ana.lease(["deploy"], { ttl_s: 1 });
    const place = await ben.lease(["deploy"], { ttl_s: 1, queue: true });
    koor.process.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    koor.process.kill("SIGCONT");
    t.equal((await ana.get(lease.id)).state, "held");
    const waiting = await ben.get(place.id);
    t.equal(waiting.state, "waiting");
    t.same(await eventsOf(koor.port, "lease.lost"), []);
    t.match(koor.log(), /did not run/);
  },
);
