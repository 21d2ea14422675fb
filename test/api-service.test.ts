/**
 * Tests what the whole HTTP API has in common ("Conventions", "Health and metrics"), and the process, against real
 * servers: errors, methods, tokens, Host and Origin, bodies on the wire, health and metrics, settings and exit codes,
 * the log, and the shutdown.
 */
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { request as httpRequest, type OutgoingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import t from "tap";
import { OPTIONS, environmentOf, flagOf } from "../schemas/config.js";
import { REQUEST_TIMEOUT_MS } from "../schemas/limits/connections.js";
import { TOKENS_PER_MCP_CALL } from "../schemas/limits/mcp.js";
import { SHUTDOWN_DRAIN_MS } from "../schemas/limits/process.js";
import { HISTORY_METRICS, type MetricsHistory, type RouteRow } from "../schemas/metrics.js";
import { VERSION } from "../schemas/version.js";
import { parseExposition } from "./support/exposition.js";
import {
  type Answer,
  hasWholeAnswer,
  MALFORMED,
  type Refusal,
  send,
  sendJson,
  sendRaw,
} from "./support/http-client.js";
import { countInFlight } from "./support/metrics.js";
import { CLUSTER } from "./support/variant.js";
import { makeDirectory, runKoor, startKoor, type Koor } from "./support/server-process.js";
import { UpgradeRefused, openSocket, openStream } from "./support/subscriber.js";
import { betweenLooks } from "./support/between-looks.js";

interface Metrics {
  readonly state_keys: number;
  readonly instances: number;
  readonly last_event_id: number;
  readonly api_bind: string;
  readonly dashboard_bind: string;
  readonly uptime: string;
  readonly token_tax: {
    readonly mcp_calls: number;
    readonly rest_calls: number;
    readonly total_calls: number;
    readonly mcp_estimated_tokens: number;
    readonly rest_tokens_saved: number;
    readonly savings_percent: number;
  };
}

interface RouteRows {
  readonly routes: readonly RouteRow[];
}

const TOKEN = "s3cret-of-this-test";
const BEARER = { Authorization: `Bearer ${TOKEN}` };
/** Matches a line of the log: the fixed part, then fields, whose values are quoted where necessary. */
const LOG_LINE = new RegExp(
  String.raw`^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=(DEBUG|INFO|WARN|ERROR) msg=("[^"]+"|\S+)` +
    String.raw`( [a-z_]+=("(?:[^"\\]|\\.)*"|[^\s"]+))*$`,
);
const GO_UPTIME = /^((\d+h)?\d+m)?\d+s$/;
/** How late something may be on a busy machine. */
const SLACK_MS = 8_000;
const LIBRARY_TIMER_STEP_MS = 4_000;

const koor = await startKoor(t, { args: ["--dashboard-bind", "127.0.0.1:0"], ownReadsOnly: true });
const guarded = await startKoor(t, {
  args: [
    "--log-level",
    "debug",
    "--allow-origin",
    "https://tools.example,http://other.example:8080",
    "--allow-host",
    "koor.example",
  ],
  env: { KOOR_AUTH_TOKEN: TOKEN },
});
/** The server of the test of calls by route, which is the first to call it, and of the test of the log. */
const quiet = await startKoor(t, { args: ["--log-format", "json"], ownReadsOnly: true });
const { port } = koor;

const get = (path: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> => send(port, "GET", path, { headers });
const metricsOf = async (of: Koor = koor, headers: OutgoingHttpHeaders = {}): Promise<Metrics> =>
  (await send(of.port, "GET", "/api/metrics", { headers })).json<Metrics>();
const restCalls = async (): Promise<number> => (await metricsOf()).token_tax.rest_calls;

/** Opens a connection of its own, and collects what comes back. */
interface Line {
  readonly socket: Socket;
  text(): string;
  readonly closed: Promise<void>;
  /** Waits for a whole answer and removes it from the collected text. */
  answer(): Promise<string>;
}

function openLine(test: { teardown(done: () => void): void }, to: Koor): Promise<Line> {
  return new Promise((resolve, reject) => {
    let text = "";
    let wake: () => void = () => undefined;
    const socket = connect(to.port, "127.0.0.1");
    test.teardown(() => void socket.destroy());
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      text += chunk;
      wake();
    });
    const closed = new Promise<void>((resolveClosed) =>
      socket.once("close", () => {
        wake();
        resolveClosed();
      }),
    );
    socket.once("error", reject);
    const answer = (): Promise<string> =>
      new Promise((resolveAnswer, rejectAnswer) => {
        wake = () => {
          if (hasWholeAnswer(text)) {
            const whole = text;
            text = "";
            resolveAnswer(whole);
          } else if (socket.destroyed) {
            rejectAnswer(new Error(`the connection was closed after: ${text}`));
          }
        };
        wake();
      });
    socket.once("connect", () => resolve({ socket, text: () => text, closed, answer }));
  });
}

// It starts here and is checked at the end: a body that does not come within its time.
const slow = await openLine(t, koor);
const slowBegan = performance.now();
slow.socket.on("error", () => undefined);
slow.socket.write("PUT /api/state/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n");
const dribble = setInterval(() => slow.socket.write("x"), 500);
t.teardown(() => clearInterval(dribble));
const slowEnded = slow.closed.then(() => performance.now() - slowBegan);

t.test("/health reports status and version", async (t) => {
  const answer = await get("/health");
  t.equal(answer.status, 200);
  t.equal(answer.headers["content-type"], "application/json");
  t.same(Object.keys(answer.json<object>()), ["status", "uptime", ...(CLUSTER === "" ? [] : ["cluster"])]);
  t.match(answer.json(), { status: "ok", uptime: GO_UPTIME });
  t.equal((await send(guarded.port, "GET", "/health")).status, 200, "needs no token");
  t.equal((await send(guarded.port, "HEAD", "/health")).status, 200);
});

t.test("every error has the same shape", async (t) => {
  const rows: readonly (readonly [method: string, path: string, status: number])[] = [
    ["GET", "/", 404],
    ["GET", "/nope", 404],
    ["GET", "/api", 404],
    ["GET", "/api/", 404],
    ["GET", "/api/states", 404],
    ["GET", "/health/", 404],
    ["GET", "//api/state", 404],
    ["GET", "/api//state", 404],
    ["GET", "/API/state", 404],
    ["GET", "/api/state/x/", 404],
    ["GET", "/api/audit/x", 404],
    ["POST", "/nope", 404],
    ["DELETE", "/nope", 404],
    ["GET", "/%zz", 404],
    ["GET", "/nope?limit=%zz", 404],
    ["POST", "/health", 405],
    ["DELETE", "/api/state", 405],
    ["GET", "/api/events/publish", 405],
    ["PATCH", "/api/state/k", 405],
    ["GET", "/api/state/missing", 404],
    ["GET", "/api/state?limit=x", 400],
    ["GET", "/api/state/k?version=%", 400],
  ];
  for (const [method, path, status] of rows) {
    const answer = await send(port, method, path);
    t.equal(answer.status, status, `${method} ${path}`);
    t.equal(answer.headers["content-type"], "application/json");
    const refusal = answer.json<Refusal>();
    t.same(Object.keys(refusal), ["error", "code"], `${method} ${path}`);
    t.equal(refusal.code, status);
    t.ok(refusal.error.length > 0);
    t.notMatch(refusal.error, /\bat .*:\d+|SQLITE|node_modules|\/tmp\//, "neither a stack nor a path");
    t.equal(answer.headers.allow === undefined, status !== 405);
  }
});

t.test("every route with GET has HEAD", async (t) => {
  await send(port, "PUT", "/api/state/head", { body: '{"a":1}' });
  const paths = [
    "/health",
    "/openapi.json",
    "/api/state",
    "/api/state/head",
    "/api/state/head?version=1",
    "/api/state/head?history=1",
    "/api/state/head?diff=1,1",
    "/api/state/missing",
    "/api/state?limit=x",
    "/api/events/history",
    "/api/events/subscribe",
    "/api/events/history?after=0&wait=1",
    "/api/audit",
    "/api/audit/summary",
    "/nope",
  ];
  for (const path of paths) {
    const whole = await get(path);
    const head = await send(port, "HEAD", path);
    t.equal(head.status, whole.status, path);
    t.equal(head.body.length, 0, path);
    t.equal(head.headers["content-type"], whole.headers["content-type"], path);
    t.equal(head.headers["content-length"], String(whole.body.length), path);
  }
  for (const path of ["/api/metrics", "/metrics"])
    t.match(await send(port, "HEAD", path), { status: 200, headers: { "content-length": /^\d+$/ } }, path);
  const stream = await send(port, "HEAD", "/api/events/stream");
  t.match(stream, { status: 200, headers: { "content-type": "text/event-stream" } }, "and the answer ends");
  t.equal(
    parseExposition((await get("/metrics")).text).get("koor_subscribers")?.samples[0]?.value,
    0,
    "a HEAD does not subscribe",
  );
  t.match(await send(port, "HEAD", "/api/events/publish"), { status: 405, headers: { allow: "POST" } });
});

t.test("a method that a path does not have is a 405 that names its methods", async (t) => {
  const rows: readonly (readonly [path: string, allow: string])[] = [
    ["/health", "GET, HEAD"],
    ["/openapi.json", "GET, HEAD"],
    ["/metrics", "GET, HEAD"],
    ["/api/metrics", "GET, HEAD"],
    ["/api/metrics/history", "GET, HEAD"],
    ["/api/metrics/reset", "POST"],
    ["/api/state", "GET, HEAD"],
    ["/api/state/k", "DELETE, GET, HEAD, POST, PUT"],
    ["/api/state/a/b", "DELETE, GET, HEAD, POST, PUT"],
    ["/api/events/publish", "POST"],
    ["/api/events/history", "GET, HEAD"],
    ["/api/events/stream", "GET, HEAD"],
    ["/api/events/subscribe", "GET, HEAD"],
    ["/api/audit", "GET, HEAD"],
    ["/api/audit/summary", "GET, HEAD"],
  ];
  for (const [path, allow] of rows) {
    for (const method of ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"]) {
      if (allow.split(", ").includes(method)) continue;
      const answer = await send(port, method, path);
      t.equal(answer.status, 405, `${method} ${path}`);
      t.equal(answer.headers.allow, allow, `${method} ${path}`);
    }
  }
  t.match(
    await sendRaw(port, "get /health HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    koor.transport === "node" ? MALFORMED : /^HTTP\/1\.1 405 /,
    "methods are case-sensitive",
  );
});

t.test("with a token every route but /health needs it", async (t) => {
  const calls = [
    ["GET", "/api/state"],
    ["GET", "/api/state/k"],
    ["PUT", "/api/state/k"],
    ["POST", "/api/state/k?rollback=1"],
    ["DELETE", "/api/state/k"],
    ["GET", "/api/events/history"],
    ["GET", "/api/events/stream"],
    ["GET", "/api/events/subscribe"],
    ["GET", "/api/changes"],
    ["POST", "/api/events/publish"],
    ["GET", "/api/audit"],
    ["GET", "/api/audit/summary"],
    ["GET", "/api/metrics"],
    ["GET", "/metrics"],
    ["POST", "/api/metrics/reset"],
    ["GET", "/openapi.json"],
    ["GET", "/nope"],
    ["PATCH", "/api/state"],
    ["POST", "/health"],
    ["GET", "/"],
  ] as const;
  const wrong: readonly OutgoingHttpHeaders[] = [
    {},
    { Authorization: TOKEN },
    { Authorization: "Bearer" },
    { Authorization: `Bearer ${TOKEN}x` },
    { Authorization: `Bearer ${TOKEN.slice(1)}` },
    { Authorization: `Basic ${TOKEN}` },
    { Authorization: `Bearer ${TOKEN.toUpperCase()}` },
    { "X-Token": TOKEN },
    { Cookie: `token=${TOKEN}` },
  ];
  for (const [method, path] of calls) {
    const answer = await send(guarded.port, method, path);
    t.equal(answer.status, 401, `${method} ${path}`);
    t.same(answer.json(), { error: "invalid or missing bearer token", code: 401 });
    t.equal(answer.headers["www-authenticate"], "Bearer");
  }
  for (const headers of wrong) {
    t.equal((await send(guarded.port, "GET", "/api/state", { headers })).status, 401, JSON.stringify(headers));
    const refused = await openSocket(t, guarded.port, "", headers).catch((error: unknown) => error);
    t.ok(refused instanceof UpgradeRefused && refused.status === 401, "an upgrade needs it, too");
  }
  t.equal((await send(guarded.port, "GET", `/api/state?token=${TOKEN}`)).status, 401);
  t.equal((await send(guarded.port, "PUT", "/api/state/k", { body: "1" })).status, 401);
  t.equal((await send(guarded.port, "GET", "/api/state/k", { headers: BEARER })).status, 404, "nothing was stored");
  for (const Authorization of [`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER ${TOKEN}`])
    t.equal((await send(guarded.port, "GET", "/api/state", { headers: { Authorization } })).status, 200, Authorization);
  const socket = await openSocket(t, guarded.port, "", BEARER);
  const stream = await openStream(t, guarded.port, "", BEARER);
  const { id } = (await sendJson(guarded.port, "POST", "/api/events/publish", { topic: "a" }, BEARER)).json<{
    id: number;
  }>();
  await socket.untilId(id);
  await stream.untilId(id);
  t.equal(
    (await get("/api/state", { Authorization: "Bearer anything" })).status,
    200,
    "a server without a token does not ask",
  );
});

t.test("the Host must name the server, for /health too", async (t) => {
  const passes = ["localhost", `localhost:${port}`, "localhost:1", "127.0.0.1", "[::1]:80", "LOCALHOST", "127.9.9.9"];
  const refused = [
    "evil.example",
    `evil.example:${port}`,
    "localhost.evil.example",
    "10.0.0.1",
    "0.0.0.0",
    "[::2]",
    "koor.example",
    "x",
  ];
  for (const Host of passes) t.equal((await get("/health", { Host })).status, 200, Host);
  for (const Host of refused) {
    for (const [method, path] of [
      ["GET", "/health"],
      ["GET", "/api/state"],
      ["PUT", "/api/state/k"],
      ["GET", "/nope"],
      ["PATCH", "/api/state"],
    ] as const) {
      const answer = await send(port, method, path, { headers: { Host }, ...(method === "PUT" ? { body: "1" } : {}) });
      t.equal(answer.status, 421, `${method} ${path} for ${Host}`);
      t.equal(answer.json<Refusal>().code, 421);
    }
    const upgrade = await openSocket(t, port, "", { Host }).catch((error: unknown) => error);
    t.ok(upgrade instanceof UpgradeRefused && upgrade.status === 421, `an upgrade for ${Host}`);
  }
  t.equal((await get("/api/state/k")).status, 404, "nothing was stored");
  t.equal(
    (await send(guarded.port, "GET", "/health", { headers: { Host: "koor.example:99" } })).status,
    200,
    "--allow-host",
  );
  t.equal(
    (await send(guarded.port, "GET", "/api/state", { headers: { Host: "evil.example" } })).status,
    421,
    "the Host is checked before the token",
  );
});

t.test("a page of another site cannot do anything", async (t) => {
  const own = [`http://localhost:${port}`, `http://127.0.0.1:${port}`, `http://localhost:${koor.dashboardPort}`];
  const foreign = [
    "http://evil.example",
    `http://evil.example:${port}`,
    "null",
    "http://localhost",
    `http://localhost:${port + 1}`,
    "file://",
    `http://localhost.evil.example:${port}`,
    "https://tools.example",
  ];
  for (const Origin of own) {
    t.equal((await send(port, "PUT", "/api/state/origin", { body: "1", headers: { Origin } })).status, 200, Origin);
    const socket = await openSocket(t, port, "", { Origin });
    socket.socket.close();
  }
  for (const Origin of foreign) {
    for (const [method, path] of [
      ["GET", "/health"],
      ["GET", "/api/state"],
      ["PUT", "/api/state/foreign"],
      ["POST", "/api/events/publish"],
      ["DELETE", "/api/state/origin"],
      ["OPTIONS", "/api/state/origin"],
      ["GET", "/nope"],
    ] as const) {
      const answer = await send(port, method, path, {
        headers: { Origin, "Access-Control-Request-Method": "PUT" },
        ...(method === "PUT" || method === "POST" ? { body: '{"topic":"foreign"}' } : {}),
      });
      t.equal(answer.status, 403, `${method} ${path} from ${Origin}`);
      t.equal(answer.json<Refusal>().code, 403);
      t.notOk(
        Object.keys(answer.headers).some((name) => name.startsWith("access-control-")),
        "it has no header that lets the page read it",
      );
    }
    const upgrade = await openSocket(t, port, "", { Origin }).catch((error: unknown) => error);
    t.ok(upgrade instanceof UpgradeRefused && upgrade.status === 403, `an upgrade from ${Origin}`);
  }
  t.equal((await get("/api/state/foreign")).status, 404);
  t.equal((await get("/api/state/origin")).status, 200);
  t.equal((await get("/api/events/history?topic=foreign")).text, "[]\n");
  for (const Origin of ["https://tools.example", "http://other.example:8080"]) {
    t.equal(
      (await send(guarded.port, "GET", "/api/state", { headers: { Origin, ...BEARER } })).status,
      200,
      "--allow-origin",
    );
    t.equal(
      (await send(guarded.port, "GET", "/api/state", { headers: { Origin } })).status,
      401,
      "that does not replace the token",
    );
  }
  t.equal(
    (await send(guarded.port, "GET", "/api/state", { headers: { Origin: "http://evil.example", ...BEARER } })).status,
    403,
    "the token does not replace an allowed origin",
  );
});

t.test("bodies are read in every encoding of their length", async (t) => {
  const head = (extra: string): string => `PUT /api/state/wire HTTP/1.1\r\nHost: localhost\r\n${extra}\r\n`;
  const rows: readonly (readonly [what: string, bytes: string, answer: RegExp])[] = [
    ["a length", `${head("Content-Length: 2\r\n")}{}`, /^HTTP\/1\.1 200 /],
    ["chunks", `${head("Transfer-Encoding: chunked\r\n")}1\r\n{\r\n1\r\n}\r\n0\r\n\r\n`, /^HTTP\/1\.1 200 /],
    ["no body", head(""), /^HTTP\/1\.1 400 .*"empty body"/s],
    [
      "a chunk that is no number",
      `${head("Transfer-Encoding: chunked\r\n")}zz\r\n{}\r\n0\r\n\r\n`,
      /^HTTP\/1\.1 400 |^$/,
    ],
    ["a length that is no number", `${head("Content-Length: two\r\n")}{}`, /^HTTP\/1\.1 400 |^$/],
    ["a negative length", `${head("Content-Length: -2\r\n")}{}`, /^HTTP\/1\.1 400 |^$/],
    ["another encoding", `${head("Transfer-Encoding: gzip\r\n")}{}`, /^HTTP\/1\.1 (400|501) |^$/],
    [
      "a length and an encoding",
      `${head("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n")}2\r\n{}\r\n0\r\n\r\n`,
      /^HTTP\/1\.1 400 /,
    ],
    [
      "an encoding and a length",
      `${head("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n")}2\r\n{}\r\n0\r\n\r\n`,
      /^HTTP\/1\.1 400 /,
    ],
  ];
  let version = 0;
  for (const [what, bytes, answer] of rows) {
    const text = await sendRaw(port, bytes);
    t.match(text, answer, what);
    if (text.startsWith("HTTP/1.1 200 ")) version += 1;
    t.match(
      (await get("/api/state/wire")).headers,
      { "x-koor-version": String(version) },
      `${what}: ${version} versions`,
    );
  }
  const reads = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(3);
  const together = await sendRaw(port, reads, (text) => text.split('"status":"ok"').length === 4);
  t.equal(together.split("HTTP/1.1 200 OK").length, 4, "requests that were sent together are answered one by one");
  const aborted = await openLine(t, koor);
  aborted.socket.write(`${head("Content-Length: 10\r\n")}12345`);
  await get("/health");
  aborted.socket.destroy();
  await aborted.closed;
  t.match((await get("/api/state/wire")).headers, { "x-koor-version": String(version) }, "half a body stores no value");
});

t.test("a header may come twice, and names are written in any case", async (t) => {
  await send(port, "PUT", "/api/state/twice", { body: "1" });
  const lines = (extra: string): Promise<string> =>
    sendRaw(port, `PUT /api/state/twice HTTP/1.1\r\nHost: localhost\r\n${extra}content-length: 1\r\n\r\n2`);
  t.match(await lines("IF-NONE-MATCH: *\r\n"), /^HTTP\/1\.1 412 /);
  t.match(
    await lines('If-Match: "x"\r\nIf-Match: "y"\r\n'),
    /^HTTP\/1\.1 412 /,
    "a condition that came twice does not count as none",
  );
  t.match(await lines("Origin: http://evil.example\r\nOrigin: http://localhost\r\n"), /^HTTP\/1\.1 403 /);
  t.match(await lines("ORIGIN: http://evil.example\r\n"), /^HTTP\/1\.1 403 /);
  t.equal((await get("/api/state/twice")).text, "1");
});

t.test("/api/metrics/history has the metrics since the start of the server", async (t) => {
  const fresh = await startKoor(t, { ownReadsOnly: true });
  const read = async (query: string): Promise<MetricsHistory> =>
    (await send(fresh.port, "GET", `/api/metrics/history${query}`)).json<MetricsHistory>();
  await send(fresh.port, "PUT", "/api/state/plan", { body: "1" });
  let history = await read("");
  // The second sample is taken a second after the first one.
  while (history.times.length < 2) {
    await betweenLooks();
    history = await read("");
  }
  t.same(Object.keys(history.metrics), HISTORY_METRICS);
  for (const [name, values] of Object.entries(history.metrics)) t.equal(values.length, history.times.length, name);
  const { memory = [], requests_all = [] } = history.metrics;
  t.ok(memory.every((bytes) => bytes !== null && bytes > 1e6));
  t.equal(requests_all[0], null, "one sample has no rate");
  t.type(requests_all[1], "number");
  t.ok(Date.parse(history.started_at) <= Date.parse(history.times[0] ?? ""));

  const [, second = ""] = history.times;
  const later = await read(`?metrics=memory,%20state_keys&from=${second}`);
  t.same(Object.keys(later.metrics), ["memory", "state_keys"]);
  t.equal(later.times[0], second);
  t.same((await read("?from=2126-01-01T00:00:00Z")).times, []);
  const refused = await send(fresh.port, "GET", "/api/metrics/history?metrics=memory,fish");
  t.same([refused.status, refused.json()], [400, { error: "unknown metric: fish", code: 400 }]);
  t.equal((await metricsOf(fresh)).token_tax.rest_calls, 1, "the calls are not counted");

  const documented = readFileSync(new URL("../../../docs/http-api.md", import.meta.url), "utf8");
  for (const name of HISTORY_METRICS)
    t.match(documented, `\`${name.replace(/^(requests|p\d\d)_\w+$/, "$1_G")}\``, `${name} is documented`);
});

t.test("/api/metrics/routes has the calls of each route", async (t) => {
  for (const key of ["a", "b"]) await send(quiet.port, "PUT", `/api/state/${key}`, { body: "1" });
  await send(quiet.port, "GET", "/api/state/none");
  const { routes } = (await send(quiet.port, "GET", "/api/metrics/routes")).json<RouteRows>();
  const [first, second] = routes.filter(({ route }) => route.startsWith("state."));
  t.match(first, { route: "state.put", requests: 2, refused: 0, failed: 0 });
  t.match(second, { route: "state.get", requests: 1, refused: 1, failed: 0 });
  t.ok((first?.p50 ?? 0) > 0 && (first?.p50 ?? 0) <= (first?.p95 ?? 0));
});

t.test("/api/metrics counts calls", async (t) => {
  const fresh = await startKoor(t, { args: ["--dashboard-bind", "127.0.0.1:0"], ownReadsOnly: true });
  const answer = await send(fresh.port, "GET", "/api/metrics");
  t.equal(answer.headers["content-type"], "application/json");
  const first = answer.json<Metrics>();
  t.same(Object.keys(first), [
    "uptime",
    "state_keys",
    "instances",
    "last_event_id",
    "api_bind",
    "dashboard_bind",
    "token_tax",
  ]);
  t.same(Object.keys(first.token_tax), [
    "mcp_calls",
    "rest_calls",
    "total_calls",
    "mcp_estimated_tokens",
    "rest_tokens_saved",
    "savings_percent",
  ]);
  t.match(first, {
    uptime: GO_UPTIME,
    state_keys: 0,
    instances: 0,
    last_event_id: 0,
    api_bind: `127.0.0.1:${fresh.port}`,
    dashboard_bind: `127.0.0.1:${fresh.dashboardPort}`,
  });
  t.same(
    first.token_tax,
    { mcp_calls: 0, rest_calls: 0, total_calls: 0, mcp_estimated_tokens: 0, rest_tokens_saved: 0, savings_percent: 0 },
    "it is 0 before any call",
  );

  for (const [method, path, body] of [
    ["PUT", "/api/state/a", "1"],
    ["PUT", "/api/state/b", "1"],
    ["PUT", "/api/state/b", "2"],
    ["DELETE", "/api/state/a"],
    ["GET", "/api/state/b"],
    ["GET", "/api/state/nothing"],
    ["POST", "/api/events/publish", '{"topic":"a"}'],
    ["GET", "/api/events/history"],
    ["GET", "/api/audit"],
    ["HEAD", "/api/state/b"],
  ] as const)
    await send(fresh.port, method, path, body === undefined ? {} : { body });
  const second = await metricsOf(fresh);
  t.match(second, { state_keys: 1, last_event_id: 1 });
  t.same(second.token_tax, {
    mcp_calls: 0,
    rest_calls: 10,
    total_calls: 10,
    mcp_estimated_tokens: 0,
    rest_tokens_saved: 10 * TOKENS_PER_MCP_CALL,
    savings_percent: 100,
  });

  for (const path of ["/health", "/api/metrics", "/metrics", "/api/events/subscribe"])
    await send(fresh.port, "GET", path);
  const socket = await openSocket(t, fresh.port);
  socket.socket.close();
  await socket.closed;
  t.equal((await metricsOf(fresh)).token_tax.rest_calls, 10, "health, metrics and the upgrade are not counted");
  for (const [method, path, body] of [
    ["GET", "/api/state"],
    ["PUT", "/api/state/dashboard", "1"],
    ["GET", "/api/audit"],
  ] as const) {
    t.equal(
      (await send(fresh.dashboardPort, method, path, body === undefined ? {} : { body })).status,
      200,
      "the dashboard's port serves",
    );
  }
  t.equal((await send(fresh.dashboardPort, "GET", "/health")).status, 200);
  t.equal((await metricsOf(fresh)).token_tax.rest_calls, 10, "and its requests are not counted");
  t.equal((await metricsOf(fresh)).state_keys, 2);

  t.same((await send(fresh.port, "POST", "/api/metrics/reset")).json(), { reset: true });
  t.match(await metricsOf(fresh), {
    state_keys: 2,
    last_event_id: 1,
    token_tax: { mcp_calls: 0, rest_calls: 0, total_calls: 0, rest_tokens_saved: 0, savings_percent: 0 },
  });
  await send(fresh.port, "GET", "/api/state");
  t.equal((await metricsOf(fresh)).token_tax.rest_calls, 1);

  t.equal(await fresh.stop(), 0);
  const again = await startKoor(t, { data_dir: fresh.data_dir, ownReadsOnly: true });
  t.match(await metricsOf(again), { state_keys: 2, last_event_id: 1, dashboard_bind: "" }, "after a restart");
});

t.test("/metrics has the figures for Prometheus", async (t) => {
  const before = parseExposition((await get("/metrics")).text);
  await send(port, "PUT", "/api/state/scraped", { body: "1" });
  await get("/api/state/scraped");
  await get("/api/state/scraped-not");
  await sendJson(port, "POST", "/api/events/publish", { topic: "a" });
  const answer = await get("/metrics");
  t.match(answer.headers["content-type"], /^text\/plain; version=0\.0\.4/);
  const after = parseExposition(answer.text);
  const requests = (of: typeof after, route: string, status: string): number =>
    of
      .get("koor_http_requests_total")
      ?.samples.find(({ labels }) => labels["route"] === route && labels["status"] === status)?.value ?? 0;
  for (const [route, status] of [
    ["state.put", "200"],
    ["state.get", "200"],
    ["state.get", "404"],
    ["events.publish", "200"],
  ] as const)
    t.equal(requests(after, route, status), requests(before, route, status) + 1, `${route} ${status}`);
  const value = (of: typeof after, name: string): number => of.get(name)?.samples[0]?.value ?? Number.NaN;
  t.equal(value(after, "koor_state_keys"), (await metricsOf()).state_keys);
  t.equal(value(after, "koor_events_published_total"), value(before, "koor_events_published_total") + 1);
  t.ok(value(after, "koor_http_requests_in_flight") >= 1, "the scrape itself is counted");
  for (const name of [
    "koor_subscribers",
    "koor_events_delivered_total",
    "koor_events_dropped_total",
    "koor_writer_queue_depth",
    "koor_pool_queue_depth",
    "koor_wal_bytes",
    "process_resident_memory_bytes",
    "koor_event_loop_delay_max_seconds",
    "koor_writer_restarts_total",
  ])
    t.ok(Number.isFinite(value(after, name)) && value(after, name) >= 0, name);
  t.ok(value(after, "process_resident_memory_bytes") > 10_000_000, "in bytes");
  for (const name of ["koor_writer_batch_calls", "koor_writer_commit_seconds", "koor_http_request_duration_seconds"])
    t.equal(after.get(name)?.type, "histogram", name);
  t.ok(value(after, "koor_wal_bytes") > 0);
  t.notMatch(answer.text, "scraped", "no key is a label");
});

t.test("settings come from flags, variables and the file, in that order", async (t) => {
  const cwd = makeDirectory(t);
  writeFileSync(
    join(cwd, "settings.json"),
    JSON.stringify({
      log_level: "debug",
      data_dir: "from-file",
      auth_token: "file",
      server: "http://other:1",
      dashboard_bind: "",
    }),
  );
  const one = await startKoor(t, { cwd, data_dir: join(cwd, "made/of/flags"), env: { KOOR_AUTH_TOKEN: "variable" } });
  t.equal(
    (await send(one.port, "GET", "/api/state", { headers: { Authorization: "Bearer variable" } })).status,
    200,
    "the variable beats the file",
  );
  t.equal((await send(one.port, "GET", "/api/state", { headers: { Authorization: "Bearer file" } })).status, 401);
  await one.logged(/level=DEBUG/);
  t.match(one.log(), "keys=auth_token,dashboard_bind,data_dir,log_level\n", "the log names what the file sets");
  t.match(one.log(), `file=${join(cwd, "settings.json")} `);
  t.notMatch(koor.log(), /some settings come from a file/);
  t.match(one.log(), "made/of/flags", "a missing directory is created, and the flag beats the file");
  t.equal(await one.stop(), 0);
  const other = join(cwd, "other.json");
  writeFileSync(other, JSON.stringify({ log_format: "json" }));
  const two = await startKoor(t, { cwd, data_dir: join(cwd, "made/of/flags"), args: ["--config", other] });
  t.equal((await send(two.port, "GET", "/api/state")).status, 200, "--config is read instead of ./settings.json");
  t.equal(await two.stop(), 0);
});

t.test("an invalid setting is one clear line, before any other, and exit code 2", async (t) => {
  const cwd = makeDirectory(t);
  const file = (name: string, text: string): string => {
    writeFileSync(join(cwd, name), text);
    return join(cwd, name);
  };
  const base = ["--bind", "127.0.0.1:0", "--dashboard-bind", "", "--data-dir", join(cwd, "never-made")];
  const rows: readonly (readonly [args: readonly string[], line: RegExp, env?: Readonly<Record<string, string>>])[] = [
    [["--nope"], /--nope/],
    [["stray"], /stray/],
    [["--bind"], /--bind/],
    [["--bind", "nowhere"], /--bind/],
    [["--log-level", "loud"], /--log-level/],
    [["--state-history", "-1"], /--state-history/],
    [["--event-history", "x"], /--event-history/],
    [["--config", join(cwd, "missing.json")], /missing\.json/],
    [["--config", file("broken.json", "{")], /broken\.json/],
    [["--config", file("array.json", "[]")], /array\.json/],
    [["--config", file("type.json", '{"auth_token":5}')], /auth_token/],
    [["--config", file("bind.json", '{"bind":9800}')], /bind/],
    [["--cluster", "postgres://127.0.0.1/koor", "--data-dir", join(cwd, "a-node")], /it names no user/],
    [[], /KOOR_LOG_LEVEL/, { KOOR_LOG_LEVEL: "loud" }],
  ];
  await Promise.all(
    rows.map(async ([args, line, env]) => {
      const { code, stdout, stderr } = await runKoor([...base, ...args], cwd, env);
      t.equal(code, 2, args.join(" "));
      t.match(stderr, line);
      t.match(stderr, /^koor-server: [^\n]+\n$/, "one line");
      t.equal(stdout, "");
    }),
  );
  writeFileSync(join(cwd, "settings.json"), "not json");
  t.match(await runKoor(base, cwd), { code: 2, stderr: /settings\.json/ }, "./settings.json is read, too");
});

t.test("a port or a directory that is in use is one clear line and exit code 1", async (t) => {
  const cwd = makeDirectory(t);
  const file = join(cwd, "file");
  writeFileSync(file, "");
  const damaged = makeDirectory(t);
  writeFileSync(join(damaged, "data.db"), "this is no database, but it is somebody's file");
  const free = ["--bind", "127.0.0.1:0", "--dashboard-bind", ""];
  const rows: readonly (readonly [args: readonly string[], line: RegExp, env?: Readonly<Record<string, string>>])[] = [
    [
      ["--bind", `127.0.0.1:${port}`, "--dashboard-bind", "", "--data-dir", join(cwd, "a")],
      new RegExp(`127\\.0\\.0\\.1:${port}`),
    ],
    [
      ["--bind", "127.0.0.1:0", "--dashboard-bind", `127.0.0.1:${port}`, "--data-dir", join(cwd, "b")],
      /--dashboard-bind/,
    ],
    [["--bind", "203.0.113.7:0", "--dashboard-bind", "", "--data-dir", join(cwd, "c")], /203\.0\.113\.7/],
    [[...free, "--data-dir", koor.data_dir], /in use/],
    [[...free, "--data-dir", file], /directory/],
    [[...free, "--data-dir", join(file, "below")], /directory/],
    [[...free, "--data-dir", damaged], /damaged/],
    [[...free, "--data-dir", join(cwd, "d")], /KOOR_SQLITE must be auto/, { KOOR_SQLITE: "none" }],
  ];
  await Promise.all(
    rows.map(async ([args, line, env]) => {
      const { code, stderr } = await runKoor(args, cwd, env);
      t.equal(code, 1, args.join(" "));
      t.match(stderr, line);
      t.match(stderr, /^koor-server: [^\n]+\n$/, "one line");
    }),
  );
  t.equal((await get("/health")).status, 200, "the first server still answers");
});

t.test("--help and --version print and exit", async (t) => {
  const cwd = makeDirectory(t);
  const help = await runKoor(["--help"], cwd);
  t.equal(help.code, 0);
  t.equal(help.stderr, "");
  for (const key of Object.keys(OPTIONS)) t.match(help.stdout, flagOf(key));
  const version = await runKoor(["--version"], cwd, { [environmentOf("bind")]: "nowhere" });
  t.match(version, { code: 0, stdout: new RegExp(`${VERSION.replaceAll(".", "\\.")}\n$`), stderr: "" });
});

t.test("the log has one line an entry, and never a secret", async (t) => {
  await send(guarded.port, "PUT", "/api/state/logged%20key?if_version=0", { body: '"the value"', headers: BEARER });
  await sendJson(guarded.port, "POST", "/api/events/publish", { topic: "logged.topic", data: "the data" }, BEARER);
  const socket = await openSocket(t, guarded.port, "pattern=logged.*", BEARER);
  socket.socket.close();
  await guarded.logged(/msg="state updated" key="logged key" version=1\n/);
  await guarded.logged(/msg="event published" topic=logged\.topic id=\d+\n/);
  await guarded.logged(/msg="websocket subscriber connected"/);
  await guarded.logged(/level=DEBUG msg=request method=PUT/);
  const lines = guarded.log().trimEnd().split("\n");
  if (CLUSTER === "") t.match(lines[0], /msg="koor listening"/);
  for (const line of lines) if (!LOG_LINE.test(line)) t.fail(line);
  t.notMatch(guarded.log(), TOKEN, "no token");
  t.notMatch(guarded.log(), "the value", "no value");
  t.match(koor.log(), /level=INFO/);
  t.notMatch(koor.log(), /level=DEBUG/, "info is the default");

  await send(quiet.port, "PUT", "/api/state/k", { body: "1" });
  await quiet.logged(/^(?=.*"msg":"state updated").*"key":"k"/m);
  for (const line of quiet.log().trimEnd().split("\n"))
    t.match(JSON.parse(line), { level: Number, time: String, msg: String });
});

t.test("a shutdown answers requests in flight, logs its steps, and exits with 0", async (t) => {
  const one = await startKoor(t);
  const socket = await openSocket(t, one.port);
  const upload = await openLine(t, one);
  const other = await openLine(t, one);
  upload.socket.write("PUT /api/state/late HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n12");
  other.socket.write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  t.match(await other.answer(), /^HTTP\/1\.1 200 /);
  const code = one.stop();
  t.equal(await socket.closed, 1001);
  other.socket.write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  t.match(await other.answer(), /^HTTP\/1\.1 503 .*"status":"draining","uptime":/s);
  for (const request of [
    "GET /api/state HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "PUT /api/state/refused HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1",
  ]) {
    other.socket.write(request);
    t.match(
      await other.answer(),
      /^HTTP\/1\.1 503 .*retry-after: \d+\r\n.*"code":503}\n$/is,
      "new requests are refused",
    );
  }
  const late = await new Promise<string>((resolve) => {
    const socketAfter = connect(one.port, "127.0.0.1", () => resolve("accepted"));
    socketAfter.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
    t.teardown(() => void socketAfter.destroy());
  });
  t.equal(late, "ECONNREFUSED", "new connections are refused");
  upload.socket.write("34");
  t.match(await upload.answer(), /^HTTP\/1\.1 200 .*"version":1/s, "the request in flight is answered");
  t.equal(await code, 0);
  t.match(one.log(), /msg="koor stops"\n(.*\n)*.*msg="koor stopped"\n$/);

  const again = await startKoor(t, { data_dir: one.data_dir });
  t.equal((await send(again.port, "GET", "/api/state/late")).text, "1234");
  t.equal((await send(again.port, "GET", "/api/state/refused")).status, 404);
  t.equal(await again.stop("SIGINT"), 0, "SIGINT ends it in the same way");
});

t.test(
  "a request that does not end delays a shutdown by five seconds, and a second signal stops at once",
  async (t) => {
    const half = "PUT /api/state/half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n12";
    const [one, two] = [await startKoor(t), await startKoor(t)];
    const lines = [await openLine(t, one), await openLine(t, two)];
    for (const [at, server] of [one, two].entries()) {
      await send(server.port, "PUT", "/api/state/safe", { body: "1" });
      lines[at]?.socket.write(half);
    }
    for (const server of [one, two]) while ((await countInFlight(server.port)) < 1) await betweenLooks();
    const began = performance.now();
    const code = one.stop();
    const impatient = two.stop();
    await two.logged(/msg="koor stops"/);
    two.process.kill("SIGTERM");
    await impatient;
    t.ok(performance.now() - began < SHUTDOWN_DRAIN_MS, "at once");
    t.equal(await code, 0);
    const took = performance.now() - began;
    t.ok(took >= SHUTDOWN_DRAIN_MS * 0.9 && took < SHUTDOWN_DRAIN_MS + SLACK_MS, `${Math.round(took)} ms`);
    for (const dataDir of [one.data_dir, two.data_dir]) {
      const again = await startKoor(t, { data_dir: dataDir });
      t.equal((await send(again.port, "GET", "/api/state/safe")).text, "1", "acknowledged writes are there");
      t.equal((await send(again.port, "GET", "/api/state/half")).status, 404, "others are not");
      await again.stop("SIGKILL");
    }
  },
);

t.test("a body that does not come within its time is cut off, and nothing is stored", async (t) => {
  const took = await slowEnded;
  // The library has a timeout of its own for bodies that come slowly: 10 s too, in steps of 4 s.
  t.ok(
    took >= REQUEST_TIMEOUT_MS - LIBRARY_TIMER_STEP_MS && took < REQUEST_TIMEOUT_MS + SLACK_MS,
    `${Math.round(took)} ms`,
  );
  t.equal((await get("/api/state/slow")).status, 404);
  const before = await restCalls();
  await get("/api/state");
  t.equal(await restCalls(), before + 1, "the server still answers");
});

t.test("a long answer reaches a client that sends a body to a route without one", async (t) => {
  const statuses: unknown[] = [];
  for (let at = 0; at < 40; at++)
    statuses.push(
      await new Promise((resolve) => {
        // Without an agent the connection ends with the answer.
        const request = httpRequest({ host: "127.0.0.1", port: koor.port, agent: false, path: "/openapi.json" });
        request.on("error", resolve);
        request.on("response", (response) => {
          response.on("error", resolve).on("end", () => resolve(response.statusCode));
          response.resume();
        });
        request.setHeader("Transfer-Encoding", "chunked");
        request.end(Buffer.alloc(100_000, "["));
      }),
    );
  t.same(
    statuses,
    statuses.map(() => 200),
  );
});

t.test("a long answer that takes a while comes after the body of its request", async (t) => {
  const socket = connect(koor.port, "127.0.0.1");
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  const ended = once(socket, "close");
  const body = Buffer.alloc(40_000, "[");
  // The first of two answers is made in another tick, and would close the connection before the body was read.
  const head = ["GET /metrics HTTP/1.1", "Host: localhost", "Connection: close", `Content-Length: ${body.length}`];
  socket.write(Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body.subarray(0, 1000)]));
  await get("/metrics");
  if (koor.transport === "uws") t.same(parts, [], "the answer waits");
  socket.write(body.subarray(1000));
  await ended;
  const answer = Buffer.concat(parts).toString("latin1");
  const [, length] = /content-length: (\d+)/i.exec(answer) ?? [];
  t.match(answer, /^HTTP\/1\.1 200 /);
  if (length !== undefined) t.equal(answer.length - answer.indexOf("\r\n\r\n") - 4, Number(length), "it is whole");
});
