/**
 * Tests the dashboard's authentication against a real server: log-in and log-out, the rights of a session and its
 * origins, how long it lasts, what ends with it, and the limit of guesses. Browsers are simulated by their headers.
 */
import { request as httpRequest } from "node:http";
import t from "tap";
import { LOG_IN_TOKEN_BYTES_MAX } from "../schemas/limits/sessions.js";
import { LOG_IN_WRONG_MAX } from "../schemas/limits/tokens.js";
import type { SessionAnswer } from "../schemas/sessions.js";
import { VERSION } from "../schemas/version.js";
import { send, sendJson, type Answer } from "./support/http-client.js";
import { RESTORE_REFUSED } from "./support/variant.js";
import { makeDirectory, startKoor, type Koor, type KoorOptions, type Owner } from "./support/server-process.js";
import { openSocket, openStream, UpgradeRefused } from "./support/subscriber.js";

type Headers = Readonly<Record<string, string>>;

const TOKEN = "the-server's-own";
const LISTED = "https://tools.example";
const DASHBOARD = ["--dashboard-bind", "127.0.0.1:0"];
const RIGHT = { Authorization: `Bearer ${TOKEN}` };

const start = (t: Owner, options: KoorOptions = {}, token = TOKEN): Promise<Koor> =>
  startKoor(t, {
    ...options,
    args: [...DASHBOARD, ...(token === "" ? [] : ["--auth-token", token]), ...(options.args ?? [])],
  });

const koor = await start(t, { args: ["--allow-origin", LISTED] });
const { port: api, dashboardPort: port } = koor;

const ownPage = (to = koor): Headers => ({ Origin: `http://127.0.0.1:${to.dashboardPort}` });
const logIn = (token: string, to = koor, headers: Headers = ownPage(to)): Promise<Answer> =>
  sendJson(to.dashboardPort, "POST", "/session", { token }, headers);
const setCookies = (answer: Answer): readonly string[] => answer.headers["set-cookie"] ?? [];
/** Returns the pair of a `Set-Cookie`, as a browser sends it back. */
const cookieOf = (answer: Answer): string => (setCookies(answer)[0] ?? "").split(";")[0] ?? "";
const show = async (Cookie: string, to = koor): Promise<SessionAnswer> =>
  (await send(to.dashboardPort, "GET", "/session", { headers: { Cookie } })).json<SessionAnswer>();
const reads = async (Cookie: string, to = koor): Promise<number> =>
  (await send(to.dashboardPort, "GET", "/api/state", { headers: { Cookie } })).status;

/** Logs in. @returns the headers that the page sends with its changes */
async function enter(token = TOKEN, to = koor): Promise<{ readonly Cookie: string; readonly Origin: string }> {
  const answer = await logIn(token, to);
  if (answer.status !== 200) throw new Error(`the log-in was refused: ${answer.text}`);
  return { Cookie: cookieOf(answer), Origin: `http://127.0.0.1:${to.dashboardPort}` };
}

async function register(name: string, to = koor): Promise<{ readonly id: string; readonly token: string }> {
  const answer = await sendJson(to.port, "POST", "/api/instances/register", { name }, RIGHT);
  return answer.json();
}

t.test("without a log-in the port shows and changes nothing", async (t) => {
  const answer = await send(port, "GET", "/session");
  t.same(answer.json(), {
    auth: true,
    logged_in: false,
    role: "nobody",
    actor: "",
    name: "",
    exposed: false,
    version: VERSION,
    stale_after_ms: 300_000,
  });
  t.same(setCookies(answer), []);
  t.equal(answer.headers["cache-control"], "no-store");
  t.equal((await send(port, "GET", "/health")).status, 200);
  for (const [method, path] of [
    ["GET", "/api/state"],
    ["GET", "/metrics"],
    ["GET", "/openapi.json"],
    ["PUT", "/api/state/a"],
    ["POST", "/mcp"],
    ["PUT", "/session"],
    ["GET", "/session/more"],
  ] as const)
    t.equal((await send(port, method, path, { headers: ownPage() })).status, 401, `${method} ${path}`);
});

t.test("only the dashboard's port has the session's routes", async (t) => {
  for (const method of ["GET", "POST", "DELETE", "PUT"])
    t.equal((await send(api, method, "/session", { headers: RIGHT })).status, 404, method);
  const wrong = await send(port, "PUT", "/session", { headers: RIGHT });
  t.equal(wrong.status, 405);
  t.equal(wrong.headers.allow, "DELETE, GET, HEAD, POST");
  t.notMatch((await send(api, "GET", "/openapi.json", { headers: RIGHT })).text, /"\/session"/);
});

t.test("the server's token logs in, and calls in the session are the dashboard's", async (t) => {
  const answer = await logIn(TOKEN);
  t.equal(answer.status, 200);
  t.match(answer.json(), { auth: true, logged_in: true, role: "server", actor: "dashboard", name: "" });
  const attributes = `Path=/; HttpOnly; SameSite=Strict; Max-Age=43200`;
  t.match(setCookies(answer), [new RegExp(`^koor_session_${port}=[A-Za-z0-9_-]{43}; ${attributes}$`)]);
  t.equal(setCookies(answer).length, 1);
  const headers = { Cookie: `other=1; ${cookieOf(answer)}`, ...ownPage() };
  const put = await sendJson(port, "PUT", "/api/state/plan", { step: 1 }, headers);
  t.equal(put.status, 200);
  t.equal(put.headers["cross-origin-resource-policy"], "same-origin");
  const value = await send(port, "GET", "/api/state/plan", { headers });
  t.equal(
    value.headers["cross-origin-resource-policy"],
    "same-origin",
    "the header is there once: twice would be as good as absent",
  );
  t.equal(
    (await send(api, "GET", "/api/metrics", { headers: RIGHT })).headers["cross-origin-resource-policy"],
    undefined,
  );
  t.match((await send(port, "GET", "/api/state/plan?history=1", { headers })).json(), {
    versions: [{ updated_by: "dashboard" }],
  });
  t.match((await sendJson(port, "POST", "/api/events/publish", { topic: "a.b" }, headers)).json(), {
    source: "dashboard",
  });
  await sendJson(port, "PUT", "/api/validate/p/rules", [{ rule_id: "r", pattern: "bad" }], headers);
  t.match((await sendJson(port, "POST", "/api/validate/p", { content: "bad" }, headers)).json(), { count: 1 });
  t.equal((await send(port, "POST", "/api/state/plan?rollback=1", { headers })).status, 200);
  const { id, token } = await register("the person");
  const named = { ...headers, "X-Koor-Instance": id };
  t.equal((await sendJson(port, "PUT", "/api/state/named", 1, named)).status, 200);
  t.match((await send(port, "GET", "/api/state/named?history=1", { headers })).json(), {
    versions: [{ updated_by: id }],
  });
  t.equal((await sendJson(port, "POST", "/api/messages", { to: id, subject: "s" }, named)).status, 200);
  t.equal((await sendJson(port, "PUT", "/api/state/named", 1, { ...headers, "X-Koor-Instance": "gone" })).status, 404);
  const own = { Cookie: cookieOf(await logIn(token)), ...ownPage(), "X-Koor-Instance": (await register("other")).id };
  await sendJson(port, "PUT", "/api/state/own", 1, own);
  t.match(
    (await send(port, "GET", "/api/state/own?history=1", { headers })).json(),
    { versions: [{ updated_by: id }] },
    "the session of an instance acts for no other",
  );
  const rows = (await send(port, "GET", "/api/audit", { headers })).json<
    readonly { readonly actor: string; readonly action: string }[]
  >();
  t.ok(rows.some(({ actor, action }) => actor === "dashboard" && action === "state.put"));
  t.notOk(
    rows.some(({ action }) => action.startsWith("session")),
    "log-ins are not in the audit log",
  );
  t.same(
    (await send(port, "GET", "/api/metrics/agents", { headers }))
      .json<readonly { readonly instance_id: string }[]>()
      .filter(({ instance_id }) => instance_id !== id),
    [],
    "a person does not count as an agent",
  );
  t.notMatch(koor.log(), new RegExp(`${TOKEN}|${cookieOf(answer).split("=")[1] ?? ""}`), "no secret is in the log");
});

t.test("the cookie is renewed by the page's requests, and is Secure where the page came over https", async (t) => {
  const { Cookie } = await enter();
  const renewed = await send(port, "GET", "/session", { headers: { Cookie } });
  t.equal(cookieOf(renewed), Cookie);
  t.match(setCookies(renewed), [/; Max-Age=43200$/]);
  t.same(
    setCookies(await send(port, "GET", "/api/state", { headers: { Cookie } })),
    [],
    "only these requests renew it",
  );
  t.same(setCookies(await send(port, "GET", "/session", { headers: { Cookie, ...RIGHT } })), [], "a bearer wins");

  // A proxy that ends TLS forwards its own name.
  const proxied = { Host: "tools.example", Origin: LISTED };
  const proxiedKoor = await start(t, { args: ["--allow-origin", LISTED, "--allow-host", "tools.example"] });
  const secure = await logIn(TOKEN, proxiedKoor, proxied);
  t.match(setCookies(secure), [/; Max-Age=43200; Secure$/]);
  const headers = { Host: "tools.example", Cookie: cookieOf(secure) };
  t.match(
    setCookies(await send(proxiedKoor.dashboardPort, "GET", "/session", { headers })),
    [/; Secure$/],
    "the renewed cookie is Secure",
  );
  t.equal(
    (await sendJson(proxiedKoor.dashboardPort, "PUT", "/api/state/a", 1, { ...headers, Origin: LISTED })).status,
    200,
    "the page that the proxy serves is the dashboard's own",
  );
});

t.test("an instance's token logs in as the instance, with its rights", async (t) => {
  const { id, token } = await register("builder");
  const other = await register("other");
  const seen = async (): Promise<string> =>
    (await send(api, "GET", `/api/instances/${id}`, { headers: RIGHT })).json<{ last_seen: string }>().last_seen;
  const before = await seen();
  const answer = await logIn(token);
  t.match(answer.json(), { logged_in: true, role: "instance", actor: id, name: "builder" });
  t.ok((await seen()) >= before, "the log-in is a heartbeat");
  const headers = { Cookie: cookieOf(answer), ...ownPage() };
  t.equal((await sendJson(port, "PUT", "/api/state/mine", 1, headers)).status, 200);
  t.match((await send(port, "GET", "/api/state/mine?history=1", { headers })).json(), {
    versions: [{ updated_by: id }],
  });
  const refused = await send(port, "POST", "/api/metrics/reset", { headers });
  t.equal(refused.status, 403);
  t.match(refused.json(), { error: "this needs the server token" });
  t.equal((await send(port, "DELETE", `/api/instances/${other.id}`, { headers })).status, 403);
  t.match((await send(api, "GET", "/api/audit?limit=1", { headers: RIGHT })).json(), [
    { actor: id, action: "instance.deregister", outcome: "error" },
  ]);
  t.equal((await send(port, "DELETE", `/api/instances/${id}`, { headers })).status, 200);
  t.equal(await reads(headers.Cookie), 401, "its sessions end with it");
  t.match(await show(headers.Cookie), { logged_in: false, role: "nobody" });
});

t.test("a change needs the page's own Origin, and requests of other sites are refused", async (t) => {
  const { Cookie, Origin } = await enter();
  const status = async (method: string, headers: Headers): Promise<number> =>
    (
      await send(port, method, "/api/state/origin", {
        headers: { Cookie, ...headers },
        ...(method === "PUT" ? { body: "1" } : {}),
      })
    ).status;
  t.equal(await status("PUT", { Origin }), 200);
  t.equal(await status("PUT", {}), 403, "without an Origin");
  for (const other of [
    `http://127.0.0.1:${api}`,
    `http://localhost:${port}`,
    LISTED,
    "http://evil.example",
    "null",
    `http://127.0.0.1:${port}.evil.example`,
  ]) {
    t.equal(await status("PUT", { Origin: other }), 403, other);
    t.equal(await status("DELETE", { Origin: other }), 403, other);
    t.equal(await status("GET", { Origin: other }), 403, `GET from ${other}`);
  }
  t.equal(await status("GET", {}), 200);
  t.equal(await status("HEAD", {}), 200);
  for (const site of ["same-site", "cross-site"])
    for (const method of ["GET", "HEAD", "PUT", "DELETE"])
      t.equal(await status(method, { Origin, "Sec-Fetch-Site": site }), 403, `${method} ${site}`);
  for (const site of ["same-origin", "none"]) t.equal(await status("GET", { "Sec-Fetch-Site": site }), 200, site);
  t.equal(await status("PUT", { Origin, "Sec-Fetch-Site": "same-origin" }), 200);
  t.equal((await send(port, "DELETE", "/session", { headers: { Cookie } })).status, 403, "another site cannot log out");
  t.equal((await send(port, "DELETE", "/session", { headers: { Cookie, Origin: LISTED } })).status, 403);
  t.equal((await logIn(TOKEN, koor, { Origin: LISTED })).status, 403, "nor log in");
  t.equal((await logIn(TOKEN, koor, { Origin, "Sec-Fetch-Site": "same-site" })).status, 403);
  t.equal(await reads(Cookie), 200, "it is still open");
});

t.test("the cookie is valid on the dashboard's port only, and a bearer is valid there as at the API's", async (t) => {
  const { Cookie, Origin } = await enter();
  t.equal(
    (await send(api, "GET", "/api/state", { headers: { Cookie } })).status,
    401,
    "the API's port ignores the cookie",
  );
  t.equal((await send(api, "PUT", "/api/state/a", { headers: { Cookie, Origin }, body: "1" })).status, 401);
  t.equal((await send(port, "PUT", "/api/state/a", { headers: RIGHT, body: "1" })).status, 200, "without an Origin");
  t.match((await send(port, "GET", "/api/state/a?history=1", { headers: RIGHT })).json(), {
    versions: [{ updated_by: "" }],
  });
  const wrong = { Cookie, Origin, Authorization: "Bearer wrong" };
  t.equal((await send(port, "GET", "/api/state", { headers: wrong })).status, 401, "and it wins");
  const listed = await send(port, "GET", "/api/state", { headers: { ...RIGHT, Origin: LISTED } });
  t.equal(listed.status, 200);
  t.equal(listed.headers["access-control-allow-origin"], LISTED);
  const asks = { Origin: LISTED, "Access-Control-Request-Method": "PUT", "Sec-Fetch-Site": "cross-site" };
  t.equal(
    (await send(port, "OPTIONS", "/api/state/a", { headers: asks })).status,
    204,
    "a browser of another origin has to ask first",
  );
});

t.test("a WebSocket needs the page's own Origin, and a log-out ends sockets and streams", async (t) => {
  const refusal = async (headers: Headers): Promise<number> => {
    try {
      await openSocket(t, port, "", headers);
      return 101;
    } catch (error) {
      return error instanceof UpgradeRefused ? error.status : 0;
    }
  };
  const { Cookie, Origin } = await enter();
  t.equal(await refusal({}), 401);
  t.equal(await refusal({ Cookie }), 403);
  t.equal(await refusal({ Cookie, Origin: `http://127.0.0.1:${api}` }), 403);
  t.equal(await refusal({ Cookie, Origin, "Sec-Fetch-Site": "same-site" }), 403);
  const socket = await openSocket(t, port, "", { Cookie, Origin });
  const bearer = await openSocket(t, port, "", RIGHT);
  const another = await enter();
  const others = await openSocket(t, port, "", another);
  const stream = await openStream(t, port, "", { Cookie });
  await sendJson(port, "POST", "/api/events/publish", { topic: "live" }, { Cookie, Origin });
  for (const reader of [socket, stream, bearer, others]) t.match(await reader.untilCount(1), [{ topic: "live" }]);
  const out = await send(port, "DELETE", "/session", { headers: { Cookie, Origin } });
  t.same(out.json(), { logged_out: true });
  t.equal(await socket.closed, 1008);
  await t.rejects(stream.untilCount(2), "the stream is over");
  await sendJson(port, "POST", "/api/events/publish", { topic: "later" }, RIGHT);
  t.match((await bearer.untilCount(2))[1], { topic: "later" }, "a connection with a bearer stays open");
  t.match((await others.untilCount(2))[1], { topic: "later" }, "and so does another session's");
});

t.test("a log-out outlives a kill, and needs no session", async (t) => {
  const dataDir = makeDirectory(t);
  const first = await start(t, { data_dir: dataDir });
  const bind = `127.0.0.1:${first.dashboardPort}`;
  const [gone, stays] = [await enter(TOKEN, first), await enter(TOKEN, first)];
  const out = await send(first.dashboardPort, "DELETE", "/session", { headers: gone });
  const killed = first.stop("SIGKILL");
  t.same(setCookies(out), [`koor_session_${first.dashboardPort}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`]);
  await killed;
  const second = await start(t, { data_dir: dataDir, args: ["--dashboard-bind", bind] });
  t.equal(await reads(gone.Cookie, second), 401);
  t.equal(await reads(stays.Cookie, second), 200, "the other session is there");
  t.match(await show(stays.Cookie, second), { logged_in: true, role: "server", actor: "dashboard" });
  const again = await send(second.dashboardPort, "DELETE", "/session", { headers: gone });
  t.same(again.json(), { logged_out: true });
});

t.test("a session lasts through a restart with the same token, and ends with another token", async (t) => {
  const dataDir = makeDirectory(t);
  const first = await start(t, { data_dir: dataDir });
  const args = ["--dashboard-bind", `127.0.0.1:${first.dashboardPort}`];
  const { id, token } = await register("one", first);
  const [server, instance] = [await enter(TOKEN, first), await enter(token, first)];
  await first.stop();
  const same = await start(t, { data_dir: dataDir, args });
  t.equal(await reads(server.Cookie, same), 200);
  t.match(await show(instance.Cookie, same), { role: "instance", actor: id });
  await same.stop();
  const changed = await start(t, { data_dir: dataDir, args }, "another");
  t.equal(await reads(server.Cookie, changed), 401);
  t.equal(await reads(instance.Cookie, changed), 401, "an instance's session, too");
  await changed.stop();
  const back = await start(t, { data_dir: dataDir, args });
  t.equal(await reads(server.Cookie, back), 401, "and the old token does not bring it back");
});

t.test("a log-in ends the session of the earlier cookie, and the cookie is found among others", async (t) => {
  const before = await enter();
  const again = await logIn(TOKEN, koor, before);
  t.equal(await reads(before.Cookie), 401);
  t.equal(await reads(cookieOf(again)), 200);
  const [name = ""] = cookieOf(again).split("=");
  t.equal(
    await reads(`${name}=${"x".repeat(43)}; ${cookieOf(again)}`),
    200,
    "another server has set a cookie of that name",
  );
});

t.test("two servers on one host do not log each other out", async (t) => {
  const other = await start(t, {}, "another");
  const here = await enter();
  const there = await enter("another", other);
  const Cookie = `${here.Cookie}; ${there.Cookie}`;
  t.equal(await reads(Cookie), 200);
  t.equal(await reads(Cookie, other), 200);
  t.equal(await reads(here.Cookie, other), 401, "a cookie of one is not valid at the other");
  t.equal((await send(other.dashboardPort, "DELETE", "/session", { headers: { ...there, Cookie } })).status, 200);
  t.equal(await reads(Cookie), 200);
  t.equal(await reads(Cookie, other), 401);
});

/** Logs in from an address of loopback. */
function logInFrom(
  localAddress: string,
  to: Koor,
  body: string,
  headers: Headers = {},
): Promise<{
  readonly status: number;
  readonly text: string;
  readonly retry_after: string | undefined;
}> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: "127.0.0.1",
        port: to.dashboardPort,
        localAddress,
        agent: false,
        method: "POST",
        path: "/session",
        headers: { "Content-Length": Buffer.byteLength(body), ...headers },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, text, retry_after: response.headers["retry-after"] }),
        );
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

t.test("after ten wrong tokens from an address no log-in from there is accepted for a minute", async (t) => {
  const own = await start(t);
  const attempt = (from: string, token: string, headers: Headers = {}) =>
    logInFrom(from, own, JSON.stringify({ token }), headers);
  const guessing = "127.0.0.7";
  for (const body of ["", "{", "{}", '{"token":5}', JSON.stringify({ token: "x".repeat(LOG_IN_TOKEN_BYTES_MAX + 1) })])
    t.equal((await logInFrom(guessing, own, body)).status, 400, "a text that is no token does not count");
  for (let at = 0; at < LOG_IN_WRONG_MAX; at++) {
    // The guesser names other addresses in its headers, and an own valid token in between changes nothing.
    const { status, text } = await attempt(guessing, at === 0 ? "" : `guess ${at}`, {
      "X-Forwarded-For": `10.0.0.${at}`,
    });
    t.equal(status, 401);
    t.match(JSON.parse(text), { error: "invalid token", code: 401 });
    if (at === LOG_IN_WRONG_MAX - 2) t.equal((await attempt(guessing, TOKEN)).status, 200, "the right one, in time");
  }
  for (const token of ["wrong", TOKEN]) {
    const { status, text, retry_after } = await attempt(guessing, token);
    t.equal(status, 429);
    t.match(JSON.parse(text), { error: /too many wrong tokens/, code: 429 });
    const seconds = Number(retry_after);
    t.ok(seconds > 0 && seconds <= 60, `Retry-After: ${retry_after}`);
  }
  t.equal((await attempt("127.0.0.8", TOKEN)).status, 200, "other addresses can log in");
  t.match(own.log(), /log-ins are refused for a while.*127\.0\.0\.7/);
  t.notMatch(own.log(), /guess/, "the guesses are not in the log");
});

t.test("without --auth-token there is no log-in, and other sites are refused nevertheless", async (t) => {
  const open = await start(t, { args: ["--stale-after", "90s"] }, "");
  const to = open.dashboardPort;
  t.same((await send(to, "GET", "/session")).json(), {
    auth: false,
    logged_in: true,
    role: "nobody",
    actor: "dashboard",
    name: "",
    exposed: false,
    version: VERSION,
    stale_after_ms: 90_000,
  });
  const answer = await logIn("anything", open);
  t.match(answer.json(), { logged_in: true });
  t.same(setCookies(answer), []);
  t.equal((await send(to, "PUT", "/api/state/a", { body: "1" })).status, 200);
  t.match((await send(to, "GET", "/api/state/a?history=1")).json(), { versions: [{ updated_by: "dashboard" }] });
  const { id } = await register("one", open);
  await send(to, "PUT", "/api/state/b", { body: "1", headers: { "X-Koor-Instance": id } });
  t.match((await send(to, "GET", "/api/state/b?history=1")).json(), { versions: [{ updated_by: id }] });
  await send(open.port, "PUT", "/api/state/c", { body: "1" });
  t.match((await send(to, "GET", "/api/state/c?history=1")).json(), { versions: [{ updated_by: "" }] });
  for (const headers of [{ Origin: "http://evil.example" }, { "Sec-Fetch-Site": "same-site" }])
    for (const method of ["GET", "PUT"])
      t.equal((await send(to, method, "/api/state/a", { headers, body: "2" })).status, 403, JSON.stringify(headers));
  t.same((await send(to, "GET", "/api/metrics/agents")).json<readonly unknown[]>().length, 0);
  t.same((await send(to, "DELETE", "/session")).json(), { logged_out: true });
});

t.test("an instance that is restored does not get its earlier session back", { skip: RESTORE_REFUSED }, async (t) => {
  const own = await start(t);
  const { id, token } = await register("one", own);
  const { Cookie } = await enter(token, own);
  const snapshot = (await send(own.port, "GET", "/api/backup", { headers: RIGHT })).text;
  t.notMatch(snapshot, /session/, "a snapshot has no session");
  t.equal((await send(own.port, "DELETE", `/api/instances/${id}`, { headers: RIGHT })).status, 200);
  t.equal((await send(own.port, "POST", "/api/restore", { headers: RIGHT, body: snapshot })).status, 200);
  t.equal((await send(own.port, "GET", `/api/instances/${id}`, { headers: RIGHT })).status, 200);
  t.equal(await reads(Cookie, own), 401);
});
