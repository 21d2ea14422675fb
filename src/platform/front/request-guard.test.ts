/** Tests the request guard with tables of Hosts, Origins and tokens, for each kind of bind address. */
import { createHash } from "node:crypto";
import { hostname } from "node:os";
import t from "tap";
import { OPTIONS, type Config } from "../../../schemas/config.js";
import type { Actors } from "./caller.js";
import { LOG_IN_PAUSE_MS, LOG_IN_WRONG_MAX } from "../../../schemas/limits/tokens.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { claimsOf, RequestGuard, type Claims } from "./request-guard.js";
import { PausedFailure } from "./paused.js";

const API_PORT = 9800;
const DASHBOARD_PORT = 9847;

const ADDRESS = "127.0.0.1";
const HERE = { from: { peer: ADDRESS }, counts: true };

function guardOf(settings: Partial<Config> = {}, clock = { now: () => 1 }): RequestGuard {
  const defaults = Object.fromEntries(Object.entries(OPTIONS).map(([key, option]) => [key, option.fallback]));
  const config = { ...defaults, ...settings } as unknown as Config;
  return new RequestGuard(config, { portNumbers: [API_PORT, DASHBOARD_PORT] }, clock, quietLog());
}

interface HostRow {
  readonly settings?: Partial<Config>;
  readonly passes: readonly string[];
  readonly refused: readonly string[];
}

const HOSTS: Readonly<Record<string, HostRow>> = {
  "bound to localhost": {
    passes: [
      "localhost",
      "localhost:9800",
      "localhost:1",
      "LOCALHOST:9800",
      "localhost.",
      "localhost.:9800",
      "127.0.0.1",
      "127.0.0.1:80",
      "127.8.9.10:9800",
      "[::1]",
      "[::1]:9800",
      "koor.localhost:9800",
    ],
    refused: [
      "",
      ":9800",
      "evil.example",
      "evil.example:9800",
      "localhost.evil.example",
      "127.0.0.1.evil.example",
      "evillocalhost",
      "10.0.0.1",
      "0.0.0.0:9800",
      "[::]",
      "[::2]:9800",
      "::1",
      "localhost:98x0",
      "localhost:9800:9800",
      "user@localhost",
      "localhost/",
      "[::1",
      "[localhost]x",
      "128.0.0.1",
      hostname().includes("localhost") ? "elsewhere.example" : hostname(),
    ],
  },
  "bound to an address": {
    settings: { bind: "10.1.2.3:9800", dashboard_bind: "[fd00::5]:9847" },
    passes: ["10.1.2.3:9800", "10.1.2.3", "[fd00::5]:9847", "[FD00::5]", "localhost"],
    refused: ["10.1.2.4", "[fd00::6]", "evil.example"],
  },
  "bound to every address": {
    settings: { bind: "0.0.0.0:9800" },
    passes: [
      "192.168.7.7:9800",
      "8.8.8.8",
      "[2001:db8::1]:9800",
      "0.0.0.0:9800",
      hostname(),
      `${hostname().toUpperCase()}:9800`,
      "localhost",
    ],
    refused: ["evil.example", "8.8.8.8.evil.example", "1.2.3", "999.1.1.1", "[evil]", ""],
  },
  "bound to every address by an empty host": {
    settings: { bind: ":9800" },
    passes: ["192.168.7.7:9800", hostname()],
    refused: ["evil.example", "", ":9800"],
  },
  "bound to every IPv6 address": {
    settings: { bind: "[::]:9800" },
    passes: ["[2001:db8::1]:9800", "192.168.7.7"],
    refused: ["evil.example"],
  },
  "with further names": {
    settings: { allow_host: ["koor.example", "Other.Example:443", "[fd00::9]:1"] },
    passes: ["koor.example", "KOOR.example:9800", "other.example", "other.example:9800", "[fd00::9]"],
    refused: ["sub.koor.example", "koor.example.evil", "evil.example"],
  },
};

for (const [what, { settings, passes, refused }] of Object.entries(HOSTS)) {
  t.test(`Host, ${what}`, (t) => {
    const guard = guardOf(settings);
    // Check each Host twice, because the second result comes from the cache.
    for (const host of [...passes, ...passes]) t.equal(guard.checkHost(host), null, `${host} passes`);
    for (const host of [...refused, ...refused]) t.equal(guard.checkHost(host)?.http, 421, `${host} is refused`);
    t.end();
  });
}

interface OriginRow {
  readonly settings?: Partial<Config>;
  /** The `Host` header of the request itself. */
  readonly host?: string;
  readonly passes: readonly string[];
  readonly refused: readonly string[];
}

const ORIGINS: Readonly<Record<string, OriginRow>> = {
  "bound to localhost": {
    passes: [
      "",
      "http://localhost:9800",
      "http://localhost:9847",
      "http://127.0.0.1:9847",
      "http://[::1]:9800",
      "HTTP://LOCALHOST:9800",
      "https://localhost:9800",
    ],
    refused: [
      "null",
      "http://localhost",
      "https://localhost",
      "http://localhost:9801",
      "http://localhost:98000",
      "http://evil.example",
      "http://evil.example:9800",
      "http://localhost.evil.example:9800",
      "http://localhost:9800/",
      "http://localhost:9800/page",
      "http://localhost:9800.evil.example",
      "http://user@localhost:9800",
      "http://evil.example#localhost:9800",
      "file://",
      "chrome-extension://localhost:9800",
      "localhost:9800",
      "*",
      "http://10.0.0.1:9800",
      "http://localhost:9800 http://evil.example",
    ],
  },
  "bound to every address, asked by an address": {
    settings: { bind: "0.0.0.0:9800" },
    host: "192.168.7.7:9800",
    passes: [
      "http://192.168.7.7:9847",
      "http://192.168.7.7:9800",
      "http://localhost:9847",
      `http://${hostname()}:9800`,
    ],
    // A page on another machine may have the same port as the server.
    refused: [
      "http://6.6.6.6:9800",
      "http://192.168.7.8:9847",
      "http://[2001:db8::1]:9800",
      "http://192.168.7.7:80",
      "http://evil.example:9800",
    ],
  },
  "bound to every address, the dashboard to one": {
    settings: { bind: "0.0.0.0:9800", dashboard_bind: "10.1.2.3:9847" },
    host: `${hostname()}:9800`,
    passes: ["http://10.1.2.3:9847"],
    refused: ["http://10.1.2.4:9847"],
  },
  "with further origins": {
    settings: { allow_origin: ["https://Tools.example", "http://tools.example:8080/"] },
    passes: ["https://tools.example", "http://tools.example:8080", "HTTPS://TOOLS.EXAMPLE", "http://localhost:9800"],
    refused: [
      "http://tools.example",
      "https://tools.example:444",
      "https://sub.tools.example",
      "https://tools.example.evil",
    ],
  },
};

for (const [what, { settings, host = "localhost:9800", passes, refused }] of Object.entries(ORIGINS)) {
  t.test(`Origin, ${what}`, (t) => {
    const guard = guardOf(settings);
    for (const origin of [...passes, ...passes]) t.equal(guard.checkOrigin(origin, host), null, `${origin} passes`);
    for (const origin of [...refused, ...refused])
      t.equal(guard.checkOrigin(origin, host)?.http, 403, `${origin} is refused`);
    t.end();
  });
}

t.test("the cached result for one Host does not apply to another", (t) => {
  const guard = guardOf({ bind: "0.0.0.0:9800" });
  t.equal(guard.checkOrigin("http://6.6.6.6:9800", "6.6.6.6:9800"), null, "a page of the requested address");
  t.equal(
    guard.checkOrigin("http://6.6.6.6:9800", "7.7.7.7:9800")?.http,
    403,
    "the same page with a request to another address",
  );
  t.end();
});

t.test("results stay the same when there are more values than the cache holds", (t) => {
  const guard = guardOf();
  t.equal(guard.checkHost("localhost"), null);
  const unknown = Array.from({ length: 2000 }, (_, at) => `h${at}.example`);
  t.ok(unknown.every((host) => guard.checkHost(host)?.http === 421));
  t.equal(guard.checkHost("localhost"), null);
  t.equal(guard.checkHost("h0.example")?.http, 421);
  t.end();
});

const TOKEN = "an-instance-token";
const OTHER_TOKEN = "another-instance-token";
const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Returns the actors of a server with two instances. `seen` lists the instances that were reported as seen. */
function actorsOf(): Actors & { readonly seen: string[] } {
  const seen: string[] = [];
  const tokens = new Map([
    [hashOf(TOKEN), "one"],
    [hashOf(OTHER_TOKEN), "two"],
  ]);
  const record = (id: string | undefined): string | undefined => {
    if (id !== undefined) seen.push(id);
    return id;
  };
  return {
    size: 2,
    seen,
    touchId: (id) => record(["one", "two"].find((known) => known === id)) !== undefined,
    touchToken: (hash) => record(tokens.get(hash)),
    beginWait: () => () => undefined,
    hadToken: () => false,
    has: (id) => ["one", "two"].includes(id),
    onRevoked: () => () => undefined,
    ofSession: (session) => SESSIONS.get(session),
  };
}

/**
 * Two sessions of the instance "one". The first began with the server's token, the second with the token of the
 * instance "two".
 */
const SESSIONS = new Map([
  ["of the server", { id: "one", owner: "" }],
  ["of two", { id: "one", owner: "two" }],
]);

/** Returns the claims of a request. */
function claim(instance: string, session = ""): Claims {
  return { instance, session };
}

/** The actors of a server without instances. */
const NO_ACTORS: Actors = {
  size: 0,
  touchId: () => false,
  touchToken: () => undefined,
  beginWait: () => () => undefined,
  hadToken: () => false,
  has: () => false,
  onRevoked: () => () => undefined,
  ofSession: () => undefined,
};

t.test("a server without a token accepts every request", (t) => {
  const guard = guardOf();
  t.equal(guard.guarded, false);
  for (const header of ["", "Bearer x", "nonsense", `Bearer ${hashOf(TOKEN)}`]) {
    t.same(guard.identify(header, claim(""), NO_ACTORS, HERE), { role: "nobody", actor: "" });
    t.same(
      guard.identify(header, claim("nobody-known"), actorsOf(), HERE),
      { role: "nobody", actor: "", unknown: "nobody-known" },
      "an unknown id is remembered, for writes are refused",
    );
    t.same(
      guard.identify(header, claim("two"), actorsOf(), HERE),
      { role: "nobody", actor: "two" },
      "X-Koor-Instance counts",
    );
  }
  const actors = actorsOf();
  t.same(
    guard.identify(`Bearer ${TOKEN}`, claim("two"), actors, HERE),
    { role: "instance", actor: "one" },
    "a token says who it is, whatever the header claims",
  );
  t.same(actors.seen, ["one"], "and only its owner is alive");
  t.end();
});

t.test("a session acts for its instance", (t) => {
  const open = guardOf();
  const guarded = guardOf({ auth_token: "s3cret-Token" });
  const server = "Bearer s3cret-Token";
  const [one, two] = [`Bearer ${TOKEN}`, `Bearer ${OTHER_TOKEN}`];
  const identify = (guard: RequestGuard, header: string, claims: Claims) =>
    guard.identify(header, claims, actorsOf(), HERE);
  for (const session of SESSIONS.keys()) {
    t.same(identify(open, "", claim("", session)), { role: "nobody", actor: "one" }, "without tokens");
    t.same(identify(guarded, server, claim("", session)), { role: "server", actor: "one" }, "the server's token");
    t.same(identify(guarded, server, claim("two", session)), { role: "server", actor: "two" }, "the instance wins");
    t.same(
      identify(open, two, claim("", session)),
      { role: "instance", actor: "one", tokenOwner: "two" },
      "an open server asks for no token",
    );
    t.match(identify(guarded, "", claim("", session)), { status: "UNAUTHENTICATED" });
    t.match(identify(guarded, "Bearer wrong", claim("", session)), { status: "UNAUTHENTICATED" });
  }
  t.same(
    identify(guarded, two, claim("", "of two")),
    { role: "instance", actor: "one", tokenOwner: "two" },
    "the token that began it",
  );
  for (const [token, session] of [
    [one, "of two"],
    [one, "of the server"],
    [two, "of the server"],
  ] as const)
    t.match(
      identify(guarded, token, claim("", session)),
      { status: "PERMISSION_DENIED", message: "not yours" },
      session,
    );
  t.same(identify(guarded, one, claim("two", "of two")), { role: "instance", actor: "one" }, "the instance wins");

  t.same(identify(open, "", claim("", "none")), { role: "nobody", actor: "", unknownSession: "none" });
  t.same(identify(guarded, server, claim("", "none")), { role: "server", actor: "", unknownSession: "none" });
  t.same(identify(guarded, two, claim("", "none")), { role: "instance", actor: "two" }, "the token has an instance");
  const actors = actorsOf();
  guarded.identify(two, claim("", "of two"), actors, HERE);
  t.same(actors.seen, ["two", "one"], "both are alive");
  t.end();
});

t.test("the claims of a request", (t) => {
  const read = (headers: Readonly<Record<string, string>>): Claims =>
    claimsOf({ header: (name) => headers[name] ?? "" });
  t.same(read({}), claim(""));
  t.same(read({ "x-koor-instance": "i", "x-koor-session": "s" }), claim("i", "s"));
  t.same(read({ "x-koor-session": "~ ".repeat(63) + "~!" }), claim("", "~ ".repeat(63) + "~!"), "128 characters");
  for (const session of ["x".repeat(129), "a\u0000b", "\u001b[31m", "\u00fc", "a\tb", "\u007f", "x".repeat(1_048_576)])
    t.same(read({ "x-koor-session": session }), claim(""), JSON.stringify(session.slice(0, 20)));
  t.end();
});

t.test("a token is compared as a whole", (t) => {
  const guard = guardOf({ auth_token: "s3cret-Token" });
  t.equal(guard.guarded, true);
  for (const header of ["Bearer s3cret-Token", "bearer s3cret-Token", "BEARER  s3cret-Token "]) {
    t.same(guard.identify(header, claim(""), NO_ACTORS, HERE), { role: "server", actor: "" }, header);
    t.same(
      guard.identify(header, claim("one"), actorsOf(), HERE),
      { role: "server", actor: "one" },
      `${header}, for an instance`,
    );
    t.same(
      guard.identify(header, claim("none"), actorsOf(), HERE),
      { role: "server", actor: "", unknown: "none" },
      `${header}, for none`,
    );
  }
  t.same(guard.identify(`Bearer ${OTHER_TOKEN}`, claim("one"), actorsOf(), HERE), { role: "instance", actor: "two" });
  const refused = [
    "",
    "Bearer",
    "Bearer ",
    "s3cret-Token",
    "Bearer s3cret-Toke",
    "Bearer s3cret-Tokenx",
    "Bearer S3CRET-TOKEN",
    "Basic s3cret-Token",
    "Bearer s3cret-Token x",
    "Bearers3cret-Token",
    "XBearer s3cret-Token",
    'Bearer "s3cret-Token"',
    "Bearer undefined",
    TOKEN,
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN}x`,
    `Bearer ${hashOf(TOKEN)}`,
  ];
  for (const header of refused) {
    const actors = actorsOf();
    const failure = guard.identify(header, claim("one"), actors, HERE);
    t.match(failure, { http: 401, message: "invalid or missing bearer token" }, `"${header}" is refused`);
    t.same(actors.seen, [], "and is no sign of life");
  }
  t.end();
});

t.test("after wrong tokens from an address the server's token is not checked from there for a while", (t) => {
  let nowMs = 1_000;
  const guard = guardOf({ auth_token: "the-server's-own" }, { now: () => nowMs });
  const ended = hashOf("ended");
  const actors: Actors = { ...actorsOf(), hadToken: (hash) => hash === ended };
  const ask = (token: string, peer = ADDRESS, counts = true) =>
    guard.identify(token === "" ? "" : `Bearer ${token}`, claim(""), actors, { from: { peer }, counts });
  for (let at = 1; at < LOG_IN_WRONG_MAX; at++) t.match(ask(`wrong-${at}`), { status: "UNAUTHENTICATED" });
  for (let at = 0; at < LOG_IN_WRONG_MAX; at++) {
    t.match(ask("wrong-1"), { status: "UNAUTHENTICATED" }, "hardly one that was tried before");
    t.match(ask(""), { status: "UNAUTHENTICATED" }, "no token is no guess");
    t.match(ask("ended"), { status: "UNAUTHENTICATED" }, "nor one that was an instance's");
    t.match(ask("wrong", ADDRESS, false), { status: "UNAUTHENTICATED" }, "nor what is asked again later");
    t.match(guard.identify("Basic d3Jvbmc=", claim(""), actors, HERE), { status: "UNAUTHENTICATED" });
  }
  t.match(ask("the-server's-own"), { role: "server" }, "in time");
  t.match(ask("wrong"), { status: "UNAUTHENTICATED" });
  for (const token of ["wrong", "the-server's-own"]) {
    const refused = ask(token);
    t.ok(refused instanceof PausedFailure);
    t.match(refused, { status: "TOO_MANY_ATTEMPTS", retryAfterS: 60, message: /too many wrong tokens/ });
  }
  t.match(ask(""), { status: "UNAUTHENTICATED" }, "without a token nothing was to be looked at");
  t.match(ask(TOKEN), { role: "instance", actor: "one" }, "the agents of that address go on");
  t.match(ask("the-server's-own", "127.0.0.2"), { role: "server" }, "and so does every other address");
  t.match(guard.ownerOf(TOKEN, actors, ADDRESS), { status: "TOO_MANY_ATTEMPTS" }, "a log-in has to wait, too");
  nowMs += LOG_IN_PAUSE_MS - 1;
  t.match(ask("the-server's-own"), { retryAfterS: 1 });
  nowMs += 1;
  t.match(ask("the-server's-own"), { role: "server" });
  for (let at = 0; at < LOG_IN_WRONG_MAX; at++) t.equal(guard.ownerOf("wrong", actors, ADDRESS), undefined);
  t.match(ask("the-server's-own"), { status: "TOO_MANY_ATTEMPTS" }, "wrong log-ins count as well");
  t.end();
});
