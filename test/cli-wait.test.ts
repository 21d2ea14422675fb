/**
 * Tests `wait` from a shell, with a real server: what ends the wait, that it survives a restart, and that Ctrl-C leaves
 * nothing behind.
 */
import { once } from "node:events";
import t from "tap";

import { RunningCli, runCli } from "./cli/run-cli.js";
import { send, sendJson } from "./support/http-client.js";
import { makeDirectory, startKoor, type Koor } from "./support/server-process.js";
import { countWaiting, type Waited } from "./support/waiting.js";
import { betweenLooks } from "./support/between-looks.js";

t.test("a wait ends with what it waited for, and the next one continues after it", async (t) => {
  const cwd = makeDirectory(t);
  const dataDir = makeDirectory(t);
  const first = await startKoor(t, { data_dir: dataDir });
  // The server restarts with the same address.
  const address = ["--bind", `127.0.0.1:${first.port}`];
  const options = { cwd, env: { KOOR_SERVER: first.url } };
  const start = async (koor: Koor, ...args: string[]) => {
    const cli = new RunningCli(["wait", ...args], options);
    t.teardown(() => cli.kill());
    const closed = once(cli.child, "close");
    while ((await countWaiting(koor.port)) === 0) await betweenLooks();
    return { cli, exit: async (): Promise<unknown> => ((await closed) as readonly unknown[])[0] };
  };

  const waiting = await start(first, "--event", "a.*", "--state", "k", "--state-above", "7:k");
  await send(first.port, "PUT", "/api/state/k", { body: "1" });
  t.equal(await waiting.exit(), 0);
  const waited = JSON.parse(waiting.cli.stdout) as Waited;
  t.match(waited.matched, { kind: "state", key: "k", version: 1 });
  t.equal(waiting.cli.lines.length, 1);

  await sendJson(first.port, "POST", "/api/events/publish", { topic: "a.x" });
  const next = await runCli(["wait", "--event", "a.*", "--state", "k", "--after", waited.cursor], options);
  t.match(JSON.parse(next.stdout), { matched: { kind: "event", event: { topic: "a.x" } } });
  const { cursor } = JSON.parse(next.stdout) as Waited;
  t.match(await runCli(["wait", "--event", "a.*", "--after", cursor, "--timeout", "1ms"], options), { code: 124 });

  const through = await start(first, "--event", "a.*", "--after", cursor, "--timeout", "10m");
  await first.stop();
  await through.cli.until("the server is down", () => through.cli.stderr.includes("trying again"));
  const second = await startKoor(t, { data_dir: dataDir, args: address });
  await sendJson(second.port, "POST", "/api/events/publish", { topic: "a.y" });
  t.equal(await through.exit(), 0);
  t.match(JSON.parse(through.cli.stdout), { matched: { event: { topic: "a.y" } } });
  t.match(through.cli.stderr, "the server is back");

  const stopped = await start(second, "--event", "never", "--after", cursor);
  await second.stop("SIGKILL");
  stopped.cli.child.kill("SIGINT");
  t.equal(await stopped.exit(), 130, "it is the code that a shell gives to Ctrl-C");
  t.equal(stopped.cli.stdout, "");
});
