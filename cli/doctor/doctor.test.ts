/**
 * Tests `doctor` with real servers, fake servers and faulty proxies. For each line of the output, the test creates the
 * problem that the line reports.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";

import { startProxy, type ProxyFault } from "../../test/cli/bad-proxy.js";
import { examine, TOKEN, WRONG_TOKEN, type Examination } from "../../test/cli/doctor.js";
import { findDeadServer } from "../../test/cli/fake-cluster.js";
import { answerAsKoor, answerWithToken, replyMetrics, type Answers } from "../../test/cli/fake-koor.js";
import { FakeServer, replyError, replyJson, type Reply } from "../../test/cli/fake-server.js";
import { CLI_PROGRAM, runAtTerminal, runCli, terminalMissing } from "../../test/cli/run-cli.js";
import { makeDirectory, startKoor } from "../../test/support/server-process.js";
import { CLI_CHECK_ANSWER_BYTES_MAX } from "../../schemas/limits/cli.js";
import { VERSION } from "../../schemas/version.js";
import type { Examined } from "./check.js";
import { judgeFileSystem } from "./data.js";
import { CHECKS, formatLines, runCheck, withoutTokens } from "./doctor.js";
import { CHECK_NAMES, type Line } from "./line.js";

/** An address at which no program listens. */
const AWAY = "http://127.0.0.1:1";
const NEEDS_SERVER = ["version", "token", "clock", "websocket", "sse", "mcp", "runtime", "cluster"] as const;

/** Makes two folders: one outside of any project, and a home folder. */
function makePlace(t: Test): { readonly cwd: string; readonly home: string } {
  const top = makeDirectory(t);
  const [cwd, home] = [join(top, "work"), join(top, "home")];
  mkdirSync(cwd);
  mkdirSync(home);
  return { cwd, home };
}

/** Returns a function that runs `doctor` against a fake server. */
async function withFake(t: Test): Promise<{
  readonly fake: FakeServer;
  readonly ask: (args?: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Examination>;
}> {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  answerAsKoor(fake);
  const { cwd, home } = makePlace(t);
  const env = { HOME: home, KOOR_SERVER: fake.url, KOOR_DASHBOARD_BIND: "" };
  return {
    fake,
    ask: async (args = [], more = {}) => await examine(args, { cwd, env: { ...env, ...more } }),
  };
}

/** An answer of the fake server, and the line that `doctor` must print for it. */
interface Row {
  readonly answers: Answers;
  readonly line: { readonly name: Line["name"]; readonly status: Line["status"]; readonly message: RegExp };
  readonly fix?: RegExp;
}

function row(
  answers: Answers,
  name: Line["name"],
  status: Line["status"],
  message: RegExp,
  ...[fix]: readonly RegExp[]
): Row {
  return { answers, line: { name, status, message }, ...(fix === undefined ? {} : { fix }) };
}

async function tryRows(t: Test, rows: readonly Row[]): Promise<void> {
  const { fake, ask } = await withFake(t);
  for (const { answers, line, fix } of rows) {
    answerAsKoor(fake, answers);
    const found = await ask();
    t.match(found.of(line.name), [{ ...line, ...(fix === undefined ? {} : { fix }) }], String(line.message));
  }
}

t.test("a healthy server: no line fails", async (t) => {
  const koor = await startKoor(t, {
    args: ["--auth-token", TOKEN, "--dashboard-bind", "127.0.0.1:0"],
  });
  const { cwd, home } = makePlace(t);
  const env = { HOME: home, KOOR_SERVER: koor.url, KOOR_TOKEN: TOKEN };
  const binds = ["--bind", `127.0.0.1:${koor.port}`, "--dashboard-bind", `127.0.0.1:${koor.dashboardPort}`];
  const found = await examine(["--data-dir", koor.data_dir, ...binds], { cwd, env });
  t.equal(found.code, 0);
  const message = (name: Line["name"]) => found.of(name).map((line) => line.message);
  t.match(message("server"), [/^http:\/\/127\.0\.0\.1:\d+ answers, up for \d+s, with 0 keys of state$/]);
  t.same(message("version"), [`the server and the command line are both ${VERSION}`]);
  t.same(message("token"), ["the server takes the token"]);
  t.same(message("clock"), ["this machine's clock agrees with the server's"]);
  t.same(message("websocket"), ["WebSocket passes; no event was published yet"]);
  t.same(message("sse"), ["event streams pass"]);
  t.match(message("mcp"), [/^MCP answers, with \d+ tools$/]);
  t.match(message("data"), [`${koor.data_dir} is in use by a running server`]);
  t.same(message("ports"), [
    `127.0.0.1:${koor.port} is in use by this server`,
    `127.0.0.1:${koor.dashboardPort} is in use by this server`,
  ]);
  t.match(message("runtime"), [
    new RegExp(`^the server runs on Node \\S+ with \\S+ and the transport ${koor.transport}$`),
  ]);
  t.match(found.of("cluster"), [{ status: "skip", message: /the server is not a node of a cluster/ }]);
  for (const name of ["hooks", "trust", "guard"] as const) t.same(found.statusOf(name), ["skip"], name);

  // Without flags, `doctor` checks the running server's ports, but not its data directory.
  const bare = await examine([], { cwd, env });
  t.match(bare.of("ports"), [{ message: /this server$/ }, { message: /this server$/ }]);
  t.match(bare.of("data"), [{ status: "skip", message: /name its directory with --data-dir/ }]);

  // The messages for a wrong token and for a missing token differ.
  const wrong = await examine([], { cwd, env: { ...env, KOOR_TOKEN: WRONG_TOKEN } });
  t.match(wrong.of("token"), [{ status: "fail", message: /refuses the token$/, fix: /koor config set --user token/ }]);
  t.match(wrong.of("mcp"), [{ status: "skip", message: "the server does not take the token" }]);
  const none = await examine([], { cwd, env: { ...env, KOOR_TOKEN: "" } });
  t.match(none.of("token"), [{ status: "fail", message: /asks for a token, and none is set/ }]);
  t.same(none.statusOf("server"), ["ok"]);

  // Here, the data directory is in use by another server than the configured one.
  const other = await examine(["--data-dir", koor.data_dir], { cwd, env: { HOME: home, KOOR_SERVER: AWAY } });
  t.match(other.of("data"), [{ status: "warn", message: /in use by a server, but not by the configured one/ }]);
  t.equal(other.code, 1);
  t.equal(await koor.stop(), 0);
});

t.test("proxies that let too little through", async (t) => {
  const koor = await startKoor(t);
  const { cwd, home } = makePlace(t);
  const rows: readonly (readonly [fault: ProxyFault, name: Line["name"], message: RegExp])[] = [
    ["plain", "websocket", /the answer is 426, not a WebSocket/],
    ["silent", "websocket", /no answer within 3 s/],
    ["mute", "websocket", /it opens, but no data arrives/],
    ["buffering", "sse", /no answer within 3 s/],
    ["headers", "sse", /the answer begins, but no data arrives/],
    ["stripping", "mcp", /\/mcp does not answer as Koor: .*Accept|\/mcp does not answer as Koor: .*\(406\)/i],
  ];
  await Promise.all(
    rows.map(async ([fault, name, message]) => {
      const { url } = await startProxy(t, koor.port, fault);
      const found = await examine([], { cwd, env: { HOME: home, KOOR_SERVER: url } });
      t.match(found.of(name), [{ status: "fail", message, fix: /proxy in between/ }], fault);
      t.same(found.statusOf("server"), ["ok"], fault);
    }),
  );
});

t.test("a server that is away, and a folder that is no project", async (t) => {
  const { cwd, home } = makePlace(t);
  const found = await examine([], { cwd, env: { HOME: home, KOOR_SERVER: await findDeadServer() } });
  t.match(found.of("server"), [
    { status: "fail", message: /^cannot reach .*: connection refused$/, fix: /koor serve/ },
  ]);
  for (const name of NEEDS_SERVER) t.match(found.of(name), [{ status: "skip", message: "no server answers" }], name);
  for (const name of ["hooks", "trust", "guard"] as const) t.same(found.statusOf(name), ["skip"], name);
  t.match(found.of("identity"), [{ status: "ok", message: /^workspace work \(folder\), checkout [0-9a-f]{16}$/ }, {}]);
  t.match(found.of("data"), [{ status: "ok", message: `${cwd} can be used` }]);
});

t.test("a server on another machine: this one's directories and ports are not its", async (t) => {
  const { cwd, home } = makePlace(t);
  // This is the broadcast address, so the system refuses to connect to it.
  const env = { HOME: home, KOOR_SERVER: "http://255.255.255.255:1" };
  const found = await examine([], { cwd, env });
  t.same(found.statusOf("server"), ["fail"]);
  for (const name of ["data", "ports"] as const)
    t.match(found.of(name), [{ status: "skip", message: "the server is on another machine" }], name);
  const named = await examine(["--data-dir", "new", "--bind", "127.0.0.1:0", "--dashboard-bind", ""], { cwd, env });
  t.same([...named.statusOf("data"), ...named.statusOf("ports")], ["ok", "ok", "skip"]);
});

t.test("answers that are not those of a healthy Koor", async (t) => {
  const unwell = (more: object) => replyJson({ status: "unwell", uptime: "1s", ...more }, 503);
  await tryRows(t, [
    row(
      { "/health": { type: "text/html", body: "<p>" } },
      "server",
      "fail",
      /answers \(200 OK\), but is not a Koor/,
      /port/,
    ),
    row({ "/health": replyError(404, "no") }, "server", "fail", /answers \(404 Not Found\), but is not a Koor/),
    row({ "/health": replyJson({ status: "ok" }) }, "server", "fail", /is not a Koor server/),
    row(
      { "/health": replyError(421, "this server does not answer to that Host (see --allow-host)") },
      "server",
      "fail",
      /does not answer to the name 127\.0\.0\.1/,
      /--allow-host 127\.0\.0\.1/,
    ),
    row({ "/health": { status: 502, body: "" } }, "server", "fail", /a proxy at .* answers 502/, /proxy's log/),
    row({ "/health": "close" }, "server", "fail", /cannot reach .*: the connection was closed before the answer/),
    row({ "/health": replyJson({ status: "draining", uptime: "1s" }, 503) }, "server", "warn", /is shutting down/),
    row(
      { "/health": unwell({ reason: "data.db was removed while the server used it" }) },
      "server",
      "fail",
      /takes no writes: data\.db was removed/,
      /Writes are refused/,
    ),
    row(
      { "/health": unwell({ cluster: { state: "cut_off", reason: "cannot reach the log" } }) },
      "server",
      "fail",
      /takes no writes: cannot reach the log/,
      /the line cluster/,
    ),
    row({ "/metrics": replyMetrics("0.0.9") }, "version", "warn", /the server is 0\.0\.9/, /upgrade the server/),
    row(
      { "/metrics": replyMetrics("99.0.0") },
      "version",
      "warn",
      /the server is 99\.0\.0/,
      /upgrade this command line/,
    ),
    row({ "/metrics": replyError(404, "no") }, "version", "skip", /does not report its version/),
    row({ "/metrics": replyError(404, "no") }, "runtime", "skip", /does not report its libraries/),
    row(
      { "/metrics": replyMetrics(VERSION, "@photostructure/sqlite") },
      "runtime",
      "warn",
      /cost a fifth more/,
      /rebuild/,
    ),
    row(
      { "/api/metrics": replyError(500, "broken") },
      "token",
      "fail",
      /does not say whether it needs a token: broken \(500\)/,
    ),
    row({ "/mcp": { type: "text/html", body: "<p>" } }, "mcp", "fail", /the answer is not JSON-RPC/),
    row({ "/mcp": replyJson({ result: { serverInfo: { name: "else" } } }) }, "mcp", "fail", /another program answers/),
    row({ "/mcp": replyJson({ error: { code: 1, message: "not now" } }) }, "mcp", "fail", /as Koor: not now/),
    row({ "/api/events/stream": replyError(404, "no") }, "sse", "fail", /the answer is 404/),
    row(
      { "/api/events/stream": { type: "text/html", body: "<p>" } },
      "sse",
      "fail",
      /not an event stream but text\/html/,
    ),
  ]);
});

t.test("a handshake that greets, and then lists no tools", async (t) => {
  const { fake, ask } = await withFake(t);
  answerAsKoor(fake, {
    "/mcp": ({ body }): Reply =>
      body.includes("initialize")
        ? replyJson({ result: { serverInfo: { name: "koor" } } })
        : replyJson({ error: { code: 1, message: "no tools today" } }),
  });
  t.match((await ask()).of("mcp"), [{ status: "fail", message: /lists no tools: no tools today/ }]);
});

t.test("clocks that differ", async (t) => {
  const at = (offsetS: number, more: object = {}): Answers => ({
    "/health": () => ({
      ...replyJson({ status: "ok", uptime: "3s", ...more }),
      headers: { Date: new Date(Date.now() + offsetS * 1000).toUTCString() },
    }),
  });
  await tryRows(t, [
    row(at(0), "clock", "ok", /agrees with the server's/),
    row(at(-20), "clock", "ok", /the clocks differ by (?:19|20|21) s/),
    row(at(-45), "clock", "fail", /is 4[456] s ahead of the server's/, /NTP/),
    row(at(3600), "clock", "fail", /is 3(?:599|600|601) s behind the server's/, /NTP/),
    row(
      { "/health": { ...replyJson({ status: "ok", uptime: "3s" }), headers: { Date: "" } } },
      "clock",
      "skip",
      /no time/,
    ),
  ]);
  const { fake, ask } = await withFake(t);
  answerAsKoor(fake, at(0, { times_ahead_s: 90 }));
  t.match((await ask()).of("clock"), [{ status: "ok" }, { status: "warn", message: /are 90 s ahead of its clock/ }]);
});

t.test("several servers", async (t) => {
  const { fake, ask } = await withFake(t);
  const other = await FakeServer.start();
  t.teardown(() => other.stop());
  const both = { KOOR_SERVER: `${AWAY},${fake.url}`, HOME: "" };
  t.match((await ask([], both)).of("server"), [{ status: "warn", message: /cannot reach/ }, { status: "ok" }]);
  answerAsKoor(other, { "/health": replyJson({ status: "draining", uptime: "1s" }, 503) });
  const draining = await ask([], { KOOR_SERVER: `${other.url},${fake.url}` });
  t.match(draining.of("server"), [
    { status: "warn", message: /shutting down/ },
    { status: "ok", message: /1 key of state/ },
  ]);
  t.match(await ask([], { KOOR_SERVER: `${AWAY},http://127.0.0.1:2` }), { code: 1 });
});

t.test("the nodes of a cluster", async (t) => {
  const status = {
    cluster: "koor",
    node: "b",
    leader: "a",
    position: 119,
    log_last: 120,
    state: "ok",
    reason: "",
    warnings: [],
    nodes: [
      { node: "a", state: "ok", version: VERSION },
      { node: "b", state: "ok", version: VERSION },
    ],
  };
  const { fake, ask } = await withFake(t);
  const linesFor = async (more: object) => {
    answerAsKoor(fake, { "/api/cluster": replyJson({ ...status, ...more }) });
    return (await ask()).of("cluster");
  };
  t.match(await linesFor({}), [{ status: "ok", message: "node b is ok, at position 119 of 120" }]);
  t.match(await linesFor({ state: "catching_up" }), [{ status: "warn", message: /behind the log, at 119 of 120/ }]);
  t.match(await linesFor({ state: "cut_off", reason: "no log" }), [{ status: "fail", message: /cut_off.*: no log$/ }]);
  t.match(await linesFor({ state: "halted", reason: "" }), [{ status: "fail", message: /halted.*stores nothing$/ }]);
  t.match(await linesFor({ leader: "" }), [{}, { status: "warn", message: "the cluster has no leader" }]);
  t.match(await linesFor({ warnings: ["one server only"] }), [{}, { status: "warn", message: "one server only" }]);
  const nodes = [
    { node: "a", state: "silent", version: VERSION },
    { node: "b", state: "ok", version: "0.0.9" },
  ];
  t.match(await linesFor({ nodes }), [
    {},
    { status: "warn", message: /nothing arrived from node a/ },
    { status: "warn", message: /different versions/ },
  ]);
  answerAsKoor(fake, { "/api/cluster": replyError(500, "broken") });
  t.match((await ask()).of("cluster"), [{ status: "fail", message: /does not report its cluster: broken/ }]);
});

t.test("a token that only a file of the folder would send", async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  answerWithToken(fake, TOKEN);
  const { cwd, home } = makePlace(t);
  mkdirSync(join(cwd, ".koor"));
  writeFileSync(join(cwd, ".koor", "project.json"), JSON.stringify({ server: fake.url }));
  const withheld = await examine([], { cwd, env: { HOME: home, KOOR_TOKEN: TOKEN } });
  t.match(withheld.of("token"), [
    { status: "fail", message: /KOOR_TOKEN is not sent there: only \.koor\/project\.json/, fix: /koor init --join/ },
  ]);
  mkdirSync(join(home, ".config", "koor"), { recursive: true });
  writeFileSync(join(home, ".config", "koor", "settings.json"), JSON.stringify({ token: TOKEN }));
  const own = await examine([], { cwd, env: { HOME: home } });
  t.match(own.of("token"), [{ status: "fail", message: /the token of your own settings is not sent there/ }]);
  for (const { headers } of fake.requests) t.equal(headers.authorization, undefined);
  // `doctor` sends a wrong token only once, because the server blocks an address that guesses tokens.
  fake.requests.length = 0;
  await examine([], { cwd, env: { HOME: home, KOOR_SERVER: fake.url, KOOR_TOKEN: WRONG_TOKEN } });
  t.equal(fake.requests.filter(({ headers }) => headers.authorization !== undefined).length, 1);
});

t.test("data directories that the server would refuse", async (t) => {
  const { cwd, home } = makePlace(t);
  const env = { HOME: home, KOOR_SERVER: AWAY };
  const dataLines = async (dataDir: string) => (await examine(["--data-dir", dataDir], { cwd, env })).of("data");
  writeFileSync(join(cwd, "file"), "mine");
  // Not even root can create a file in this directory.
  t.match(await dataLines("/sys/koor"), [{ status: "fail", message: /cannot be made: \/sys is not writable/ }]);
  t.match(await dataLines("/sys/kernel"), [{ status: "fail", message: /cannot be used: it is not writable/ }]);
  t.match(await dataLines("file"), [{ status: "fail", message: /it is not a directory/, fix: /--data-dir DIR/ }]);
  t.match(await dataLines("file/below"), [{ status: "fail", message: /it cannot be made: .* is not a directory/ }]);
  t.match(await dataLines("new"), [{ status: "ok", message: /does not exist yet; the server makes it/ }]);
  t.equal(statSync(join(cwd, "new"), { throwIfNoEntry: false }), undefined, "doctor makes nothing");
  mkdirSync(join(cwd, "bad"), { mode: 0o700 });
  writeFileSync(join(cwd, "bad", "data.db"), "no database".repeat(20));
  t.match(await dataLines("bad"), [{ status: "fail", message: /data\.db is damaged/, fix: /does not start/ }]);
  mkdirSync(join(cwd, "open"), { mode: 0o755 });
  t.match(await dataLines("open"), [
    { status: "ok", message: /can be used$/ },
    { status: "warn", message: /other users of this machine can read/, fix: /^chmod 700 / },
  ]);
  writeFileSync(join(cwd, "settings.json"), JSON.stringify({ data_dir: "bad" }));
  const named = await examine([], { cwd, env });
  t.match(named.of("data"), [{ status: "fail", message: /bad\/data\.db is damaged/ }], "as koor serve reads it");
  writeFileSync(join(cwd, "settings.json"), JSON.stringify({ bind: "nowhere" }));
  const refused = await examine([], { cwd, env });
  for (const name of ["data", "ports"] as const)
    t.match(refused.of(name), [{ status: "fail", message: 'bind must be HOST:PORT, not "nowhere"' }]);
});

t.test("file systems", (t) => {
  const system = { type: 0xef53, bsize: 4096, blocks: 1e9, bavail: 1e9 };
  const judged = (more: object) => judgeFileSystem("/d", { ...system, ...more });
  t.same(judged({}), []);
  t.same(judged({ blocks: 0, bavail: 0 }), [], "a file system that counts no blocks");
  t.match(judged({ bavail: 131_072 }), [{ status: "warn", message: "/d has 512 MiB of free space" }]);
  t.match(judged({ bavail: 2560 }), [{ status: "fail", message: /has only 10 MiB/ }]);
  const isLinux = process.platform === "linux";
  t.match(judged({ type: 0x6969 }), isLinux ? [{ status: "fail", message: /network file system \(NFS\)/ }] : []);
  t.match(
    judged({ type: 0xff534d42 | 0 }),
    isLinux ? [{ status: "fail", message: /\(CIFS\)/ }] : [],
    "a negative number",
  );
  t.match(judged({ type: 0x65735546 }), isLinux ? [{ status: "warn", message: /FUSE/ }] : []);
  t.end();
});

const canMount = spawnSync("unshare", ["-Urm", "sh", "-c", "mount -t tmpfs koor /tmp"]).status === 0;

t.test("a disk that is almost full", { skip: canMount ? false : "no disk can be mounted here" }, (t) => {
  const { cwd, home } = makePlace(t);
  const small = join(cwd, "small");
  mkdirSync(small);
  const script = 'mount -t tmpfs -o size=1m,mode=700 koor "$1" && exec "$2" "$3" doctor --data-dir "$1"';
  const words = ["-Urm", "sh", "-c", script, "sh", small, process.execPath, CLI_PROGRAM];
  const { stdout, status } = spawnSync("unshare", words, {
    cwd,
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", HOME: home, KOOR_SERVER: AWAY },
  });
  const { checks } = JSON.parse(stdout) as { readonly checks: readonly Line[] };
  t.equal(status, 1);
  t.match(
    checks.filter(({ name }) => name === "data"),
    [{ status: "ok" }, { status: "fail", message: /has only [01] MiB of free space/ }],
  );
  t.end();
});

t.test("ports", async (t) => {
  const { fake, ask } = await withFake(t);
  const other = createServer((socket) => socket.end());
  t.teardown(() => other.close());
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const taken = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  const second = await FakeServer.start();
  t.teardown(() => second.stop());
  answerAsKoor(second);
  const [line] = (await ask(["--bind", taken])).of("ports");
  t.match(line, { status: "fail", message: `${taken} is in use by another program`, fix: /--bind/ });
  const portLines = async (bind: string, dashboard = "", env = {}) =>
    (await ask(["--bind", bind, "--dashboard-bind", dashboard], env)).of("ports");
  const free = new URL(await findDeadServer()).host;
  t.match(await portLines(free, taken), [{ status: "ok", message: `${free} is free` }, { fix: /--dashboard-bind/ }]);
  const own = `127.0.0.1:${fake.port}`;
  t.match(await portLines(own), [{ status: "ok", message: `${own} is in use by this server` }, { status: "skip" }]);
  t.match(await portLines(`localhost:${fake.port}`), [{ status: "ok", message: /by this server/ }, {}]);
  const strange = `127.0.0.1:${second.port}`;
  t.match(await portLines(strange), [{ status: "fail", message: /by another Koor server/, fix: /--server http/ }, {}]);
  const away = { KOOR_SERVER: AWAY };
  t.match(await portLines(strange, "", away), [{ status: "fail", message: /by another Koor server/ }, {}]);
  // The server reports its ports only to a client with the right token.
  answerWithToken(fake, TOKEN);
  t.match(await portLines(strange), [{ status: "warn", message: /which may be another one/ }, {}]);
  t.match(await portLines(own), [{ status: "ok" }, {}]);
  t.match(await portLines("127.0.0.1:0", "", away), [{ status: "ok", message: /takes a free port/ }, {}]);
  t.match(await portLines("192.0.2.1:9800"), [{ status: "fail", message: /is not an address of this machine/ }, {}]);
});

t.test("who acts here", async (t) => {
  const { fake, ask } = await withFake(t);
  const KNOWN = "5e7b17c4-0000-4000-8000-000000000001";
  const withInstance = async (reply: Reply, env: Readonly<Record<string, string>> = { KOOR_INSTANCE: KNOWN }) => {
    answerAsKoor(fake, {
      [`/api/instances/${KNOWN}`]: reply,
      "/api/instances": replyJson([{ status: "active" }, { status: "stale" }, { status: "stale" }]),
    });
    return (await ask([], env)).of("identity");
  };
  const ana = { name: "ana", status: "active" };
  t.match(await withInstance(replyJson(ana)), [
    { status: "ok", message: /^workspace work \(folder\), .*; agents there: 1 active or pending, 2 stale$/ },
    { status: "ok", message: `instance ana (${KNOWN}) acts here (KOOR_INSTANCE)` },
  ]);
  t.match(await withInstance(replyJson({ ...ana, status: "stale" })), [{}, { status: "warn", fix: "koor activate" }]);
  t.match(await withInstance(replyError(404, "instance not found: x")), [
    {},
    { status: "fail", message: /has no instance .*, which KOOR_INSTANCE names/, fix: /koor register/ },
  ]);
  t.match(await withInstance("close"), [{}, { status: "ok", message: `instance ${KNOWN} acts here (KOOR_INSTANCE)` }]);
  t.match(await withInstance(replyJson(ana), { KOOR_SESSION: "s" }), [
    {},
    { status: "ok", message: "the session's instance acts here (KOOR_SESSION)" },
  ]);
  t.match(await withInstance(replyJson(ana), { KOOR_INSTANCE: "a b" }), [{ status: "fail", message: /KOOR_INSTANCE/ }]);
  t.match(await withInstance(replyJson(ana), { KOOR_WORKSPACE: "a\u0007" }), [
    { status: "fail", message: /KOOR_WORKSPACE/ },
  ]);
  t.match((await ask([], { KOOR_SERVER: "ftp://x" })).of("server"), [
    { status: "fail", message: /server must be an http/ },
  ]);
});

t.test("wrong usage", async (t) => {
  const { cwd, home } = makePlace(t);
  const options = { cwd, env: { HOME: home } };
  t.match(await runCli(["doctor", "--bind", "x"], options), {
    code: 2,
    stdout: "",
    stderr: /--bind must be HOST:PORT/,
  });
  t.match(await runCli(["doctor", "--data-dir", ""], options), { code: 2, stderr: /--data-dir must not be empty/ });
  t.match(await runCli(["doctor", "--server", "x"], options), { code: 2, stderr: /server must be/ });
});

t.test("a check that fails or does not end has a line all the same", async (t) => {
  const examined = { reached: { server: undefined } } as unknown as Examined;
  const broken = (): never => {
    throw new Error("nothing is as expected");
  };
  t.match(await runCheck({ run: broken }, examined), [{ status: "fail", message: /nothing is as expected/ }]);
  const endless = (): Promise<never> => new Promise(() => undefined);
  t.match(await runCheck({ run: endless }, examined, 1), [{ status: "fail", message: /did not end within 0\.001 s/ }]);
});

t.test("an answer without an end is not read into memory", async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const body = "x".repeat(CLI_CHECK_ANSWER_BYTES_MAX + 1);
  fake.answer = () => ({ body });
  const options = { cwd: makeDirectory(t), env: { KOOR_SERVER: fake.url, HOME: makeDirectory(t) } };
  const says = new RegExp(`the answer is longer than ${CLI_CHECK_ANSWER_BYTES_MAX} bytes`);
  t.match(await runCli(["doctor"], options), { code: 1, stdout: says });
  const init = await runCli(["init", "--yes", "--client", "claude", "--server", fake.url], options);
  t.match(init, { code: 0, stdout: says });
});

t.test("the documents list every check", (t) => {
  const page = readFileSync(fileURLToPath(new URL("../../../../docs/cli.md", import.meta.url)), "utf8");
  const section = /\n## doctor\n(.*?)\n## /s.exec(page)?.[1] ?? "";
  const listed = [...section.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell = ""]) => cell.split(", "));
  t.same(
    listed,
    CHECK_NAMES.map((name) => `\`${name}\``),
  );
  t.same(
    CHECKS.map(({ name }) => name),
    CHECK_NAMES,
    "and there is one of each name",
  );
  t.end();
});

t.test("tokens are taken out of texts", (t) => {
  t.equal(withoutTokens("a Bearer x.y+z, not x.y+zz", ["x.y+z"]), "a Bearer …, not x.y+zz");
  t.equal(withoutTokens("the token t stays in texts", ["t"]), "the token … stays in texts");
  t.end();
});

t.test("lines for a person", { skip: terminalMissing() }, async (t) => {
  const lines = formatLines([
    { name: "server", status: "ok", message: "fine\u009b" },
    { name: "websocket", status: "fail", message: "broken", fix: "mend it" },
    { name: "hooks", status: "warn", message: "odd", fix: "look" },
    { name: "guard", status: "skip", message: "none" },
  ]);
  t.equal(
    lines,
    [
      "✓ server     fine\\u009b",
      "✗ websocket  broken",
      "             mend it",
      "! hooks      odd",
      "             look",
      "- guard      none",
      "",
    ].join("\n"),
  );
  const { cwd, home } = makePlace(t);
  const shown = await runAtTerminal(["doctor"], { cwd, env: { HOME: home, KOOR_SERVER: AWAY } }, []);
  t.match(shown, {
    code: 1,
    shown: /^✗ server {5}cannot reach http:\/\/127\.0\.0\.1:1: connection refused\n {13}start it/,
  });
  const json = await runAtTerminal(["doctor", "--json"], { cwd, env: { HOME: home, KOOR_SERVER: AWAY } }, []);
  t.match(json.shown, /^\{"ok":false,"checks":\[\{"name":"server"/);
});
