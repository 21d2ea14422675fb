/** The door of the dashboard's port: which requests come in, and as whom. */
import t from "tap";
import { OPTIONS, type Config } from "../../schemas/config.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { Failure } from "../base/result.js";
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
  seeId: (id) => id === "one",
  seeToken: () => undefined,
  beginWait: () => () => undefined,
  wasToken: () => false,
  has: (id) => id === "one",
  onRevoked: () => () => undefined,
};

function doorOf(auth_token: string): DashboardAuth {
  const defaults = Object.fromEntries(Object.entries(OPTIONS).map(([key, option]) => [key, option.fallback]));
  const config = { ...defaults, auth_token } as unknown as Config;
  const gate = new RequestGuard(config, { port_numbers: [9800, 9847] }, { now: () => 1 }, quietLog());
  return new DashboardAuth({
    gate,
    actors,
    sessions: { find: (cookies) => (cookies === "good" ? SESSION : undefined) },
  });
}

/** What becomes of a request: its status, or who came in. */
function enter(
  door: DashboardAuth,
  headers: Readonly<Record<string, string>>,
  verb = "get",
  knock: Partial<AuthRequest> = {},
): number | AuthResult {
  const exchange = { header: (name: string) => headers[name] ?? "", verb, peer: "127.0.0.1" } as unknown as Exchange;
  const origin = headers["origin"] ?? "";
  const entered = door.enter(exchange, { host: HOST, origin, open: false, upgrades: false, counts: true, ...knock });
  return entered instanceof Failure ? entered.http : entered;
}

const IN = { caller: SESSION.caller, session: SESSION };

t.test("with a token: a session reads, and changes from its own page only", (t) => {
  const door = doorOf("secret");
  t.equal(enter(door, {}), 401);
  t.equal(enter(door, { cookie: "bad" }), 401);
  t.same(enter(door, { cookie: "good" }), IN);
  t.same(enter(door, { cookie: "good" }, "head"), IN);
  for (const verb of ["put", "post", "delete", "options"]) {
    t.equal(enter(door, { cookie: "good" }, verb), 403, `${verb} from nowhere`);
    t.equal(enter(door, { cookie: "good", origin: "http://localhost:9800" }, verb), 403, `${verb} from the API's port`);
    t.same(enter(door, { cookie: "good", origin: OWN }, verb), IN, verb);
  }
  t.equal(enter(door, { cookie: "good", origin: "http://localhost:9800" }), 403, "a page that says who it is is heard");
  t.equal(enter(door, { cookie: "good" }, "get", { upgrades: true }), 403, "a WebSocket from nowhere");
  t.same(enter(door, { cookie: "good", origin: OWN }, "get", { upgrades: true }), IN);
  t.same(
    enter(door, { cookie: "good", "x-koor-instance": "one" }),
    IN,
    "who acts is the session's to say, not the header's",
  );
  t.end();
});

t.test("what a browser says of other sites and ports is heard for every method", (t) => {
  for (const [door, cookie] of [
    [doorOf("secret"), "good"],
    [doorOf(""), ""],
  ] as const) {
    for (const site of ["cross-site", "same-site", "something new"]) {
      t.equal(enter(door, { cookie, "sec-fetch-site": site }), 403, site);
      t.equal(enter(door, { cookie, "sec-fetch-site": site, origin: OWN }, "post"), 403, site);
      t.equal(enter(door, { cookie, "sec-fetch-site": site }, "get", { open: true }), 403, site);
      t.equal(enter(door, { cookie, "sec-fetch-site": site, authorization: "Basic eDp5" }), 403, "a link can bring it");
    }
    for (const site of ["same-origin", "none"]) t.type(enter(door, { cookie, "sec-fetch-site": site }), "object", site);
  }
  const bearer = { authorization: "Bearer secret", "sec-fetch-site": "cross-site" };
  t.match(enter(doorOf("secret"), bearer), { caller: { role: "server" } }, "a bearer is no cookie");
  t.end();
});

t.test("a bearer wins over the cookie", (t) => {
  const door = doorOf("secret");
  t.equal(enter(door, { cookie: "good", authorization: "Bearer wrong" }), 401);
  t.equal(enter(door, { cookie: "good", authorization: "Basic eDp5" }), 401);
  t.same(enter(door, { cookie: "good", authorization: "Bearer secret" }, "put"), {
    caller: { role: "server", actor: "" },
    session: null,
  });
  t.same(enter(door, { authorization: "Bearer secret", "x-koor-instance": "one" }), {
    caller: { role: "server", actor: "one" },
    session: null,
  });
  t.end();
});

t.test("what is open lets nobody in, and knows a session where there is one", (t) => {
  const door = doorOf("secret");
  const nobody = { caller: { role: "nobody", actor: "" }, session: null };
  t.same(enter(door, {}, "post", { open: true }), nobody);
  t.same(enter(door, { authorization: "Bearer wrong" }, "get", { open: true }), nobody);
  t.same(enter(door, { cookie: "good" }, "get", { open: true }), IN);
  t.equal(enter(door, { cookie: "good" }, "delete", { open: true }), 403);
  t.end();
});

t.test("without a token whoever names nobody is the dashboard", (t) => {
  const door = doorOf("");
  const as = (actor: string) => ({ caller: { role: "nobody", actor }, session: null });
  t.same(enter(door, {}, "put"), as("dashboard"));
  t.same(enter(door, { cookie: "good" }, "put"), as("dashboard"), "cookies mean nothing");
  t.same(enter(door, { "x-koor-instance": "one" }), as("one"));
  t.same(
    enter(door, { "x-koor-instance": "two" }),
    { caller: { role: "nobody", actor: "dashboard", unknown: "two" }, session: null },
    "an instance that is not registered: its writes are refused",
  );
  t.same(enter(door, { authorization: "Bearer x" }), as(""), "as on the API's port");
  t.end();
});

t.test("whose page it is", (t) => {
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
