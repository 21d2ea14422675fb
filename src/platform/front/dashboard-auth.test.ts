/** Tests which requests the dashboard's port accepts, and which caller each accepted request gets. */
import t from "tap";
import { OPTIONS, type Config } from "../../../schemas/config.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { Failure } from "../../base/result.js";
import type { Exchange } from "../transport/transport.js";
import type { Actors } from "./caller.js";
import { DashboardAuth, isOwnPage, type AuthResult, type AuthRequest, type Session } from "./dashboard-auth.js";
import { RequestGuard } from "./request-guard.js";

const HOST = "localhost:9847";
const OWN = `http://${HOST}`;
const SESSION: Session = {
  caller: { role: "server", actor: "dashboard" },
  ended: false,
  onEnd: () => () => undefined,
};

const actors: Actors = {
  size: 1,
  touchId: (id) => id === "one",
  touchToken: () => undefined,
  beginWait: () => () => undefined,
  hadToken: () => false,
  has: (id) => id === "one",
  onRevoked: () => () => undefined,
  ofSession: () => undefined,
};

function authOf(authToken: string): DashboardAuth {
  const defaults = Object.fromEntries(Object.entries(OPTIONS).map(([key, option]) => [key, option.fallback]));
  const config = { ...defaults, auth_token: authToken } as unknown as Config;
  const guard = new RequestGuard(config, { portNumbers: [9800, 9847] }, { now: () => 1 }, quietLog());
  return new DashboardAuth({
    guard,
    actors,
    sessions: { find: (cookies) => (cookies === "good" ? SESSION : undefined) },
  });
}

/** Authenticates a request. Returns the status of the refusal, or the caller and the session of an accepted request. */
function enter(
  auth: DashboardAuth,
  headers: Readonly<Record<string, string>>,
  verb = "get",
  request: Partial<AuthRequest> = {},
): number | AuthResult {
  const exchange = { header: (name: string) => headers[name] ?? "", verb, peer: "127.0.0.1" } as unknown as Exchange;
  const origin = headers["origin"] ?? "";
  const result = auth.enter(exchange, { host: HOST, origin, open: false, upgrades: false, counts: true, ...request });
  return result instanceof Failure ? result.http : result;
}

const IN = { caller: SESSION.caller, session: SESSION };

t.test("with a token: a session reads, and writes only from the dashboard's own page", (t) => {
  const auth = authOf("secret");
  t.equal(enter(auth, {}), 401);
  t.equal(enter(auth, { cookie: "bad" }), 401);
  t.same(enter(auth, { cookie: "good" }), IN);
  t.same(enter(auth, { cookie: "good" }, "head"), IN);
  for (const verb of ["put", "post", "delete", "options"]) {
    t.equal(enter(auth, { cookie: "good" }, verb), 403, `${verb} from nowhere`);
    t.equal(enter(auth, { cookie: "good", origin: "http://localhost:9800" }, verb), 403, `${verb} from the API's port`);
    t.same(enter(auth, { cookie: "good", origin: OWN }, verb), IN, verb);
  }
  t.equal(enter(auth, { cookie: "good", origin: "http://localhost:9800" }), 403, "the Origin of another page counts");
  t.equal(enter(auth, { cookie: "good" }, "get", { upgrades: true }), 403, "a WebSocket from nowhere");
  t.same(enter(auth, { cookie: "good", origin: OWN }, "get", { upgrades: true }), IN);
  const caller = { role: "server", actor: "one" };
  t.same(enter(auth, { cookie: "good", "x-koor-instance": "one" }), { caller, session: SESSION }, "as with the token");
  t.equal(
    (enter(auth, { cookie: "good", "x-koor-instance": "one" }, "get", { open: true }) as AuthResult).caller,
    SESSION.caller,
    "the session's own routes compare its caller",
  );
  t.end();
});

t.test("Sec-Fetch-Site of other sites and ports counts for every method", (t) => {
  for (const [auth, cookie] of [
    [authOf("secret"), "good"],
    [authOf(""), ""],
  ] as const) {
    for (const site of ["cross-site", "same-site", "something new"]) {
      t.equal(enter(auth, { cookie, "sec-fetch-site": site }), 403, site);
      t.equal(enter(auth, { cookie, "sec-fetch-site": site, origin: OWN }, "post"), 403, site);
      t.equal(enter(auth, { cookie, "sec-fetch-site": site }, "get", { open: true }), 403, site);
      t.equal(enter(auth, { cookie, "sec-fetch-site": site, authorization: "Basic eDp5" }), 403, "a link can bring it");
    }
    for (const site of ["same-origin", "none"]) t.type(enter(auth, { cookie, "sec-fetch-site": site }), "object", site);
  }
  const bearer = { authorization: "Bearer secret", "sec-fetch-site": "cross-site" };
  t.match(enter(authOf("secret"), bearer), { caller: { role: "server" } }, "a bearer is no cookie");
  t.end();
});

t.test("a bearer takes precedence over the cookie", (t) => {
  const auth = authOf("secret");
  t.equal(enter(auth, { cookie: "good", authorization: "Bearer wrong" }), 401);
  t.equal(enter(auth, { cookie: "good", authorization: "Basic eDp5" }), 401);
  t.same(enter(auth, { cookie: "good", authorization: "Bearer secret" }, "put"), {
    caller: { role: "server", actor: "" },
    session: null,
  });
  t.same(enter(auth, { authorization: "Bearer secret", "x-koor-instance": "one" }), {
    caller: { role: "server", actor: "one" },
    session: null,
  });
  t.end();
});

t.test("an open route takes anonymous callers, and recognizes a session", (t) => {
  const auth = authOf("secret");
  const anonymous = { caller: { role: "nobody", actor: "" }, session: null };
  t.same(enter(auth, {}, "post", { open: true }), anonymous);
  t.same(enter(auth, { authorization: "Bearer wrong" }, "get", { open: true }), anonymous);
  t.same(enter(auth, { cookie: "good" }, "get", { open: true }), IN);
  t.equal(enter(auth, { cookie: "good" }, "delete", { open: true }), 403);
  t.end();
});

t.test("without a token a caller without an instance id is the dashboard", (t) => {
  const auth = authOf("");
  const as = (actor: string) => ({ caller: { role: "nobody", actor }, session: null });
  t.same(enter(auth, {}, "put"), as("dashboard"));
  t.same(enter(auth, { cookie: "good" }, "put"), as("dashboard"), "cookies mean nothing");
  t.same(enter(auth, { "x-koor-instance": "one" }), as("one"));
  t.same(
    enter(auth, { "x-koor-instance": "two" }),
    { caller: { role: "nobody", actor: "dashboard", unknown: "two" }, session: null },
    "an instance that is not registered: its writes are refused",
  );
  t.same(enter(auth, { authorization: "Bearer x" }), as(""), "as on the API's port");
  t.end();
});

t.test("isOwnPage compares the Origin with the Host", (t) => {
  for (const [origin, host] of [
    [OWN, HOST],
    ["https://localhost:9847", HOST],
    ["http://LOCALHOST:9847", HOST],
    ["https://koor.example", "koor.example"],
    ["https://koor.example", "koor.example:443"],
    ["http://[::1]:9847", "[::1]:9847"],
    ["http://koor.example", "koor.example:80"],
  ] as const)
    t.ok(isOwnPage(origin, host), `${origin} at ${host}`);
  for (const [origin, host] of [
    ["", ""],
    ["null", "null"],
    ["", HOST],
    ["http://localhost", HOST],
    ["http://localhost:9848", HOST],
    ["http://127.0.0.1:9847", HOST],
    ["http://localhost:9847/", HOST],
    ["http://x@localhost:9847", HOST],
    ["file://localhost:9847", HOST],
    ["https://koor.example", "koor.example:80"],
    ["http://evil.example", "evil.example.localhost"],
  ] as const)
    t.notOk(isOwnPage(origin, host), `${origin} at ${host}`);
  t.end();
});
