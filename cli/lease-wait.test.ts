/**
 * Tests the wait in the queue of a lease, against a fake server. Checks the calls, their repetition after a lost
 * answer, and the end of the wait.
 */
import t, { type Test } from "tap";

import { FakeServer, replyError, replyJson, type Reply } from "../test/cli/fake-server.js";
import { CliFailure } from "./failure.js";
import { waitForLease, watchLease, type LeaseWaitOptions } from "./lease-wait.js";

const WISH = { resources: ["r"], mode: undefined, scope: undefined, ttl_s: 60, reason: undefined };
const WAITING = { id: "lease-1", fence: null, state: "waiting", reason: "" };
const HELD = { id: "lease-1", fence: 7, state: "held", reason: "" };
/** A time that no test reaches. */
const LONG_MS = 600_000;
/** A time that is over as soon as the request has entered the queue. */
const SHORT_MS = 1;

/** Sends the replies one after the other, and repeats the last one. */
async function setUp(t: Test, ...replies: readonly Reply[]) {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const left = [...replies];
  fake.answer = () => (left.length > 1 ? left.shift() : left[0]) ?? "close";
  const settings = { server: new URL(fake.url), token: "", instance: "me" };
  const options = { waitMs: LONG_MS, staysQueued: false, signal: new AbortController().signal, retryMs: 1 };
  return {
    fake,
    settings,
    wait: async (more: Partial<LeaseWaitOptions> = {}) => await waitForLease(settings, WISH, { ...options, ...more }),
    asked: () => fake.requests.map(({ method, url }) => `${method} ${url}`),
  };
}

t.test("a free lease takes one call", async (t) => {
  const { fake, wait, asked } = await setUp(t, replyJson(HELD));
  t.match(await wait(), { lease: HELD });
  t.same(asked(), ["POST /api/leases"]);
  t.match(JSON.parse(String(fake.requests[0]?.body)), { resources: ["r"], queue: true, ttl_s: 60 });
  t.equal(fake.requests[0]?.headers["x-koor-instance"], "me");
});

t.test("a wait in the queue ends with a grant, through a restart", async (t) => {
  const { wait, asked } = await setUp(
    t,
    replyJson(WAITING, 202),
    replyJson(WAITING),
    "close",
    replyError(503, "starting"),
    "half",
    replyJson(HELD),
  );
  t.match(await wait(), { lease: HELD });
  const poll = "GET /api/leases/lease-1?wait=60";
  t.same(asked(), ["POST /api/leases", poll, poll, poll, poll, poll]);
});

t.test("a request whose answer was lost is repeated with the same id", async (t) => {
  const { fake, wait } = await setUp(t, "close", replyError(503, "stopping"), replyJson(HELD));
  t.match(await wait(), { lease: HELD });
  const ids = fake.requests.map(({ body }) => (JSON.parse(String(body)) as { request_id: unknown }).request_id);
  t.equal(ids.length, 3);
  t.match(ids[0], /^[\w-]{36}$/);
  t.equal(new Set(ids).size, 1);
});

t.test("a refusal ends it at once", async (t) => {
  const { wait, asked } = await setUp(t, replyError(409, "this would deadlock"));
  t.match(await wait(), new CliFailure(1, "this would deadlock (409)"));
  t.same(asked(), ["POST /api/leases"]);
  const lost = await setUp(t, replyJson(WAITING), replyJson({ ...WAITING, state: "lost", reason: "broken" }));
  t.match(await lost.wait(), new CliFailure(1, "the request for the lease is lost: broken"));
  const other = await setUp(t, replyJson({ hello: 1 }));
  t.match(await other.wait(), { message: /is this a Koor server/ });
});

t.test("when the time is over it leaves the queue and names the blocking lease", async (t) => {
  const { fake, wait, asked } = await setUp(t);
  fake.answer = ({ method, body }) => {
    if (method === "DELETE") return replyJson({ released: "lease-1" });
    if (method === "GET") return replyJson(WAITING);
    return body.includes("queue") ? replyJson(WAITING, 202) : replyError(409, "leased by bob: r");
  };
  t.match(await wait({ waitMs: SHORT_MS }), new CliFailure(1, "no lease within 0.001s: leased by bob: r (409)"));
  t.same(asked().slice(-2), ["DELETE /api/leases/lease-1", "POST /api/leases"]);
  fake.requests.length = 0;
  t.match(await wait({ waitMs: SHORT_MS, staysQueued: true }), { lease: WAITING }, "or it stays queued, if requested");
  t.notOk(asked().some((call) => call.startsWith("DELETE")));
});

t.test("a lease that is granted while it leaves the queue is granted", async (t) => {
  const { fake, wait } = await setUp(t);
  let granted = false;
  fake.answer = ({ method }) => {
    if (method === "DELETE") granted = true;
    return method === "DELETE" ? replyError(400, "fence is required") : replyJson(granted ? HELD : WAITING);
  };
  t.match(await wait({ waitMs: SHORT_MS }), { lease: HELD });
});

t.test("when stopped, it leaves the queue and releases a lease that was granted then", async (t) => {
  const { fake, wait, asked } = await setUp(t);
  const stop = new AbortController();
  fake.answer = ({ method }) => {
    if (method === "GET") stop.abort();
    return method === "DELETE" ? replyJson({ released: "lease-1" }) : replyJson(WAITING);
  };
  t.match(await wait({ signal: stop.signal }), new CliFailure(1, "stopped while it waited for the lease"));
  t.equal(asked().at(-1), "DELETE /api/leases/lease-1");
  fake.answer = ({ method, url }) => {
    if (method === "DELETE" && !url.includes("fence")) return replyError(400, "fence is required");
    return method === "DELETE" ? replyJson({ released: "lease-1" }) : replyJson(method === "GET" ? HELD : WAITING);
  };
  t.match(await wait({ signal: stop.signal }), new CliFailure(1, "stopped while it waited for the lease"));
  t.equal(asked().at(-1), "DELETE /api/leases/lease-1?fence=7");
});

t.test("a server that stays unreachable is a failure when the time is up", async (t) => {
  const { wait } = await setUp(t, "close");
  t.match(await wait({ waitMs: SHORT_MS }), { exit: 3, message: /cannot reach/ });
});

t.test("a lease that was requested earlier is watched", async (t) => {
  const { settings, asked } = await setUp(t, replyJson(WAITING), replyJson(HELD));
  t.match(await watchLease(settings, "lease-1", LONG_MS), { lease: HELD });
  t.same(asked(), ["GET /api/leases/lease-1", "GET /api/leases/lease-1?wait=60"]);
  const gone = await setUp(t, replyError(404, "lease not found: x"));
  t.match(await watchLease(gone.settings, "x", LONG_MS), new CliFailure(1, "lease not found: x (404)"));
});
