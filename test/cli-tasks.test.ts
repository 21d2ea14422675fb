/**
 * Tests tasks from a shell, with a real server. Agents work on a plan, and commands run for each task. Tests also what
 * happens when a task is canceled, its claim is lost, the server restarts or the user presses Ctrl-C.
 */
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

import { type Answer, joinServer, type CliAgent } from "./cli/cli-agent.js";
import { CLI_PROGRAM, runCli } from "./cli/run-cli.js";
import { makeDirectory, startKoor, type Koor, type Owner } from "./support/server-process.js";

interface Bench {
  readonly server: Koor;
  readonly ana: CliAgent;
  readonly bob: CliAgent;
  /** Returns the state of each task, by id. */
  readonly states: () => Promise<Readonly<Record<string, unknown>>>;
}

async function setUp(t: Owner): Promise<Bench> {
  const server = await startKoor(t);
  const ana = await joinServer(t, server, "ana");
  const bob = await joinServer(t, server, "bob");
  const states = async () => {
    const { tasks } = (await ana.ask("task", "list")) as { tasks: { id: string; state: string }[] };
    return Object.fromEntries(tasks.map(({ id, state }) => [id, state]));
  };
  return { server, ana, bob, states };
}

/**
 * A command that prints a line to stderr and then runs until it is terminated. It starts another process that does the
 * same.
 */
const ENDLESS = ["sh", "-c", "sleep 1000 & echo running >&2; wait"];
const KOOR = `"${process.execPath}" "${CLI_PROGRAM}"`;

function shell(code: string): readonly string[] {
  return ["--", "sh", "-c", code];
}

t.test("without an instance a task is made in the workspace of the root folder's name", async (t) => {
  const server = await startKoor(t);
  const cwd = join(makeDirectory(t), "trück s");
  mkdirSync(join(cwd, ".git"), { recursive: true });
  mkdirSync(join(cwd, "src"));
  const plan = join(cwd, "plan.json");
  writeFileSync(plan, '[{"title":"b"},{"title":"c","workspace":"own"}]');
  const koor = async (...args: string[]) =>
    await runCli(args, { cwd: join(cwd, "src"), env: { KOOR_SERVER: server.url } });
  const added = await koor("task", "add", "a", "--resource", join(cwd, "src", "a.ts"), "--resource", "path:../lib");
  t.match(added, { code: 0, stderr: "koor: made in the workspace trück s\n" });
  t.match(JSON.parse(added.stdout), { workspace: "trück s", resources: ["path:src/a.ts", "path:lib"] });
  const planned = await koor("task", "add", "--file", plan);
  t.match(JSON.parse(planned.stdout), [{ workspace: "trück s" }, { workspace: "own" }]);
  t.match(await koor("task", "add", "d", "--workspace", "w"), { code: 0, stdout: /"workspace":"w"/, stderr: "" });
  const registered = JSON.parse((await koor("register", "ana", "--workspace", "trück s", "--save")).stdout) as Answer;
  t.match(JSON.parse((await koor("task", "claim")).stdout), { task: { title: "a", holder: { id: registered["id"] } } });
  t.match(
    await koor("task", "add", "e"),
    { code: 0, stderr: "koor: made in the workspace trück s\n" },
    "the instance's",
  );
  const env = { KOOR_SERVER: server.url };
  const check = await runCli(["lease", "check", "src/a.ts"], { cwd, env });
  t.match(check, { code: 1, stderr: /src\/a\.ts is leased by ana/ }, "checked there, too");
});

t.test("a plan can be created, listed, claimed, asked about, answered and done", async (t) => {
  const { ana, bob, states } = await setUp(t);
  const folder = makeDirectory(t);
  const plan = join(folder, "plan.json");
  writeFileSync(plan, '[{"id":"api","title":"the API","labels":["go"]},{"title":"its tests","after":["#0"]}]');
  t.match(await ana.ask("task", "add", "--file", plan), [{ id: "api", state: "ready" }, { state: "blocked" }]);
  t.match(await ana.ask("task", "add", "docs", "--label", "words", "--label", "easy", "--resource", "path:docs/**"), {
    id: "task-3",
    labels: ["words", "easy"],
    resources: ["path:docs/**"],
  });
  t.match(await ana.ask("task", "update", "task-3", "--priority", "9"), { priority: 9 });
  const none = await bob.koor("task", "claim", "--label", "easy", "--label", "go");
  t.match(none, { code: 1, stdout: '{"task":null,"lease":null}\n', stderr: "koor: there is no task to claim\n" });
  await ana.ask("budget", "set", "b", "--agent", "bob", "--tokens", "1");
  await bob.ask("llm", "record", "--provider", "p", "--model", "m", "--tokens-in", "1");
  t.match(await bob.koor("task", "claim"), { code: 1, stderr: /\nkoor: the budget b of the agent bob is used up\n$/ });
  await ana.ask("budget", "remove", "b");
  const claimed = await bob.ask("task", "claim");
  t.match(claimed, { task: { id: "task-3", holder: { name: "bob" } }, lease: { resources: ["path:docs/**"] } });
  t.match(await ana.koor("lease", "check", "docs/a.md"), { code: 1, stderr: /leased by bob/ });
  t.match(await ana.koor("task", "claim", "task-3"), { code: 1, stderr: /task is claimed \(409\)/ });
  t.match(await ana.koor("task", "done", "task-3"), { code: 1, stderr: /not yours \(403\)/ });
  t.match(await bob.koor("task", "done", "task-3", "--fence", "99"), { code: 1, stderr: /claim lost \(409\)/ });
  t.match(await bob.ask("task", "progress", "task-3", "--percent", "40"), { cancel_requested: false });
  t.match(await bob.ask("task", "ask", "task-3", "which page?"), { state: "input_required", question: "which page?" });
  t.match(await bob.koor("task", "release", "task-3"), { code: 1, stderr: /task is not held: task-3/ });
  t.match(await ana.ask("task", "answer", "task-3", "all"), { state: "ready", answer: "all" });
  const waiting = bob.start("task", "claim", "task-3", "--wait", "10m");
  await waiting.untilLines(1);
  t.equal(await waiting.exit(), 0);
  const done = ["task", "done", "task-3", "--result", '{"pages":3}'];
  t.match(await bob.ask(...done), { state: "done", result: { pages: 3 } });
  t.match(await bob.ask(...done), { state: "done", result: { pages: 3 } }, "again, as when the answer was lost");
  t.match(await bob.koor("task", "release", "task-3"), { code: 1, stderr: /task is not held: task-3/ });
  t.match(await ana.koor("task", "done", "task-3"), { code: 1, stderr: /task is not held: task-3/ });
  t.match(await bob.ask("task", "claim", "api"), { task: { id: "api" } });
  t.match(await bob.ask("task", "release", "api"), { state: "ready" });
  t.match(await ana.ask("task", "claim", "api"), { task: { id: "api" } });
  t.match(await bob.ask("task", "release", "api"), { state: "claimed", holder: { name: "ana" } }, "again");
  t.match(await ana.ask("task", "release", "api"), { state: "ready" });
  t.match(await bob.ask("task", "claim", "api"), { task: { id: "api" } });
  const failed = ["task", "fail", "api", "no compiler", "--final"];
  for (const time of ["once", "again"])
    t.match(await bob.ask(...failed), { state: "failed", error: "no compiler" }, time);
  t.match(await ana.koor("task", "claim", "api", "--wait", "10m"), { code: 1, stderr: /task is failed/ }, "at once");
  t.match(await ana.ask("task", "retry", "api"), { state: "ready" });
  t.match(await ana.ask("task", "cancel", "api", "--reason", "not now"), { state: "canceled" });
  t.match(await ana.ask("task", "get", "task-2"), { note: "waits for canceled task api" });
  t.same(await states(), { "task-3": "done", "task-2": "blocked", api: "canceled" });
});

t.test("work completes a task with its output, fails it with the end of its stderr, and tries it again", async (t) => {
  const { ana, bob, states } = await setUp(t);
  for (const id of ["a", "b", "c"]) await ana.ask("task", "add", id, "--id", id, "--label", "l", "--max-attempts", "2");
  await ana.ask("task", "add", "not ours");
  const code = `cat >/dev/null; case $KOOR_TASK in a) echo '{"n":1}';; b) echo text;; *) echo why >&2; exit 3;; esac`;
  const worked = await bob.koor("task", "work", "--label", "l", "--wait", "0s", ...shell(code));
  t.match(worked, { code: 1, stderr: "why\n" });
  const lines = worked.stdout.trimEnd().split("\n");
  t.match(
    lines.map((line) => JSON.parse(line) as unknown),
    [
      { id: "a", state: "done", result: { n: 1 } },
      { id: "b", state: "done", result: "text" },
      { id: "c", state: "ready", error: "why", attempts: 1 },
    ],
  );
  const one = ["task", "work", "--label", "l", "--once"];
  t.match(await bob.koor(...one, ...shell("exit 4")), { code: 4 }, "the command's");
  t.match(await states(), { a: "done", b: "done", c: "dead", "task-4": "ready" });
  t.match(await bob.koor(...one, "--wait", "0s", "--", "false"), { code: 0, stdout: "" }, "there is none");
  const typo = await bob.koor("task", "work", "--", "./no-such");
  t.match(typo, { code: 127, stderr: "koor: cannot start ./no-such: no such program\n" });
  t.match(await ana.ask("task", "get", "task-4"), { state: "ready", attempts: 0, note: /cannot start/ }, "given back");
});

t.test("claim names the holder of a blocker, and a progress report is no part of work's result", async (t) => {
  const { ana, bob } = await setUp(t);
  await ana.ask("task", "add", "t", "--id", "t", "--resource", "path:src/a.ts");
  const { id } = await ana.ask("lease", "acquire", "path:src/**");
  const none = await bob.koor("task", "claim");
  t.match(none, {
    code: 1,
    stderr:
      /^koor: there is no task to claim\nkoor: t needs path:src\/a\.ts, leased by its path:src\/\*\* by ana \(lease-1\) until 20/,
  });
  t.match(JSON.parse(none.stdout), { task: null, lease: null, busy: [{ id: "t", title: "t", lease: { id } }] });
  await ana.ask("lease", "release", String(id));
  const code = `cat >/dev/null; ${KOOR} task progress "$KOOR_TASK" --percent 50; echo '{"ok":true}'`;
  const worked = await bob.koor("task", "work", "--once", ...shell(code));
  t.match(JSON.parse(worked.stdout), { state: "done", result: { ok: true } });
});

t.test("the command of work acts as the holder, under the task's fence", async (t) => {
  const { ana, bob } = await setUp(t);
  await ana.ask("task", "add", "t", "--id", "t", "--resource", "state:plan/**");
  const code = `cd / && ${KOOR} state set plan/a --data 1 && ${KOOR} task progress "$KOOR_TASK" --percent 50 &&
    ${KOOR} lease run deploy -- ${KOOR} task progress t --note deployed && KOOR_FENCE=99 ${KOOR} state set plan/a --data 2`;
  const worked = await bob.koor("task", "work", "--once", ...shell(code));
  t.match(worked, { code: 1, stderr: /^koor: stale fence \(412\)\n/ });
  const task = await ana.ask("task", "get", "t");
  t.match(task, { state: "ready", progress: 50, note: "deployed", error: /stale fence/ });
  t.match(await ana.ask("state", "history", "plan/a"), { versions: [{ version: 1, updated_by: bob.id }] });
});

t.test("work waits for the next task, through a restart, and Ctrl-C ends the wait", async (t) => {
  const { server, ana, bob } = await setUp(t);
  const working = bob.start("task", "work", ...shell("echo $KOOR_TASK"));
  await ana.ask("task", "add", "first");
  await working.untilLines(1);
  t.equal(await server.stop(), 0);
  await working.until("it is noticed", () => working.stderr.includes("trying again"));
  const again = await startKoor(t, { data_dir: server.data_dir, args: ["--bind", `127.0.0.1:${server.port}`] });
  await ana.ask("task", "add", "second");
  await working.untilLines(2);
  t.match(
    working.lines.map((line) => JSON.parse(line) as unknown),
    [
      { title: "first", state: "done", result: "task-1" },
      { title: "second", state: "done", result: "task-2" },
    ],
  );
  working.child.kill("SIGINT");
  t.equal(await working.exit(), 130);
  t.equal(await again.stop(), 0, "no call waits any more");
});

t.test("the command of work outlives a restart of the server, and its end is reported then", async (t) => {
  const { server, ana, bob } = await setUp(t);
  await ana.ask("task", "add", "t", "--id", "t");
  const gate = join(makeDirectory(t), "go");
  const working = bob.start(
    "task",
    "work",
    "--once",
    ...shell(`echo on >&2; until [ -e ${gate} ]; do sleep 0.05; done`),
  );
  await working.until("it runs", () => working.stderr.includes("on\n"));
  t.equal(await server.stop("SIGKILL"), null);
  writeFileSync(gate, "");
  await working.until("it is noticed", () => working.stderr.includes("trying again"));
  await startKoor(t, { data_dir: server.data_dir, args: ["--bind", `127.0.0.1:${server.port}`] });
  t.equal(await working.exit(), 0);
  t.match(await ana.ask("task", "get", "t"), { state: "done", attempts: 0 });
});

t.test("work ends its command when the task is canceled or lost, and a signal gives the task back", async (t) => {
  const { ana, bob } = await setUp(t);
  await ana.ask("task", "add", "c", "--id", "c");
  /** `closed` is its exit code, once everything that it has started has ended, too: that holds its stderr open. */
  const start = async () => {
    const running = bob.start("task", "work", "--once", "--ttl", "4s", "--", ...ENDLESS);
    const closed = once(running.child, "close").then(([code]) => code as number | null);
    await running.until("it runs", () => running.stderr.includes("running\n"));
    return { running, closed };
  };
  const canceled = await start();
  t.match(await ana.ask("task", "cancel", "c"), { state: "claimed", cancel_requested: true });
  t.equal(await canceled.closed, 1);
  t.match(canceled.running.stderr, "koor: the task c is canceled: the command is stopped\n");
  t.match(JSON.parse(canceled.running.stdout), { id: "c", state: "canceled" });

  await ana.ask("task", "add", "l", "--id", "l", "--resource", "r");
  const lost = await start();
  const { leases } = (await ana.ask("lease", "list")) as { leases: { id: string }[] };
  await ana.ask("lease", "break", leases[0]?.id ?? "", "--reason", "needed");
  t.equal(await lost.closed, 1);
  t.match(lost.running.stderr, "koor: the task l is not held any more: the command is stopped\n");
  t.equal(lost.running.stdout, "", "there is nothing to report");

  const stopped = await start();
  stopped.running.child.kill("SIGTERM");
  t.equal(await stopped.closed, 143);
  t.match(JSON.parse(stopped.running.stdout), { id: "l", state: "ready", attempts: 0, note: "stopped by SIGTERM" });
});
