/**
 * Tests the command line with several servers, which the test simulates. Tests which calls fail over to another server
 * and which must not, what one command stores for the next, and how long-running commands switch to another server.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

import { COMMANDS } from "../cli/commands.js";
import { findRow } from "../cli/command-line.js";
import { endpointsOf, isDeclared } from "./cli/endpoints.js";
import { cutWrites, findDeadServer, replyAt, startCluster } from "./cli/fake-cluster.js";
import { replyError, replyJson, type FakeServer, type HttpReply } from "./cli/fake-server.js";

/** A reply that has all members that any command reads. */
const ANSWER = replyJson({
  id: "x",
  state: "held",
  fence: 1,
  ttl_s: 60,
  task: null,
  cursor: "c",
  matched: {},
  valid: true,
  free: true,
  count: 0,
});

/** One call of each command, and whether the call fails over even if the first server may have executed it. */
const CALLS: readonly { readonly args: readonly string[]; readonly again: boolean; readonly code?: number }[] = [
  { args: ["state", "list"], again: true },
  { args: ["state", "get", "k"], again: true },
  { args: ["state", "set", "k", "--data", "1"], again: false },
  { args: ["state", "set", "k", "--data", "1", "--if-version", "3"], again: false },
  { args: ["state", "delete", "k"], again: false },
  { args: ["state", "history", "k"], again: true },
  { args: ["state", "rollback", "k", "--version", "1"], again: false },
  { args: ["state", "diff", "k", "--v1", "1", "--v2", "2"], again: true },
  { args: ["specs", "list", "p"], again: true },
  { args: ["specs", "projects"], again: true },
  { args: ["specs", "get", "p/n"], again: true },
  { args: ["specs", "set", "p/n", "--data", "1"], again: false },
  { args: ["specs", "delete", "p/n"], again: false },
  { args: ["specs", "history", "p/n"], again: true },
  { args: ["specs", "rollback", "p/n", "--version", "1"], again: false },
  { args: ["specs", "diff", "p/n", "--v1", "1", "--v2", "2"], again: true },
  { args: ["events", "publish", "t", "--data", "1"], again: false },
  { args: ["events", "history"], again: true },
  { args: ["webhooks", "list"], again: true },
  { args: ["webhooks", "add", "--id", "w", "--url", "http://w"], again: false },
  { args: ["webhooks", "delete", "w"], again: false },
  { args: ["webhooks", "test", "w"], again: false },
  { args: ["webhooks", "enable", "w"], again: false },
  { args: ["webhooks", "skip", "w"], again: false },
  { args: ["webhooks", "log", "w"], again: true },
  { args: ["webhooks", "dead-letters", "w"], again: true },
  { args: ["webhooks", "dead-letter", "w", "1"], again: true },
  { args: ["webhooks", "resend", "w", "1"], again: false },
  { args: ["webhooks", "discard", "w", "1"], again: false },
  { args: ["register", "ana"], again: false },
  { args: ["activate", "i"], again: true },
  { args: ["instances", "list"], again: true },
  { args: ["instances", "get", "i"], again: true },
  { args: ["instances", "stale"], again: true },
  { args: ["instances", "delete", "i"], again: false },
  { args: ["instances", "check"], again: false },
  { args: ["instances", "heartbeat", "i"], again: true },
  { args: ["instances", "intent", "i", "x"], again: true },
  { args: ["instances", "capabilities", "i", "x"], again: true },
  { args: ["instances", "checkout", "i"], again: true },
  { args: ["instances", "account", "i", "a"], again: true },
  { args: ["hooks", "list"], again: true },
  { args: ["task", "add", "t"], again: false },
  { args: ["task", "add", "t", "--request-id", "r"], again: true },
  { args: ["task", "list"], again: true },
  { args: ["task", "get", "t"], again: true },
  { args: ["task", "update", "t", "--title", "u"], again: false },
  { args: ["task", "cancel", "t"], again: false },
  { args: ["task", "retry", "t"], again: false },
  { args: ["task", "answer", "t", "yes"], again: false },
  { args: ["task", "claim"], again: true, code: 1 },
  { args: ["task", "work", "--wait", "0s", "--", "true"], again: true },
  { args: ["task", "run", "--", "true"], again: true },
  { args: ["evidence", "list"], again: true },
  { args: ["evidence", "get", "1"], again: true },
  { args: ["evidence", "add", "make", "--exit-code", "0"], again: false },
  { args: ["ci", "run", "--", "true"], again: true },
  { args: ["ci", "report", "--command", "make", "--exit-code", "0"], again: false },
  { args: ["task", "progress", "t", "--fence", "1"], again: true },
  { args: ["task", "done", "t", "--fence", "1"], again: true },
  { args: ["task", "fail", "t", "why", "--fence", "1"], again: true },
  { args: ["task", "release", "t", "--fence", "1"], again: true },
  { args: ["task", "ask", "t", "what", "--fence", "1"], again: true },
  { args: ["lease", "acquire", "r"], again: true },
  { args: ["lease", "run", "r", "--", "true"], again: true },
  { args: ["lease", "list"], again: true },
  { args: ["lease", "get", "l"], again: true },
  { args: ["lease", "waits"], again: true },
  { args: ["lease", "check", "p"], again: true },
  { args: ["lease", "renew", "l", "--fence", "1"], again: true },
  { args: ["lease", "release", "l", "--fence", "1"], again: true },
  { args: ["lease", "break", "l", "--reason", "r"], again: false },
  { args: ["radar"], again: true },
  { args: ["radar", "changes"], again: true },
  { args: ["message", "send", "ana", "s"], again: false },
  { args: ["message", "send", "ana", "s", "--request-id", "r"], again: true },
  { args: ["message", "list"], again: true },
  { args: ["message", "read", "m"], again: false },
  { args: ["message", "ack", "m"], again: false },
  { args: ["message", "threads"], again: true },
  { args: ["message", "all"], again: true },
  { args: ["wait", "--message"], again: true },
  { args: ["contract", "set", "p/n", "--data", '{"kind":"contract","endpoints":{}}'], again: false },
  { args: ["contract", "get", "p/n"], again: true },
  { args: ["contract", "validate", "p/n", "--endpoint", "GET /", "--payload", "1"], again: true },
  { args: ["contract", "test", "p/n", "--endpoint", "GET /", "--target", "http://x"], again: false },
  { args: ["compliance", "history"], again: true },
  { args: ["compliance", "run"], again: false },
  { args: ["rules", "list"], again: true },
  { args: ["rules", "check", "p", "--data", "1"], again: true },
  { args: ["rules", "get", "p"], again: true },
  { args: ["rules", "set", "p", "--data", "[]"], again: false },
  { args: ["rules", "propose", "p/r", "x", "y"], again: false },
  { args: ["rules", "accept", "p/r"], again: false },
  { args: ["rules", "reject", "p/r"], again: false },
  { args: ["rules", "delete", "p/r"], again: false },
  { args: ["rules", "import", "--file", "-"], again: false },
  { args: ["rules", "export"], again: true },
  { args: ["rules", "preview", "p/r", "--data", "1"], again: true },
  { args: ["templates", "list"], again: true },
  { args: ["templates", "get", "x"], again: true },
  { args: ["templates", "create", "--id", "x", "--name", "n", "--kind", "rules", "--file", "-"], again: false },
  { args: ["templates", "delete", "x"], again: false },
  { args: ["templates", "apply", "x", "--project", "p"], again: false },
  { args: ["audit"], again: true },
  { args: ["audit", "summary"], again: true },
  { args: ["at", "1h", "state"], again: true },
  { args: ["story", "--from", "1h"], again: true },
  { args: ["llm", "usage"], again: true },
  { args: ["llm", "record", "--provider", "p", "--model", "m"], again: false },
  { args: ["llm", "summary"], again: true },
  { args: ["budget", "set", "b", "--workspace", "w", "--tokens", "1"], again: true },
  { args: ["budget", "list"], again: true },
  { args: ["budget", "remove", "b"], again: false },
  { args: ["llm", "limit", "--provider", "p", "--account", "a", "--retry-after", "60"], again: true },
  { args: ["llm", "limits"], again: true },
  { args: ["llm", "end-limit", "1"], again: false },
  { args: ["metrics", "agents"], again: true },
  { args: ["metrics", "show"], again: true },
  { args: ["metrics", "scrape"], again: true },
  { args: ["metrics", "history"], again: true },
  { args: ["metrics", "routes"], again: true },
  { args: ["metrics", "reset"], again: false },
  { args: ["status"], again: true },
  { args: ["openapi"], again: true },
  { args: ["asyncapi"], again: true },
  { args: ["cluster", "status"], again: true, code: 1 },
  { args: ["restore", "--file", "-"], again: false },
];
/**
 * Commands that ask no server, or none without an instance, a session or a git repository, or that are tested below:
 * a subscription, the bridge, a backup.
 */
const ELSEWHERE = [
  "init",
  "uninit",
  "doctor",
  "config set",
  "context add",
  "context list",
  "context show",
  "context use",
  "context remove",
  "whoami",
  "wake",
  "mcp config",
  "mcp stdio",
  "completion",
  "top",
  "serve",
  "events subscribe",
  "changes",
  "backup",
  "land",
  "radar report",
  "radar merge",
  "llm report",
  "hooks report",
].concat(COMMANDS.filter(({ words }) => words[0] === "guard").map(({ words }) => words.join(" ")));

t.test("each command: what may be carried out twice goes to another server, nothing else does", async (t) => {
  const named = CALLS.map(({ args }) => findRow(args, COMMANDS)?.words.join(" ") ?? args.join(" "));
  t.same(
    new Set([...named, ...ELSEWHERE]),
    new Set(COMMANDS.map(({ words }) => words.join(" "))),
    "the table is whole",
  );
  // The calls run on two clusters at a time, because most of the time of a call is the start of a process.
  const [one, two] = [await startCluster(t), await startCluster(t)];
  const dead = await findDeadServer();
  one.a.answer = () => "close";
  two.a.answer = () => replyError(503, "busy");
  for (const { b } of [one, two]) b.answer = () => ANSWER;
  for (const { args, again, code = 0 } of CALLS) {
    const line = args.join(" ");
    for (const { b } of [one, two]) b.requests.length = 0;
    const [cut, busy] = await Promise.all([
      one.koor(args, "[]", { XDG_STATE_HOME: "" }),
      // The first server does not exist, and the second one answers that nothing was stored.
      two.koor(args, "[]", { XDG_STATE_HOME: "", KOOR_SERVER: `${dead},${two.servers}` }),
    ]);
    t.equal(one.b.requests.length > 0, again, `${line}: cut off`);
    t.equal(cut.code, again ? code : 3, `${line}: ${cut.stderr}`);
    if (!again) t.match(cut.stderr, /closed before the answer\nit may have been executed, so no other/, line);
    // A body from stdin cannot be sent a second time.
    const streams = args[0] === "restore";
    t.equal(busy.code, streams ? 3 : code, `${line}: nothing was stored: ${busy.stderr}`);
    t.equal(two.b.requests.length > 0, !streams, line);
    t.equal(busy.stderr.includes("cannot reach"), false, line);
    const row = findRow(args, COMMANDS);
    const [declared, called] = [row === undefined ? [] : endpointsOf(row), [...one.b.requests, ...two.b.requests]];
    for (const { method = "", url = "" } of called)
      t.ok(isDeclared(declared, method, url), `${line}: ${method} ${url} is one of its endpoints`);
  }
});

t.test("calls behind another one: a lease or a task that is asked for its fence first", async (t) => {
  const { a, b, koor } = await startCluster(t);
  b.answer = () => ANSWER;
  for (const args of [
    ["lease", "renew", "l"],
    ["lease", "release", "l"],
    ["task", "done", "t"],
  ]) {
    a.answer = cutWrites(ANSWER);
    b.requests.length = 0;
    t.equal((await koor(args, "", { XDG_STATE_HOME: "" })).code, 0, args.join(" "));
    t.match(b.requests, [{ method: /POST|DELETE/ }], args.join(" "));
  }
});

t.test("a refusal that is not Koor's own says nothing of a write", async (t) => {
  const { a, b, koor } = await startCluster(t);
  a.answer = () => ({ status: 503, type: "text/plain", body: "upstream connect error" });
  t.match(await koor(["events", "publish", "t", "--data", "1"]), { code: 3, stderr: /\(503\)/ });
  t.equal(b.requests.length, 0);
  t.equal((await koor(["state", "list"])).code, 0, "what only reads is asked elsewhere");
  t.equal(b.requests.length, 1);
  a.answer = () => replyError(500, "internal error");
  b.requests.length = 0;
  t.match(await koor(["state", "list"], "", { XDG_STATE_HOME: "" }), { code: 3, stderr: /\(500\)/ });
  t.equal(b.requests.length, 0, "another refusal is an answer");
});

t.test("where no server does, each is named, or the last refusal is", async (t) => {
  const { a, b, koor } = await startCluster(t);
  const [one, two] = [await findDeadServer(), await findDeadServer()];
  const nobody = await koor(["state", "set", "k", "--data", "1"], "", { KOOR_SERVER: `${one},${two}` });
  t.match(nobody, { code: 3, stdout: "" });
  const says = `koor: cannot reach ${one}: connection refused; ${two}: connection refused\nstart it with koor serve, or`;
  t.ok(nobody.stderr.startsWith(says), nobody.stderr);
  a.answer = () => replyError(503, "no leader");
  b.answer = () => replyError(503, "shutting down");
  t.match(await koor(["state", "set", "k", "--data", "1"]), { code: 3, stderr: "koor: shutting down (503)\n" });
});

t.test("a snapshot: written from the server that has one, sent whole to the one that is there", async (t) => {
  const { a, b, koor, servers } = await startCluster(t);
  a.answer = () => replyError(503, "two are read");
  b.answer = () => replyError(409, "seen");
  t.match(await koor(["backup", "--output", "f"]), { code: 1, stderr: "koor: seen (409)\n" });
  b.answer = () => replyJson({ restored: {} });
  const text = "x".repeat(200_000);
  const listed = `${await findDeadServer()},${servers.split(",")[1]}`;
  t.equal((await koor(["restore", "--file", "-"], text, { KOOR_SERVER: listed })).code, 0);
  t.equal(b.requests.at(-1)?.body.toString(), text);
});

t.test("the next command reads what this one wrote, on any server", async (t) => {
  const { a, b, koor, memory, servers } = await startCluster(t);
  a.answer = () => replyAt(7);
  b.answer = () => replyAt(9);
  t.equal((await koor(["state", "set", "k", "--data", "1"])).code, 0);
  t.notOk(a.requests[0]?.headers["x-koor-after"], "nothing is known at first");
  t.equal(memory(), '{"position":7}\n');
  a.answer = () => "close";
  await koor(["state", "get", "k"]);
  t.equal(b.requests[0]?.headers["x-koor-after"], "7");
  const [first = "", second = ""] = servers.split(",");
  await koor(["--server", `${second},${first}`, "state", "get", "k"]);
  t.equal(b.requests.at(-1)?.headers["x-koor-after"], "9", "in any order they are the same cluster");
  await koor(["state", "get", "k"], "", { KOOR_SERVER: `${second},http://127.0.0.1:1` });
  t.notOk(b.requests.at(-1)?.headers["x-koor-after"], "other servers are another cluster");
  await koor(["state", "get", "k"], "", { KOOR_SERVER: second });
  t.notOk(b.requests.at(-1)?.headers["x-koor-after"], "one server is told nothing");
  await koor(["status"]);
  t.notOk(b.requests.at(-1)?.headers["x-koor-after"], "how it is, a server says however far it is");
});

t.test("a lower position is not remembered, and what cannot be remembered is no failure", async (t) => {
  const { a, koor, memory, cwd } = await startCluster(t);
  a.answer = () => replyAt(120);
  await koor(["state", "list"]);
  a.answer = () => replyAt(80);
  await koor(["state", "list"]);
  t.equal(memory(), '{"position":120}\n');
  writeFileSync(join(cwd, "file"), "");
  for (const XDG_STATE_HOME of [join(cwd, "file"), "relative", "/proc/nowhere"])
    t.match(await koor(["state", "list"], "", { XDG_STATE_HOME }), { code: 0, stderr: "" }, XDG_STATE_HOME);
});

t.test("the next command begins with the server that has answered, for a while", async (t) => {
  const { a, b, koor, memory, remember } = await startCluster(t);
  a.answer = () => replyError(503, "catching up");
  b.answer = () => replyAt(5);
  await koor(["state", "list"]);
  await koor(["state", "list"]);
  t.same([a.requests.length, b.requests.length], [1, 2]);
  const { begin } = JSON.parse(memory() ?? "") as { readonly begin: { readonly untilMs: number } };
  remember(JSON.stringify({ position: 5, begin: { ...begin, until_ms: 1 } }));
  await koor(["state", "list"]);
  t.equal(a.requests.length, 2, "then it is asked again");
});

t.test(
  "a cluster that was started again is noticed; one that lags, or is cut off, is not taken for that",
  async (t) => {
    const { a, b, koor, memory } = await startCluster(t);
    a.answer = () => replyAt(120);
    await koor(["state", "list"]);
    let ends: readonly object[] = [];
    const lag = (at: number): FakeServer["answer"] => {
      return ({ url, headers }) => {
        if (url === "/api/cluster") return ends[at] === undefined ? replyError(403, "no") : replyJson(ends[at]);
        return Number(headers["x-koor-after"] ?? 0) > 3
          ? replyAt(3, replyError(503, "behind"))
          : replyAt(3, replyJson([]));
      };
    };
    a.answer = lag(0);
    b.answer = lag(1);
    for (const still of [
      [
        { state: "ok", log_last: 120 },
        { state: "ok", log_last: 3 },
      ],
      [
        { state: "cut_off", log_last: 3 },
        { state: "catching_up", log_last: 3 },
      ],
    ]) {
      ends = still;
      t.match(await koor(["state", "list"]), { code: 3, stderr: "koor: behind (503)\n" });
      t.match(memory(), /^\{"position":120/);
    }
    ends = [{ state: "ok", log_last: 4 }];
    const second = await koor(["state", "set", "k", "--data", "1"]);
    t.equal(second.code, 3, "4 is not there either");
    t.match(
      second.stderr,
      /^koor: the cluster's log ends at 4, before 120, which was seen earlier: .*\n.*behind \(503\)\n$/,
    );
    ends = [];
    const reply = await koor(["state", "list"]);
    t.match(
      reply,
      { code: 0, stdout: "[]\n", stderr: /^koor: the cluster's log ends at 3, before 4/ },
      "by what servers say",
    );
    t.match(memory(), /^\{"position":3/);
    t.match(await koor(["state", "list"]), { code: 0, stderr: "" });
  },
);

/** The state of a simulated node: its health, and the end of its log. */
interface PlayedNode {
  readonly state: string;
  readonly end: number;
}

/** A reply that never ends. */
const HELD_BACK: HttpReply = { headers: { "Content-Length": "100" }, body: "" };

/**
 * Makes a server act as a node. It reports its health. It refuses writes if it is isolated, and positions beyond the
 * end of its log. Otherwise it answers.
 */
function playNode(how: () => PlayedNode, answer: FakeServer["answer"]): FakeServer["answer"] {
  return (request) => {
    const { state, end } = how();
    const well = state === "ok";
    if (request.url === "/health")
      return replyJson({ status: well ? "ok" : "unwell", cluster: { state } }, well ? 200 : 503);
    if (request.url === "/api/cluster") return replyAt(end, replyJson({ state, log_last: end }));
    if (Number(request.headers["x-koor-after"] ?? 0) > end) return replyAt(end, replyError(503, "behind"));
    if (request.method === "PUT" && !well) return replyAt(end, replyError(503, `${state}: nothing was stored`));
    const reply = answer(request);
    return typeof reply === "string" || reply.headers !== undefined ? reply : replyAt(end, reply);
  };
}

t.test("a halted node of the log before is not believed, and not read from until it is well", async (t) => {
  const { a, b, koor, memory, remember } = await startCluster(t);
  const nodes = { a: { state: "ok", end: 120 }, b: { state: "ok", end: 120 } };
  a.answer = playNode(
    () => nodes.a,
    () => replyJson("old"),
  );
  b.answer = playNode(
    () => nodes.b,
    () => replyJson("new"),
  );
  await koor(["state", "list"]);
  t.equal(memory(), '{"position":120}\n');
  nodes.a = { state: "halted", end: 120 };
  nodes.b = { state: "ok", end: 4 };
  t.match(await koor(["state", "set", "k", "--data", "1"]), {
    code: 0,
    stderr: /^koor: the cluster's log ends at 4, before 120, which was seen earlier: .*\n$/,
  });
  t.match(JSON.parse(memory() ?? ""), { position: 4, doubted: [`${a.url}/`] });
  // Stores a state in which the choice of the other server has expired.
  const settle = (): void => remember(JSON.stringify({ position: 4, doubted: [`${a.url}/`] }));
  settle();
  t.match(await koor(["state", "get", "k"]), { code: 0, stdout: '"new"', stderr: "" });
  settle();
  await koor(["cluster", "status"]);
  t.match(JSON.parse(memory() ?? ""), { position: 4 }, "what a halted node says of the log counts for nothing");
  settle();
  const lonely = await koor(["state", "get", "k"], "", { KOOR_SERVER: `${b.url},${a.url}` });
  t.equal(lonely.stdout, '"new"', "in any order");
  await b.stop();
  settle();
  t.match(await koor(["state", "get", "k"]), {
    code: 3,
    stdout: "",
    stderr: /not healthy since the log was created again; /,
  });
  nodes.a = { state: "ok", end: 5 };
  t.match(await koor(["state", "get", "k"]), { code: 0, stdout: '"old"' }, "it was mended");
  t.equal(memory(), '{"position":5}\n');
});

t.test("cluster status: as it came, exit 1 where the server is not well", async (t) => {
  const { a, koor } = await startCluster(t);
  const reply = { cluster: "koor", node: "a", state: "ok", nodes: [] };
  for (const [state, code] of [
    ["ok", 0],
    ["catching_up", 1],
  ] as const) {
    a.answer = () => replyJson({ ...reply, state });
    t.match(await koor(["cluster", "status"]), {
      code,
      stdout: `${JSON.stringify({ ...reply, state })}\n`,
      stderr: "",
    });
  }
  a.answer = () => replyError(404, "this server is not in a cluster");
  t.match(await koor(["cluster", "status", "--json"]), { code: 1, stdout: "", stderr: /not in a cluster \(404\)/ });
});

/** Returns the text of an event as a server sends it. */
function eventText(id: number): string {
  return `{"id":${id},"topic":"a","data":1,"source":"","created_at":"2026-02-09T14:30:00Z"}`;
}

t.test("a subscription goes on at another server behind its last event", async (t) => {
  const { a, b, start } = await startCluster(t);
  a.answer = () => replyAt(40, replyJson({ last_event_id: 4 }));
  a.upgradeHeaders = ["X-Koor-Position: 41"];
  a.onSocket = (socket) => {
    socket.send(eventText(5), () => socket.terminate());
  };
  b.onSocket = (socket) => {
    for (const id of [5, 6]) socket.send(eventText(id));
  };
  const running = start(["events", "subscribe", "a"]);
  t.same(await running.untilLines(2), [eventText(5), eventText(6)]);
  t.same(a.upgrades, ["/api/events/subscribe?pattern=a&since=4&notices=1&after_position=40"]);
  t.same(b.upgrades, ["/api/events/subscribe?pattern=a&since=5&notices=1&after_position=41"]);
  await running.until("it says so", () => running.stderr.includes("connected again"));
  await b.stop();
  a.onSocket = (socket) => socket.send(eventText(7));
  t.equal((await running.untilLines(3))[2], eventText(7), "and back");
});

t.test("a subscription begins at whichever server takes it", async (t) => {
  const { a, b, start } = await startCluster(t);
  a.answerUpgrade = () => replyError(503, "behind");
  b.onSocket = (socket) => socket.send(eventText(2));
  const running = start(["events", "subscribe", "--since", "1"]);
  t.same(await running.untilLines(1), [eventText(2)]);
  t.equal(a.requests.length, 0, "nothing is polled");
  a.answerUpgrade = () => "close";
  const other = start(["events", "subscribe", "--since", "1"]);
  await other.untilLines(1);
});

t.test("a wait goes on at another server with its cursor", async (t) => {
  const { a, b, koor } = await startCluster(t);
  a.answer = ({ url }) => (url.includes("after=") ? "close" : replyAt(3, replyJson({ matched: null, cursor: "c1" })));
  b.answer = () => replyJson({ matched: { kind: "message" }, cursor: "c2" });
  t.match(await koor(["wait", "--message"]), { code: 0, stderr: "" });
  t.match(b.requests, [{ url: "/api/wait?message=1&after=c1&wait=60", headers: { "x-koor-after": "3" } }]);
});

t.test("what waits at a node that hears of nothing goes on at one that is well, and misses nothing", async (t) => {
  const { a, b, koor, start } = await startCluster(t);
  const dead = await findDeadServer();
  let heldBack = 0;
  a.answer = playNode(
    () => ({ state: "cut_off", end: 3 }),
    ({ url }) => {
      if (url === "/api/metrics") return replyJson({ last_event_id: 4 });
      if (url === "/api/changes") return HELD_BACK;
      if (!url.includes("wait=")) return replyJson({ matched: null, cursor: "c1" });
      heldBack += 1;
      return HELD_BACK;
    },
  );
  b.answer = playNode(
    () => ({ state: "ok", end: 9 }),
    ({ url }) =>
      url === "/api/changes" ? { ...HELD_BACK, body: "data: {}\n\n" } : replyJson({ matched: {}, cursor: "c2" }),
  );
  b.onSocket = (socket) => socket.send(eventText(5));
  const KOOR_SERVER = `${a.url},${dead},${b.url}`;
  const running = start(["events", "subscribe"]);
  const changes = start(["changes"]);
  const own = { XDG_STATE_HOME: "", KOOR_SERVER };
  const [waited, history] = await Promise.all([
    koor(["wait", "--message"], "", own),
    koor(["events", "history", "--after", "4", "--wait", "60"], "", own),
    running.untilLines(1),
    changes.untilLines(2),
  ]);
  t.match(waited, { code: 0, stdout: '{"matched":{},"cursor":"c2"}\n', stderr: "" });
  t.match(history, { code: 0, stderr: "" });
  t.equal(heldBack, 2);
  const urls = new Set(b.requests.map(({ url }) => url));
  t.ok(urls.has("/api/wait?message=1&after=c1&wait=60"), "behind its cursor");
  t.ok(urls.has("/api/events/history?after=4&wait=60"));
  t.equal(running.lines[0], eventText(5));
  t.same(b.upgrades, ["/api/events/subscribe?pattern=*&since=4&notices=1&after_position=3"]);
  t.same(changes.lines, ['{"kind":"lagged"}', "{}"], "anything may have changed meanwhile");
  for (const { stderr } of [running, changes])
    t.match(stderr, /^koor: http:\S+ is halted or cut off, trying again\nkoor: connected again\n$/);
});

t.test("a command under a lease outlives a server, and turns to all of them itself", async (t) => {
  const { a, b, koor } = await startCluster(t);
  a.answer = cutWrites("close");
  b.answer = ({ method, url }) => {
    if (url.startsWith("/api/wait?")) return replyJson({ error: "unknown lease", code: 404 }, 404);
    return method === "POST" ? replyJson({ id: "l", state: "held", fence: 4, ttl_s: 60 }, 201) : ANSWER;
  };
  const print = ["-e", "console.log(process.env.KOOR_SERVER)"];
  const ran = await koor(["lease", "run", "r", "--", process.execPath, ...print]);
  t.match(ran, { code: 0, stdout: `${a.url}/,${b.url}/\n`, stderr: "" });
  const [asked, again] = [a.requests[0], b.requests[0]].map(
    (request) => JSON.parse(String(request?.body)) as { readonly request_id?: string },
  );
  t.ok(asked?.request_id);
  t.equal(again?.request_id, asked?.request_id, "it is the same request");
  t.match(b.requests.at(-1), { method: "DELETE", url: "/api/leases/l?fence=4" });
});

t.test("work on a task is told to another server", async (t) => {
  const { a, b, koor } = await startCluster(t);
  const task = { id: "t", state: "claimed", fence: 2, ttl_s: 60 };
  a.answer = ({ url }) => (url === "/api/tasks/claim" ? replyAt(8, replyJson({ task })) : "close");
  b.answer = () => replyJson({ ...task, state: "done" });
  t.match(await koor(["task", "work", "--once", "--", process.execPath, "-e", ""]), { code: 0 });
  t.match(b.requests, [{ url: "/api/tasks/t/complete", headers: { "x-koor-after": "8" } }]);
});

t.test("the bridge moves on with what may be repeated, and says what is not known", async (t) => {
  const { a, b, koor } = await startCluster(t);
  const answer: FakeServer["answer"] = ({ body }) => {
    const { id } = JSON.parse(String(body)) as { readonly id: number };
    return replyAt(6, replyJson({ jsonrpc: "2.0", id, result: {} }));
  };
  const call = (id: number, name: string): string =>
    `${JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: {} } })}\n`;
  a.answer = (request) => (String(request.body).includes("initialize") ? answer(request) : "close");
  b.answer = answer;
  const initialize = `${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: {} })}\n`;
  const moved = await koor(["mcp", "stdio"], initialize + call(2, "set_intent"));
  t.equal(moved.stdout.split("\n").length, 3);
  t.match(b.requests, [{ headers: { "x-koor-after": "6" } }]);
  b.requests.length = 0;
  const unknown = await koor(["mcp", "stdio"], call(3, "register_instance"), { XDG_STATE_HOME: "" });
  t.match(JSON.parse(unknown.stdout), { id: 3, error: { code: -32_000, message: /it may have been executed/ } });
  t.equal(b.requests.length, 0);
});

t.test("the bridge moves on where a tool's result says that nothing was stored, and only there", async (t) => {
  const { a, b, koor, memory } = await startCluster(t);
  const playResult = (text: string, isError?: true): FakeServer["answer"] => {
    return ({ body }) => {
      const { id } = JSON.parse(String(body)) as { readonly id: number };
      const content = [{ type: "text", text }];
      return replyAt(6, replyJson({ jsonrpc: "2.0", id, result: { content, ...(isError ? { isError } : {}) } }));
    };
  };
  const call = (id: number): string =>
    `${JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name: "register_instance" } })}\n`;
  const callTool = async (): Promise<string> => {
    const { stdout } = await koor(["mcp", "stdio"], call(1));
    const line = JSON.parse(stdout) as { readonly result: { readonly content: readonly { readonly text: string }[] } };
    return line.result.content[0]?.text ?? "";
  };
  for (const [text, isError] of [
    ["name is required", true],
    ["halted: nothing was stored, or so it seems", true],
    ["a name: nothing was stored", undefined],
  ] as const) {
    a.answer = playResult(text, isError);
    t.equal(await callTool(), text);
  }
  t.equal(b.requests.length, 0, "an answer, and a refusal that each would give");
  a.answer = playResult("another process runs as node a: nothing was stored", true);
  b.answer = playResult("registered");
  t.equal(await callTool(), "registered");
  t.match(JSON.parse(memory() ?? ""), { begin: { server: `${b.url}/` } });
  a.requests.length = 0;
  t.equal(await callTool(), "registered");
  t.equal(a.requests.length, 0, "the next one begins there");
  b.answer = playResult("no leader: nothing was stored", true);
  t.equal(
    await callTool(),
    "another process runs as node a: nothing was stored",
    "the last one's refusal is passed on",
  );
  t.equal(a.requests.length, 1);
});

t.test("settings: a list in each place, the token of an instance only for servers that are its own", async (t) => {
  const { a, b, koor, cwd, servers } = await startCluster(t);
  a.answer = () => replyJson({ id: "i", token: "own" });
  t.equal((await koor(["register", "ana", "--save"])).code, 0);
  t.match(JSON.parse(readFileSync(join(cwd, ".koor", "instance.json"), "utf8")), { server: `${a.url}/,${b.url}/` });
  const tokenAt = async (server: FakeServer, named: string): Promise<string | undefined> => {
    await koor(["status"], "", { KOOR_SERVER: named });
    return server.requests.at(-1)?.headers.authorization;
  };
  t.equal(await tokenAt(a, servers), "Bearer own");
  t.equal(await tokenAt(b, b.url), "Bearer own", "one of them");
  t.equal(await tokenAt(b, `${b.url},http://127.0.0.1:1`), undefined, "one is not known to be of them");
  t.equal((await koor(["config", "set", "server", servers])).code, 0);
  a.requests.length = 0;
  await koor(["status"], "", { KOOR_SERVER: "" });
  t.equal(a.requests.length, 1);
  for (const wrong of [`${a.url},b:9800`, "b", Array.from({ length: 17 }, (_, at) => `http://h${at}`).join(",")])
    t.match(await koor(["--server", wrong, "status"]), { code: 2, stderr: /with commas between/ }, wrong);
  t.match(await koor(["status", "--server"]), { code: 2, stderr: /--server needs a value/ });
  const { stdout } = await koor(["mcp", "config", "--client", "claude", "--stdio"]);
  t.match(JSON.parse(stdout), { mcpServers: { koor: { env: { KOOR_SERVER: servers } } } });
  const written = JSON.parse((await koor(["mcp", "config", "--client", "claude", "--write"])).stdout) as object;
  t.match(written, { url: `${a.url}/mcp`, note: /knows .* only: with --stdio/ });
});
