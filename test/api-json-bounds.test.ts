/**
 * Bodies that are small and would take seconds to read, or gigabytes to hold: millions of values, a million levels, too
 * many items, and what strangers send to log in.
 */
import { request as httpRequest } from "node:http";
import t from "tap";
import { JSON_DEPTH_MAX, JSON_VALUES_MAX, LOG_IN_BODY_BYTES_MAX } from "../schemas/limits.js";
import { refusal, refusalOf } from "./support/answers.js";
import { send } from "./support/http-client.js";
import { MCP_HEADERS } from "./support/mcp-messages.js";
import { startKoor } from "./support/server-process.js";

const { port, dashboard_port } = await startKoor(t, {
  args: ["--auth-token", "the-server's-own-token", "--dashboard-bind", "127.0.0.1:0"],
});
const RIGHT = { Authorization: "Bearer the-server's-own-token" };

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

t.test("too many values, too many levels, too many items", async (t) => {
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
    t.same(await ask(deep), refusal(400, `the body is nested deeper than ${JSON_DEPTH_MAX} levels`), path);
  }
  const tool = `{"jsonrpc":"2.0","id":1,"method":"ping","params":${list(JSON_VALUES_MAX, "{}")}}`;
  const answer = await send(port, "POST", "/mcp", { body: tool, headers: { ...RIGHT, ...MCP_HEADERS } });
  t.equal(answer.status, 400);
  t.match(answer.text, /the body has more than/);
});

t.test("what a stranger sends to log in is small, and refused before it is taken in", async (t) => {
  const origin = `http://127.0.0.1:${dashboard_port}`;
  const body = `{"token":"${"x".repeat(LOG_IN_BODY_BYTES_MAX)}"}`;
  const large = refusal(413, `body larger than ${LOG_IN_BODY_BYTES_MAX} bytes`);
  const told = await send(dashboard_port, "POST", "/session", { body, headers: { Origin: origin } });
  t.same(refusalOf(told), large);
  // Only announced: nothing of it is waited for.
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const request = httpRequest(
      {
        host: "127.0.0.1",
        port: dashboard_port,
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
  const small = await send(dashboard_port, "POST", "/session", { body: '{"token":"x"}', headers: { Origin: origin } });
  t.equal(small.status, 401);
});
