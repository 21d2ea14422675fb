/**
 * Tests "Backup" of the HTTP API against real servers: all stored data comes out as one consistent snapshot, and goes
 * into an empty server as a whole or not at all; ids and versions continue.
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { BODY_BYTES_MAX } from "../schemas/limits/request-bodies.js";
import { VERSION } from "../schemas/version.js";
import { TIMESTAMP } from "./support/answers.js";
import { sampleRows } from "./support/test-size.js";
import { natsMissing, startNats } from "./support/nats-server.js";
import { send, sendJson, type Answer, type Refusal, type RequestOptions } from "./support/http-client.js";
import { startKoor, type Koor, type KoorOptions, type Owner } from "./support/server-process.js";
import { makeSnapshot, readSnapshot, type SnapshotLine } from "./support/snapshot.js";
import { betweenLooks } from "./support/between-looks.js";

const JSON_TYPE = "application/json";
const SECRET = "a-secret-of-a-webhook";

const ask = (koor: Koor, method: string, path: string, options: RequestOptions = {}): Promise<Answer> =>
  send(koor.port, method, path, options);
const put = async (koor: Koor, path: string, body: string | Uint8Array, type = JSON_TYPE): Promise<void> => {
  const { status, text } = await ask(koor, "PUT", path, { body, headers: { "Content-Type": type } });
  if (status !== 200) throw new Error(`${path}: ${text}`);
};
const backup = async (koor: Koor): Promise<string> => (await ask(koor, "GET", "/api/backup")).text;
const restore = (koor: Koor, snapshot: string | Uint8Array): Promise<Answer> =>
  ask(koor, "POST", "/api/restore", { body: snapshot });
const refusalOf = (answer: Answer): object => {
  const { error, code } = answer.json<Refusal>();
  return { status: answer.status, error, code };
};
const ofKind = (records: readonly SnapshotLine[], kind: string): SnapshotLine[] =>
  records.filter((record) => record["kind"] === kind);
const countsOf = (records: readonly SnapshotLine[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { kind } of records) counts[String(kind)] = (counts[String(kind)] ?? 0) + 1;
  return counts;
};

/** Writes some data of each kind. @returns the id and the token of its instance */
async function fill(koor: Koor): Promise<{ readonly id: string; readonly token: string }> {
  const { id, token } = (
    await sendJson(koor.port, "POST", "/api/instances/register", {
      name: "ana",
      workspace: "trucks",
      capabilities: ["review"],
    })
  ).json<{ id: string; token: string }>();
  await ask(koor, "POST", `/api/instances/${id}/activate`);
  await sendJson(koor.port, "POST", "/api/instances/register", { name: "ben" });
  await put(koor, "/api/state/plan/build", '{"step": 1,"n":12345678901234567890}');
  await ask(koor, "PUT", "/api/state/plan/build", { body: '{"step":2}', headers: { "X-Koor-Instance": id } });
  await put(koor, "/api/state/bytes", Buffer.from([0xff, 0, 10, 13]), "application/octet-stream");
  await put(koor, "/api/state/t%C3%A9xt", '\uFEFFline\nbreaks \u{1F600} "quoted"', "text/plain; charset=utf-8");
  for (let number = 1; number <= 130; number++) await put(koor, "/api/state/many", `${number}`);
  await put(koor, "/api/state/gone", "1");
  await put(koor, "/api/state/gone", "2");
  await ask(koor, "DELETE", "/api/state/gone");
  await put(koor, "/api/specs/a%2Fb/n%2Fm", '{"a":1}');
  await put(koor, "/api/specs/a%2Fb/n%2Fm", '{"a":2}');
  await put(koor, "/api/specs/p/gone", "1");
  await ask(koor, "DELETE", "/api/specs/p/gone");
  await ask(koor, "PUT", "/api/validate/p/rules", {
    body: '[{"rule_id":"r","pattern":"todo","severity":"warning","applies_to":["*.ts"]}]',
  });
  await sendJson(koor.port, "POST", "/api/rules/propose", { project: "p", rule_id: "proposed", pattern: "x+" });
  await sendJson(koor.port, "POST", "/api/webhooks", {
    id: "w",
    url: "http://127.0.0.1:9/",
    patterns: ["never.*"],
    secret: SECRET,
  });
  await ask(koor, "POST", "/api/templates", {
    body:
      '{"id":"t","name":"Style","kind":"bundle","tags":["a"],"data":{"rules":[{"rule_id":"r","pattern":"x+"}],' +
      '"contracts":{"c":{"kind":"contract","endpoints":{},"n":1.0}}}}',
  });
  await put(koor, "/api/specs/trucks/api", '{"kind":"contract","endpoints":{}}');
  await ask(koor, "POST", "/api/compliance/run");
  await ask(koor, "POST", "/api/events/publish", {
    body: '[{"topic":"a.b","data":{"n":1.0,"big":12345678901234567890}},{"topic":"a.c","data":"x\\ny","source":"ci"}]',
  });
  await sendJson(koor.port, "POST", "/api/llm/usage", {
    provider: "acme",
    model: "large",
    project: "trucks",
    tokens_in: 5,
    cost_usd: 0.1,
  });
  await ask(koor, "PUT", "/api/state/refused", { body: "" });
  return { id, token };
}

const original = await startKoor(t);
const known = await fill(original);
const snapshot = await backup(original);
const records = readSnapshot(snapshot);

t.test("the snapshot of an empty server has no records", async (t) => {
  const koor = await startKoor(t);
  const answer = await ask(koor, "GET", "/api/backup");
  t.equal(answer.status, 200);
  t.equal(answer.headers["content-type"], "application/x-ndjson");
  const [header, closing, ...rest] = answer.text.split("\n");
  t.match(JSON.parse(header ?? ""), { koor_backup: 1, created_at: TIMESTAMP, version: VERSION });
  t.same(Object.keys(JSON.parse(header ?? "") as object), ["koor_backup", "created_at", "version"]);
  t.match(JSON.parse(closing ?? ""), { end: true, counts: {}, sha256: /^[0-9a-f]{64}$/ });
  t.same(rest, [""]);
  const head = await ask(koor, "HEAD", "/api/backup");
  t.match(head, { status: 200, headers: { "content-type": "application/x-ndjson" } });
  t.equal(head.body.length, 0);
});

t.test("a snapshot has all data with its metadata", (t) => {
  const state = ofKind(records, "state");
  t.same(
    state
      .filter(({ key }) => key === "plan/build")
      .map(({ version, value, updated_by }) => [version, value, updated_by]),
    [
      [1, '{"step": 1,"n":12345678901234567890}', ""],
      [2, '{"step":2}', known.id],
    ],
  );
  t.match(
    state.find(({ key }) => key === "bytes"),
    { encoding: "base64", value: "/wAKDQ==", content_type: "application/octet-stream" },
  );
  t.match(
    state.find(({ key }) => key === "t\u00e9xt"),
    { encoding: undefined, value: '\uFEFFline\nbreaks \u{1F600} "quoted"', content_type: "text/plain; charset=utf-8" },
  );
  t.same(
    state.filter(({ key }) => key === "many").map(({ version }) => version),
    Array.from({ length: 130 }, (_, at) => at + 1),
    "every version",
  );
  t.same(
    state.filter(({ key }) => key === "gone").map(({ version, deleted }) => [version, deleted]),
    [
      [1, undefined],
      [2, true],
    ],
  );
  t.match(ofKind(records, "spec"), [
    { project: "a/b", name: "n/m", version: 1 },
    { project: "a/b", name: "n/m", version: 2, value: '{"a":2}' },
    { project: "p", name: "gone", deleted: true },
  ]);
  t.match(ofKind(records, "rule"), [
    { rule_id: "proposed", status: "proposed" },
    { rule_id: "r", status: "accepted", severity: "warning", applies_to: ["*.ts"] },
  ]);
  t.match(ofKind(records, "webhook"), [
    { id: "w", url: "http://127.0.0.1:9/", patterns: ["never.*"], active: true, fail_count: 0 },
  ]);
  t.match(ofKind(records, "instance"), [
    { id: known.id, name: "ana", status: "active", capabilities: ["review"] },
    { name: "ben", status: "pending" },
  ]);
  t.match(ofKind(records, "template"), [{ id: "t", template_kind: "bundle", tags: ["a"], version: 1 }]);
  t.match(ofKind(records, "compliance_run"), [{ id: 1, instance_id: known.id, project: "trucks", contract: "api" }]);
  t.match(ofKind(records, "usage"), [{ id: 1, provider: "acme", cost_usd: 0.1 }]);
  t.match(snapshot, '"data":{"n":1.0,"big":12345678901234567890}', "numbers keep their digits");
  t.ok(ofKind(records, "audit").some(({ outcome }) => outcome === "error"));
  t.notMatch(snapshot, SECRET, "it has no secret");
  t.notMatch(snapshot, known.token, "it has no token");
  t.notMatch(snapshot, /token_hash|"secret"/);
  t.end();
});

t.test("a webhook is restored with its last failure, and a snapshot without one is accepted as well", async (t) => {
  const koor = await startKoor(t);
  const made = { url: "http://127.0.0.1:9/", patterns: ["a"], active: false, created_at: "2026-02-09T14:00:00.000Z" };
  const fired = { last_fired: "2026-02-09T14:20:00.000Z" };
  const failed = { last_error: 'it said "no"', last_failure_at: "2026-02-09T14:25:00.000Z" };
  const webhooks = [
    { kind: "webhook", id: "failed", ...made, fail_count: 3, ...fired, ...failed },
    { kind: "webhook", id: "former", ...made, fail_count: 0, ...fired },
  ];
  t.equal((await restore(koor, makeSnapshot(webhooks))).status, 200);
  const nothingWaits = { pending: 0, dropped: 0, dead_letters: 0 };
  t.same((await ask(koor, "GET", "/api/webhooks")).json(), [
    { id: "failed", ...made, fail_count: 3, ...fired, ...failed, ...nothingWaits },
    { id: "former", ...made, fail_count: 0, ...fired, ...nothingWaits },
  ]);
  t.same(ofKind(readSnapshot(await backup(koor)), "webhook"), [
    webhooks[0],
    { ...webhooks[1], last_error: null, last_failure_at: null },
  ]);
});

t.test("a restored server has the same data, and its ids continue", async (t) => {
  const koor = await startKoor(t);
  const abort = new AbortController();
  const stream = await fetch(`${koor.url}/api/events/stream?pattern=**`, { signal: abort.signal });
  const answer = await restore(koor, snapshot);
  t.equal(answer.status, 200, answer.text);
  t.equal(answer.headers["content-type"], JSON_TYPE);
  t.same(answer.json(), { restored: countsOf(records) });

  const again = readSnapshot(await backup(koor));
  const own = again.filter((record) => record["kind"] === "audit").slice(ofKind(records, "audit").length);
  t.same(
    again.filter((record) => !own.includes(record)),
    records,
    "the same records",
  );
  t.match(
    own,
    [{ action: "restore", resource: "", outcome: "success", actor: "" }],
    "and a row of the restore after them",
  );
  t.same(JSON.parse(String(own[0]?.["detail"])), { restored: countsOf(records) });

  t.equal((await ask(koor, "GET", "/api/state/plan/build")).text, '{"step":2}');
  t.equal((await ask(koor, "GET", "/api/state/many?version=64")).text, "64");
  t.equal((await ask(koor, "GET", "/api/state/gone")).status, 404);
  t.equal((await ask(koor, "GET", "/api/state/gone?version=1")).text, "1");
  t.match((await ask(koor, "PUT", "/api/state/gone", { body: "3" })).json(), { version: 3 }, "versions continue");
  t.match((await ask(koor, "PUT", "/api/state/many", { body: "x" })).json(), { version: 131 });
  t.match((await ask(koor, "PUT", "/api/specs/p/gone", { body: "2" })).json(), { version: 2 });
  t.match((await ask(koor, "GET", "/api/state/plan/build?diff=1,2")).status, 200);
  t.match((await sendJson(koor.port, "POST", "/api/validate/p", { content: "a todo", filename: "x.ts" })).json(), {
    violations: [{ rule_id: "r" }],
  });
  t.match((await ask(koor, "POST", "/api/rules/p/proposed/accept")).status, 200);
  t.match((await sendJson(koor.port, "POST", "/api/templates/t/apply", { project: "fresh" })).json(), {
    applied: "t",
    kind: "bundle",
  });
  t.equal((await ask(koor, "GET", "/api/specs/fresh/c")).text, '{"kind":"contract","endpoints":{},"n":1.0}');
  t.match((await ask(koor, "GET", "/api/compliance/history")).json(), [{ id: 1, instance_id: known.id }]);
  t.match((await ask(koor, "GET", "/api/webhooks")).json(), [{ id: "w", active: true }]);
  t.match((await ask(koor, "DELETE", "/api/webhooks/w")).status, 200, "the writer has it, too");
  t.equal((await ask(koor, "GET", `/api/instances/${known.id}`)).status, 200);
  t.equal((await ask(koor, "POST", `/api/instances/${known.id}/heartbeat`)).status, 200);
  await ask(koor, "PUT", "/api/state/by", { body: "1", headers: { "X-Koor-Instance": known.id } });
  t.match((await ask(koor, "GET", "/api/state/by?history=1")).json(), { versions: [{ updated_by: known.id }] });
  t.match((await ask(koor, "GET", "/api/llm/usage")).json(), [{ id: 1, model: "large" }]);

  const newest = Number(ofKind(records, "event").at(-1)?.["id"]);
  const published = (await sendJson(koor.port, "POST", "/api/events/publish", { topic: "after" })).json<{
    readonly id: number;
  }>();
  t.equal(published.id, newest + 1, "event ids continue");
  t.equal(
    (await ask(koor, "GET", "/api/metrics")).json<{ readonly last_event_id: number }>().last_event_id,
    newest + 1,
  );
  let received = "";
  if (stream.body !== null) {
    for await (const chunk of stream.body) {
      received += Buffer.from(chunk).toString();
      if (received.includes('"after"')) break;
    }
  }
  abort.abort();
  t.equal([...received.matchAll(/^id: /gm)].length, 1, "subscribers do not get restored events");

  t.same(refusalOf(await restore(koor, snapshot)), {
    status: 409,
    error: "the server holds content: restore into an empty one",
    code: 409,
  });
  t.equal(await koor.stop(), 0);
  t.notMatch(koor.log(), /level=ERROR/);
  const later = await startKoor(t, { data_dir: koor.data_dir });
  t.equal((await ask(later, "GET", "/api/state/many")).text, "x");
  t.equal((await ask(later, "GET", `/api/instances/${known.id}`)).status, 200);
});

t.test("a wrong snapshot is refused, nothing of it is stored, and the server stays up", async (t) => {
  const koor = await startKoor(t);
  const lines = snapshot.split("\n");
  const without = (at: number): string => lines.filter((_, index) => index !== at).join("\n");
  const rows: readonly (readonly [what: string, body: string, says: string | RegExp])[] = [
    ["nothing", "", "the snapshot ends without its closing line"],
    ["something else", "hello", "line 1: it is no snapshot of Koor"],
    ["without its header", without(0), "line 1: it is no snapshot of Koor"],
    ["without its closing line", without(lines.length - 2), "the snapshot ends without its closing line"],
    ["cut in a line", snapshot.slice(0, snapshot.indexOf('{"end"') + 10), /^line \d+: it is not a JSON object$/],
    [
      "without a record",
      without(lines.length - 3),
      `line ${lines.length - 2}: the sum differs: the snapshot was changed or damaged`,
    ],
    ["with a changed value", snapshot.replace('{\\"step\\":2}', '{\\"step\\":3}'), /the sum differs/],
    ["with another sum", snapshot.replace(/"sha256":"."?/, '"sha256":"x'), /the sum differs/],
    ["with a record that is none", makeSnapshot([{ kind: "audit", id: 1 }]), "line 2: audit: timestamp is required"],
    ["twice", snapshot + snapshot, /stands after the closing line/],
  ];
  const errors = new Set<string>();
  for (const [what, body, says] of rows) {
    const answer = await restore(koor, body);
    t.match(refusalOf(answer), { status: 400, code: 400, error: says }, what);
    const { error } = answer.json<Refusal>();
    errors.add(error);
    const log = (await ask(koor, "GET", "/api/audit")).json<readonly SnapshotLine[]>();
    const row = log.find(({ detail }) => detail === JSON.stringify({ error, code: 400 }));
    t.match(row, { action: "restore", outcome: "error", resource: "" }, `${what}: the refusal has its row`);
    t.same(countsOf(readSnapshot(await backup(koor))), { audit: errors.size }, `${what}: nothing is stored`);
  }
  t.notOk(existsSync(join(koor.data_dir, "restore.db")), "no file of it is left");
  t.equal((await ask(koor, "GET", "/api/state")).text, "[]\n");
  t.match(await ask(koor, "GET", "/api/restore"), { status: 405 });

  const answer = await restore(koor, snapshot);
  t.equal(answer.status, 200, "refused calls do not count as content");
  const log = ofKind(readSnapshot(await backup(koor)), "audit");
  const restored = ofKind(records, "audit");
  t.same(log.slice(0, restored.length), restored, "restored rows keep their ids");
  t.same(
    log.slice(restored.length).map(({ id, action, outcome }) => [id, action, outcome]),
    [
      ...[...errors].map((_, at) => [Number(restored.at(-1)?.["id"]) + at + 1, "restore", "error"]),
      [Number(restored.at(-1)?.["id"]) + errors.size + 1, "restore", "success"],
    ],
    "ids of new rows continue after them",
  );
  const times = log.map(({ timestamp }) => Date.parse(String(timestamp)));
  t.same(
    times,
    times.toSorted((a, b) => a - b),
    "in the order of their times",
  );
  t.equal((await ask(koor, "PUT", "/api/state/x", { body: "1" })).status, 200);
});

t.test("a server with any content refuses a restore", async (t) => {
  const small = makeSnapshot([]);
  const makers: Readonly<Record<string, (koor: Koor) => Promise<unknown>>> = {
    "a spec": (koor) => put(koor, "/api/specs/p/n", "1"),
    "a deleted key": async (koor) => {
      await put(koor, "/api/state/k", "1");
      await ask(koor, "DELETE", "/api/state/k");
    },
    "an event": (koor) => sendJson(koor.port, "POST", "/api/events/publish", { topic: "t" }),
  };
  for (const [what, make] of sampleRows(Object.entries(makers), 1)) {
    const koor = await startKoor(t);
    t.match(await restore(koor, small), { status: 200 }, "an empty snapshot changes nothing");
    t.same((await restore(koor, small)).json(), { restored: {} });
    await make(koor);
    const before = readSnapshot(await backup(koor));
    t.equal((await restore(koor, small)).status, 409, what);
    t.match((await ask(koor, "GET", "/api/audit?limit=1")).json(), [{ action: "restore", outcome: "error" }]);
    t.same(readSnapshot(await backup(koor)).slice(0, before.length), before);
    await koor.stop("SIGKILL");
  }
});

t.test("a snapshot may have any size, and lines as long as a value", async (t) => {
  const first = await startKoor(t);
  const values = [Buffer.alloc(BODY_BYTES_MAX, 1), randomBytes(BODY_BYTES_MAX), Buffer.alloc(BODY_BYTES_MAX, "\u00e9")];
  for (const [at, value] of values.entries()) await put(first, `/api/state/large/${at}`, value, "text/plain");
  const { body } = await ask(first, "GET", "/api/backup");
  t.ok(body.length > 8 * BODY_BYTES_MAX);
  const second = await startKoor(t);
  function* pieces(): Generator<Buffer> {
    for (let at = 0; at < body.length; at += 300_000) yield body.subarray(at, at + 300_000);
  }
  const answer = await ask(second, "POST", "/api/restore", { chunks: pieces() });
  t.match(answer, { status: 200 }, answer.text);
  for (const [at, value] of values.entries())
    t.ok((await ask(second, "GET", `/api/state/large/${at}`)).body.equals(value), `value ${at}`);
});

t.test("a snapshot shows one moment, whatever is written meanwhile", async (t) => {
  const koor = await startKoor(t);
  const work = { goesOn: true, turns: 0 };
  const writer = (async () => {
    for (; work.goesOn; work.turns++) {
      await put(koor, "/api/state/first", `${work.turns}`);
      await put(koor, "/api/state/second", `${work.turns}`);
    }
  })();
  for (let round = 0; round < 12; round++) {
    const enough = work.turns + 3;
    while (work.turns < enough) await new Promise((resolve) => setImmediate(resolve));
    const state = ofKind(readSnapshot(await backup(koor)), "state");
    const newest = (key: string): number => Number(state.findLast((record) => record["key"] === key)?.["value"] ?? -1);
    t.ok(
      newest("first") === newest("second") || newest("first") === newest("second") + 1,
      `${newest("first")} and ${newest("second")}`,
    );
    for (const key of ["first", "second"]) {
      const versions = state.filter((record) => record["key"] === key);
      t.same(
        versions.map(({ version }) => version),
        versions.map((_, at) => at + 1),
      );
    }
  }
  work.goesOn = false;
  await writer;
});

async function guarded(owner: Owner, options: KoorOptions = {}): Promise<Koor> {
  return await startKoor(owner, { ...options, args: ["--auth-token", "s3cret"] });
}

t.test("backup and restore need the server's token", async (t) => {
  const koor = await guarded(t);
  const server = { Authorization: "Bearer s3cret" };
  const { token } = (await sendJson(koor.port, "POST", "/api/instances/register", { name: "ana" }, server)).json<{
    readonly token: string;
  }>();
  for (const [method, path] of [
    ["GET", "/api/backup"],
    ["POST", "/api/restore"],
  ] as const) {
    t.match(refusalOf(await ask(koor, method, path)), { status: 401 }, path);
    t.same(
      refusalOf(await ask(koor, method, path, { headers: { Authorization: `Bearer ${token}` } })),
      { status: 403, error: "this needs the server token", code: 403 },
      path,
    );
  }
  t.equal((await ask(koor, "GET", "/api/backup", { headers: server })).status, 200);
  const empty = await guarded(t);
  t.equal((await ask(empty, "POST", "/api/restore", { headers: server, body: snapshot })).status, 200);
  t.equal(
    (await ask(empty, "GET", "/api/state", { headers: { Authorization: `Bearer ${known.token}` } })).status,
    401,
    "the token of a restored instance is not valid",
  );
});

t.test("a client continues its session after a restore with the new token of its agent", async (t) => {
  const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });
  const server = bearer("s3cret");
  const register = async ({ port }: Koor): Promise<Record<string, string>> => {
    const answer = await sendJson(port, "POST", "/api/instances/register", { name: "ana" }, server);
    return bearer(answer.json<{ readonly token: string }>().token);
  };
  /** Sends an event of a session, and returns the status and the ids of the instances of this client's sessions. */
  const begin = async ({ port }: Koor, session: string, token: Record<string, string>): Promise<[number, string[]]> => {
    const body = { session_id: session, cwd: "/w", hook_event_name: "SessionStart" };
    const { status } = await sendJson(port, "POST", "/api/hooks/claude", body, token);
    const listed = (await send(port, "GET", "/api/instances", { headers: server })).json<
      { readonly id: string; readonly client?: string }[]
    >();
    return [status, listed.filter(({ client }) => client === "claude").map(({ id }) => id)];
  };
  const old = await guarded(t);
  const oldToken = await register(old);
  const [, own] = await begin(old, "s-own", oldToken);
  await begin(old, "s-shared", oldToken);
  const [, all] = await begin(old, "s-server", server);
  const body = (await send(old.port, "GET", "/api/backup", { headers: server })).text;
  const next = await guarded(t);
  t.equal((await send(next.port, "POST", "/api/restore", { body, headers: server })).status, 200);
  const newToken = await register(next);
  for (const session of ["s-server", "s-shared"])
    t.same(
      (await begin(next, session, server))[1].toSorted(),
      all.toSorted(),
      `the server's token continues ${session} with the same instance`,
    );
  t.equal((await begin(next, "s-shared", newToken))[0], 403, "a session that another token has continued meanwhile");
  t.equal((await begin(next, "s-server", newToken))[0], 403, "a session of the server's token");
  const events = await Promise.all([begin(next, "s-own", newToken), begin(next, "s-own", newToken)]);
  t.same(
    events.map(([status]) => status),
    [200, 200],
  );
  const [, after] = await begin(next, "s-own", newToken);
  t.equal(after.length, all.length, "one instance replaces the old one");
  t.notOk(
    after.some((id) => own.includes(id)),
    "no other token gets the old instance",
  );
  t.equal((await begin(next, "s-own", await register(next)))[0], 403, "the new session belongs to its token");
});

t.test("one restore runs at a time, and one that breaks off leaves nothing", async (t) => {
  const koor = await startKoor(t);
  let release: () => void = () => undefined;
  let begun: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  async function* slowly(): AsyncGenerator<string> {
    yield snapshot.slice(0, 2000);
    begun();
    await held;
    yield snapshot.slice(2000);
  }
  const first = ask(koor, "POST", "/api/restore", { chunks: slowly() });
  await started;
  while (!existsSync(join(koor.data_dir, "restore.db"))) await new Promise((resolve) => setImmediate(resolve));
  t.match(refusalOf(await restore(koor, snapshot)), { status: 503, error: "a restore is running, try again" });
  t.equal((await ask(koor, "GET", "/api/state")).text, "[]\n", "reads are answered");
  release();
  t.equal((await first).status, 200);

  const other = await startKoor(t);
  const cut = new AbortController();
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(snapshot.slice(0, 2000));
    await new Promise((resolve) => cut.signal.addEventListener("abort", resolve));
  }
  const broken = fetch(`${other.url}/api/restore`, {
    method: "POST",
    body: ReadableStream.from(endless()),
    duplex: "half",
    signal: cut.signal,
  }).catch(() => null);
  while (!existsSync(join(other.data_dir, "restore.db"))) await new Promise((resolve) => setImmediate(resolve));
  cut.abort();
  await broken;
  while (existsSync(join(other.data_dir, "restore.db"))) await new Promise((resolve) => setImmediate(resolve));
  while ((await restore(other, snapshot)).status === 503) await betweenLooks();
  t.equal((await ask(other, "GET", "/api/state/many")).text, "130", "the next restore is accepted");
});

t.test("a node of a cluster makes a snapshot and refuses to restore one", { skip: natsMissing() }, async (t) => {
  const nats = await startNats(t);
  const nodeOf = async (args: readonly string[], dataDir?: string): Promise<Koor> => {
    const options = { args: ["--cluster", nats.url, "--cluster-seed", ...args] };
    const node = await startKoor(t, dataDir === undefined ? options : { ...options, data_dir: dataDir });
    await node.logged(/state=ok/);
    return node;
  };
  const node = await nodeOf([]);
  t.same(refusalOf(await restore(node, snapshot)), {
    status: 409,
    error:
      "a node of a cluster takes no snapshot: stop the nodes, restore into a single server, and begin another " +
      "cluster from it with --cluster-seed and another --cluster-name",
    code: 409,
  });
  t.equal((await ask(node, "GET", "/api/state")).text, "[]\n");
  t.same(
    readSnapshot(await backup(node)).map(({ kind, action, outcome }) => ({ kind, action, outcome })),
    [{ kind: "audit", action: "restore", outcome: "error" }],
    "the refusal is audited",
  );

  const alone = await startKoor(t, { data_dir: t.testdir() });
  t.equal((await restore(alone, snapshot)).status, 200);
  await alone.stop();
  const begun = await nodeOf(["--cluster-name", "restored"], alone.data_dir);
  t.equal((await ask(begun, "GET", "/api/state/many")).text, "130", "another cluster can begin with it");
});
