/**
 * Tests "Specs" of the HTTP API against a real server: specs by project and name, escaped slashes, versions that
 * survive deletion, history, rollback, diff, compare-and-swap, the two lists, and their audit rows. versioned-space.ts
 * checks what specs share with state.
 */
import type { OutgoingHttpHeaders } from "node:http";
import t from "tap";
import { KEY_BYTES_MAX } from "../schemas/limits/names.js";
import { BODY_BYTES_MAX } from "../schemas/limits/request-bodies.js";
import { HISTORY_ROWS_DEFAULT } from "../schemas/limits/versioned.js";
import { hashOf, refusal, refusalOf, TIMESTAMP } from "./support/answers.js";
import { send, type Answer, type RequestOptions } from "./support/http-client.js";
import { CLUSTER } from "./support/variant.js";
import { startKoor } from "./support/server-process.js";
import { checkCompareAndSwap, checkConditionalReads, checkRace, checkRefusedPaths } from "./support/versioned-space.js";

interface Written {
  readonly project: string;
  readonly name: string;
  readonly version: number;
  readonly hash: string;
  readonly updated_at: string;
}
interface History {
  readonly versions: readonly (Written & { readonly content_type: string; readonly updated_by: string })[];
}

const JSON_TYPE = "application/json";

const koor = await startKoor(t);

const at = (project: string, name: string, query = ""): string =>
  `/api/specs/${encodeURIComponent(project)}/${encodeURIComponent(name)}${query}`;
/** One project as a space of keys, for the checks that specs share with state. */
const space = { port: koor.port, at: (key: string, query = "") => at("shared", key, query) };
const call = (method: string, path: string, options: RequestOptions = {}): Promise<Answer> =>
  send(koor.port, method, path, options);
const get = (path: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> => call("GET", path, { headers });
const put = (path: string, body: string | Uint8Array, headers: OutgoingHttpHeaders = {}): Promise<Answer> =>
  call("PUT", path, { body, headers });
const versionsOf = async (project: string, name: string): Promise<number[]> =>
  (await get(at(project, name, "?history=1&limit=10000"))).json<History>().versions.map(({ version }) => version);
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

t.test("a new server has no projects, and any project is empty", async (t) => {
  t.equal((await get("/api/specs")).text, '{"projects":[]}\n');
  const answer = await get("/api/specs/nobody%2Fknows");
  t.equal(answer.status, 200);
  t.equal(answer.headers["content-type"], JSON_TYPE);
  t.equal(answer.text, '{"project":"nobody/knows","specs":[]}\n');
});

t.test("a spec is stored, read, listed and deleted", async (t) => {
  const body = '{"truck": 1}';
  const stored = await put(at("trucks", "api"), body);
  t.equal(stored.status, 200);
  t.equal(stored.headers["content-type"], JSON_TYPE);
  const written = stored.json<Written>();
  t.same(Object.keys(written), ["project", "name", "version", "hash", "updated_at"]);
  t.match(written, { project: "trucks", name: "api", version: 1, hash: hashOf(body), updated_at: TIMESTAMP });

  const read = await get(at("trucks", "api"));
  t.equal(read.status, 200);
  t.equal(read.text, body, "the raw data");
  t.match(read.headers, {
    "content-type": JSON_TYPE,
    etag: `"${hashOf(body)}"`,
    "x-koor-version": "1",
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox",
  });
  t.same((await get("/api/specs/trucks")).json(), {
    project: "trucks",
    specs: [{ name: "api", version: 1, updated_at: written.updated_at }],
  });
  t.same((await get("/api/specs")).json(), { projects: [{ project: "trucks", specs: 1 }] });

  t.match((await put(at("trucks", "api"), "2")).json(), { version: 2, hash: hashOf("2") });
  t.equal((await get(at("trucks", "api"))).text, "2");
  const deleted = await call("DELETE", at("trucks", "api"));
  t.equal(deleted.status, 200);
  t.same(deleted.json(), { deleted: "trucks/api" });
  t.same(refusalOf(await get(at("trucks", "api"))), refusal(404, "spec not found: trucks/api"));
  t.same(refusalOf(await call("DELETE", at("trucks", "api"))), refusal(404, "spec not found: trucks/api"));
  t.equal((await get("/api/specs/trucks")).text, '{"project":"trucks","specs":[]}\n');
  t.equal((await get("/api/specs")).text, '{"projects":[]}\n', "a project is there as long as it has a spec");
});

t.test("data is bytes, always served as JSON", async (t) => {
  const rows = [
    Buffer.from([0]),
    Buffer.from("{not json"),
    Buffer.from("\uFEFF{}"),
    Buffer.from("12345678901234567890"),
    Buffer.alloc(BODY_BYTES_MAX, "x"),
  ];
  for (const value of rows) {
    const stored = await put(at("bytes", "b"), value, { "Content-Type": "text/html" });
    t.equal(stored.json<Written>().hash, hashOf(value));
    const read = await get(at("bytes", "b"));
    t.ok(Buffer.compare(read.body, value) === 0, `${value.length} bytes come back`);
    t.equal(read.headers["content-type"], JSON_TYPE);
  }
});

t.test("too much or no data is refused, and nothing is stored", async (t) => {
  t.same(refusalOf(await put(at("empty", "e"), "")), refusal(400, "empty body"));
  t.same(refusalOf(await call("PUT", at("empty", "e"), { chunks: [] })), refusal(400, "empty body"));
  t.match(refusalOf(await put(at("empty", "e"), Buffer.alloc(BODY_BYTES_MAX + 1, "x"))), {
    status: 413,
    error: { error: /larger/ },
  });
  t.equal((await get(at("empty", "e"))).status, 404);
  await put(at("empty", "e"), "1");
  t.equal((await put(at("empty", "e"), "")).status, 400);
  t.same(await versionsOf("empty", "e"), [1]);
});

t.test("project and name are one segment each, with any characters", async (t) => {
  const names = [
    "a/b",
    "a//b",
    "/",
    "//",
    ".",
    "..",
    "../x",
    "a b",
    "a+b",
    "a%20b",
    "%2F",
    "?&=#",
    "'\"<>\\",
    "\u00e9",
    "e\u0301",
    "\u{1F600}",
    "__proto__",
    "constructor",
    "history",
    "K",
    "k",
  ];
  for (const name of names) {
    t.match(
      (await put(at(name, name), JSON.stringify(name))).json(),
      { project: name, name, version: 1 },
      `${name} is stored as a spec of its own`,
    );
    await put(at("every", name), "1");
  }
  for (const name of names) t.equal((await get(at(name, name))).json(), name, `${name} is read`);
  t.equal((await get("/api/specs/a%2Fb/a%2fb")).json(), "a/b");
  t.equal((await get("/api/specs/a/b")).status, 404, "a/b in project and name is another spec than a and b");
  t.match(await get("/api/specs/a/b/c"), { status: 404 }, "three segments are not a spec");
  t.same(refusalOf(await get("/api/specs/a/b")), refusal(404, "spec not found: a/b"));
  const listed = (await get("/api/specs/every"))
    .json<{ readonly specs: readonly Written[] }>()
    .specs.map(({ name }) => name);
  t.same(listed, names.toSorted(byBytes), "by name");
  const { projects } = (await get("/api/specs")).json<{
    readonly projects: readonly { readonly project: string; readonly specs: number }[];
  }>();
  const mine = projects.filter(({ project }) => names.includes(project));
  t.same(
    mine.map(({ project }) => project),
    names.toSorted(byBytes),
    "projects in order",
  );
  t.ok(mine.every(({ specs }) => specs === 1));
  t.equal(projects.find(({ project }) => project === "every")?.specs, names.length);
  for (const name of names) t.same((await call("DELETE", at(name, name))).json(), { deleted: `${name}/${name}` });
});

t.test("an invalid project or name is refused", async (t) => {
  const long = "k".repeat(KEY_BYTES_MAX);
  const rows: readonly (readonly [path: string, error: RegExp])[] = [
    [`/api/specs/p/${long}`, /1024 characters/],
    [`/api/specs/${long}/n`, /1024 characters/],
    ["/api/specs/p/a%00b", /control characters/],
    ["/api/specs/a%1Fb/n", /control characters/],
    ["/api/specs/p/%7F", /control characters/],
    ["/api/specs/p/%", /escape/],
    ["/api/specs/%zz/n", /escape/],
    ["/api/specs/p/%FF", /escape/],
  ];
  const before = (await get("/api/specs")).text;
  await checkRefusedPaths(t, space, rows);
  t.equal(
    (await put(at("k".repeat(KEY_BYTES_MAX / 2), "n".repeat(KEY_BYTES_MAX / 2 - 1)), "1")).status,
    200,
    "both are accepted at their greatest length",
  );
  await call("DELETE", at("k".repeat(KEY_BYTES_MAX / 2), "n".repeat(KEY_BYTES_MAX / 2 - 1)));
  t.equal((await get("/api/specs")).text, before, "nothing was stored");
});

t.test("HEAD is GET without its body", async (t) => {
  for (const value of ["1", "22"]) await put(at("head", "h"), value);
  for (const path of [
    at("head", "h"),
    at("head", "h", "?version=1"),
    at("head", "h", "?history=1"),
    at("head", "h", "?diff=1,2"),
    at("head", "h", "?version=9"),
    "/api/specs",
    "/api/specs/head",
  ]) {
    const whole = await get(path);
    const head = await call("HEAD", path);
    t.equal(head.status, whole.status, path);
    t.equal(head.body.length, 0);
    for (const name of ["content-type", "etag", "x-koor-version"])
      t.equal(head.headers[name], whole.headers[name], `${path} ${name}`);
  }
});

t.test("old versions stay readable, with their own headers", async (t) => {
  for (const value of ["1", "22", "333"]) await put(at("versions", "v"), value);
  for (const [index, value] of ["1", "22", "333"].entries()) {
    const answer = await get(at("versions", "v", `?version=${index + 1}`));
    t.equal(answer.text, value);
    t.match(answer.headers, {
      etag: `"${hashOf(value)}"`,
      "x-koor-version": String(index + 1),
      "content-type": JSON_TYPE,
      "x-content-type-options": "nosniff",
    });
  }
  t.same(
    refusalOf(await get(at("versions", "v", "?version=4"))),
    refusal(404, "version 4 not found for spec: versions/v"),
  );
  t.same(
    refusalOf(await get(at("versions", "not", "?version=1"))),
    refusal(404, "version 1 not found for spec: versions/not"),
  );
  for (const number of ["0", "-1", "x", ""])
    t.same(
      refusalOf(await get(at("versions", "v", `?version=${number}`))),
      refusal(400, "version must be a positive integer"),
      `version=${number}`,
    );
});

t.test("history is newest first, the current version included", async (t) => {
  const count = HISTORY_ROWS_DEFAULT + 5;
  for (let number = 1; number <= count; number++) await put(at("history", "a/b"), `${number}`);
  const history = (await get(at("history", "a/b", "?history=1"))).json<History & Written>();
  t.same(Object.keys(history), ["project", "name", "versions"]);
  t.match(history, { project: "history", name: "a/b" });
  t.same(
    history.versions.map(({ version }) => version),
    Array.from({ length: HISTORY_ROWS_DEFAULT }, (_, index) => count - index),
    "50 by default",
  );
  t.same(Object.keys(history.versions[0] ?? {}), [
    "project",
    "name",
    "version",
    "hash",
    "content_type",
    "updated_at",
    "updated_by",
  ]);
  t.match(history.versions[0], {
    project: "history",
    name: "a/b",
    version: count,
    hash: hashOf(String(count)),
    content_type: JSON_TYPE,
    updated_at: TIMESTAMP,
    updated_by: "",
  });
  t.same(
    (await get(at("history", "a/b", "?history=1&limit=2"))).json<History>().versions.map(({ version }) => version),
    [count, count - 1],
  );
  t.same(refusalOf(await get(at("history", "not", "?history=1"))), refusal(404, "spec not found: history/not"));
  t.same(
    refusalOf(await get(at("history", "a/b", "?history=1&limit=0"))),
    refusal(400, "limit must be a positive integer"),
  );
});

t.test("a rollback stores old bytes as a new version, and brings a deleted spec back", async (t) => {
  for (const value of ["1", "2"]) await put(at("back", "b/c"), value);
  const answer = await call("POST", at("back", "b/c", "?rollback=1"));
  t.equal(answer.status, 200);
  t.same(Object.keys(answer.json<object>()), ["project", "name", "version", "hash", "rolled_back", "updated_at"]);
  t.match(answer.json(), {
    project: "back",
    name: "b/c",
    version: 3,
    hash: hashOf("1"),
    rolled_back: 1,
    updated_at: TIMESTAMP,
  });
  t.equal((await get(at("back", "b/c"))).text, "1");
  t.same(await versionsOf("back", "b/c"), [3, 2, 1]);
  t.same(
    refusalOf(await call("POST", at("back", "b/c", "?rollback=9"))),
    refusal(404, "version 9 not found for spec: back/b/c"),
  );
  t.same(refusalOf(await call("POST", at("back", "not", "?rollback=1"))), refusal(404, "spec not found: back/not"));
  for (const query of ["", "?rollback=", "?rollback=0", "?rollback=x"])
    t.match(
      refusalOf(await call("POST", at("back", "b/c", query))),
      { status: 400, error: { error: /^rollback / } },
      query,
    );
  await call("DELETE", at("back", "b/c"));
  t.same(await versionsOf("back", "b/c"), [3, 2, 1], "the history stays readable");
  t.match((await call("POST", at("back", "b/c", "?rollback=2"))).json(), { version: 4 });
  await call("DELETE", at("back", "b/c"));
  t.match((await put(at("back", "b/c"), "5")).json(), { version: 5 }, "versions never repeat");
});

t.test("a diff compares two versions", async (t) => {
  for (const value of ['{"version":"1.0","c":[1,2]}', '{"version":"3.0","b":1}', "not json"])
    await put(at("diff", "d"), value);
  t.same((await get(at("diff", "d", "?diff=1,2"))).json(), {
    project: "diff",
    name: "d",
    v1: 1,
    v2: 2,
    diffs: [
      { operation: "add", path: "/b", new_value: 1 },
      { operation: "remove", path: "/c", old_value: [1, 2] },
      { operation: "replace", path: "/version", old_value: "1.0", new_value: "3.0" },
    ],
  });
  t.match(refusalOf(await get(at("diff", "d", "?diff=1,3"))), { status: 400, error: { error: /version 3/ } });
  t.same(refusalOf(await get(at("diff", "d", "?diff=1,9"))), refusal(404, "version 9 not found for spec: diff/d"));
  t.equal((await get(at("diff", "not", "?diff=1,2"))).status, 404);
  t.match(refusalOf(await get(at("diff", "d", "?diff=1"))), { status: 400, error: { error: /^diff / } });
});

t.test("conditional reads work as in every versioned space", async (t) => {
  await checkConditionalReads(t, space);
});
t.test("compare-and-swap works as in every versioned space", async (t) => {
  await checkCompareAndSwap(t, space);
});
t.test("of writers that race on one version, one wins", async (t) => {
  await checkRace(t, space);
});

t.test("concurrent writes get a version each, and a read sees every answered write", async (t) => {
  const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => put(at("race", "r"), `${index}`)));
  t.same(
    answers.map((answer) => answer.json<Written>().version).toSorted((a, b) => a - b),
    Array.from({ length: 40 }, (_, index) => index + 1),
  );
  for (let number = 1; number <= 20; number++) {
    await put(at("race", "fresh"), String(number));
    t.equal((await get(at("race", "fresh"))).text, String(number));
  }
});

t.test("a state key and a spec of the same name are independent", async (t) => {
  await call("PUT", "/api/state/two/things", { body: "1" });
  t.equal((await get(at("two", "things"))).status, 404);
  t.match((await put(at("two", "things"), "22")).json(), { version: 1 });
  t.equal((await get("/api/state/two/things")).text, "1");
});

t.test("a long list is whole", async (t) => {
  const names = Array.from({ length: 700 }, (_, index) => `n${String(index).padStart(4, "0")}`);
  for (let from = 0; from < names.length; from += 50)
    await Promise.all(names.slice(from, from + 50).map((name) => put(at("many", name), "1")));
  t.same(
    (await get("/api/specs/many")).json<{ readonly specs: readonly Written[] }>().specs.map(({ name }) => name),
    names,
  );
});

t.test("each write leaves a row in the audit log, and so does a refused one", async (t) => {
  interface Row {
    readonly id: number;
    readonly action: string;
    readonly resource: string;
    readonly outcome: string;
    readonly detail: string;
  }
  const newest = async (limit: number): Promise<Row[]> => (await get(`/api/audit?limit=${limit}`)).json<Row[]>();
  const path = at("audited/p", "n");
  const resource = "audited/p/n";
  const steps: readonly (readonly [answer: () => Promise<Answer>, status: number, action: string])[] = [
    [() => put(path, "1"), 200, "spec.put"],
    [() => put(path, ""), 400, "spec.put"],
    [() => put(`${path}?if_version=9`, "1"), 412, "spec.put"],
    [() => put(path, Buffer.alloc(BODY_BYTES_MAX + 1)), 413, "spec.put"],
    [() => put(path, "1", { Origin: "http://evil.example" }), 403, "spec.put"],
    [() => call("POST", `${path}?rollback=1`), 200, "spec.rollback"],
    [() => call("POST", `${path}?rollback=9`), 404, "spec.rollback"],
    [() => call("POST", path), 400, "spec.rollback"],
    [() => call("DELETE", `${path}?if_version=9`), 412, "spec.delete"],
    [() => call("DELETE", path), 200, "spec.delete"],
    [() => call("DELETE", path), 404, "spec.delete"],
  ];
  for (const [make, status, action] of steps) {
    const before = (await newest(1))[0]?.id ?? 0;
    const answer = await make();
    t.equal(answer.status, status, `${action} ${status}`);
    const rows = (await newest(5)).filter(({ id }) => id > before);
    t.equal(rows.length, 1, "one row");
    t.match(rows[0], { action, resource, outcome: status === 200 ? "success" : "error" });
    if (status !== 200) t.match(JSON.parse(rows[0]?.detail ?? ""), { code: status });
  }
  const before = (await newest(1))[0]?.id;
  for (const read of [path, "/api/specs", "/api/specs/audited%2Fp", `${path}?history=1`]) await get(read);
  t.equal((await newest(1))[0]?.id, before, "reads leave none");
});

t.test("specs outlive the server", async (t) => {
  // A cluster keeps the settings that it was started with.
  const args = ["--state-history", "1"];
  const first = await startKoor(t, { args: CLUSTER === "" ? [] : args });
  const ask = (port: number, method: string, path: string, body?: string): Promise<Answer> =>
    send(port, method, path, body === undefined ? {} : { body });
  await ask(first.port, "PUT", at("p", "stays"), "1");
  await ask(first.port, "PUT", at("p", "goes"), "1");
  await ask(first.port, "DELETE", at("p", "goes"));
  t.equal(await first.stop(), 0);
  const second = await startKoor(t, { data_dir: first.data_dir, args });
  t.equal((await ask(second.port, "GET", at("p", "stays"))).text, "1");
  t.equal((await ask(second.port, "GET", at("p", "goes"))).status, 404);
  t.match((await ask(second.port, "PUT", at("p", "goes"), "2")).json(), { version: 2 });
  t.equal(
    (await ask(second.port, "GET", at("p", "goes", "?version=1"))).status,
    404,
    "a spec keeps as many versions as a state key",
  );
});
