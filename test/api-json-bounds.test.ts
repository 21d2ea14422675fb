/**
 * Tests small bodies that would take seconds to read, or gigabytes of memory: millions of values, a million levels, too
 * many items, and unauthenticated log-ins. Long bodies are read in the pool, and mean the same there.
 */
import { request as httpRequest } from "node:http";
import t from "tap";
import { MCP_BODY_BYTES_MAX, MCP_VALUES_MAX } from "../schemas/limits/mcp.js";
import { FRONT_JSON_BYTES_MAX, JSON_DEPTH_MAX, JSON_VALUES_MAX } from "../schemas/limits/request-bodies.js";
import { LOG_IN_BODY_BYTES_MAX } from "../schemas/limits/sessions.js";
import { JSON_DEPTH_PIECE_BYTES } from "../schemas/limits/versioned.js";
import { refusal, refusalOf } from "./support/answers.js";
import { send } from "./support/http-client.js";
import { MCP_HEADERS } from "./support/mcp-messages.js";
import { startKoor } from "./support/server-process.js";

const { port, dashboardPort } = await startKoor(t, {
  args: ["--auth-token", "the-server's-own-token", "--dashboard-bind", "127.0.0.1:0"],
});
const RIGHT = { Authorization: "Bearer the-server's-own-token" };

const TOO_DEEP = `JSON is nested deeper than ${JSON_DEPTH_MAX} levels`;

function list(items: number, item = "1"): string {
  return `[${Array.from({ length: items }, () => item).join(",")}]`;
}

const ROUTES = [
  ["POST", "/api/tasks", (value: string) => value, "the body must have at most 1000 items"],
  ["POST", "/api/leases", (value: string) => `{"resources":${value}}`, "resources must have at most 64 items"],
  ["POST", "/api/leases/check", (value: string) => `{"paths":${value}}`, "paths must have at most 1000 items"],
  ["POST", "/api/events/publish", (value: string) => value, "the body must have at most 1000 items"],
  [
    "POST",
    "/api/instances/register",
    (value: string) => `{"name":"x","capabilities":${value}}`,
    "capabilities must have at most 64 items",
  ],
  ["POST", "/api/messages", (value: string) => `{"subject":"s","to":${value}}`, "to must have at most 256 items"],
] as const;

t.test("too many values, levels or items are refused", async (t) => {
  for (const [method, path, bodyOf, message] of ROUTES) {
    const ask = async (value: string): Promise<unknown> =>
      refusalOf(await send(port, method, path, { body: bodyOf(value), headers: RIGHT }));
    t.same(await ask(list(100_000)), refusal(400, message), path);
    t.same(
      await ask(list(JSON_VALUES_MAX + 1)),
      refusal(400, `the body has more than ${JSON_VALUES_MAX} values`),
      path,
    );
    const deep = "[".repeat(JSON_DEPTH_MAX + 1) + "]".repeat(JSON_DEPTH_MAX + 1);
    t.same(await ask(deep), refusal(400, TOO_DEEP), path);
    // The same where the pool reads the body.
    t.same(await ask(deep + " ".repeat(FRONT_JSON_BYTES_MAX)), refusal(400, TOO_DEEP), path);
  }
  const tool = `{"jsonrpc":"2.0","id":1,"method":"ping","params":${list(MCP_VALUES_MAX)}}`;
  const answer = await send(port, "POST", "/mcp", { body: tool, headers: { ...RIGHT, ...MCP_HEADERS } });
  t.equal(answer.status, 400);
  t.match(answer.text, new RegExp(`the body has more than ${MCP_VALUES_MAX} values`));
  const long = `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"${"x".repeat(MCP_BODY_BYTES_MAX)}"}}`;
  const reported = await send(port, "POST", "/mcp", { body: long, headers: { ...RIGHT, ...MCP_HEADERS } });
  t.same(refusalOf(reported), refusal(413, `body larger than ${MCP_BODY_BYTES_MAX} bytes`));
});

t.test("stored values of a JSON type are refused if they are nested too deep", async (t) => {
  const put = async (path: string, body: string, type = "application/json"): Promise<unknown> => {
    const answer = await send(port, "PUT", path, { body, headers: { ...RIGHT, "Content-Type": type } });
    return answer.status === 200 ? 200 : refusalOf(answer);
  };
  const nested = (depth: number, inside = ""): string => "[".repeat(depth) + inside + "]".repeat(depth);
  const long = `"${"x".repeat(JSON_DEPTH_PIECE_BYTES)}",`.repeat(20);
  for (const path of ["/api/state/deep", "/api/specs/trucks/deep"]) {
    t.equal(await put(path, nested(JSON_DEPTH_MAX)), 200, path);
    t.same(await put(path, nested(JSON_DEPTH_MAX + 1)), refusal(400, TOO_DEEP), path);
    t.equal(await put(path, `[${long}${nested(JSON_DEPTH_MAX - 1)}]`), 200, path);
    t.same(await put(path, `[${long}${nested(JSON_DEPTH_MAX)}]`), refusal(400, TOO_DEEP), path);
    const stored = await send(port, "GET", path, { headers: RIGHT });
    t.equal(stored.headers["x-koor-version"], "2", "a refused value is not stored");
  }
  for (const type of [
    "application/JSON; charset=utf-8",
    "application/vnd.api+json",
    "application/x-www-form-urlencoded",
  ])
    t.same(await put("/api/state/typed", nested(JSON_DEPTH_MAX + 1), type), refusal(400, TOO_DEEP), type);
  t.equal(
    await put("/api/state/typed", nested(JSON_DEPTH_MAX + 1), "text/plain"),
    200,
    "other types may have any bytes",
  );
  t.equal(await put("/api/state/typed", "[".repeat(JSON_DEPTH_MAX + 1), "application/jsonp"), 200);
});

t.test("the body of a log-in is limited, and refused before it is read", async (t) => {
  const origin = `http://127.0.0.1:${dashboardPort}`;
  const body = `{"token":"${"x".repeat(LOG_IN_BODY_BYTES_MAX)}"}`;
  const large = refusal(413, `body larger than ${LOG_IN_BODY_BYTES_MAX} bytes`);
  const reported = await send(dashboardPort, "POST", "/session", { body, headers: { Origin: origin } });
  t.same(refusalOf(reported), large);
  // The body is only announced: the server does not wait for it.
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const request = httpRequest(
      {
        host: "127.0.0.1",
        port: dashboardPort,
        method: "POST",
        path: "/session",
        headers: { Origin: origin, "Content-Length": 10 * 1024 * 1024 },
        agent: false,
      },
      (response) => {
        resolve(response.statusCode);
        request.destroy();
      },
    );
    request.on("error", reject);
    request.write("{");
  });
  t.equal(status, 413);
  const small = await send(dashboardPort, "POST", "/session", { body: '{"token":"x"}', headers: { Origin: origin } });
  t.equal(small.status, 401);
});

/** A body of several megabytes, whose names are all different. */
function names(count: number, salt: string): string {
  return Array.from({ length: count }, (_, at) => `"${salt}${at}":1`).join(",");
}

t.test("other requests are answered while bodies of many names are read", async (t) => {
  const count = 300_000;
  const started = performance.now();
  JSON.parse(`{${names(count, "mine")}}`);
  const parsedMs = performance.now() - started;
  const { id } = (await send(port, "POST", "/api/instances/register", { body: '{"name":"x"}', headers: RIGHT })).json<{
    readonly id: string;
  }>();
  for (const [path, body, status] of [
    ["/api/events/publish", `{"topic":"x","data":{${names(count, "a")}}}`, 200],
    [`/api/instances/${id}/heartbeat`, `{${names(count, "b")}}`, 200],
    ["/api/leases", `{"resources":["x"],"wait_s":{${names(count, "c")}}}`, 400],
    ["/api/tasks", `[{"title":"x",${names(count, "d")}}]`, 200],
  ] as const) {
    const state = { answered: false };
    const asked = send(port, "POST", path, { body, headers: { ...RIGHT, "X-Koor-Instance": id } }).finally(() => {
      state.answered = true;
    });
    let slowestMs = 0;
    while (!state.answered) {
      const began = performance.now();
      await send(port, "GET", "/health");
      slowestMs = Math.max(slowestMs, performance.now() - began);
    }
    t.equal((await asked).status, status, path);
    t.ok(slowestMs < parsedMs / 3, `${path}: ${slowestMs} ms, and ${parsedMs} ms to parse the same body`);
  }
});

t.test("a long body means the same as a short one", async (t) => {
  const pad = " ".repeat(FRONT_JSON_BYTES_MAX);
  const ask = async (method: string, path: string, body: string): Promise<unknown> => {
    const reported = await send(port, method, path, { body, headers: RIGHT });
    const { id: _id, created_at: _at, updated_at: _updated, ...rest } = reported.json<Record<string, unknown>>();
    return { status: reported.status, rest };
  };
  for (const [path, body] of [
    ["/api/events/publish", '{"topic":"a.b","data":{"n":12345678901234567890.10,"__proto__":[1]},"source":"me"}'],
    ["/api/events/publish", '{"topic":"a.b","data":null,"more":{"topic":1}}'],
    ["/api/events/publish", '{"data":1}'],
    ["/api/events/publish", '{"topic":"a.b","data":1'],
    ["/api/tasks", '{"title":"é","data":{"a":[1,{}]},"labels":["l"],"other":[1]}'],
    ["/api/tasks", '{"title":"t","labels":["l",1]}'],
    ["/api/tasks", '{"title":"t","assignee":null,"not_before":null}'],
    ["/api/leases/check", '{"workspace":"w","paths":["a","b"]}'],
    ["/api/webhooks", '{"id":"w","url":"ftp://x"}'],
  ] as const) {
    const short = await ask("POST", path, body);
    t.same(await ask("POST", path, pad + body), short, `${path} ${body}`);
    t.match(short, { status: /^(200|201|400)$/ });
  }
  const many = `[${Array.from({ length: 1000 }, (_, at) => `{"topic":"t","data":${at}.0,"x":"${"y".repeat(80)}"}`).join()}]`;
  const published = await send(port, "POST", "/api/events/publish", { body: many, headers: RIGHT });
  t.equal(published.status, 200);
  const [first] = published.json<{ readonly id: number }[]>();
  const read = await send(port, "GET", `/api/events/history?after=${(first?.id ?? 0) - 1}&last=1000`, {
    headers: RIGHT,
  });
  t.same(
    [...read.text.matchAll(/"data":([^,]*)/g)].map(([, data]) => data),
    Array.from({ length: 1000 }, (_, at) => `${at}.0`),
  );
});
