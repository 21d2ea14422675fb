/**
 * Tests the built library against a real server in every runtime that it supports. The runtimes are the Node of this
 * test run, Node 26, Deno, Bun, and a page in Chromium. A runtime that this machine does not have is skipped (`node
 * dist/tree/test/clients/install.js` installs all but the browser).
 */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import t from "tap";
import { browserMissing, openPage, startBrowser } from "../../test/support/browser.js";
import { makeDirectory } from "../../test/support/owner.js";
import { startKoor } from "../../test/support/server-process.js";
import { runtimeProgram } from "../../test/clients/installed.js";

const run = promisify(execFile);
// This file runs from dist/tree/clients/typescript.
const BUNDLE = fileURLToPath(new URL("../../../client/client.js", import.meta.url));
const COMPRESSED_BYTES_MAX = 12_000;

/**
 * A program that uses each part of the library, and finally prints a report. The code that runs before it defines
 * `connect` and `url`.
 */
const SCENARIO = `
  const report = {};
  const client = connect({ url: url, timeoutMs: 20_000 });
  const { client: ana, instance } = await client.instances.register({ name: "ana", workspace: "w" });
  await ana.state.set("runtime/" + instance.id, { n: 1 });
  await ana.state.update("runtime/" + instance.id, (value) => ({ n: value.n + 1 }));
  report.state = (await ana.state.get("runtime/" + instance.id)).value;
  report.missing = await ana.state.get("runtime/none").catch((error) => error.name + " " + error.status);
  const subscription = client.events.subscribe("runtime.*");
  await subscription.ready();
  await ana.events.publish("runtime.tried", instance.id);
  for await (const event of subscription) {
    report.event = event.data === instance.id;
    break;
  }
  await ana.leases.with("runtime", async ({ signal, fence }) => {
    await ana.state.set("runtime/fenced", fence, { fence: fence, signal: signal });
    report.lease = !signal.aborted;
  });
  report.stale = await ana.state.set("runtime/fenced", 0, { fence: 1_000_000 }).catch((error) => error.name);
  await ana.tasks.add({ title: "try", labels: [instance.id] });
  const ending = new AbortController();
  let id;
  await ana.tasks.work(instance.id, (task) => {
    id = task.id;
    ending.abort();
    return "done by the worker";
  }, { signal: ending.signal });
  report.task = (await client.tasks.get(id)).result;
  await ana.messages.send({ to: instance.id, subject: "to herself" });
  for await (const message of ana.messages.inbox()) {
    report.message = message.subject;
    break;
  }
  report.wait = (await client.wait({ state_above: "0:runtime/fenced" })).matched.kind;
  report.usage = (await ana.usage.report({ provider: "acme", model: "m" })).recorded;
`;

const EXPECTED = {
  state: { n: 2 },
  missing: "NotFoundError 404",
  event: true,
  lease: true,
  stale: "StaleFenceError",
  task: "done by the worker",
  message: "to herself",
  wait: "state",
  usage: true,
};

t.test("the bundle is small, and imports nothing", (t) => {
  const text = readFileSync(BUNDLE, "utf8");
  const bytes = gzipSync(text, { level: 9 }).length;
  t.ok(bytes <= COMPRESSED_BYTES_MAX, `${bytes} bytes after compression`);
  t.equal(/\b(?:import|require|process|Buffer)\b|typebox/.exec(text)?.[0], undefined);
  t.end();
});

/** The command that starts each runtime, without the path of the program; undefined if the runtime is not installed. */
const RUNTIMES: readonly (readonly [string, readonly string[] | undefined])[] = [
  ["the Node of the run", [process.execPath]],
  ["Node 26", commandOf("node26")],
  ["Deno", commandOf("deno", process.execPath)?.concat("run", "--allow-net", "--allow-read", "--no-remote")],
  ["Bun", commandOf("bun")],
];

function commandOf(name: Parameters<typeof runtimeProgram>[0], launcher?: string): string[] | undefined {
  const program = runtimeProgram(name);
  if (program === undefined) return undefined;
  return launcher === undefined ? [program] : [launcher, program];
}

for (const [name, command] of RUNTIMES)
  t.test(name, { skip: command === undefined ? `${name} is not installed` : false }, async (t) => {
    const { url } = await startKoor(t);
    const folder = makeDirectory(t);
    const file = join(folder, "scenario.mjs");
    const head = `import { connect } from ${JSON.stringify(pathToFileURL(BUNDLE).href)};\nconst url = "${url}";`;
    writeFileSync(file, `${head}${SCENARIO}console.log(JSON.stringify(report));\n`);
    const [program = "", ...args] = command ?? [];
    const env = { PATH: process.env["PATH"], HOME: folder, DENO_DIR: folder, DENO_NO_UPDATE_CHECK: "1" };
    const { stdout } = await run(program, [...args, file], { cwd: folder, env, timeout: 60_000 });
    t.same(JSON.parse(stdout), EXPECTED);
  });

t.test("a page in Chromium", { skip: browserMissing() }, async (t) => {
  const { url } = await startKoor(t);
  const browser = await startBrowser(t);
  // Chromium prints a line for each answer with an error status. The scenario causes two of them.
  const expected = [/Failed to load resource: the server responded with a status of 4(?:04|12)/];
  const { page, complaints } = await openPage(browser, { expected });
  // The page has the same origin as the API, as if both were behind the same proxy.
  await page.goto(`${url}/health`);
  const code = `(async () => {
    const text = ${JSON.stringify(readFileSync(BUNDLE, "utf8"))};
    const { connect } = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    const url = location.origin;
    ${SCENARIO}
    return report;
  })()`;
  t.same(await page.evaluate(code), EXPECTED);
  t.same(complaints, []);
});
