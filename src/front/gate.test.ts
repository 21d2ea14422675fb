/** The gate held to tables of Hosts, Origins and tokens: what passes and what does not, per way of binding. */
import { createHash } from "node:crypto";
import { hostname } from "node:os";
import t from "tap";
import { OPTIONS, type Config } from "../../schemas/config.js";
import type { Actors } from "./caller.js";
import { Gate } from "./gate.js";

const API_PORT = 9800;
const DASHBOARD_PORT = 9847;

function gateOf(settings: Partial<Config> = {}): Gate {
  const defaults = Object.fromEntries(Object.entries(OPTIONS).map(([key, option]) => [key, option.fallback]));
  return new Gate({ ...defaults, ...settings } as unknown as Config, { port_numbers: [API_PORT, DASHBOARD_PORT] });
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
    const gate = gateOf(settings);
    // Asked twice: the second verdict is a remembered one.
    for (const host of [...passes, ...passes]) t.equal(gate.checkHost(host), null, `${host} passes`);
    for (const host of [...refused, ...refused]) t.equal(gate.checkHost(host)?.http, 421, `${host} is refused`);
    t.end();
  });
}

interface OriginRow {
  readonly settings?: Partial<Config>;
  /** The request's own Host. */
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
    // Another machine may serve its pages on the same port.
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
    const gate = gateOf(settings);
    for (const origin of [...passes, ...passes]) t.equal(gate.checkOrigin(origin, host), null, `${origin} passes`);
    for (const origin of [...refused, ...refused])
      t.equal(gate.checkOrigin(origin, host)?.http, 403, `${origin} is refused`);
    t.end();
  });
}

t.test("what is remembered of one Host says nothing about another", (t) => {
  const gate = gateOf({ bind: "0.0.0.0:9800" });
  t.equal(gate.checkOrigin("http://6.6.6.6:9800", "6.6.6.6:9800"), null, "a page of the address that is asked");
  t.equal(gate.checkOrigin("http://6.6.6.6:9800", "7.7.7.7:9800")?.http, 403, "the same page asks elsewhere");
  t.end();
});

t.test("verdicts stay the same when more values come than are remembered", (t) => {
  const gate = gateOf();
  t.equal(gate.checkHost("localhost"), null);
  const strangers = Array.from({ length: 2000 }, (_, at) => `h${at}.example`);
  t.ok(strangers.every((host) => gate.checkHost(host)?.http === 421));
  t.equal(gate.checkHost("localhost"), null);
  t.equal(gate.checkHost("h0.example")?.http, 421);
  t.end();
});

const TOKEN = "an-instance-token";
const OTHER_TOKEN = "another-instance-token";
const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Two instances, and whose life was noted. */
function actorsOf(): Actors & { readonly seen: string[] } {
  const seen: string[] = [];
  const tokens = new Map([
    [hashOf(TOKEN), "one"],
    [hashOf(OTHER_TOKEN), "two"],
  ]);
  const note = (id: string | undefined): string | undefined => {
    if (id !== undefined) seen.push(id);
    return id;
  };
  return {
    size: 2,
    seen,
    seeId: (id) => note(["one", "two"].find((known) => known === id)) !== undefined,
    seeToken: (hash) => note(tokens.get(hash)),
    beginWait: () => () => undefined,
    has: (id) => ["one", "two"].includes(id),
    onRevoked: () => () => undefined,
  };
}

/** What is asked of actors where there are none. */
const NO_ACTORS: Actors = {
  size: 0,
  seeId: () => false,
  seeToken: () => undefined,
  beginWait: () => () => undefined,
  has: () => false,
  onRevoked: () => () => undefined,
};

t.test("a server without a token takes every request", (t) => {
  const gate = gateOf();
  t.equal(gate.guarded, false);
  for (const header of ["", "Bearer x", "nonsense", `Bearer ${hashOf(TOKEN)}`]) {
    t.same(gate.identify(header, "", NO_ACTORS), { role: "nobody", actor: "" });
    t.same(
      gate.identify(header, "nobody-known", actorsOf()),
      { role: "nobody", actor: "", unknown: "nobody-known" },
      "an unknown id is remembered, for writes are refused",
    );
    t.same(gate.identify(header, "two", actorsOf()), { role: "nobody", actor: "two" }, "its word is taken");
  }
  const actors = actorsOf();
  t.same(
    gate.identify(`Bearer ${TOKEN}`, "two", actors),
    { role: "instance", actor: "one" },
    "a token says who it is, whatever the header claims",
  );
  t.same(actors.seen, ["one"], "and only its owner is alive");
  t.end();
});

t.test("a token is compared as a whole", (t) => {
  const gate = gateOf({ auth_token: "s3cret-Token" });
  t.equal(gate.guarded, true);
  for (const header of ["Bearer s3cret-Token", "bearer s3cret-Token", "BEARER  s3cret-Token "]) {
    t.same(gate.identify(header, "", NO_ACTORS), { role: "server", actor: "" }, header);
    t.same(gate.identify(header, "one", actorsOf()), { role: "server", actor: "one" }, `${header}, for an instance`);
    t.same(
      gate.identify(header, "none", actorsOf()),
      { role: "server", actor: "", unknown: "none" },
      `${header}, for none`,
    );
  }
  t.same(gate.identify(`Bearer ${OTHER_TOKEN}`, "one", actorsOf()), { role: "instance", actor: "two" });
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
    const failure = gate.identify(header, "one", actors);
    t.match(failure, { http: 401, message: "invalid or missing bearer token" }, `"${header}" is refused`);
    t.same(actors.seen, [], "and is no sign of life");
  }
  t.end();
});
