/**
 * Runs the shell examples of docs/cli.md in the order of the page, in one project against one new server, and compares
 * their output. Ids, times, URLs and paths are masked. This file prepares what the page assumes: files, another agent,
 * and a receiver of webhooks.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import t from "tap";

import { startReceiver } from "./support/receiver.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { sendJson } from "./support/http-client.js";
import { singleServerOnly } from "./support/variant.js";
import { findDeadServer } from "./cli/fake-cluster.js";
import { git, gitEnvironment, makeRepository } from "./cli/git.js";
import { compareLines, PageIds, readExamples, splitWords, type Example } from "./cli/page-examples.js";
import { runCli } from "./cli/run-cli.js";

/**
 * The examples that cannot run in a test, each with the reason. A key is the beginning of the first command in its
 * block.
 */
const NOT_RUN: Readonly<Record<string, string>> = {
  "koor task list --workspace": "prints to a terminal; cli/terminal.test.ts",
  "koor lease list --fields": "comes before the page's first lease; cli/output/fields.test.ts",
  "export KOOR_SERVER=": "three machines",
  "koor cluster status": "a server of a cluster; test/api-cluster.test.ts has one",
  "koor events subscribe": "runs until it is stopped; cli/event-feed.test.ts",
  "koor changes": "runs until it is stopped; cli/change-feed.test.ts",
  "koor wake codex": "needs Codex; test/real-wake.test.ts",
  "koor guard verify": "needs commits under leases that have ended; test/cli-guard-verify.test.ts",
  "koor task run": "needs a program npm; test/cli-evidence.test.ts",
  "koor ci run": "as task run",
  "koor land --check": "needs a remote that can be reached; test/cli-land.test.ts",
  "koor webhooks skip": "needs an event that is tried again and again; test/api-webhooks.test.ts",
  "koor webhooks log": "as webhooks skip",
  "koor top": "prints a picture of that moment; test/cli-top.test.ts",
  "koor at": "reads a time of an earlier day; test/cli-story.test.ts",
  "koor story": "as koor at",
  "koor metrics agents": "counts are stored every few seconds; test/api-agent-metrics.test.ts",
};

const PAGE = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");
const EXAMPLES = readExamples(PAGE);
const EXECUTABLE = 0o755;

/** The files whose existence the page assumes. */
const FILES: Readonly<Record<string, string>> = {
  "team-token": "s3cret\n",
  "plan.json": "",
  "login.json": '{"step":2,"owner":"ana"}',
  "plate.ts": "export let plate: any;\n",
  "rules.json": JSON.stringify([
    { project: "trucks", rule_id: "no-panic", pattern: "panic" },
    { project: "_global", rule_id: "no-key", pattern: "AKIA[0-9A-Z]{16}" },
  ]),
  "broken.json": '[{"project":"trucks","rule_id":"no-any","pattern":"("}]',
  "go.json": '[{"rule_id":"no-panic","pattern":"panic"}]',
  "truck-api.json": JSON.stringify({
    kind: "contract",
    endpoints: {
      "POST /api/trucks": { request: { plate: { type: "string" } } },
      "GET /api/trucks/{id}": { response: { id: { type: "number" }, plate: { type: "string" } } },
    },
  }),
  "deploy.sh": "#!/bin/sh\nexit 0\n",
  "session.jsonl": `${JSON.stringify({
    type: "assistant",
    sessionId: "s-1",
    message: { id: "m-1", model: "large-1", usage: { input_tokens: 1200, output_tokens: 345 } },
  })}\n`,
  "solve.sh": "#!/bin/sh\necho '3 files changed'\n",
};

function isNotRun({ first }: Example): boolean {
  return Object.keys(NOT_RUN).some((beginning) => first.startsWith(beginning));
}

/** A command line, with its environment variables and its input. */
interface Line {
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
  readonly args: readonly string[];
}

/** Parses `NAME=value koor …` and `echo … | koor …`. */
function readLine(command: string): Line {
  const [, echoed, rest = command] = /^echo ('[^']*') \| (.*)$/.exec(command) ?? [];
  const words = splitWords(rest);
  const at = words.indexOf("koor");
  const variables = words.slice(0, at).map((word) => word.split("=", 2) as [string, string]);
  const input = echoed === undefined ? "" : `${echoed.slice(1, -1)}\n`;
  return { env: Object.fromEntries(variables), input, args: words.slice(at + 1) };
}

const BEN = "0d1f8f1c-5a3c-4be7-9ed8-8a3ab2c61a55";
const BOB = "9d4c2f0a-6b1e-4f57-a3c8-20de71b95f46";
const CLEO = "5e7b17c4-771f-4532-ba3e-316440b425fd";

const skip = singleServerOnly("the page shows a single server");

t.test("the examples of docs/cli.md print what the page says, in its order", { skip }, async (t) => {
  const [server, empty, away] = [await startKoor(t), await startKoor(t), await findDeadServer()];
  const receiver = await startReceiver(t, ({ path }, response) => {
    if (path.startsWith("/koor")) return 200;
    response.setHeader("Content-Type", "application/json");
    response.end('{"id":7,"plate":"TR-1"}');
    return undefined;
  });
  const home = makeDirectory(t);
  mkdirSync(join(home, ".config", "koor"), { recursive: true });
  const root = makeRepository(home, join(home, "trucks"), "git@github.com:acme/trucks.git");
  writeFileSync(join(home, ".config", "koor", "settings.json"), JSON.stringify({ server: server.url }));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(root, name), text);
  for (const name of ["deploy.sh", "solve.sh"]) chmodSync(join(root, name), EXECUTABLE);
  const plan = EXAMPLES.find(({ command }) => command === "cat plan.json");
  writeFileSync(join(root, "plan.json"), plan?.output.join("\n") ?? "");

  /**
   * URLs and paths, as they are on the page and as they are in this run. Longer ones come first, because others are a
   * part of them.
   */
  const places: readonly (readonly [ofPage: string, real: string])[] = [
    ["http://localhost:9802", empty.url],
    ["http://localhost:9801", away],
    ["http://127.0.0.1:9000", receiver.url],
    ["http://localhost:3000", receiver.url],
    ["127.0.0.1:9000", receiver.url.slice("http://".length)],
    ["http://127.0.0.1:9800", server.url],
    [encodeURIComponent("http://127.0.0.1:9800"), encodeURIComponent(server.url)],
    ["/home/ana", home],
  ];
  const ids = new PageIds();
  const toReal = (text: string): string =>
    places.reduce((all, [ofPage, real]) => all.replaceAll(ofPage, real), ids.toReal(text));
  /** Replaces the URLs and paths of this run in an output by those of the page. */
  const toPage = (text: string): string =>
    [
      ...places,
      ["http://localhost:9800", server.url] as const,
      ['"machine":"box"', `"machine":"${hostname()}"`] as const,
    ]
      .reduce((all, [ofPage, real]) => all.replaceAll(real, ofPage), text)
      .replaceAll("http://127.0.0.1:9800", "http://localhost:9800");
  const run = async (command: string) => {
    const { env, input, args } = readLine(toReal(command));
    return await runCli(args, { cwd: root, env: { ...gitEnvironment(home), ...env }, input });
  };
  /** Runs a command of another agent, and returns the answer. */
  const meanwhile = async (command: string): Promise<Readonly<Record<string, unknown>>> => {
    const { code, stdout, stderr } = await run(command);
    if (code !== 0) throw new Error(`${command}: ${stderr}`);
    return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
  };
  /** Registers another agent, from its own folder and under the id that the page gives it. */
  const registerOther = async (name: string, id: string, workspace = "trucks"): Promise<void> => {
    const args = ["register", name, "--workspace", workspace];
    const { stdout } = await runCli(args, { cwd: makeDirectory(t), env: gitEnvironment(home) });
    ids.learn(`{"id":"${id}",…`, stdout.trimEnd());
  };
  /** The actions of other agents before a command of the page. */
  const before: Readonly<Record<string, () => Promise<unknown>>> = {
    "koor instances delete": async () => await registerOther("cleo", CLEO),
    "koor message send": async () => await registerOther("ben", BEN),
    "koor lease break": async () => await meanwhile("koor lease acquire deploy"),
    "koor guard check": async () => {
      mkdirSync(join(root, "src", "orders"), { recursive: true });
      writeFileSync(join(root, "src", "orders", "tax.ts"), "export {};\n");
      git(home, root, "add", "src/orders/tax.ts");
      await registerOther("bob", BOB, "github.com/acme/trucks");
      await meanwhile(`KOOR_INSTANCE=${BOB} koor lease acquire path:src/orders/tax.ts`);
    },
    "koor radar report": async () => {
      const files = [{ path: "src/orders/tax.ts", ranges: [[1, 0]] }];
      const report = { workspace: "github.com/acme/trucks", branch: "feature/tax", files };
      await sendJson(server.port, "PUT", "/api/checkouts/ffffffffffffffff/changes", report);
    },
    "koor radar merge": () => Promise.resolve(git(home, root, "branch", "feature/tax")),
  };

  for (const example of EXAMPLES) {
    const { command, line, output } = example;
    if (isNotRun(example)) continue;
    const about = `docs/cli.md:${line}: ${command}`;
    if (command.startsWith("cat ")) {
      const text = toPage(readFileSync(join(root, command.slice("cat ".length)), "utf8")).trimEnd();
      const { missing, unexpected, pairs } = compareLines(output.map(toPage), text.split("\n"));
      t.same({ missing, unexpected }, { missing: [], unexpected: [] }, about);
      for (const [ofPage, real] of pairs) t.ok(ids.learn(ofPage, real), `${about}: whose ids these are`);
      continue;
    }
    await Object.entries(before).find(([beginning]) => command.startsWith(beginning))?.[1]();
    const { stdout, stderr } = await run(command);
    const printed = toPage(stdout + (stdout === "" || stdout.endsWith("\n") ? "" : "\n") + stderr).trimEnd();
    const compared = compareLines(output.map(toPage), printed === "" ? [] : printed.split("\n"));
    t.same(compared.missing, [], `${about}: the page says it`);
    t.same(compared.unexpected, [], `${about}: it is printed`);
    for (const [ofPage, real] of compared.pairs) t.ok(ids.learn(ofPage, real), `${about}: whose ids these are`);
  }
});

t.test("every example is run, or has a reason not to be", (t) => {
  for (const beginning of Object.keys(NOT_RUN))
    t.ok(
      EXAMPLES.some(({ command }) => command.startsWith(beginning)),
      `${beginning} is on the page`,
    );
  const runnable = /^(?:[A-Z_]+=\S* )?koor |^echo '[^']*' \| koor |^cat /;
  for (const example of EXAMPLES)
    if (!isNotRun(example)) t.match(example.command, runnable, `docs/cli.md:${example.line}`);
  t.ok(EXAMPLES.length > 100, "the examples were found");
  t.end();
});
