/**
 * Tests "State" of the HTTP API against a real server: values and keys, versions that survive deletion, history,
 * rollback, diff, the three forms of compare-and-swap, paging, and the two flags of the state.
 */
import { randomBytes } from "node:crypto";
import type { OutgoingHttpHeaders } from "node:http";
import t from "tap";
import { PAGE_ROWS_MAX } from "../schemas/limits/answers.js";
import { CONTENT_TYPE_BYTES_MAX, KEY_BYTES_MAX } from "../schemas/limits/names.js";
import { BODY_BYTES_MAX } from "../schemas/limits/request-bodies.js";
import { HISTORY_ROWS_DEFAULT } from "../schemas/limits/versioned.js";
import { hashOf, refusal, refusalOf, TIMESTAMP } from "./support/answers.js";
import { type Answer, MALFORMED, type RequestOptions, send, sendRaw } from "./support/http-client.js";
import { CLUSTER } from "./support/variant.js";
import { startKoor } from "./support/server-process.js";
import { checkCompareAndSwap, checkConditionalReads, checkRace, checkRefusedPaths } from "./support/versioned-space.js";

interface Written {
  readonly key: string;
  readonly version: number;
  readonly hash: string;
  readonly content_type: string;
  readonly updated_at: string;
}
interface History {
  readonly key: string;
  readonly versions: readonly (Written & { readonly updated_by: string })[];
}

const JSON_TYPE = "application/json";

const koor = await startKoor(t);

const at = (key: string, query = ""): string =>
  `/api/state/${key
    .split("/")
    .map((segment) => encodeURIComponent(segment))
    .join("/")}${query}`;
const space = { port: koor.port, at };
const call = (method: string, path: string, options: RequestOptions = {}): Promise<Answer> =>
  send(koor.port, method, path, options);
const get = (path: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> => call("GET", path, { headers });
const put = (path: string, body: string | Uint8Array, headers: OutgoingHttpHeaders = {}): Promise<Answer> =>
  call("PUT", path, { body, headers: { "Content-Type": JSON_TYPE, ...headers } });
const keysOf = (answer: Answer): string[] => answer.json<readonly Written[]>().map(({ key }) => key);
const versionsOf = async (key: string): Promise<number[]> =>
  (await get(at(key, "?history=1&limit=10000"))).json<History>().versions.map(({ version }) => version);

t.test("an empty server lists nothing", async (t) => {
  const answer = await get("/api/state");
  t.equal(answer.status, 200);
  t.equal(answer.text, "[]\n");
  t.equal(answer.headers["content-type"], JSON_TYPE);
});

t.test("a value is stored, read, listed and deleted", async (t) => {
  const body = '{"truck": 1}';
  const stored = await put(at("api-contract"), body);
  t.equal(stored.status, 200);
  t.equal(stored.headers["content-type"], JSON_TYPE);
  const written = stored.json<Written>();
  t.same(Object.keys(written), ["key", "version", "hash", "content_type", "updated_at"]);
  t.match(written, {
    key: "api-contract",
    version: 1,
    hash: hashOf(body),
    content_type: JSON_TYPE,
    updated_at: TIMESTAMP,
  });

  const read = await get(at("api-contract"));
  t.equal(read.status, 200);
  t.equal(read.text, body, "the raw value");
  t.match(read.headers, {
    "content-type": JSON_TYPE,
    etag: `"${hashOf(body)}"`,
    "x-koor-version": "1",
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox",
  });

  const [entry] = (await get("/api/state")).json<readonly Written[]>();
  t.same(entry, { key: "api-contract", version: 1, content_type: JSON_TYPE, updated_at: written.updated_at });

  const second = (await put(at("api-contract"), "2")).json<Written>();
  t.match(second, { version: 2, hash: hashOf("2") });
  t.ok(Date.parse(second.updated_at) >= Date.parse(written.updated_at));
  t.equal((await get(at("api-contract"))).text, "2");

  const deleted = await call("DELETE", at("api-contract"));
  t.equal(deleted.status, 200);
  t.same(deleted.json(), { deleted: "api-contract" });
  t.same(refusalOf(await get(at("api-contract"))), refusal(404, "key not found: api-contract"));
  t.same(refusalOf(await call("DELETE", at("api-contract"))), refusal(404, "key not found: api-contract"));
  t.equal((await get("/api/state")).text, "[]\n");
});

t.test("values may be any bytes", async (t) => {
  const rows: readonly (readonly [what: string, value: Uint8Array])[] = [
    ["one byte", Buffer.from([0])],
    ["every byte", Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
    ["no JSON at all", Buffer.from("{not json")],
    ["a byte order mark", Buffer.from("\uFEFF{}")],
    ["line ends", Buffer.from("\r\n\r\n0\r\n\r\n")],
    ["text beyond ASCII", Buffer.from("\u00e9\u{1F600}")],
    ["a mebibyte", randomBytes(1_048_576)],
    ["the largest", randomBytes(BODY_BYTES_MAX)],
  ];
  for (const [what, value] of rows) {
    const stored = await put(at("bytes"), value);
    t.equal(stored.status, 200, what);
    t.equal(stored.json<Written>().hash, hashOf(value));
    const read = await get(at("bytes"));
    t.ok(
      value.length === read.body.length && Buffer.compare(value, read.body) === 0,
      `${what} comes back as it was sent`,
    );
    t.equal(read.headers.etag, `"${hashOf(value)}"`);
  }
});

t.test("the content type is stored with the value", async (t) => {
  const rows: readonly (readonly [sent: string | undefined, stored: string])[] = [
    [undefined, JSON_TYPE],
    ["application/x-www-form-urlencoded", JSON_TYPE],
    ["application/x-www-form-urlencoded; charset=UTF-8", JSON_TYPE],
    ["Application/X-WWW-Form-Urlencoded", JSON_TYPE],
    ["text/html", "text/html"],
    ["text/plain; charset=utf-8", "text/plain; charset=utf-8"],
    ["nonsense", "nonsense"],
    ["x".repeat(CONTENT_TYPE_BYTES_MAX), "x".repeat(CONTENT_TYPE_BYTES_MAX)],
  ];
  for (const [sent, stored] of rows) {
    const answer = await call("PUT", at("typed"), {
      body: "<p>",
      headers: sent === undefined ? {} : { "Content-Type": sent },
    });
    t.equal(answer.json<Written>().content_type, stored, `${sent} is stored as ${stored}`);
    const read = await get(at("typed"));
    t.equal(read.headers["content-type"], stored);
    t.match(read.headers, { "x-content-type-options": "nosniff", "content-security-policy": "sandbox" });
  }
  t.equal((await get(at("typed", "?version=5"))).headers["content-type"], "text/html", "each version has its own");
  const long = await put(at("typed"), "1", { "Content-Type": "x".repeat(CONTENT_TYPE_BYTES_MAX + 1) });
  t.match(refusalOf(long), { status: 400, error: { error: /Content-Type/ } });
});

t.test("an empty body stores nothing", async (t) => {
  t.same(refusalOf(await put(at("empty"), "")), refusal(400, "empty body"));
  t.same(refusalOf(await call("PUT", at("empty"), { chunks: [] })), refusal(400, "empty body"));
  t.match(
    await sendRaw(koor.port, "PUT /api/state/empty HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    /^HTTP\/1\.1 400 .*"empty body"/s,
    "without a length",
  );
  t.equal((await get(at("empty"))).status, 404);
  await put(at("empty"), "1");
  t.equal((await put(at("empty"), "")).status, 400);
  t.equal((await get(at("empty"))).headers["x-koor-version"], "1");
});

t.test("one byte more than the limit is a 413, and nothing is stored", async (t) => {
  const large = Buffer.alloc(BODY_BYTES_MAX + 1, "x");
  const piece = large.subarray(0, 1_000_000);
  const pieces = [...Array.from({ length: 10 }, () => piece), large.subarray(10_000_000)];
  for (const [what, options] of [
    ["with a length", { body: large }],
    ["in chunks", { chunks: pieces }],
  ] as const) {
    const answer = await call("PUT", at("large"), options);
    t.match(refusalOf(answer), { status: 413, error: { code: 413, error: /larger/ } }, what);
    t.equal((await get(at("large"))).status, 404, `${what}: nothing is stored`);
  }
  t.equal((await call("PUT", at("large"), { chunks: [piece, piece] })).status, 200, "less of it in chunks is stored");
  t.equal((await get(at("large"))).body.length, 2_000_000);
  t.equal((await put(at("large"), large)).status, 413);
  t.equal((await get(at("large"))).headers["x-koor-version"], "1", "the value is the old one");
  t.same(await versionsOf("large"), [1]);
});

t.test("keys are any text of 1 to 1024 characters without control characters", async (t) => {
  const keys = [
    "a/b/c",
    "a//b",
    "a///",
    "/",
    "//",
    "/leading",
    "trailing/",
    ".",
    "..",
    "../..",
    "a/../b",
    "./x",
    "a b",
    "a+b",
    "a%20b",
    "%2F",
    "?&=#",
    "100%",
    "'\"<>\\",
    "\u00e9",
    "e\u0301",
    "\u{1F600}",
    "\u4e16\u754c",
    "__proto__",
    "constructor",
    "history",
    "K",
    "k",
    "k".repeat(KEY_BYTES_MAX),
    "\u00e9".repeat(KEY_BYTES_MAX),
  ];
  for (const key of keys) {
    const stored = await put(at(key), JSON.stringify(key));
    t.equal(stored.json<Written>().key, key, `${key.slice(0, 20)} is stored`);
    t.equal(stored.json<Written>().version, 1, "it is a key of its own");
  }
  for (const key of keys) t.equal((await get(at(key))).json(), key, `${key.slice(0, 20)} is read`);
  t.equal((await get("/api/state/a%2Fb%2Fc")).json(), "a/b/c", "an escaped slash is a slash of the key");
  t.equal((await get("/api/state/%61%2fb/c")).json(), "a/b/c", "and so is any other escaped character");
  t.equal((await get("/api/state/a%2520b")).json(), "a%20b", "decoding is done once");
  t.equal((await get("/api/state/a+b")).json(), "a+b", "a plus is a plus sign");
  const raw = await sendRaw(
    koor.port,
    Buffer.from("GET /api/state/\u00e9 HTTP/1.1\r\nHost: localhost\r\n\r\n", "utf8"),
  );
  const strict = koor.transport === "node";
  t.match(raw, strict ? MALFORMED : /^HTTP\/1\.1 200 /, "unescaped UTF-8 is read as such, or is refused as HTTP");
  for (const key of keys) t.same((await call("DELETE", at(key))).json(), { deleted: key });
});

t.test("an invalid key is refused", async (t) => {
  const control = /control characters/;
  const rows: readonly (readonly [path: string, error: string | RegExp])[] = [
    ["/api/state/", "key is required"],
    [`/api/state/${"k".repeat(KEY_BYTES_MAX + 1)}`, /1024 characters/],
    [`/api/state/${"%C3%A9".repeat(KEY_BYTES_MAX)}x`, /1024 characters/],
    ["/api/state/a%00b", control],
    ["/api/state/a%0Ab", control],
    ["/api/state/%1F", control],
    ["/api/state/%7F", control],
    ["/api/state/%C2%85", control],
    ["/api/state/%", /escape/],
    ["/api/state/%4", /escape/],
    ["/api/state/%zz", /escape/],
    ["/api/state/%FF", /escape/],
    ["/api/state/%ED%A0%80", /escape/],
    ["/api/state/ok/%C3", /escape/],
  ];
  const before = (await get("/api/state")).text;
  await checkRefusedPaths(t, space, rows);
  t.match(
    await sendRaw(
      koor.port,
      Buffer.from("PUT /api/state/a\u00ffb HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1", "latin1"),
    ),
    /^HTTP\/1\.1 400 /,
    "bytes that are not UTF-8",
  );
  t.equal((await get("/api/state")).text, before, "nothing was stored");
});

t.test("a conditional read of an unchanged value has no body", async (t) => {
  await checkConditionalReads(t, space);
});

t.test("HEAD is GET without its body", async (t) => {
  await put(at("head"), "12345", { "Content-Type": "text/plain" });
  await put(at("head"), "123456", { "Content-Type": "text/plain" });
  for (const query of ["", "?version=1", "?history=1", "?diff=1,2", "?version=9"]) {
    const whole = await get(at("head", query));
    const head = await call("HEAD", at("head", query));
    t.equal(head.status, whole.status, query);
    t.equal(head.body.length, 0);
    for (const name of ["content-type", "content-length", "etag", "x-koor-version", "x-content-type-options"])
      t.equal(head.headers[name], whole.headers[name], `${query} ${name}`);
    t.equal(Number(head.headers["content-length"]), whole.body.length);
  }
});

t.test("old versions stay readable", async (t) => {
  for (const value of ["one", "two", "three"]) await put(at("versions"), value, { "Content-Type": `text/${value}` });
  for (const [index, value] of ["one", "two", "three"].entries()) {
    const answer = await get(at("versions", `?version=${index + 1}`));
    t.equal(answer.text, value);
    t.match(answer.headers, {
      etag: `"${hashOf(value)}"`,
      "x-koor-version": String(index + 1),
      "content-type": `text/${value}`,
      "x-content-type-options": "nosniff",
      "content-security-policy": "sandbox",
    });
  }
  t.same(refusalOf(await get(at("versions", "?version=4"))), refusal(404, "version 4 not found for key: versions"));
  t.same(
    refusalOf(await get(at("versions-not", "?version=1"))),
    refusal(404, "version 1 not found for key: versions-not"),
  );
  for (const number of ["0", "-1", "x", "1.5", "", "1%20"]) {
    t.same(
      refusalOf(await get(at("versions", `?version=${number}`))),
      refusal(400, "version must be a positive integer"),
      `version=${number}`,
    );
  }
});

t.test("history is newest first, the current version included", async (t) => {
  const count = HISTORY_ROWS_DEFAULT + 10;
  for (let number = 1; number <= count; number++)
    await put(at("history/of it"), `v${number}`, { "Content-Type": "text/plain" });
  const answer = await get(at("history/of it", "?history=1"));
  t.equal(answer.headers["content-type"], JSON_TYPE);
  const history = answer.json<History>();
  t.same(Object.keys(history), ["key", "versions"]);
  t.equal(history.key, "history/of it");
  t.equal(history.versions.length, HISTORY_ROWS_DEFAULT, "by default");
  t.same(
    history.versions.map(({ version }) => version),
    Array.from({ length: HISTORY_ROWS_DEFAULT }, (_, index) => count - index),
  );
  t.same(Object.keys(history.versions[0] ?? {}), [
    "key",
    "version",
    "hash",
    "content_type",
    "updated_at",
    "updated_by",
  ]);
  t.match(history.versions[0], {
    key: "history/of it",
    version: count,
    hash: hashOf(`v${count}`),
    content_type: "text/plain",
    updated_at: TIMESTAMP,
    updated_by: "",
  });
  for (const limit of [1, 7, count, 1000, PAGE_ROWS_MAX]) {
    const { versions } = (await get(at("history/of it", `?history=1&limit=${limit}`))).json<History>();
    t.equal(versions.length, Math.min(limit, count), `limit=${limit}`);
  }
  t.same(refusalOf(await get(at("history-not", "?history=1"))), refusal(404, "key not found: history-not"));
  for (const limit of ["0", "-1", "x", ""])
    t.same(
      refusalOf(await get(at("history/of it", `?history=1&limit=${limit}`))),
      refusal(400, "limit must be a positive integer"),
    );
  t.equal((await get(at("history/of it", `?history=1&limit=${PAGE_ROWS_MAX + 1}`))).status, 400);
  t.equal((await get(at("history/of it", "?history=maybe"))).status, 400);
});

t.test("a rollback stores an old version's bytes as a new version", async (t) => {
  for (const value of ["one", "two"]) await put(at("rollback"), value, { "Content-Type": `text/${value}` });
  const answer = await call("POST", at("rollback", "?rollback=1"));
  t.equal(answer.status, 200);
  t.same(Object.keys(answer.json<object>()), ["key", "version", "hash", "rolled_back", "updated_at"]);
  t.match(answer.json(), { key: "rollback", version: 3, hash: hashOf("one"), rolled_back: 1, updated_at: TIMESTAMP });
  const read = await get(at("rollback"));
  t.equal(read.text, "one");
  t.match(read.headers, { "x-koor-version": "3", "content-type": "text/one", etag: `"${hashOf("one")}"` });
  t.same(await versionsOf("rollback"), [3, 2, 1], "the history is complete");
  t.same(
    refusalOf(await call("POST", at("rollback", "?rollback=9"))),
    refusal(404, "version 9 not found for key: rollback"),
  );
  t.equal((await call("POST", at("rollback-not", "?rollback=1"))).status, 404);
  for (const query of ["", "?rollback=", "?rollback=0", "?rollback=x", "?rollback=-1"])
    t.match(
      refusalOf(await call("POST", at("rollback", query))),
      { status: 400, error: { error: /^rollback / } },
      query,
    );
  t.same(await versionsOf("rollback"), [3, 2, 1], "a refusal adds no version");
});

t.test("versions never repeat, a deletion takes none, and a rollback restores a key", async (t) => {
  await put(at("phoenix"), "1");
  await put(at("phoenix"), "2");
  await call("DELETE", at("phoenix"));
  t.equal((await get(at("phoenix"))).status, 404);
  t.same(await versionsOf("phoenix"), [2, 1], "the history stays readable");
  t.equal((await get(at("phoenix", "?version=1"))).text, "1");
  t.match(await get(at("phoenix", "?diff=1,2")), { status: 200 });
  t.match((await call("POST", at("phoenix", "?rollback=1"))).json(), { version: 3, rolled_back: 1 });
  t.equal((await get(at("phoenix"))).text, "1");
  await call("DELETE", at("phoenix"));
  t.match((await put(at("phoenix"), "4")).json(), { version: 4 }, "versions of a deleted key continue");
  t.same(await versionsOf("phoenix"), [4, 3, 2, 1]);
  t.ok(keysOf(await get("/api/state")).includes("phoenix"));
});

t.test("concurrent writes to one key get a version each, and none is lost", async (t) => {
  const count = 60;
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => put(at("race"), `"${index}"`)));
  const written = answers.map((answer) => answer.json<Written>());
  t.same(
    written.map(({ version }) => version).toSorted((a, b) => a - b),
    Array.from({ length: count }, (_, index) => index + 1),
  );
  const { versions } = (await get(at("race", "?history=1&limit=100"))).json<History>();
  t.same(
    versions.map(({ version, hash }) => `${version} ${hash}`).toSorted(),
    written.map(({ version, hash }) => `${version} ${hash}`).toSorted(),
    "every acknowledged write is in the history under its own number",
  );
  const newest = written.find(({ version }) => version === count);
  t.equal((await get(at("race"))).headers.etag, `"${newest?.hash}"`);
});

t.test("a read sees every answered write", async (t) => {
  for (let number = 1; number <= 50; number++) {
    await put(at("fresh"), String(number));
    t.equal((await get(at("fresh"))).text, String(number));
  }
});

t.test("compare-and-swap works as in every versioned space", async (t) => {
  await checkCompareAndSwap(t, space);
});

t.test("of writers that race on one version, one wins", async (t) => {
  await checkRace(t, space);
});

t.test("keys are listed in their order, in pages, by prefix", async (t) => {
  const keys = [
    "p/",
    "p/%",
    "p/%x",
    "p/*",
    "p/A",
    "p/_",
    "p/a",
    "p/a/b",
    "p/ab",
    "p/b",
    "p/\u00e9",
    "p/\ufb00",
    "p/\u{1F600}",
    "p0",
    "q",
  ].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const key of keys.toReversed()) await put(at(key), "1");
  const list = async (query: string): Promise<string[]> => keysOf(await get(`/api/state?${query}`));
  t.same(
    await list("prefix=p/"),
    keys.filter((key) => key.startsWith("p/")),
  );
  t.same(await list("prefix=p%2Fa"), ["p/a", "p/a/b", "p/ab"]);
  for (const wild of ["%25", "_", "*"])
    t.same(
      await list(`prefix=p/${wild}`),
      keys.filter((key) => key.startsWith(`p/${decodeURIComponent(wild)}`)),
      `${wild} is no wildcard`,
    );
  t.same(await list("prefix=p/nothing"), []);
  t.same(await list("prefix=%F0%9F%98%80"), []);
  t.same(await list("prefix=p/%F0%9F%98%80"), ["p/\u{1F600}"]);
  t.same(await list("prefix=p/&limit=2"), ["p/", "p/%"]);
  t.same(
    await list("prefix=p/&after=p/a"),
    keys.filter((key) => key.startsWith("p/")).slice(keys.indexOf("p/a") + 1),
    "after is a key, not included",
  );
  t.same(await list("after=p/ab&limit=2&prefix="), keys.slice(keys.indexOf("p/ab") + 1, keys.indexOf("p/ab") + 3));
  t.same(await list("after=p/aa&limit=1"), ["p/ab"], "a key that does not exist has a place in the order, too");

  const paged: string[] = [];
  for (
    let page = await list("prefix=p/&limit=3");
    page.length > 0;
    page = await list(`prefix=p/&limit=3&after=${encodeURIComponent(paged.at(-1) ?? "")}`)
  )
    paged.push(...page);
  t.same(
    paged,
    keys.filter((key) => key.startsWith("p/")),
    "pages hold each key once",
  );
  const all = keysOf(await get("/api/state"));
  t.same(
    all,
    all.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    "all of them are sorted",
  );

  for (const limit of ["0", "-1", "x", "1.5", ""])
    t.same(
      refusalOf(await get(`/api/state?limit=${limit}`)),
      refusal(400, "limit must be a positive integer"),
      `limit=${limit}`,
    );
  t.equal((await get(`/api/state?limit=${PAGE_ROWS_MAX + 1}`)).status, 400);
  t.equal((await get(`/api/state?limit=${PAGE_ROWS_MAX}`)).status, 200);
  t.equal((await get("/api/state?prefix=%zz")).status, 400);
});

t.test("a long list is whole", async (t) => {
  const keys = Array.from({ length: 1200 }, (_, index) => `many/${String(index).padStart(5, "0")}`);
  for (let from = 0; from < keys.length; from += 50)
    await Promise.all(keys.slice(from, from + 50).map((key) => put(at(key), "1")));
  t.same(keysOf(await get("/api/state?prefix=many/")), keys);
  t.same(keysOf(await get("/api/state?prefix=many/&limit=1100")), keys.slice(0, 1100));
});

t.test("a diff is sorted by path and lists the operations", async (t) => {
  const documents = [
    '{"version":"1.0","c":[1,2],"same":{"x":[1,{"y":2}]},"n":{"deep":{"er":1}},' +
      '"l":[0,1,2,3,4,5,6,7,8,9,10],"a/b":1,"m~n":1,"":1,"t":"1","z":null}',
    '{"version":"3.0","b":1,"same":{"x":[1,{"y":2}]},"n":{"deep":{"er":2}},' +
      '"l":[0,1,"two",3,4,5,6,7,8,9,"ten",11],"a/b":2,"m~n":2,"":2,"t":1,"z":false}',
  ];
  for (const document of documents) await put(at("diff"), document);
  const answer = await get(at("diff", "?diff=1,2"));
  t.equal(answer.headers["content-type"], JSON_TYPE);
  t.same(answer.json(), {
    key: "diff",
    v1: 1,
    v2: 2,
    diffs: [
      { operation: "replace", path: "/", old_value: 1, new_value: 2 },
      { operation: "replace", path: "/a~1b", old_value: 1, new_value: 2 },
      { operation: "add", path: "/b", new_value: 1 },
      { operation: "remove", path: "/c", old_value: [1, 2] },
      { operation: "replace", path: "/l/2", old_value: 2, new_value: "two" },
      { operation: "replace", path: "/l/10", old_value: 10, new_value: "ten" },
      { operation: "add", path: "/l/11", new_value: 11 },
      { operation: "replace", path: "/m~0n", old_value: 1, new_value: 2 },
      { operation: "replace", path: "/n/deep/er", old_value: 1, new_value: 2 },
      { operation: "replace", path: "/t", old_value: "1", new_value: 1 },
      { operation: "replace", path: "/version", old_value: "1.0", new_value: "3.0" },
      { operation: "replace", path: "/z", old_value: null, new_value: false },
    ],
  });
  t.match((await get(at("diff", "?diff=2,1"))).json(), { v1: 2, v2: 1 });
  t.same(
    (await get(at("diff", "?diff=1%2C1"))).json(),
    { key: "diff", v1: 1, v2: 1, diffs: [] },
    "equal values have no entry",
  );

  for (const value of [
    "5",
    "[1]",
    "12345678901234567890",
    "12345678901234567891",
    "not json",
    '{"a":1,"b":2}',
    '{ "b" : 2.0, "a" : 1 }',
    "\uFEFF[1]",
  ])
    await put(at("diff/any"), value);
  t.same(
    (await get(at("diff/any", "?diff=1,2"))).json<{ diffs: unknown }>().diffs,
    [{ operation: "replace", path: "", old_value: 5, new_value: [1] }],
    "values may be any JSON",
  );
  t.match(
    (await get(at("diff/any", "?diff=3,4"))).text,
    '"old_value":12345678901234567890,"new_value":12345678901234567891',
    "numbers keep their digits",
  );
  t.same(
    (await get(at("diff/any", "?diff=6,7"))).json<{ diffs: unknown }>().diffs,
    [],
    "order and notation make no difference",
  );
  t.match(
    refusalOf(await get(at("diff/any", "?diff=1,5"))),
    { status: 400, error: { error: /version 5/ } },
    "the version that is not JSON is named",
  );
  t.match(refusalOf(await get(at("diff/any", "?diff=5,1"))), { status: 400, error: { error: /version 5/ } });
  await put(at("diff/text"), "one\ntwo\nthree\n", { "Content-Type": "text/plain" });
  await put(at("diff/text"), "one\n2\nthree\nfour\n", { "Content-Type": "text/plain" });
  t.same((await get(at("diff/text", "?diff=1,2"))).json<{ diffs: unknown }>().diffs, [
    { operation: "replace", path: "/1", old_value: "two", new_value: "2" },
    { operation: "add", path: "/3", new_value: "four" },
  ]);
  t.same(refusalOf(await get(at("diff", "?diff=1,9"))), refusal(404, "version 9 not found for key: diff"));
  t.equal((await get(at("diff", "?diff=9,1"))).status, 404);
  t.equal((await get(at("diff-not", "?diff=1,2"))).status, 404);
  for (const versions of ["", "1", "1,", ",2", "1,2,3", "a,b", "1;2", "-1,2", "0,1", "1,0", "1.5,2"])
    t.match(
      refusalOf(await get(at("diff", `?diff=${versions}`))),
      { status: 400, error: { error: /^diff / } },
      `diff=${versions}`,
    );
});

t.test("an answer of a list that is not read holds no worker", async (t) => {
  // More text than a worker may run ahead with, in long keys.
  const events = Array.from({ length: 1000 }, () => ({ topic: "filler", data: "x".repeat(2500) }));
  for (let round = 0; round < 9; round++) await call("POST", "/api/events/publish", { body: JSON.stringify(events) });
  for (let round = 0; round < 4; round++) t.equal((await call("HEAD", "/api/events/history?last=10000")).status, 200);
  t.equal((await get(at("diff", "?diff=1,2"))).status, 200, "a job in the pool still runs");
});

t.test(
  "with --state-history 3 and --state-events a server keeps three versions and publishes its changes",
  async (t) => {
    const args = ["--state-history", "3", "--state-events"];
    const kept = await startKoor(t, { args });
    const write = (method: string, path: string, body?: string): Promise<Answer> =>
      send(kept.port, method, path, body === undefined ? {} : { body });
    for (let number = 1; number <= 200; number++) await write("PUT", "/api/state/k%20ey", `${number}`);
    const history = (await write("GET", "/api/state/k%20ey?history=1")).json<History>();
    t.same(
      history.versions.map(({ version }) => version),
      [200, 199, 198],
    );
    t.equal((await write("GET", "/api/state/k%20ey?version=198")).text, "198");
    for (const version of [1, 64, 128, 197])
      t.equal((await write("GET", `/api/state/k%20ey?version=${version}`)).status, 404, `version ${version} is gone`);
    t.equal((await write("POST", "/api/state/k%20ey?rollback=197")).status, 404);
    t.match((await write("POST", "/api/state/k%20ey?rollback=198")).json(), { version: 201 });
    await write("DELETE", "/api/state/k%20ey");
    t.equal((await write("DELETE", "/api/state/k%20ey")).status, 404);
    interface ReceivedEvent {
      readonly id: number;
      readonly topic: string;
      readonly data: unknown;
      readonly source: string;
    }
    const events = (await write("GET", "/api/events/history?last=3")).json<readonly ReceivedEvent[]>();
    t.match(
      events,
      [
        { id: 202, topic: "koor.state.deleted", data: { key: "k ey", version: 201, hash: hashOf("198") }, source: "" },
        { id: 201, topic: "koor.state.updated", data: { key: "k ey", version: 201, hash: hashOf("198") } },
        { id: 200, topic: "koor.state.updated", data: { key: "k ey", version: 200, hash: hashOf("200") } },
      ],
      "each change is published once, refusals are not",
    );
    t.same(Object.keys(events[0]?.data ?? {}), ["key", "version", "hash"]);

    t.equal(await kept.stop(), 0);
    // A cluster keeps the settings that it was started with.
    const again = await startKoor(t, { data_dir: kept.data_dir, args: CLUSTER === "" ? [] : args });
    t.equal((await send(again.port, "GET", "/api/state/k%20ey")).status, 404, "a deleted key stays deleted");
    t.match(
      (await send(again.port, "PUT", "/api/state/k%20ey", { body: "1" })).json(),
      { version: 202 },
      "versions continue after a restart",
    );
    t.equal(
      (await send(again.port, "GET", "/api/events/history?last=1")).json<readonly ReceivedEvent[]>()[0]?.id,
      CLUSTER === "" ? 202 : 203,
      "without the flag nothing is published",
    );
  },
);
