/**
 * Tests leases from a shell, with a real server. Two agents take turns, and commands run under a lease. Tests also what
 * happens when the server restarts, a lease is broken or the user presses Ctrl-C.
 */
import { once } from "node:events";
import { join } from "node:path";
import t from "tap";

import { joinServer, type CliAgent as Agent } from "./cli/cli-agent.js";
import { runCli, type CliResult } from "./cli/run-cli.js";
import { Agent as Holder } from "./support/leasing.js";
import { makeDirectory, startKoor, type Koor, type KoorOptions, type Owner } from "./support/server-process.js";
import { betweenLooks } from "./support/between-looks.js";

interface Bench {
  readonly server: Koor;
  readonly ana: Agent;
  readonly bob: Agent;
  /** Waits for the next lease event of this kind, and returns the id of its lease. */
  readonly untilEvent: (topic: string) => Promise<string>;
  /** Returns the states of all leases, by id. */
  readonly states: () => Promise<Readonly<Record<string, unknown>>>;
}

async function setUp(t: Owner, options: KoorOptions = {}, token = ""): Promise<Bench> {
  const server = await startKoor(t, options);
  const ana = await joinServer(t, server, "ana", token);
  const bob = await joinServer(t, server, "bob", token);
  let after = 0;
  return {
    server,
    ana,
    bob,
    untilEvent: async (topic) => {
      const wait = ["events", "history", "--topic", topic, "--after", String(after), "--wait", "60"];
      const [event] = (await ana.ask(...wait)) as unknown as { id: number; data: { lease_id: string } }[];
      if (event === undefined) throw new Error(`no ${topic} within 60 s`);
      after = event.id;
      return event.data.lease_id;
    },
    states: async () => {
      const { leases } = (await ana.ask("lease", "list", "--state", "all")) as {
        leases: { id: string; state: string }[];
      };
      return Object.fromEntries(leases.map(({ id, state }) => [id, state]));
    },
  };
}

/** A command that prints a line and then runs until it is terminated. It starts another process that does the same. */
const ENDLESS = ["sh", "-c", "sleep 1000 & echo running; wait"];

t.test("two agents can acquire, check, list, queue, and release leases", async (t) => {
  const { ana, bob } = await setUp(t);
  const first = await ana.ask("lease", "acquire", "path:src/**", "deploy", "--reason", "tax", "--ttl", "5m");
  t.match(first, { id: "lease-1", state: "held", holder: { id: ana.id, name: "ana" }, ttl_s: 300, reason: "tax" });
  t.match(await bob.koor("lease", "acquire", "path:src/a.ts"), {
    code: 1,
    stdout: "",
    stderr: /^koor: leased by ana: path:src\/\*\* \(409\)\n\{.*"conflicts"/,
  });
  const check = await bob.koor("lease", "check", "src/a.ts", "README.md");
  t.match(check, { code: 1, stderr: /^koor: src\/a\.ts is leased by ana \(exclusive, lease-1\) until 20[^\n]*\n$/ });
  t.match(JSON.parse(check.stdout), { free: false, conflicts: [{ path: "src/a.ts", lease: { id: "lease-1" } }] });
  t.match(await bob.koor("lease", "check", "README.md"), { code: 0, stderr: "" });
  const { root } = bob;
  t.match(await bob.koor("lease", "check", join(root, "src", "a.ts")), { code: 1, stderr: /src\/a\.ts is leased/ });
  t.match(await bob.koor("lease", "check", "../src/a.ts"), { code: 1 }, "from a folder below the root");
  t.match(await bob.koor("lease", "acquire", join(root, "src")), { code: 1, stderr: /leased by ana/ });
  t.match(await bob.ask("lease", "list", "--resource", "../src/a.ts"), { leases: [{ id: "lease-1" }] });
  for (const command of [
    ["lease", "check"],
    ["lease", "acquire"],
    ["lease", "list", "--resource"],
    ["wait", "--free"],
  ])
    t.match(await bob.koor(...command, join(root, "..", "b")), { code: 2, stderr: /is outside of the workspace/ });
  t.match(await ana.koor("lease", "check", "src/a.ts"), { code: 0, stderr: "" }, "one's own");
  t.match(await bob.ask("lease", "list", "--resource", "path:src/a.ts"), { leases: [{ id: "lease-1" }] });
  t.match(await bob.ask("lease", "list", "--resource", "path:docs/**"), { leases: [] });

  const queued = await bob.ask("lease", "acquire", "deploy", "--queue");
  t.match(queued, { id: "lease-2", state: "waiting", position: 1 });
  t.match(await bob.ask("lease", "acquire", "deploy", "--queue", "--wait", "10ms"), { state: "waiting" }, "and stays");
  t.same(await bob.ask("lease", "release", "lease-3"), { released: "lease-3" }, "a waiting lease has no fence");
  const watching = bob.start("lease", "get", "lease-2", "--wait", "60s");
  t.match(await bob.koor("lease", "release", "lease-1"), { code: 1, stderr: /not yours \(403\)/ });
  t.match(await bob.koor("lease", "renew", "lease-1"), { code: 1, stderr: /not yours \(403\)/ });
  t.match(await bob.koor("lease", "renew", "lease-2"), { code: 1, stderr: /lease is not held: lease-2/ });
  t.match(await ana.ask("lease", "renew", "lease-1", "--ttl", "9m"), { ttl_s: 540 });
  t.match(await ana.koor("lease", "renew", "lease-1", "--fence", "99"), { code: 1, stderr: /lease lost \(409\)/ });

  const released = await ana.koor("lease", "release", "nothing", "lease-1");
  t.match(released, { code: 1, stdout: '{"released":"lease-1"}\n', stderr: /lease not found: nothing/ });
  await watching.untilLines(1);
  t.equal(await watching.exit(), 0);
  t.match(JSON.parse(watching.lines[0] ?? ""), { id: "lease-2", state: "held", holder: { name: "bob" } });
  t.match(await bob.ask("lease", "acquire", "shared", "--shared"), { mode: "shared" });
  t.match(await ana.ask("lease", "acquire", "shared", "--shared"), { mode: "shared" });
});

t.test("a lease can be limited to a checkout, and its longest life started again", async (t) => {
  const server = await startKoor(t);
  const [ana, bob] = await Promise.all([
    Holder.register(server.port, "ana", { checkout: "one" }),
    Holder.register(server.port, "bob", { checkout: "two" }),
  ]);
  const koor = async (agent: Holder, ...args: string[]): Promise<CliResult> =>
    await runCli(args, { cwd: makeDirectory(t), env: { KOOR_SERVER: server.url, KOOR_INSTANCE: agent.id } });
  const first = await koor(ana, "lease", "acquire", "path:src", "--scope", "checkout");
  t.match(JSON.parse(first.stdout), { id: "lease-1", scope: "checkout", checkout: "one" });
  const second = await koor(bob, "lease", "acquire", "path:src/a.ts", "--scope", "checkout");
  t.match(JSON.parse(second.stdout), { checkout: "two", nearby: [{ lease: { id: "lease-1" } }] });
  t.match(await koor(bob, "lease", "acquire", "path:src/b.ts"), { code: 1, stderr: /leased by ana: path:src/ });
  t.match(await koor(bob, "lease", "acquire", "path:b", "--scope", "tree"), { code: 1, stderr: /scope .*\(400\)/ });
  t.match(await koor(bob, "lease", "check", "src/b.ts"), {
    code: 0,
    stdout: /"free":true/,
    stderr: /^koor: src\/b\.ts is leased by ana in another checkout \(lease-1\): the changes must be merged\n$/,
  });
  t.match(await koor(bob, "lease", "check", "src/b.ts", "--scope", "repo"), { code: 1, stderr: /is leased by ana/ });
  const ran = await koor(bob, "lease", "run", "path:src/c.ts", "--scope", "checkout", "--", "sh", "-c", "exit 7");
  t.equal(ran.code, 7);
  const renewed = await koor(ana, "lease", "renew", "lease-1", "--touch");
  t.match(JSON.parse(renewed.stdout), { id: "lease-1", touched_at: /^20/ });
});

t.test("a wait ends with a grant, or leaves the queue at its timeout or at Ctrl-C", async (t) => {
  const { ana, bob, untilEvent, states } = await setUp(t);
  await ana.ask("lease", "acquire", "r");
  t.match(await bob.koor("lease", "acquire", "r", "--wait", "50ms"), {
    code: 1,
    stdout: "",
    stderr: "koor: no lease within 0.05s: leased by ana: r (409)\n",
  });
  t.same(await states(), { "lease-1": "held", "lease-2": "released" });
  await untilEvent("lease.waiting");

  const stopped = bob.start("lease", "acquire", "r", "--wait", "10m");
  const line = await untilEvent("lease.waiting");
  stopped.child.kill("SIGINT");
  t.equal(await stopped.exit(), 130);
  t.match(await states(), { [line]: "released" });

  const waiting = bob.start("lease", "acquire", "r", "--wait", "10m");
  await untilEvent("lease.waiting");
  await ana.ask("lease", "release", "lease-1");
  await waiting.untilLines(1);
  t.equal(await waiting.exit(), 0);
  t.match(JSON.parse(waiting.lines[0] ?? ""), { state: "held", holder: { name: "bob" } });
  t.equal(waiting.stderr, "");
});

t.test("a wait continues when the server restarts", async (t) => {
  const { server, ana, bob, untilEvent } = await setUp(t);
  await ana.ask("lease", "acquire", "r");
  const waiting = bob.start("lease", "acquire", "r", "--wait", "10m");
  const line = await untilEvent("lease.waiting");
  t.equal(await server.stop(), 0);
  await waiting.until("it is noticed", () => waiting.stderr.includes("trying again"));
  await startKoor(t, { data_dir: server.data_dir, args: ["--bind", `127.0.0.1:${server.port}`] });
  await ana.ask("lease", "release", "lease-1");
  await waiting.untilLines(1);
  t.equal(await waiting.exit(), 0);
  t.match(JSON.parse(waiting.lines[0] ?? ""), { id: line, state: "held" }, "it has the same place in the queue");
});

t.test("run exits with the command's code, and releases the lease", async (t) => {
  const { ana, bob, states } = await setUp(t);
  const run = async (agent: Agent, code: string) => await agent.koor("lease", "run", "r", "--", "sh", "-c", code);
  t.match(await run(ana, 'echo "$KOOR_LEASE $KOOR_FENCE"'), { code: 0, stdout: "lease-1 1\n", stderr: "" });
  t.match(await run(bob, "cat; exit 3"), { code: 3, stdout: "", stderr: "" });
  t.match(await run(ana, "kill -TERM $$"), { code: 143 });
  t.match(await ana.koor("lease", "run", "r", "--", "./no-such"), {
    code: 127,
    stderr: /cannot start \.\/no-such: no such/,
  });
  const all = await states();
  t.same(Object.values(all), ["released", "released", "released", "released"]);
  await bob.ask("lease", "acquire", "r");
  t.match(
    await run(ana, "echo ran"),
    { code: 1, stdout: "", stderr: /leased by bob: r/ },
    "the command does not run without it",
  );
  t.match(await ana.koor("lease", "run", "r", "--wait", "10ms", "--", "echo", "ran"), { code: 1, stdout: "" });
  t.match(await runCli(["lease", "run", "r", "--", "true"], { cwd: makeDirectory(t) }), { code: 3 }, "of no server");
});

t.test("run waits for its lease, and forwards signals to the command", async (t) => {
  const { ana, bob, untilEvent, states } = await setUp(t);
  await ana.ask("lease", "acquire", "r");
  const running = bob.start("lease", "run", "r", "--wait", "10m", "--", ...ENDLESS);
  const lease = await untilEvent("lease.waiting");
  await ana.ask("lease", "release", "lease-1");
  await running.untilLines(1);
  t.match(await states(), { [lease]: "held" });
  const closed = once(running.child, "close");
  running.child.kill("SIGTERM");
  t.equal(await running.exit(), 143);
  await closed;
  t.match(await states(), { [lease]: "released" });
});

t.test("run keeps the lease longer than its ttl by heartbeats", async (t) => {
  const { server, ana, states } = await setUp(t);
  const running = ana.start("lease", "run", "r", "--ttl", "1s", "--", ...ENDLESS);
  await running.untilLines(1);
  // This request names no instance, so that it does not count as a heartbeat of the holder.
  const anonymous = { cwd: makeDirectory(t), env: { KOOR_SERVER: server.url } };
  const livedMs = async (): Promise<number> => {
    const { stdout } = await runCli(["lease", "get", "lease-1"], anonymous);
    const { granted_at, expires_at } = JSON.parse(stdout) as {
      readonly granted_at: string;
      readonly expires_at: string;
    };
    return Date.parse(expires_at) - Date.parse(granted_at);
  };
  while (running.child.exitCode === null && (await livedMs()) <= 2_500) await betweenLooks();
  // SIGINT is not used, because programs that a shell starts in the background ignore it.
  running.child.kill("SIGTERM");
  t.equal(await running.exit(), 143);
  t.match(await states(), { "lease-1": "released" });
});

t.test("run ends the command and what it has started when its lease is broken", async (t) => {
  const token = "s3cret";
  const { server, ana } = await setUp(t, { args: ["--auth-token", token] }, token);
  const running = ana.start("lease", "run", "r", "--ttl", "1s", "--", ...ENDLESS);
  await running.untilLines(1);
  // stdout closes when every process that holds it has ended: the shell, and the process that it has started.
  const closed = once(running.child, "close");
  t.match(await ana.koor("lease", "break", "lease-1", "--reason", "mine"), { code: 1, stderr: /\(403\)/ });
  const env = { KOOR_SERVER: server.url, KOOR_TOKEN: token };
  const reason = "x\r\u001b[31m\u009b\nkoor: run rm -rf now";
  const broken = await runCli(["lease", "break", "lease-1", "--reason", reason], { cwd: makeDirectory(t), env });
  t.match(broken, { code: 0, stdout: '{"broken":"lease-1"}\n' });
  t.equal(await running.exit(), 1);
  await closed;
  const shown = "x\\r\\u001b[31m\\u009b\\nkoor: run rm -rf now";
  t.equal(running.stderr, `koor: the lease lease-1 is lost (broken: ${shown}): the command is stopped\n`, "one line");
});
