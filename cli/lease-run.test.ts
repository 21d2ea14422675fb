/**
 * Tests commands that run under a lease, against a fake server. Checks the heartbeats, when a lease counts as lost, how
 * the command is terminated, and when the lease is released. The commands are real processes. They print nothing,
 * because stdout contains the test's report.
 */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import t, { type Test } from "tap";

import { FakeServer, replyError, replyJson, type Reply, type SeenRequest } from "../test/cli/fake-server.js";
import { runTimes, type RunTimes } from "./claim-run.js";
import type { Lease } from "./lease-calls.js";
import { runUnderLease } from "./lease-run.js";

const LEASE = { id: "lease-1", fence: 7, state: "held", reason: "", note: null, ttl_s: 60 } as unknown as Lease;
/** A time that no test reaches. */
const LONG_MS = 600_000;
const TIMES: RunTimes = { intervalMs: 5, ttlMs: LONG_MS, retryMs: 1, graceMs: LONG_MS };
/** The path to which the command sends a request when it is ready. */
const READY = "/ready";

async function setUp(t: Test) {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const settings = { server: new URL(fake.url), token: "", instance: "me" };
  const released: string[] = [];
  /** The server's answer to a call that waits for the end of the lease. By default the server refuses to wait. */
  let answerWait = (_request: SeenRequest, _ready: boolean): Reply => replyError(404, "no such route");
  const setAnswerWait = (answer: typeof answerWait): void => {
    answerWait = answer;
  };
  /**
   * Sets the server's answers about the lease. If `onceReady` is true, the answers apply only after the command has
   * sent READY.
   */
  const answerLease = (answer: (request: SeenRequest) => Reply, onceReady = true): void => {
    let ready = false;
    fake.answer = (request) => {
      if (request.url === READY) ready = true;
      if (request.url === READY) return replyJson({});
      if (request.url.startsWith("/api/wait?")) return answerWait(request, ready);
      if (request.method === "DELETE") {
        released.push(request.url);
        return replyJson({ released: LEASE.id });
      }
      return ready || !onceReady ? answer(request) : replyJson(LEASE);
    };
  };
  answerLease(() => replyJson(LEASE));
  const run = async (code: string, times: Partial<RunTimes> = {}) =>
    await runUnderLease(settings, LEASE, [process.execPath, "-e", code], { ...TIMES, ...times });
  /** Returns the script of a process that runs until it is terminated. */
  const endless = (before = ""): string =>
    `${before};require("node:http").get("${fake.url}${READY}").on("error",()=>{});setInterval(()=>{},1e9)`;
  return { fake, settings, released, run, endless, answerLease, setAnswerWait };
}

t.test("times follow from the lease", (t) => {
  t.match(runTimes(60), { intervalMs: 20_000, ttlMs: 60_000, retryMs: 2_000 });
  t.match(runTimes(3), { intervalMs: 1_000, ttlMs: 3_000, retryMs: 1_000 });
  t.end();
});

t.test("the exit code is the command's, and the lease is released", async (t) => {
  const { run, released, settings } = await setUp(t);
  t.equal(await run("process.exit(0)"), 0);
  t.equal(await run("process.exit(3)"), 3);
  t.equal(await run('process.kill(process.pid,"SIGTERM")'), 143);
  t.equal(await run('process.exit(process.env.KOOR_FENCE==="7"&&process.env.KOOR_LEASE==="lease-1"?5:6)'), 5);
  t.equal(
    await run('process.exit(process.env.KOOR_INSTANCE==="me"&&process.env.KOOR_SERVER?7:6)'),
    7,
    "the command acts as the holder",
  );
  t.equal(await runUnderLease(settings, LEASE, ["./no-such-program"], TIMES), 127);
  t.equal(await runUnderLease(settings, LEASE, ["a\0b"], TIMES), 127);
  t.same(
    released,
    Array.from({ length: 7 }, () => "/api/leases/lease-1?fence=7"),
  );
});

t.test("a lease that cannot be released does not change the exit code", async (t) => {
  const { fake, run } = await setUp(t);
  fake.answer = () => replyError(409, "lease lost");
  t.equal(await run("process.exit(3)", { intervalMs: LONG_MS }), 3);
});

t.test("a lost lease ends the command and is not released", async (t) => {
  const { run, endless, released, answerLease } = await setUp(t);
  const losses: readonly Reply[] = [
    replyJson({ ...LEASE, state: "lost", reason: "broken", note: "why" }),
    replyJson({ ...LEASE, fence: 8 }),
    replyError(404, "lease not found: lease-1"),
  ];
  for (const loss of losses) {
    answerLease(() => loss);
    t.equal(await run(endless()), 1);
  }
  t.same(released, []);
});

t.test("a lease that ends between two heartbeats ends the command at once", async (t) => {
  const { fake, run, endless, released, answerLease, setAnswerWait } = await setUp(t);
  const faults: Reply[] = ["close", replyError(503, "starting"), replyError(429, "too many waiters")];
  const lost = { ...LEASE, state: "lost", reason: "broken", note: "why" };
  answerLease(() => replyJson(lost));
  setAnswerWait(({ url }, ready) => {
    const fault = faults.shift();
    if (fault !== undefined) return fault;
    const after = new URL(url, fake.url).searchParams.get("after");
    if (after === null) return replyJson({ matched: { kind: "lease", lease: LEASE }, cursor: "c1" });
    if (!ready) return replyJson({ matched: null, cursor: "c2" });
    return replyJson({ matched: { kind: "lease", lease: lost }, cursor: "c3" });
  });
  t.equal(await run(endless(), { intervalMs: LONG_MS }), 1);
  t.same(released, []);
  const waits = fake.requests.filter(({ url }) => url.startsWith("/api/wait?"));
  t.equal(waits[0]?.url, "/api/wait?lease=lease-1");
  t.equal(waits[4]?.url, "/api/wait?lease=lease-1&after=c1&wait=60", "a call waits for at most 60 s");
  t.equal(waits[0]?.headers["x-koor-instance"], "me", "the wait is a sign of life of the holder");
});

t.test("a heartbeat that succeeds after the report of an end lets the command continue", async (t) => {
  const { fake, run, setAnswerWait } = await setUp(t);
  setAnswerWait(() => replyJson({ matched: { kind: "lagged" }, cursor: "c1" }));
  const heartbeats = (): number => fake.requests.filter(({ url }) => url === "/api/leases/lease-1").length;
  const reply = fake.answer;
  fake.answer = (request) => (request.url === "/count" ? { body: String(heartbeats()) } : reply(request));
  const until = `const ask=()=>require("node:http").get("${fake.url}/count",r=>{let b="";r.on("data",d=>b+=d)
    .on("end",()=>+b>0?process.exit(4):setImmediate(ask))});ask()`;
  t.equal(await run(until, { intervalMs: LONG_MS }), 4);
  t.equal(heartbeats(), 1);
});

t.test("a command that does not end by SIGTERM is killed, with what it has started", async (t) => {
  const { run, endless, answerLease } = await setUp(t);
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  t.teardown(() => listener.close());
  answerLease(() => replyJson({ ...LEASE, state: "lost" }));
  const stubborn = endless('process.on("SIGTERM",()=>{})');
  t.equal(await run(stubborn, { graceMs: 20 }), 1, "the command itself");
  answerLease(() => replyJson({ ...LEASE, state: "lost" }));
  // SIGTERM ends the parent process, but not its child. The child holds a connection, whose close shows that the child
  // has ended.
  const closed = new Promise((resolve) => {
    listener.once("connection", (socket) =>
      socket
        .once("close", resolve)
        .on("error", () => undefined)
        .resume(),
    );
  });
  const child = `require("node:net").connect(${(listener.address() as AddressInfo).port},"127.0.0.1");${stubborn}`;
  const parent = `require("node:child_process").spawn(process.execPath,["-e",${JSON.stringify(child)}]);
    setInterval(()=>{},1e9)`;
  t.equal(await run(parent, { graceMs: 20 }), 1, "its child");
  await closed;
});

t.test("a server that does not answer is no loss until the ttl is over", async (t) => {
  const { run, endless, released, answerLease, fake } = await setUp(t);
  let faults = 0;
  answerLease(() => {
    faults += 1;
    return (
      [replyError(503, "starting"), replyError(401, "no"), "half" as const, "close" as const][faults] ??
      replyJson(LEASE)
    );
  }, false);
  const until = `const ask=()=>require("node:http").get("${fake.url}/count",r=>{let b="";r.on("data",d=>b+=d)
    .on("end",()=>+b>8?process.exit(4):setImmediate(ask))});ask()`;
  const reply = fake.answer;
  fake.answer = (request) => (request.url === "/count" ? { body: String(faults) } : reply(request));
  t.equal(await run(until), 4, "it survives them");
  answerLease(() => "close");
  t.equal(await run(endless(), { ttlMs: 500 }), 1, "all the time");
  t.same(released.length, 2, "the server may still hold it, so it is released");
});
