/**
 * Tests the command line with a real server, as two agents in a shell use it: versioned and guarded state, events,
 * audit, settings, refusals and `koor serve`.
 */
import { chmodSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

import { BODY_BYTES_MAX } from "../schemas/limits/request-bodies.js";
import { git, gitEnvironment, makeRepository } from "./cli/git.js";
import { RunningCli, runCli, type CliResult } from "./cli/run-cli.js";
import { send, sendJson } from "./support/http-client.js";
import { startReceiver } from "./support/receiver.js";
import { readSnapshot } from "./support/snapshot.js";
import { RESTORE_REFUSED } from "./support/variant.js";
import { makeDirectory, startKoor, type Koor, type Owner } from "./support/server-process.js";

interface Agent {
  readonly server: Koor;
  readonly cwd: string;
  readonly koor: (...args: string[]) => Promise<CliResult>;
  /** Runs a command that must succeed, and returns its answer. */
  readonly ask: (...args: string[]) => Promise<Record<string, unknown>>;
  readonly follow: (...args: string[]) => Promise<RunningCli>;
}

/** Matches the server's log line about a new subscriber. */
const CONNECTED = /websocket subscriber connected/g;

/** The server that several tests share. They use different keys, projects, workspaces and names. */
const shared = await startKoor(t);
/** The server that the tests of tokens share. They store no values. */
const TOKEN = "0123456789abcdef";
const guarded = await startKoor(t, { args: ["--auth-token", TOKEN] });

async function setUp(t: Owner): Promise<Agent> {
  return joinServer(t, await startKoor(t));
}

function joinServer(t: Owner, server: Koor, token = ""): Agent {
  const cwd = makeDirectory(t);
  const env = { KOOR_SERVER: server.url, KOOR_TOKEN: token };
  const koor = async (...args: string[]): Promise<CliResult> => await runCli(args, { cwd, env });
  return {
    server,
    cwd,
    koor,
    ask: async (...args) => {
      const result = await koor(...args);
      if (result.code !== 0) throw new Error(`koor ${args.join(" ")}: ${result.stderr}`);
      return JSON.parse(result.stdout) as Record<string, unknown>;
    },
    follow: async (...args) => {
      const before = server.log().match(CONNECTED)?.length ?? 0;
      const running = new RunningCli(["events", "subscribe", ...args], { cwd, env });
      t.teardown(() => running.kill());
      await server.logged(new RegExp(`(?:${CONNECTED.source}[^]*){${before + 1}}`));
      return running;
    },
  };
}

t.test("state can be set, read, compared, rolled back, swapped and deleted", async (t) => {
  const { koor, ask, cwd } = joinServer(t, shared);
  const key = "plans/a b%2F/../ü";
  t.match(await ask("state", "set", key, "--data", '{"step":1,"n":12345678901234567890}'), {
    key,
    version: 1,
    content_type: "application/json",
  });
  t.match(await ask("state", "set", key, "--data", '{"step":2,"n":12345678901234567890}', "--if-version", "1"), {
    key,
    version: 2,
  });
  t.equal((await koor("state", "get", key)).stdout, '{"step":2,"n":12345678901234567890}');
  t.equal((await koor("state", "get", key, "--version", "1")).stdout, '{"step":1,"n":12345678901234567890}');
  t.equal((await koor("state", "get", key, "--pretty")).stdout, '{\n  "step": 2,\n  "n": 12345678901234567890\n}\n');
  t.match(await ask("state", "history", key, "--limit", "1"), { key, versions: [{ version: 2 }] });
  const diff = await ask("state", "diff", key, "--v1", "1", "--v2", "2");
  t.same(diff["diffs"], [{ operation: "replace", path: "/step", old_value: 1, new_value: 2 }]);

  const late = await koor("state", "set", key, "--data", "0", "--if-version", "1");
  t.match(late, { code: 1, stdout: "", stderr: /\(412\)\n.*"current_version":2/ });
  t.match(await ask("state", "rollback", key, "--version", "1", "--if-version", "2"), {
    key,
    version: 3,
    rolled_back: 1,
  });
  t.match(await koor("state", "list", "--prefix", "plans/"), { code: 0, stdout: /^\[\{"key":[^\n]*\}\]\n$/ });
  t.same(await ask("state", "delete", key), { deleted: key });
  t.match(await koor("state", "get", key), { code: 1, stdout: "", stderr: `key not found: ${key} (404)` });
  t.match(await koor("state", "delete", key, "--if-version", "9"), { code: 1, stdout: "" });
  t.match(await koor("state", "set", key, "--data", ""), { code: 1, stdout: "", stderr: "empty body (400)" });

  const bytes = Buffer.from([0, 255, 10, 13, 10]);
  writeFileSync(join(cwd, "value"), bytes);
  await ask("state", "set", "bin", "--file", "value", "--content-type", "application/octet-stream");
  t.strictSame((await koor("state", "get", "bin")).bytes, bytes);
  writeFileSync(join(cwd, "large"), Buffer.alloc(BODY_BYTES_MAX + 1));
  t.match(await koor("state", "set", "bin", "--file", "large"), { code: 1, stdout: "", stderr: /\(413\)/ });
  t.strictSame((await koor("state", "get", "bin")).bytes, bytes, "nothing was stored");
});

t.test("messages can be sent, listed, read and acked, as the instance of the environment", async (t) => {
  const { ask, cwd, server } = joinServer(t, shared);
  const joined = async (name: string): Promise<string> => {
    const { id } = await ask("register", name, "--workspace", "w");
    await ask("activate", String(id));
    return String(id);
  };
  const [ana, ben] = [await joined("ana"), await joined("ben")];
  const asOne =
    (id: string) =>
    (...args: string[]): Promise<CliResult> =>
      runCli(["message", ...args], { cwd, env: { KOOR_SERVER: server.url, KOOR_INSTANCE: id } });
  const answered = (result: CliResult): Record<string, unknown> => JSON.parse(result.stdout) as Record<string, unknown>;
  const [fromAna, fromBen] = [asOne(ana), asOne(ben)];
  const sent = await fromAna("send", "name:ben", "plan", "--body", "b", "--intent", "request", "--data", '{"n":1.0}');
  t.same(answered(sent), { id: "message-1", thread: "message-1", to: [{ id: ben, name: "ben" }] });
  await fromAna("send", ben, "more", "--thread", "message-1");
  const listed = await fromBen("list", "--unread", "--wait", "9");
  t.match(listed.stdout, '"data":{"n":1.0}', "numbers keep their digits");
  t.match(answered(listed), { messages: [{ subject: "plan", intent: "request" }, { subject: "more" }] });
  t.same(answered(await fromBen("read", "message-1", "message-2", "message-3")), { marked: 2 });
  t.same(answered(await fromBen("ack", "message-1", "--note", "done")), { marked: 1 });
  t.match(answered(await fromAna("list", "--box", "out")), { messages: [{ to: [{ note: "done" }] }, {}] });
  t.match(answered(await fromBen("threads")), { threads: [{ subject: "plan", messages: 2, unread: 0 }] });
  t.match(await fromAna("send", "name:zoe", "s"), { code: 1, stderr: /nobody there: name:zoe \(404\)/ });
  t.match(await asOne("")("list"), { code: 1, stderr: /this needs an instance/ });
});

t.test("mcp writes a client's configuration with which the client reaches the server", async (t) => {
  const { koor, ask, cwd, server } = joinServer(t, shared);
  const url = `${server.url}/mcp`;
  t.same(JSON.parse((await koor("mcp", "config", "--client", "vscode")).stdout), {
    servers: { koor: { type: "http", url } },
  });
  t.notOk(existsSync(join(cwd, ".vscode")), "printing writes nothing");
  t.same(await ask("mcp", "config", "--client", "claude", "--write"), { written: ".mcp.json", server: "koor", url });
  const file = join(cwd, ".mcp.json");
  t.same(JSON.parse(readFileSync(file, "utf8")), { mcpServers: { koor: { type: "http", url } } });
  writeFileSync(file, '{"mcpServers":{"other":{"command":"x"}}}');
  chmodSync(file, 0o600);
  await ask("mcp", "config", "--client", "claude", "--write");
  t.match(
    JSON.parse(readFileSync(file, "utf8")),
    { mcpServers: { other: { command: "x" }, koor: { url } } },
    "other servers stay",
  );
  t.equal(statSync(file).mode & 0o777, 0o600, "and so do its permissions");
  writeFileSync(file, "{ mine\n}");
  t.match(await koor("mcp", "config", "--client", "claude", "--write"), {
    code: 1,
    stdout: "",
    stderr: /\.mcp\.json is not valid JSON/,
  });
  t.equal(readFileSync(file, "utf8"), "{ mine\n}", "a file that does not parse is not changed");
  t.match(await ask("mcp", "config", "--client", "codex", "--write"), { written: ".codex/config.toml" });
  t.equal(readFileSync(join(cwd, ".codex/config.toml"), "utf8"), `[mcp_servers.koor]\nurl = "${url}"\n`);
  const secret = await runCli(["mcp", "config", "--client", "cursor", "--write"], {
    cwd,
    env: { KOOR_SERVER: server.url, KOOR_TOKEN: "s3cret" },
  });
  t.same(JSON.parse(secret.stdout), { written: ".cursor/mcp.json", server: "koor", url, tokenFrom: "KOOR_TOKEN" });
  t.notMatch(readFileSync(join(cwd, ".cursor/mcp.json"), "utf8"), /s3cret/, "a token is named, not written down");
  const kilo = await runCli(["mcp", "config", "--client", "kilo", "--write"], {
    cwd,
    env: { KOOR_SERVER: server.url, KOOR_TOKEN: "s3cret" },
  });
  t.match(JSON.parse(kilo.stdout), { tokenFrom: "KOOR_TOKEN", note: /--stdio/ });
  const { mcpServers } = JSON.parse((await koor("mcp", "config", "--client", "kilo", "--stdio")).stdout) as {
    readonly mcpServers: {
      readonly koor: { readonly command: string; readonly args: string[]; readonly env: Record<string, string> };
    };
  };
  t.same({ ...mcpServers.koor, args: [] }, { command: "koor-cli", args: [], env: { KOOR_SERVER: server.url } });
  for (const wrong of [["--client", "emacs"], []])
    t.match(await koor("mcp", "config", ...wrong), { code: 2, stdout: "" });
  const input = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n';
  t.match(await runCli(mcpServers.koor.args, { cwd, env: mcpServers.koor.env, input }), {
    code: 0,
    stderr: "",
    stdout: '{"result":{},"jsonrpc":"2.0","id":1}\n',
  });
});

t.test("specs work as state, by project and name", async (t) => {
  const { koor, ask } = joinServer(t, shared);
  t.match(await ask("specs", "set", "trucks/api/v1", "--data", '{"a":1}'), {
    project: "trucks",
    name: "api/v1",
    version: 1,
  });
  t.match(await ask("specs", "set", "trucks/api/v1", "--data", '{"a":2}', "--if-version", "1"), { version: 2 });
  t.equal((await koor("specs", "get", "trucks/api/v1")).stdout, '{"a":2}');
  t.equal((await koor("specs", "get", "trucks/api/v1", "--version", "1")).stdout, '{"a":1}');
  t.match(await ask("specs", "list", "trucks"), { project: "trucks", specs: [{ name: "api/v1", version: 2 }] });
  t.same(await ask("specs", "projects"), { projects: [{ project: "trucks", specs: 1 }] });
  t.match(await ask("specs", "history", "trucks/api/v1", "--limit", "1"), { versions: [{ version: 2 }] });
  t.match(await ask("specs", "diff", "trucks/api/v1", "--v1", "1", "--v2", "2"), { diffs: [{ path: "/a" }] });
  t.match(await ask("specs", "rollback", "trucks/api/v1", "--version", "1"), { version: 3, rolled_back: 1 });
  t.match(await koor("specs", "delete", "trucks/api/v1", "--if-version", "9"), {
    code: 1,
    stdout: "",
    stderr: /\(412\)/,
  });
  t.same(await ask("specs", "delete", "trucks/api/v1"), { deleted: "trucks/api/v1" });
  t.match(await koor("specs", "get", "trucks/api/v1"), {
    code: 1,
    stdout: "",
    stderr: "spec not found: trucks/api/v1 (404)",
  });
  for (const wrong of ["trucks", "trucks/", "/api"])
    t.match(await koor("specs", "get", wrong), { code: 2, stdout: "", stderr: /<project>\/<name>/ });
});

t.test("events can be published, followed and read back", async (t) => {
  const { koor, ask, follow } = joinServer(t, shared);
  const old = Number((await ask("events", "publish", "api.old", "--data", "1"))["id"]);
  t.match(await ask("events", "history", "--last", "1"), [{ id: old, topic: "api.old" }]);
  const running = await follow("api.*");
  const published = await koor(
    "events",
    "publish",
    "api.change",
    "--data",
    '{"n":12345678901234567890,"f":1.0}',
    "--source",
    "ci",
  );
  t.match(
    published.stdout,
    new RegExp(
      `^\\{"id":${old + 1},"topic":"api\\.change","data":\\{"n":12345678901234567890,"f":1\\.0\\},"source":"ci",`,
    ),
  );
  await ask("events", "publish", "other", "--data", "null");
  await ask("events", "publish", "api.change", "--data", '"last"');
  t.same(
    (await running.untilLines(2)).map((line) => (JSON.parse(line) as { id: number }).id),
    [old + 1, old + 3],
    "new and matching events only",
  );
  t.equal(`${running.lines[0]}\n`, published.stdout, "a subscriber gets what the publisher got");
  running.child.kill("SIGINT");
  t.equal(await running.exit(), 0);

  t.match(await ask("events", "history", "--last", "2"), [{ id: old + 3 }, { id: old + 2 }]);
  t.match(await ask("events", "history", "--topic", "api.*", "--source", "ci"), [{ id: old + 1 }]);
  t.match(await ask("events", "history", "--after", String(old + 1), "--topic", "api.*", "--wait", "9"), [
    { id: old + 3 },
  ]);
  t.match(await koor("events", "history", "--topic", "["), { code: 1, stdout: "", stderr: /malformed pattern/ });
  t.match(await koor("events", "subscribe", "["), { code: 1, stdout: "", stderr: /malformed pattern/ });
});

t.test("a subscriber outlives the server", async (t) => {
  const agent = await setUp(t);
  const running = await agent.follow("--since", "0");
  await agent.ask("events", "publish", "t", "--data", "1");
  await running.untilLines(1);
  const { port, data_dir } = agent.server;
  t.equal(await agent.server.stop(), 0);
  await startKoor(t, { data_dir, args: ["--bind", `127.0.0.1:${port}`] });
  await agent.ask("events", "publish", "t", "--data", "2");
  t.same(
    (await running.untilLines(2)).map((line) => (JSON.parse(line) as { data: number }).data),
    [1, 2],
  );
});

t.test("a subscriber that does not read for a while gets every event", async (t) => {
  const { server, follow } = joinServer(t, shared);
  const running = await follow();
  running.child.stdout.pause();
  const [pages, page] = [8, 100];
  for (let at = 0; at < pages; at += 1) {
    const events = Array.from({ length: page }, (_, index) => ({
      topic: "t",
      data: { n: at * page + index, text: "x".repeat(20_000) },
    }));
    t.equal((await sendJson(server.port, "POST", "/api/events/publish", events)).status, 200);
  }
  running.child.stdout.resume();
  const lines = await running.untilLines(pages * page);
  t.same(
    lines.map((line) => (JSON.parse(line) as { data: { n: number } }).data.n),
    Array.from({ length: pages * page }, (_, n) => n),
  );
});

t.test("rules can be imported from a file and exported to one", async (t) => {
  const { koor, ask, cwd } = joinServer(t, shared);
  const rules = [
    { project: "p", rule_id: "a", pattern: "x", source: "local" },
    { project: "q", rule_id: "a", pattern: "y" },
  ];
  writeFileSync(join(cwd, "rules.json"), JSON.stringify(rules));
  t.same(await ask("rules", "import", "--file", "rules.json"), { imported: 2 });
  t.match(await ask("rules", "export"), [{ project: "p", rule_id: "a", source: "local" }]);
  t.same(await ask("rules", "export", "--source", "local,external", "--output", "out.json"), {
    exported: 2,
    output: "out.json",
  });
  t.same(await ask("rules", "import", "--file", "out.json"), { imported: 2 }, "what was exported can be imported");
  writeFileSync(
    join(cwd, "bad.json"),
    JSON.stringify([
      { project: "p", rule_id: "b", pattern: "y" },
      { project: "p", rule_id: "c", pattern: "(" },
    ]),
  );
  t.match(await koor("rules", "import", "--file", "bad.json"), {
    code: 1,
    stdout: "",
    stderr: /rule "c": pattern does not compile/,
  });
  t.equal(
    ((await ask("rules", "export", "--source", "local,external")) as unknown as unknown[]).length,
    2,
    "nothing was stored",
  );
  t.match(await koor("rules", "export", "--output", "no/such/folder"), { code: 2, stdout: "", stderr: /cannot write/ });
});

t.test("a proposed rule can be tried on a text", async (t) => {
  const { koor, ask, server, cwd } = joinServer(t, shared);
  const rule = { project: "p", rule_id: "a/b", pattern: "x.", applies_to: ["*.ts"] };
  await sendJson(server.port, "POST", "/api/rules/propose", rule);
  writeFileSync(join(cwd, "a.ts"), "y\nx1\n");
  t.same(await ask("rules", "preview", "p/a/b", "--file", "a.ts"), {
    project: "p",
    violations: [{ rule_id: "a/b", severity: "error", message: "pattern 'x.' matched", line: 2, match: "x1" }],
    count: 1,
    applies: true,
  });
  t.match(await ask("rules", "preview", "p/a/b", "--data", "x1", "--filename", "a.go"), { count: 0, applies: false });
  const outside = await koor("rules", "preview", "p/a/b", "--data", "x1", "--filename", join(cwd, "..", "..", "a.ts"));
  t.match(outside, { code: 2, stderr: /is outside of the workspace/ }, "paths are those of the workspace");
  const missing = await koor("rules", "preview", "p/b", "--data", "x1");
  t.match(missing, { code: 1, stdout: "", stderr: "koor: rule not found: p/b (404)\n" });
  writeFileSync(join(cwd, "bytes"), Buffer.from([0xff]));
  const bytes = await koor("rules", "preview", "p/a/b", "--file", "bytes");
  t.match(bytes, { code: 2, stdout: "", stderr: /the content is not UTF-8 text/ });
});

t.test("contracts can be stored, payloads checked, and a live service tested", async (t) => {
  const { koor, ask, server } = joinServer(t, shared);
  const contract = {
    kind: "contract",
    version: 1,
    endpoints: {
      "GET /health": {
        response: {
          status: { type: "string", required: true },
          uptime: { type: "string" },
          // These members are reported only by a node of a cluster.
          cluster: { type: "object" },
        },
        response_status: 200,
      },
      "GET /api/state": { response: { keys: { type: "array" } } },
    },
  };
  t.match(await ask("contract", "set", "me/koor api", "--data", JSON.stringify(contract)), {
    project: "me",
    name: "koor api",
    version: 1,
  });
  t.same(JSON.parse((await koor("contract", "get", "me/koor api")).stdout), contract);
  const validate = [
    "contract",
    "validate",
    "me/koor api",
    "--endpoint",
    "GET /health",
    "--direction",
    "response",
    "--payload",
  ];
  t.same(await ask(...validate, '{"status":"ok"}'), { valid: true, violations: [] });
  const bad = await koor(...validate, '{"status":1}');
  t.equal(bad.code, 1);
  t.same(
    JSON.parse(bad.stdout),
    { valid: false, violations: [{ path: "response.status", message: "expected string, got number" }] },
    "the answer is printed all the same",
  );
  t.equal(bad.stderr, "");
  t.match(
    await runCli([...validate, "-"], {
      cwd: makeDirectory(t),
      env: { KOOR_SERVER: server.url },
      input: '{"status":"ok"}',
    }),
    { code: 0 },
    "the payload from stdin",
  );
  t.match(await koor(...validate, "{"), { code: 2, stdout: "", stderr: /--payload is not JSON/ });
  t.match(await koor("contract", "validate", "me/none", "--endpoint", "x", "--payload", "1"), {
    code: 1,
    stdout: "",
    stderr: "contract not found: me/none (404)",
  });
  t.match(await ask("contract", "test", "me/koor api", "--target", server.url, "--endpoint", "GET /health"), {
    valid: true,
    status_code: 200,
  });
  const all = await koor("contract", "test", "me/koor api", "--target", server.url, "--data", '{"prefix":"x"}');
  t.equal(all.code, 1);
  t.match(JSON.parse(all.stdout), [
    { valid: true, endpoint: "GET /health" },
    { valid: false, response_violations: [{ path: "response", message: "expected object, got array" }] },
  ]);
  t.match(
    await koor("contract", "test", "me/koor api", "--target", "http://169.254.169.254", "--endpoint", "GET /health"),
    { code: 1, stdout: "", stderr: /metadata addresses are never called \(400\)/ },
  );
  t.match(await koor("contract", "test", "me/none", "--target", server.url), {
    code: 1,
    stdout: "",
    stderr: "spec not found: me/none (404)",
  });
  t.match(await koor("contract", "test", "koor", "--target", server.url), {
    code: 2,
    stdout: "",
    stderr: /<project>\/<name>/,
  });
});

t.test("templates can be created from a file, listed, applied and deleted", async (t) => {
  const { koor, ask, cwd } = joinServer(t, shared);
  const contract = { kind: "contract", version: 1, endpoints: {} };
  writeFileSync(
    join(cwd, "bundle.json"),
    JSON.stringify({ rules: [{ rule_id: "a", pattern: "x" }], contracts: { api: contract } }),
  );
  t.match(
    await ask(
      "templates",
      "create",
      "--id",
      "b",
      "--name",
      "B",
      "--kind",
      "bundle",
      "--file",
      "bundle.json",
      "--tags",
      "go,http",
    ),
    { id: "b", version: 1, tags: ["go", "http"] },
  );
  t.match(await koor("templates", "create", "--id", "b", "--name", "B", "--kind", "bundle", "--file", "bundle.json"), {
    code: 1,
    stdout: "",
    stderr: /already exists: b \(409\)/,
  });
  t.match(await ask("templates", "list", "--kind", "bundle", "--tag", "go"), [{ id: "b", name: "B" }]);
  t.same(await ask("templates", "list", "--tag", "none"), []);
  t.match(await ask("templates", "get", "b"), { data: { contracts: { api: contract } } });
  t.same(await ask("templates", "apply", "b", "--project", "templated"), {
    applied: "b",
    project: "templated",
    kind: "bundle",
    warnings: [{ contract: "api", path: "endpoints", message: "the contract has no endpoints" }],
  });
  t.same(await ask("specs", "get", "templated/api"), contract);
  const rules = (await ask("rules", "export", "--source", "external")) as unknown as { project: string }[];
  t.match(
    rules.filter(({ project }) => project === "templated"),
    [{ project: "templated", rule_id: "a" }],
  );
  t.same(await ask("templates", "delete", "b"), { deleted: "b" });
  t.match(await koor("templates", "apply", "b", "--project", "templated"), {
    code: 1,
    stdout: "",
    stderr: /template not found: b \(404\)/,
  });
});

t.test("compliance can be checked and read", async (t) => {
  const { koor, ask, server } = joinServer(t, shared);
  await ask("contract", "set", "checked/c", "--data", '{"kind":"contract","endpoints":{}}');
  const { id } = (
    await sendJson(server.port, "POST", "/api/instances/register", { name: "ana", workspace: "checked" })
  ).json<{ readonly id: string }>();
  t.same(await ask("compliance", "run"), { checked: true, runs: [], count: 0 }, "it is not active yet");
  await sendJson(server.port, "POST", `/api/instances/${id}/activate`, {});
  t.match(await ask("compliance", "run"), {
    checked: true,
    runs: [{ instance_id: id, contract: "c", pass: false }],
    count: 1,
  });
  await ask("compliance", "run");
  t.match(await ask("compliance", "history", "--instance_id", id, "--limit", "1"), [{ id: 2 }]);
  t.match(await ask("compliance", "history", "--instance_id", "nobody"), []);
  t.match(await koor("compliance", "history", "--limit", "0"), { code: 1, stdout: "", stderr: /limit must be/ });
});

t.test("a folder registers again, and an instance that is gone is replaced", async (t) => {
  const { koor, ask, server, cwd } = joinServer(t, shared);
  // A registration in the same folder returns the same agent, until the server has deleted the agent.
  const again = async (...flags: string[]) => await ask("register", "ben", ...flags);
  const first = await again("--save");
  t.match(await again("--intent", "x", "--capabilities", "a,b"), {
    id: first["id"],
    token: first["token"],
    intent: "x",
    capabilities: ["a", "b"],
  });
  t.not((await again("--workspace", "elsewhere"))["id"], first["id"]);
  const third = await again();
  t.not(third["id"], first["id"], "the file has the newest");
  await send(server.port, "DELETE", `/api/instances/${String(third["id"])}`);
  t.match(await koor("state", "set", "q", "--data", "1"), { code: 1, stderr: /instance not found: / });
  t.not((await again())["id"], third["id"], "an instance that is gone does not prevent it");
  t.match(await koor("state", "set", "q", "--data", "1"), { code: 0 });
  const bogus = { cwd, env: { KOOR_SERVER: server.url, KOOR_INSTANCE: "bogus" } };
  for (const args of [
    ["state", "set", "q", "--data", "1"],
    ["register", "x"],
    ["lease", "acquire", "r"],
  ])
    t.match(await runCli(args, bogus), { code: 1, stdout: "", stderr: "koor: instance not found: bogus (404)\n" });
});

t.test("working trees of a repository share a workspace, and each is a checkout", async (t) => {
  const server = shared;
  const top = makeDirectory(t);
  const main = makeRepository(top, join(top, "trucks"), "git@git.example:acme/trück.git");
  const linked = join(top, "linked");
  git(top, main, "worktree", "add", "--quiet", "-b", "feature", linked);
  const env = { ...gitEnvironment(top), KOOR_SERVER: server.url };
  const ask = async (cwd: string, ...args: string[]) => {
    const { stdout, stderr } = await runCli(args, { cwd, env });
    t.equal(stderr, "", args.join(" "));
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  const workspace = "git.example/acme/trück";
  const registered: Record<string, unknown>[] = [];
  for (const [cwd, name, branch] of [
    [main, "ana", "main"],
    [linked, "ben", "feature"],
  ] as const) {
    const answer = await ask(cwd, "register", name, "--save");
    t.match(answer, { name, workspace, checkout: { branch, root: cwd } });
    const { id, checkout } = answer;
    t.same(await ask(cwd, "whoami"), {
      workspace: { name: workspace, from: "git remote" },
      checkout,
      instance: { id, name, from: ".koor/instance.json" },
      server: { url: server.url, from: "KOOR_SERVER" },
      context: null,
    });
    t.equal((await ask(cwd, "register", name))["id"], id, "the folder stays the same agent");
    registered.push(checkout as Record<string, unknown>);
  }
  t.not(registered[0]?.["id"], registered[1]?.["id"]);
  git(top, main, "switch", "--quiet", "--create", "other");
  t.match(await ask(main, "register", "ana"), { checkout: { id: registered[0]?.["id"], branch: "other" } }, "changed");
  await ask(main, "lease", "acquire", "./src/a.ts");
  t.match(await runCli(["lease", "check", "./src/a.ts"], { cwd: linked, env }), { code: 1, stderr: /leased by ana/ });
});

t.test("in the shell of a session that the server does not know, the folder's instance acts", async (t) => {
  const { server, cwd, ask } = joinServer(t, guarded, TOKEN);
  const { id } = await ask("register", "ana", "--save");
  const folder = { KOOR_SERVER: server.url, CLAUDE_CODE_SESSION_ID: "no hook has begun it" };
  const acquire = ["lease", "acquire", "deploy", "--reason", "x"];
  const held = { code: 0, stderr: "", stdout: `"holder":{"id":"${String(id)}"` };
  t.match(await runCli(acquire, { cwd, env: folder }), held, "by its own token");
  t.match(await runCli(acquire, { cwd, env: { ...folder, KOOR_TOKEN: TOKEN } }), held, "by its id");
  t.match(await runCli(["state", "list"], { cwd, env: { ...folder, KOOR_TOKEN: TOKEN } }), { code: 0, stderr: "" });
  const unknown = { code: 1, stdout: "", stderr: "koor: session not found: mine (404)\n" };
  const own = { ...folder, KOOR_TOKEN: TOKEN, KOOR_SESSION: "mine" };
  t.match(await runCli(acquire, { cwd, env: own }), unknown, "a session that the user names");
  t.match(await runCli(["state", "list"], { cwd, env: own }), { code: 0 }, "a plain read needs none");
});

t.test("instances and their calls can be read", async (t) => {
  const { koor, ask, server, cwd } = joinServer(t, shared);
  const registered = await ask(
    "register",
    "ana",
    "--workspace",
    "read",
    "--intent",
    "a b",
    "--stack",
    "go",
    "--capabilities",
    "x,y",
  );
  const id = String(registered["id"]);
  t.match(registered, {
    name: "ana",
    workspace: "read",
    intent: "a b",
    stack: "go",
    capabilities: ["x", "y"],
    status: "pending",
  });
  t.same(await ask("activate", id), { id, status: "active" });
  t.match(await ask("instances", "list", "--workspace", "read", "--capability", "y"), [{ id, status: "active" }]);
  t.same(await ask("instances", "list", "--name", "nobody"), []);
  t.match(await ask("instances", "get", id), { id, name: "ana" });
  t.same(await ask("instances", "stale"), []);
  t.match(await koor("instances", "get", "nobody"), {
    code: 1,
    stdout: "",
    stderr: "instance not found: nobody (404)",
  });
  t.match(await koor("activate", "nobody"), { code: 1, stdout: "" });
  t.match(await koor("register", ""), { code: 1, stdout: "", stderr: /name is required/ });
  const own = { cwd, env: { KOOR_SERVER: server.url, KOOR_TOKEN: String(registered["token"]) } };
  t.match(await runCli(["state", "set", "k", "--data", "1"], own), { code: 0 });
  t.match(await ask("audit", "--limit", "1"), [{ actor: id, action: "state.put" }]);
  const metrics = (await ask("metrics", "agents")) as unknown as { instance_id: string }[];
  t.same(
    metrics.filter((row) => row.instance_id === id),
    [{ instance_id: id, metrics: { rest_calls: 1 } }],
  );
  t.match(await ask("metrics", "agents", id, "--period", "2"), [
    { instance_id: id, metric_name: "rest_calls", metric_value: 1 },
  ]);
  t.match(await ask("metrics", "agents", "--instance_id", id), [{ metric_value: 1 }]);
  t.same(await ask("metrics", "agents", "--period", "1999"), []);
});

t.test("the audit log can be read", async (t) => {
  const { ask, koor } = joinServer(t, shared);
  const summarize = async () =>
    (await ask("audit", "summary", "--from", "2020-01-01T00:00:00Z")) as unknown as {
      readonly total_entries: number;
      readonly outcome_counts: { readonly success: number; readonly error: number };
    };
  const before = await summarize();
  await ask("state", "set", "audited", "--data", "1");
  await koor("state", "delete", "missing");
  t.match(await ask("audit", "--limit", "1"), [{ action: "state.delete", resource: "missing", outcome: "error" }]);
  t.match(await ask("audit", "--action", "state.put", "--to", "2999-01-01T00:00:00Z"), [
    { resource: "audited", outcome: "success" },
  ]);
  t.match(await summarize(), {
    total_entries: before.total_entries + 2,
    outcome_counts: { success: before.outcome_counts.success + 1, error: before.outcome_counts.error + 1 },
  });
  t.match(await koor("audit", "--from", "yesterday"), { code: 1, stdout: "", stderr: /from/ });
});

t.test("webhooks can be added, listed, tested, enabled and deleted", async (t) => {
  const { ask, koor, server } = joinServer(t, shared);
  const receiver = await startReceiver(t);
  t.match(
    await ask(
      "webhooks",
      "add",
      "--id",
      "ci/1",
      "--url",
      receiver.url,
      "--patterns",
      "build.*, api.**",
      "--secret",
      "s3cret",
    ),
    { id: "ci/1", patterns: ["build.*", "api.**"], active: true },
  );
  t.match(await koor("webhooks", "add", "--id", "ci/1", "--url", receiver.url), {
    code: 1,
    stdout: "",
    stderr: /already exists: ci\/1 \(409\)/,
  });
  t.match(await koor("webhooks", "add", "--id", "x", "--url", "ftp://a"), {
    code: 1,
    stdout: "",
    stderr: /url must be an http or https URL/,
  });
  t.match(await koor("webhooks", "add", "--id", "x"), { code: 2, stdout: "", stderr: /--url/ });
  t.same(await ask("webhooks", "test", "ci/1"), { tested: "ci/1", status: "ok" });
  await ask("events", "publish", "api.a.b", "--data", "1");
  await receiver.untilCount(2);
  t.equal((JSON.parse(receiver.requests[1]?.body ?? "") as { topic: string }).topic, "api.a.b");
  t.match(await ask("webhooks", "list"), [{ id: "ci/1" }]);
  t.match(await ask("webhooks", "enable", "ci/1"), { id: "ci/1", fail_count: 0 });
  receiver.behave = () => 500;
  t.match(await koor("webhooks", "test", "ci/1"), {
    code: 1,
    stdout: "",
    stderr: /webhook test failed: .* answered 500 \(400\)/,
  });
  t.same(await ask("webhooks", "delete", "ci/1"), { deleted: "ci/1" });
  t.match(await koor("webhooks", "enable", "ci/1"), { code: 1, stderr: /webhook not found: ci\/1 \(404\)/ });
  t.notMatch(server.log(), "s3cret");
});

t.test("LLM usage and its sums can be reported and read", async (t) => {
  const { ask, koor, server } = joinServer(t, shared);
  for (const [project, costUsd] of [
    ["a", 0.1],
    ["b", 0.5],
    ["a", 0.2],
  ] as const) {
    await sendJson(server.port, "POST", "/api/llm/usage", {
      provider: "p",
      model: "m",
      project,
      session_tag: "s",
      tokens_in: 10,
      tokens_out: 1,
      cost_usd: costUsd,
    });
  }
  t.match(await ask("llm", "usage", "--project", "a", "--limit", "1"), [{ id: 3, project: "a", cost_usd: 0.2 }]);
  t.match(await ask("llm", "usage", "--session", "s", "--to", "2020-01-01T00:00:00Z"), []);
  t.match(await ask("llm", "summary"), {
    group_by: "project",
    groups: { a: { total_cost_usd: 0.3, total_tokens_in: 20 } },
    total: { request_count: 3 },
  });
  t.match(await ask("llm", "summary", "--by", "model"), { groups: { m: { request_count: 3 } } });
  t.match(await koor("llm", "summary", "--by", "mood"), { code: 1, stdout: "", stderr: /group_by must be one of/ });
});

t.test("backup and restore work through files", { skip: RESTORE_REFUSED }, async (t) => {
  const { koor, ask, server, cwd } = await setUp(t);
  await ask("state", "set", "k", "--data", '"\u00e9"');
  await ask("events", "publish", "t", "--data", "1");
  const path = join(cwd, "snapshot");
  t.same(await ask("backup", "--output", "snapshot"), { state: 1, event: 1, audit: 1 });
  t.equal(statSync(path).mode & 0o777, 0o600);
  const first = readSnapshot(readFileSync(path, "utf8"));
  t.match(await koor("backup", "--output", "snapshot"), { code: 0 }, "an older one is replaced");
  t.same(readSnapshot(readFileSync(path, "utf8")), first);
  t.match(await koor("restore", "--file", "snapshot"), { code: 1, stdout: "", stderr: /holds content.*\(409\)/ });
  t.match(await koor("backup", "--output", "no/such/folder"), {
    code: 3,
    stdout: "",
    stderr: /cannot write no\/such\/folder: no such file/,
  });
  for (const args of [["backup"], ["backup", "--output", "-"]]) {
    const streamed = await koor(...args);
    t.match(streamed, { code: 0, stderr: "" });
    t.same(
      readSnapshot(streamed.stdout).slice(0, first.length),
      first,
      `${args.join(" ")} writes the backup to stdout`,
    );
  }
  t.match(await runCli(["backup"], { cwd, env: { KOOR_SERVER: server.url }, terminal: 80 }), {
    code: 2,
    stdout: "",
    stderr: "koor: a backup is not written to a terminal: redirect stdout, or name a file with --output\n",
  });
  t.match(await koor("restore", "--file", "missing"), {
    code: 2,
    stdout: "",
    stderr: /cannot read missing: no such file/,
  });
  t.same(readdirSync(cwd), ["snapshot"], "nothing else is left");

  const empty = await setUp(t);
  writeFileSync(join(empty.cwd, "cut"), readFileSync(path).subarray(0, -40));
  t.match(await empty.koor("restore", "--file", "cut"), { code: 1, stdout: "", stderr: /line \d+: .*\(400\)/ });
  t.same(await empty.ask("restore", "--file", path), { restored: { state: 1, event: 1, audit: 1 } });
  t.equal((await empty.koor("state", "get", "k")).stdout, '"\u00e9"');
  const piped = await startKoor(t);
  const env = { KOOR_SERVER: piped.url };
  t.match(await runCli(["restore", "--file", "-"], { cwd, env, input: readFileSync(path) }), {
    code: 0,
    stdout: /"restored"/,
  });
  await piped.stop("SIGKILL");
  t.match(await runCli(["backup", "--output", "other"], { cwd, env }), { code: 3, stdout: "", stderr: /cannot reach/ });
  t.same(readdirSync(cwd), ["snapshot"]);
});

t.test("a token comes from the environment or from settings.json", async (t) => {
  const { koor, ask, server, cwd } = joinServer(t, guarded, TOKEN);
  t.match(await ask("status"), { status: "ok" });
  t.same(await ask("state", "list"), []);
  const strange = { cwd, env: { KOOR_SERVER: server.url, KOOR_TOKEN: "wrong" } };
  for (const args of [
    ["state", "list"],
    ["events", "subscribe"],
    ["events", "subscribe", "--since", "0"],
  ]) {
    t.match(
      await runCli(args, strange),
      { code: 1, stdout: "", stderr: /invalid or missing bearer token \(401\)/ },
      args.join(" "),
    );
  }
  await koor("config", "set", "server", server.url);
  await koor("config", "set", "token", TOKEN);
  t.match(await runCli(["state", "list"], { cwd }), { code: 0, stdout: "[]\n" });
});

t.test("koor serve starts the server", async (t) => {
  const cwd = makeDirectory(t);
  t.match(await runCli(["serve", "--help"], { cwd }), { code: 0, stdout: /--data-dir/ });
  t.match(await runCli(["serve", "--version"], { cwd }), { code: 0, stdout: /\d+\.\d+\.\d+/ });
  t.match(await runCli(["serve", "--nonsense"], { cwd }), { code: 2, stdout: "", stderr: /--nonsense/ });
  const running = new RunningCli(["serve", "--bind", "127.0.0.1:0", "--dashboard-bind", ""], { cwd });
  t.teardown(() => running.kill());
  await running.until("it listens", () => /koor listening/.test(running.stderr));
  const port = /api=127\.0\.0\.1:(\d+)/.exec(running.stderr)?.[1] ?? "";
  t.match(await runCli(["status"], { cwd, env: { KOOR_SERVER: `http://127.0.0.1:${port}` } }), {
    code: 0,
    stdout: /"status":"ok"/,
  });
  running.child.kill("SIGTERM");
  t.equal(await running.exit(), 0);
});
