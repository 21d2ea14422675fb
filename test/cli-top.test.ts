/** Tests `koor top` in a tmux terminal, with a real server. */
import t, { type Test } from "tap";

import { FakeServer, replyError, replyJson } from "./cli/fake-server.js";
import { CLI_PROGRAM, runCli, runProgram } from "./cli/run-cli.js";
import { programMissing, Terminal, type TerminalOptions } from "./cli/tmux.js";
import { sendJson } from "./support/http-client.js";
import { makeDirectory, startKoor, type Koor } from "./support/server-process.js";

const skip = programMissing("tmux");
const HOSTILE = "\u001b[2J\u001b[31mred\nline";

async function register(server: Koor, name: string, intent = ""): Promise<{ readonly "X-Koor-Instance": string }> {
  const answer = await sendJson(server.port, "POST", "/api/instances/register", { name, intent, workspace: "trucks" });
  return { "X-Koor-Instance": answer.json<{ id: string }>().id };
}

async function openTop(t: Test, url: string, options: Partial<TerminalOptions> = {}, words: readonly string[] = []) {
  return await Terminal.open(t, [process.execPath, CLI_PROGRAM, "top", ...words], {
    cwd: makeDirectory(t),
    ...options,
    env: { KOOR_SERVER: url, ...options.env },
  });
}

t.test("agents, leases, tasks, events and refusals are shown as they change", { skip }, async (t) => {
  const server = await startKoor(t);
  const ana = await register(server, "ana", "fixes the build");
  const terminal = await openTop(t, server.url, { columns: 120 });
  await terminal.until((screen) => /^ana .*pending.*trucks +fixes the build/m.test(screen));
  t.equal(terminal.ask("alternate_on"), "1", "it has a screen of its own");

  await register(server, "bob 名前🚀", HOSTILE);
  const lines = await terminal.until((screen) => screen.includes("bob 名前🚀"));
  t.match(lines.join("\n"), "\\u001b[2J\\u001b[31mred\\nline", "a hostile intent is escaped");
  const columns = ["pending", "trucks"].map(
    (word) =>
      new Set(
        lines.filter((line) => /^(?:ana|bob)/.test(line)).map((line) => line.replace(/[名前🚀]/gu, "xx").indexOf(word)),
      ),
  );
  t.same(
    columns.map(({ size }) => size),
    [1, 1],
    "wide letters do not move the columns",
  );

  await sendJson(server.port, "POST", "/api/leases", { resources: ["db"] }, ana);
  await terminal.until((screen) => /^ana +\S* *\w+ +\w+ +1 +-/m.test(screen));
  const bob = await register(server, "cy");
  await sendJson(server.port, "POST", "/api/leases", { resources: ["db"], queue: true }, bob);
  terminal.press("2");
  const queue = await terminal.until((screen) => /^└ lease-2 +waits 1 +cy/m.test(screen));
  const held = queue.findIndex((line) => /^lease-1 +held +ana/.test(line));
  t.match(queue[held + 1], /^└ lease-2/, "a request is below the lease that it waits for");

  terminal.press("Tab");
  await terminal.until((screen) => screen.includes("there are no tasks"));
  await sendJson(server.port, "POST", "/api/tasks", { title: "The orders API", id: "api", workspace: "trucks" });
  await terminal.until((screen) => /^api +ready .*The orders API/m.test(screen));
  terminal.press("4");
  await terminal.until((screen) => screen.includes("task.created"));
  terminal.press("5");
  await terminal.until((screen) => screen.includes("there are no refusals"));
  await sendJson(server.port, "POST", "/api/leases/lease-77/break", { reason: "x" });
  await terminal.until((screen) => /404 +lease\.break/.test(screen));

  terminal.press("q");
  t.equal(await terminal.exitCode(), "0");
  t.equal(terminal.ask("alternate_on"), "0", "the screen of the shell is back");
});

t.test("keys filter, sort, pause, show help and move", { skip }, async (t) => {
  const server = await startKoor(t);
  for (let at = 10; at < 50; at++) await register(server, `agent${at}`);
  const terminal = await openTop(t, server.url);
  await terminal.until((screen) => screen.includes("agent49"));
  terminal.press("F1");
  await terminal.until((screen) => screen.includes("choose the column to sort by"));
  terminal.press("h");
  await terminal.until((screen) => screen.includes("agent49"));
  terminal.press("End");
  await terminal.until((screen) => screen.includes("agent10") && !screen.includes("agent49"));
  terminal.press("PageUp", "PageUp", "PageUp");
  await terminal.until((screen) => screen.includes("agent49"));
  terminal.press(">");
  await terminal.until((screen) => /NAMEv/.test(screen) && screen.includes("agent10") && !screen.includes("agent49"));
  terminal.press("r");
  await terminal.until((screen) => /NAME\^/.test(screen) && screen.includes("agent49"));
  terminal.type("/T23");
  await terminal.until((screen) => screen.includes("filter: T23_") && screen.includes("agent23"));
  t.notMatch(terminal.lines().join("\n"), "agent48");
  terminal.press("Enter", "Escape");
  await terminal.until((screen) => screen.includes("agent48"));
  terminal.press("Space");
  await terminal.until((screen) => screen.includes("PAUSED"));
  await register(server, "zed");
  terminal.press("Space");
  await terminal.until((screen) => !screen.includes("PAUSED") && screen.includes("zed"));
  terminal.resize(40, 10);
  const lines = await terminal.until((screen) => /^ 1 agents {2}2/m.test(screen));
  t.equal(lines.length, 10);
  t.ok(
    lines.some((line) => line.includes("zed")),
    "a small screen has rows",
  );
  terminal.resize(100, 30);
  await terminal.until((screen) => /WORKSPACE/.test(screen) && screen.includes("5 refusals"));
  terminal.press("C-c");
  t.equal(await terminal.exitCode(), "0");
});

t.test("a server that is away is said, and found again", { skip }, async (t) => {
  const first = await FakeServer.start();
  const { port } = first;
  first.answer = ({ url }) => (url === "/api/instances" ? replyJson([{ id: "1", name: "ana" }]) : replyJson({}));
  const terminal = await openTop(t, first.url);
  await terminal.until((screen) => /^ana/m.test(screen));
  await first.stop();
  await terminal.until((screen) => screen.includes("AWAY") && screen.includes("cannot reach") && /^ana/m.test(screen));
  const second = await FakeServer.start(port);
  t.teardown(() => second.stop());
  second.answer = ({ url }) =>
    url === "/api/instances" ? replyJson([{ id: "2", name: "bob" }]) : replyError(403, "not for you");
  await terminal.until((screen) => /^bob/m.test(screen) && screen.includes("live"));
  terminal.press("5");
  await terminal.until((screen) => screen.includes("the server refuses this: not for you (403)"));
  t.pass("it says so");
  terminal.press("q");
  t.equal(await terminal.exitCode(), "0");
});

t.test("signals give the terminal back", { skip }, async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  fake.answer = () => replyJson([{ id: "1", name: "ana" }]);
  for (const [signal, code] of [
    ["SIGTERM", "143"],
    ["SIGINT", "0"],
  ] as const) {
    const terminal = await openTop(t, fake.url);
    await terminal.until((screen) => /^ana/m.test(screen));
    process.kill(Number(terminal.ask("pane_pid")), signal);
    t.equal(await terminal.exitCode(), code, signal);
    t.equal(terminal.ask("alternate_on"), "0", signal);
  }
});

t.test("it can be stopped and continued", { skip }, async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  fake.answer = () => replyJson([{ id: "1", name: "ana" }]);
  const terminal = await Terminal.open(t, ["bash", "--norc", "--noprofile", "-i"], {
    cwd: makeDirectory(t),
    env: { KOOR_SERVER: fake.url, PS1: "$ ", NODE: process.execPath, CLI: CLI_PROGRAM },
  });
  terminal.type('"$NODE" "$CLI" top');
  terminal.press("Enter");
  await terminal.until((screen) => /^ana/m.test(screen));
  terminal.press("C-z");
  await terminal.until((screen) => screen.includes("Stopped"));
  t.equal(terminal.ask("alternate_on"), "0");
  t.equal(terminal.ask("cursor_flag"), "1", "the cursor is shown");
  terminal.type("echo he''re");
  terminal.press("Enter");
  await terminal.until((screen) => /^here$/m.test(screen));
  terminal.type("fg");
  terminal.press("Enter");
  await terminal.until((screen) => /^ana/m.test(screen));
  terminal.press("q");
  await terminal.untilIs("alternate_on", "0");
  terminal.type("echo en''d $?");
  terminal.press("Enter");
  await terminal.until((screen) => /^end 0$/m.test(screen));
  t.equal(terminal.ask("cursor_flag"), "1");
});

t.test("NO_COLOR leaves colours out", { skip }, async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  fake.answer = () =>
    replyJson([
      { id: "1", name: "ana", status: "active" },
      { id: "2", name: "bob", status: "active" },
    ]);
  const coloured = await openTop(t, fake.url);
  await coloured.until((screen) => /^bob/m.test(screen));
  t.match(coloured.coloured(), "\u001b[32mactive");
  const bare = await openTop(t, fake.url, { env: { NO_COLOR: "1" } });
  await bare.until((screen) => /^bob/m.test(screen));
  t.notMatch(bare.coloured(), /\[(?:\d+;)*3[0-7]m/);
});

t.test("one frame as text, and refusals without a terminal", async (t) => {
  const server = await startKoor(t);
  await register(server, "ana", HOSTILE);
  const [cwd, env] = [makeDirectory(t), { KOOR_SERVER: server.url }];
  const { code, stdout, stderr } = await runCli(["top", "--once"], { cwd, env });
  t.match({ code, stderr }, { code: 0, stderr: "" });
  t.match(stdout, /^agents 0 active 1 pending {3}leases 0 held/m);
  t.match(stdout, /^ana .*\\u001b\[2J\\u001b\[31mred\\nline$/m);
  t.match((await runCli(["top", "--once", "--view", "tasks"], { cwd, env })).stdout, "there are no tasks");
  t.match(await runCli(["top", "--once", "--view", "x"], { cwd, env }), { code: 2, stderr: "agents, leases" });
  t.match(await runProgram(["top"], { cwd, env }), { code: 2, stdout: "", stderr: "top --once" });
  const fake = await FakeServer.start();
  const { url } = fake;
  await fake.stop();
  const away = await runCli(["top", "--once"], { cwd, env: { KOOR_SERVER: url } });
  t.match(away, { code: 3, stdout: "", stderr: "cannot reach" });
});
