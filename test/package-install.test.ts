/**
 * Tests an installed package as a user runs it: in an empty folder, with an empty home, over both transports. `.ci/run`
 * packs and installs it, because npm needs the registry for that, and runs this file with each line of Node.
 */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import t from "tap";
import { VERSION } from "../schemas/version.js";
import { send } from "./support/http-client.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { openSocket } from "./support/subscriber.js";

const run = promisify(execFile);

/** The folder of an `npm install`, without a slash at its end. */
const INSTALLED = process.env["KOOR_TEST_PACKAGE"] ?? "";
const skip =
  INSTALLED === "" ? "no installed package (.ci/run installs one, KOOR_TEST_PACKAGE names its folder)" : false;
const PACKAGE = join(INSTALLED, "node_modules", "koor");
const COMMANDS = join(INSTALLED, "node_modules", ".bin");

t.test("its server serves over both transports", { skip }, async (t) => {
  for (const transport of ["auto", "node"]) {
    const home = makeDirectory(t);
    const koor = await startKoor(t, {
      program: join(PACKAGE, "deploy", "bin", "koor-server.js"),
      args: ["--transport", transport, "--dashboard-bind", "127.0.0.1:0"],
      env: { HOME: home },
    });
    t.ok(transport === "auto" || koor.transport === transport, `${transport}: over ${koor.transport}`);
    const subscriber = await openSocket(t, koor.port);
    t.equal((await send(koor.port, "PUT", "/api/state/a", { body: '{"b":1}' })).status, 200);
    t.equal((await send(koor.port, "GET", "/api/state/a")).text, '{"b":1}');
    await send(koor.port, "POST", "/api/events/publish", { body: '{"topic":"a.b","data":1}' });
    t.match(await subscriber.untilCount(1), [{ topic: "a.b" }], `${transport}: a WebSocket gets the event`);
    const page = await send(koor.dashboardPort, "GET", "/");
    t.match(page.text, /<script/, `${transport}: the dashboard`);

    const env = { PATH: process.env["PATH"] ?? "", HOME: home, KOOR_SERVER: koor.url };
    const got = await run(join(COMMANDS, "koor"), ["state", "get", "a"], { cwd: home, env });
    t.equal(got.stdout.trim(), '{"b":1}', `${transport}: the command line`);
    const hook = run(join(COMMANDS, "koor-hook"), ["claude"], { cwd: home, env });
    hook.child.stdin?.end();
    t.match((await hook).stdout, /^\{/, `${transport}: the hook lets the client continue`);
    t.equal(await koor.stop(), 0);
    t.same(readdirSync(home), [], `${transport}: it left nothing in the user's home`);
  }
});

t.test("packages whose code is in the bundles are not installed", { skip }, (t) => {
  const installed = readdirSync(join(INSTALLED, "node_modules"));
  t.ok(installed.includes("uWebSockets.js"));
  for (const name of ["@opentelemetry", "esbuild", "typebox", "pg"]) t.notOk(installed.includes(name), name);
  t.ok(existsSync(join(PACKAGE, "dist", "app", "THIRD-PARTY.md")), "their licences are");
  t.end();
});

t.test("npx and the global installation run the same version", { skip }, async (t) => {
  const home = makeDirectory(t);
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, npm_config_offline: "true" };
  const version = new RegExp(`\\b${VERSION.replaceAll(".", "\\.")}\\b`);
  t.match((await run("npx", ["--no", "--", "koor", "--version"], { cwd: INSTALLED, env })).stdout, version);
  const global = join(dirname(INSTALLED), "global", "bin", "koor-server");
  if (existsSync(global)) t.match((await run(global, ["--version"], { cwd: home, env })).stdout, version);
  else t.comment("no global installation beside it");
});

t.test("a program of the folder imports the client library", { skip }, async (t) => {
  const koor = await startKoor(t, { program: join(PACKAGE, "deploy", "bin", "koor-server.js") });
  const program = join(INSTALLED, "use-client.mjs");
  writeFileSync(
    program,
    `import { connect } from "koor/client";
     const koor = connect({ url: ${JSON.stringify(koor.url)} });
     await koor.state.set("a", { b: 2 });
     console.log(JSON.stringify((await koor.state.get("a")).value));
    `,
  );
  const { stdout } = await run(process.execPath, [program], { cwd: INSTALLED });
  t.equal(stdout.trim(), '{"b":2}');
  t.ok(existsSync(join(PACKAGE, "dist", "client", "client.d.ts")), "with its types");
});
