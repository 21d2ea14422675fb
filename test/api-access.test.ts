/**
 * Tests access: every route of the running server is called with each kind of token, Origin and Host. The routes come
 * from the server's own description. This file states the rights of each token a second time, as docs/security.md has
 * them, so that a route that was added or loosened shows.
 */
import t from "tap";
import { WebSocket } from "ws";
import { must } from "../src/base/assert.js";
import { send, type Answer } from "./support/http-client.js";
import { startKoor } from "./support/server-process.js";

const TOKEN = "the-server's-own";
const CI_TOKEN = "the-token-of-ci-only";
const LISTED = "https://tools.example";

/** Operations that need the server's token. */
const SERVER_ONLY = new Set([
  "rules.put",
  "rule.accept",
  "rule.reject",
  "rules.import",
  "rule.delete",
  "lease.break",
  "message.all",
  "budget.set",
  "budget.remove",
  "webhook.create",
  "webhook.delete",
  "webhook.test",
  "webhook.enable",
  "webhook.skip",
  "webhook.resend",
  "webhook.discard",
  "webhook.deliveries",
  "webhook.dead_letters",
  "webhook.dead_letter",
  "template.create",
  "template.delete",
  "template.apply",
  "compliance.run",
  "metrics.reset",
  "backup",
  "restore",
]);
/** Operations that an instance may do to itself and to no other. */
const OWN_INSTANCE = new Set([
  "instance.heartbeat",
  "instance.activate",
  "instance.capabilities",
  "instance.intent",
  "instance.update",
  "instance.deregister",
]);
/** Operations for which the token of CI suffices. */
const FOR_CI = new Set([
  "evidence.record",
  "evidence.list",
  "evidence.get",
  "task.create",
  "task.list",
  "task.get",
  "lease.list",
  "audit.list",
]);
/** Operations that need no token. */
const OPEN = new Set(["health"]);

interface Operation {
  readonly operationId: string;
  readonly requestBody?: unknown;
}

const koor = await startKoor(t, { args: ["--auth-token", TOKEN, "--ci-token", CI_TOKEN, "--allow-origin", LISTED] });
const { port } = koor;
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const RIGHT = bearer(TOKEN);
const { paths } = (await send(port, "GET", "/openapi.json", { headers: RIGHT })).json<{
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}>();
const ROUTES = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);
type Route = (typeof ROUTES)[number];

interface Instance {
  readonly id: string;
  readonly token: string;
}

/** A new instance for each attempt: some attempts delete it. */
async function register(): Promise<Instance> {
  return (
    await send(port, "POST", "/api/instances/register", { headers: RIGHT, body: '{"name":"a"}' })
  ).json<Instance>();
}

/** Sends one request for a route; its first parameter is `first`. The body is JSON, and too little to do anything. */
function ask(route: Route, headers: Readonly<Record<string, string>>, first = "nobody", to = port): Promise<Answer> {
  let at = 0;
  const path = route.path.replaceAll(/\{[a-z_]+\}/g, () => (at++ === 0 ? first : "x"));
  // A stream of events would never end, and a backup would be long: HEAD passes the same checks.
  const method = route.method === "GET" ? "HEAD" : route.method;
  // Each route has a source address of its own, because wrong tokens of one address are counted.
  const from = `127.1.0.${ROUTES.indexOf(route) + 1}`;
  const body = route.operation.requestBody === undefined ? {} : { body: "{}" };
  return send(to, method, path, { headers, from, ...body });
}

t.test("each route accepts exactly the tokens that may call it", async (t) => {
  const names = new Set(ROUTES.map(({ operation }) => operation.operationId));
  for (const name of [...OWN_INSTANCE, ...OPEN]) t.ok(names.has(name), `${name} is a route`);
  for (const route of ROUTES) {
    const name = route.operation.operationId;
    for (const headers of [{}, bearer("wrong"), bearer(`${TOKEN}x`), { Authorization: TOKEN }]) {
      const { status } = await ask(route, headers);
      t.equal(status === 401, !OPEN.has(name), `${name} with ${JSON.stringify(headers)}: ${status}`);
    }
    const right = await ask(route, RIGHT);
    t.notOk([401, 403, 421].includes(right.status), `${name} with the server's token: ${right.status}`);
    const ci = await ask(route, bearer(CI_TOKEN));
    t.equal(ci.status === 403, !FOR_CI.has(name) && !OPEN.has(name), `${name} with the token of CI: ${ci.status}`);
    const [one, other] = [await register(), await register()];
    const foreign = await ask(route, bearer(one.token), other.id);
    t.equal(
      foreign.status === 403,
      SERVER_ONLY.has(name) || OWN_INSTANCE.has(name),
      `${name} with an instance's token: ${foreign.status}`,
    );
    t.not(foreign.status, 401, name);
    const own = await ask(route, bearer(one.token), one.id);
    t.equal(own.status === 403, SERVER_ONLY.has(name), `${name} with the instance's own token: ${own.status}`);
  }
});

t.test("a refusal says which token is needed, and is audited", async (t) => {
  const { id, token } = await register();
  const other = await register();
  const refused = await send(port, "POST", "/api/metrics/reset", { headers: bearer(token) });
  t.match(refused.json(), { error: "this needs the server token", code: 403 });
  const meddling = await send(port, "DELETE", `/api/instances/${other.id}`, { headers: bearer(token) });
  t.match(meddling.json(), { error: "this needs the server token, or the token of that instance", code: 403 });
  const rows = (await send(port, "GET", "/api/audit?limit=2", { headers: RIGHT })).json<
    readonly Record<string, unknown>[]
  >();
  t.match(rows, [
    { actor: id, action: "instance.deregister", resource: other.id, outcome: "error" },
    { actor: id, action: "metrics.reset", outcome: "error" },
  ]);
  const listed = (await send(port, "GET", `/api/instances/${other.id}`, { headers: bearer(token) })).json();
  t.match(listed, { id: other.id }, "reading is free");
});

t.test("an instance's own token lets it do what agents do, for itself only", async (t) => {
  const { id, token } = await register();
  const headers = bearer(token);
  const body = (value: unknown) => ({ headers, body: JSON.stringify(value) });
  t.match((await send(port, "PUT", "/api/state/plan", body({ step: 1 }))).json(), { version: 1 });
  t.match((await send(port, "PUT", "/api/specs/p/s", body({ a: 1 }))).json(), { version: 1 });
  t.match((await send(port, "POST", "/api/events/publish", body({ topic: "a.b" }))).json(), { source: id });
  t.match((await send(port, "POST", "/api/rules/propose", body({ project: "p", rule_id: "r", pattern: "x" }))).json(), {
    status: "proposed",
  });
  t.match((await send(port, "POST", "/api/validate/p", body({ content: "x" }))).json(), { count: 0 });
  t.match((await send(port, "POST", "/api/llm/usage", body({ provider: "p", model: "m" }))).json(), { recorded: true });
  t.match((await send(port, "POST", `/api/instances/${id}/activate`, { headers })).json(), { status: "active" });
  t.match((await send(port, "GET", "/api/state/plan?history=1", { headers })).json(), {
    versions: [{ updated_by: id }],
  });
  t.match((await send(port, "GET", "/api/audit?limit=1000", { headers })).status, 200);
  t.match((await send(port, "DELETE", `/api/instances/${id}`, { headers })).json(), { deleted: id });
  t.equal((await send(port, "GET", "/api/state/plan", { headers })).status, 401, "its token ends with it");
});

t.test("without --auth-token every client may do everything", async (t) => {
  const open = await startKoor(t);
  const { token } = (
    await send(open.port, "POST", "/api/instances/register", { body: '{"name":"a"}' })
  ).json<Instance>();
  const other = (await send(open.port, "POST", "/api/instances/register", { body: '{"name":"b"}' })).json<Instance>();
  t.match((await send(open.port, "POST", "/api/metrics/reset", { headers: bearer(token) })).json(), { reset: true });
  t.match((await send(open.port, "DELETE", `/api/instances/${other.id}`, { headers: bearer(token) })).json(), {
    deleted: other.id,
  });
});

t.test("a request with a foreign Origin or Host is refused", async (t) => {
  const own = `http://localhost:${port}`;
  for (const route of ROUTES) {
    const name = route.operation.operationId;
    for (const Origin of [
      "http://evil.example",
      "null",
      `http://localhost:${port + 1}`,
      "https://tools.example.evil.example",
      "file://",
    ]) {
      t.equal((await ask(route, { ...RIGHT, Origin })).status, 403, `${name} from ${Origin}`);
    }
    for (const Origin of [own, `http://127.0.0.1:${port}`, LISTED]) {
      const answer = await ask(route, { ...RIGHT, Origin });
      t.notOk([401, 403, 421].includes(answer.status), `${name} from ${Origin}: ${answer.status}`);
      t.equal(
        answer.headers["access-control-allow-origin"],
        Origin,
        `${name}: a page of ${Origin} may read the answer`,
      );
      t.match(answer.headers.vary, /Origin/);
    }
    t.equal(
      (await ask(route, { ...RIGHT })).headers["access-control-allow-origin"],
      undefined,
      `${name}: the answer to a request without Origin has no CORS header`,
    );
    for (const Host of ["evil.example", `evil.example:${port}`, "169.254.169.254"]) {
      t.equal((await ask(route, { ...RIGHT, Host })).status, 421, `${name} as ${Host}`);
    }
    t.equal(
      (await ask(route, { Origin: "http://evil.example" })).status,
      403,
      `${name}: a foreign page learns nothing about tokens`,
    );
  }
});

t.test("the dashboard's port has the same checks", async (t) => {
  const { dashboardPort, port: apiPort } = await startKoor(t, {
    args: ["--auth-token", TOKEN, "--dashboard-bind", "127.0.0.1:0"],
  });
  t.not(dashboardPort, 0);
  for (const route of ROUTES) {
    const name = route.operation.operationId;
    const status = async (headers: Readonly<Record<string, string>>): Promise<number> =>
      (await ask(route, headers, "nobody", dashboardPort)).status;
    t.equal((await status({})) === 401, !OPEN.has(name), `${name} without a token`);
    t.equal((await status(bearer("wrong"))) === 401, !OPEN.has(name), `${name} with a wrong one`);
    t.equal(await status({ ...RIGHT, Origin: "http://evil.example" }), 403, `${name} from a foreign page`);
    t.equal(await status({ ...RIGHT, Host: "evil.example" }), 421, `${name} as another host`);
    for (const own of [apiPort, dashboardPort])
      t.notOk(
        [401, 403, 421].includes(await status({ ...RIGHT, Origin: `http://localhost:${own}` })),
        `${name} from a page of port ${own}`,
      );
  }
});

t.test("a session on the dashboard's port has the rights of its token", async (t) => {
  const { dashboardPort, port: apiPort } = await startKoor(t, {
    args: ["--auth-token", TOKEN, "--dashboard-bind", "127.0.0.1:0"],
  });
  const Origin = `http://127.0.0.1:${dashboardPort}`;
  const logIn = async (token: string): Promise<string> => {
    const { headers } = await send(dashboardPort, "POST", "/session", { body: JSON.stringify({ token }) });
    return String(headers["set-cookie"]).split(";")[0] ?? "";
  };
  const registerThere = async (): Promise<Instance> =>
    (await send(apiPort, "POST", "/api/instances/register", { headers: RIGHT, body: '{"name":"a"}' })).json<Instance>();
  const server = { Cookie: await logIn(TOKEN), Origin };
  for (const route of ROUTES) {
    const name = route.operation.operationId;
    const status = async (headers: Readonly<Record<string, string>>, first?: string): Promise<number> =>
      (await ask(route, headers, first, dashboardPort)).status;
    t.notOk([401, 403, 421].includes(await status(server)), `${name} in a session of the server's token`);
    t.equal(await status({ ...server, Host: "evil.example" }), 421, `${name} as another host`);
    t.equal(await status({ ...server, "Sec-Fetch-Site": "same-site" }), 403, `${name} from another port`);
    for (const foreign of ["http://evil.example", `http://127.0.0.1:${apiPort}`])
      t.equal(await status({ ...server, Origin: foreign }), 403, `${name} from ${foreign}`);
    if (route.method !== "GET") t.equal(await status({ Cookie: server.Cookie }), 403, `${name} without an Origin`);
    const [one, other] = [await registerThere(), await registerThere()];
    const headers = { Cookie: await logIn(one.token), Origin };
    t.equal(
      (await status(headers, other.id)) === 403,
      SERVER_ONLY.has(name) || OWN_INSTANCE.has(name),
      `${name} in a session of an instance's token`,
    );
    t.equal((await status(headers, one.id)) === 403, SERVER_ONLY.has(name), `${name} in the instance's own`);
    const cookie = { Cookie: server.Cookie };
    t.equal((await ask(route, cookie, "nobody", apiPort)).status === 401, !OPEN.has(name), `${name} at the API's port`);
  }
});

t.test("a preflight request is answered", async (t) => {
  const asks = {
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "authorization,content-type,if-match",
  };
  for (const Origin of [LISTED, `http://localhost:${port}`]) {
    const allowed = await send(port, "OPTIONS", "/api/state/plan", { headers: { ...asks, Origin } });
    t.equal(allowed.status, 204, "it has no token, because browsers send none");
    t.match(allowed.headers, { "access-control-allow-origin": Origin, "access-control-allow-private-network": "true" });
    t.same(String(allowed.headers["access-control-allow-methods"]).split(", "), [
      "DELETE",
      "GET",
      "HEAD",
      "POST",
      "PUT",
    ]);
    for (const name of [
      "Authorization",
      "Content-Type",
      "If-Match",
      "If-None-Match",
      "X-Koor-Instance",
      "X-Koor-Session",
      "X-Koor-Fence",
    ])
      t.match(allowed.headers["access-control-allow-headers"], name);
  }
  const described = await send(port, "GET", "/openapi.json", { headers: RIGHT });
  const parameters = described.text.matchAll(/"name":"([\w-]+)","in":"header"/g);
  const named = new Set([...parameters].map(([, name = ""]) => name.toLowerCase()));
  t.ok(named.has("x-koor-workspace"), "the description names the headers of requests");
  const sendable = await send(port, "OPTIONS", "/api/state/plan", { headers: { ...asks, Origin: LISTED } });
  const names = String(sendable.headers["access-control-allow-headers"]).toLowerCase().split(", ");
  t.same(
    // A proxy sets this one.
    [...named].filter((name) => !names.includes(name) && name !== "x-forwarded-proto"),
    [],
    "a page may send every header that a route reads",
  );
  const unknown = await send(port, "GET", "/api/state", { headers: { Origin: LISTED } });
  t.equal(unknown.status, 401);
  t.match(unknown.headers, { "www-authenticate": "Bearer", "access-control-expose-headers": /WWW-Authenticate/ });
  for (const Origin of ["http://evil.example", "null"]) {
    const refused = await send(port, "OPTIONS", "/api/state/plan", { headers: { ...asks, Origin } });
    t.equal(refused.status, 403);
    t.equal(refused.headers["access-control-allow-origin"], undefined);
  }
  t.equal(
    (await send(port, "OPTIONS", "/api/state/plan", { headers: { ...RIGHT, Origin: LISTED } })).status,
    405,
    "an OPTIONS that is no preflight is a method like any other",
  );
  t.equal((await send(port, "OPTIONS", "/nowhere", { headers: { ...RIGHT, ...asks, Origin: LISTED } })).status, 404);
});

/** Whether an upgrade passes: 101, or the status of its refusal. */
function upgrade(headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/events/subscribe`, { headers });
    socket.on("error", () => undefined);
    socket.on("unexpected-response", (_request, response) => {
      response.resume();
      resolve(must(response.statusCode, "an answer has a status"));
    });
    socket.on("open", () => {
      socket.close();
      resolve(101);
    });
  });
}

t.test("WebSocket upgrades pass the same checks", async (t) => {
  const { token } = await register();
  t.equal(await upgrade({}), 401);
  t.equal(await upgrade(bearer("wrong")), 401);
  t.equal(await upgrade(RIGHT), 101);
  t.equal(await upgrade(bearer(token)), 101);
  t.equal(await upgrade({ ...RIGHT, Origin: "http://evil.example" }), 403);
  t.equal(await upgrade({ ...RIGHT, Origin: `http://127.0.0.1:${port}` }), 101);
  t.equal(await upgrade({ ...RIGHT, Origin: LISTED }), 101);
  t.equal(await upgrade({ ...RIGHT, Host: "evil.example" }), 421);
});

t.test("a stored document never becomes a page of this origin", async (t) => {
  for (const type of ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript"]) {
    await send(port, "PUT", "/api/state/page", {
      headers: { ...RIGHT, "Content-Type": type },
      body: "<script>alert(1)</script>",
    });
    for (const path of ["/api/state/page", "/api/state/page?version=1"]) {
      const { headers } = await send(port, "GET", path, { headers: RIGHT });
      t.match(headers, {
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox",
        "cross-origin-resource-policy": "same-origin",
      });
    }
  }
});
