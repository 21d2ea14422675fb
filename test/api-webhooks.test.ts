/**
 * Tests "Webhooks" of the HTTP API against real servers and a real receiver: creating, listing, testing, enabling and
 * deleting webhooks, the content of a delivery, retries, skipped events, the last failure, refusals, the audit rows,
 * and that secrets are shown nowhere.
 */
import { createHmac } from "node:crypto";
import { join } from "node:path";
import t from "tap";
import { PATTERN_BYTES_MAX } from "../schemas/limits/names.js";
import {
  WEBHOOK_FAILURES_MAX,
  WEBHOOK_HOPS_MAX,
  WEBHOOK_ID_BYTES_MAX,
  WEBHOOK_PATTERNS_MAX,
  WEBHOOK_RETRY_MS_MIN,
  WEBHOOK_SECRET_BYTES_MAX,
  WEBHOOKS_MAX,
} from "../schemas/limits/webhooks.js";
import { TIMESTAMP } from "./support/answers.js";
import { parseExposition } from "./support/exposition.js";
import { send, sendJson, type Answer, type Refusal } from "./support/http-client.js";
import { startReceiver, type Received } from "./support/receiver.js";
import { startKoor, type Koor, type Owner } from "./support/server-process.js";
import { openDatabase } from "../src/platform/store/sqlite/choice.js";
import { betweenLooks } from "./support/between-looks.js";

interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly patterns: readonly string[];
  readonly active: boolean;
  readonly created_at: string;
  readonly fail_count: number;
  readonly last_fired?: string;
  readonly last_error?: string;
  readonly last_failure_at?: string;
  readonly pending: number;
  readonly dropped: number;
  readonly dead_letters: number;
  readonly failing?: { readonly event_id: number; readonly since: string; readonly tries: number };
}
interface Event {
  readonly id: number;
  readonly topic: string;
  readonly data: unknown;
  readonly source: string;
  readonly created_at: string;
}
interface AuditRow {
  readonly action: string;
  readonly resource: string;
  readonly detail: string;
  readonly outcome: string;
  readonly count?: number;
}

/** Returns how many refused calls the rows count. */
function refusalsIn(rows: readonly AuditRow[]): number {
  return rows.reduce((sum, { count = 0 }) => sum + count, 0);
}

const SECRET = "nobody-may-read-this";
/** An address where no server listens: the port of a server that has ended. */
const NOWHERE = "http://127.0.0.1:1/";

const koor = await startKoor(t, { args: ["--log-level", "debug"] });

const add = (webhook: unknown, to: Koor = koor): Promise<Answer> => sendJson(to.port, "POST", "/api/webhooks", webhook);
const list = async (of: Koor = koor): Promise<Webhook[]> =>
  (await send(of.port, "GET", "/api/webhooks")).json<Webhook[]>();
const find = async (id: string, of: Koor = koor): Promise<Webhook | undefined> =>
  (await list(of)).find((webhook) => webhook.id === id);
const publish = async (topic: string, data: unknown = null, to: Koor = koor): Promise<Event> =>
  (await sendJson(to.port, "POST", "/api/events/publish", { topic, data, source: "test" })).json<Event>();
const deliveryOf = ({ headers }: Received): unknown => headers["x-koor-delivery"];
const audit = async (of: Koor = koor): Promise<AuditRow[]> =>
  (await send(of.port, "GET", "/api/audit?limit=1000")).json<AuditRow[]>();

/** Asks until the answer is as expected: results of deliveries are stored a moment later. */
async function until<Value>(ask: () => Promise<Value>, holds: (value: Value) => boolean): Promise<Value> {
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    await betweenLooks();
  }
}

t.test("a webhook can be created, listed and deleted, each with its audit row", async (t) => {
  t.same(await list(), []);
  const answer = await add({ id: "b", url: NOWHERE, patterns: ["made.*", "made.**"], secret: SECRET });
  t.equal(answer.status, 200);
  const made = answer.json<Webhook>();
  t.same(made, {
    id: "b",
    url: NOWHERE,
    patterns: ["made.*", "made.**"],
    active: true,
    created_at: made.created_at,
    fail_count: 0,
    pending: 0,
    dropped: 0,
    dead_letters: 0,
  });
  t.same(
    Object.keys(made),
    ["id", "url", "patterns", "active", "created_at", "fail_count", "pending", "dropped", "dead_letters"],
    "no secret, not fired yet",
  );
  t.match(made.created_at, TIMESTAMP);
  t.match((await add({ id: "a/ü", url: "https://receiver.example/hook?x=1" })).json(), {
    id: "a/ü",
    url: "https://receiver.example/hook?x=1",
    patterns: ["*"],
    active: true,
  });
  t.match((await add({ id: "c", url: NOWHERE, patterns: [] })).json(), { patterns: ["*"] }, "none means all");
  t.same(
    (await list()).map(({ id }) => id),
    ["a/ü", "b", "c"],
    "by id",
  );
  const again = await add({ id: "b", url: "http://other.example/" });
  t.equal(again.status, 409);
  t.same(again.json(), { error: "webhook already exists: b", code: 409 });
  t.match(await find("b"), { url: NOWHERE }, "it is as it was");

  t.same((await send(koor.port, "DELETE", "/api/webhooks/a%2F%C3%BC")).json(), { deleted: "a/ü" });
  for (const id of ["b", "c"]) t.equal((await send(koor.port, "DELETE", `/api/webhooks/${id}`)).status, 200);
  for (const [method, path] of [
    ["DELETE", "b"],
    ["POST", "b/test"],
    ["POST", "b/enable"],
    ["POST", "b/skip"],
    ["GET", "b/deliveries"],
    ["GET", "b/dead-letters"],
    ["GET", "b/dead-letters/1"],
    ["POST", "b/dead-letters/1/send"],
    ["DELETE", "b/dead-letters/1"],
  ] as const) {
    const unknown = await send(koor.port, method, `/api/webhooks/${path}`);
    t.equal(unknown.status, 404);
    t.same(unknown.json(), { error: "webhook not found: b", code: 404 });
  }
  t.same(await list(), []);
  t.same(
    (await audit()).toReversed().map(({ action, resource, outcome }) => `${action} ${resource} ${outcome}`),
    [
      "webhook.create b success",
      "webhook.create a/ü success",
      "webhook.create c success",
      "webhook.create b error",
      "webhook.delete a/ü success",
      "webhook.delete b success",
      "webhook.delete c success",
      "webhook.delete b error",
      "webhook.enable b error",
      "webhook.skip b error",
      "webhook.resend b error",
      "webhook.discard b error",
    ],
    "a test is not audited",
  );
});

t.test("a wrong webhook is a 400, stores nothing, and leaves an audit row", async (t) => {
  const refused: readonly (readonly [body: unknown, error: string | RegExp])[] = [
    [{ url: NOWHERE }, "id is required"],
    [{ id: "", url: NOWHERE }, "id is required"],
    [{ id: "x" }, "url is required"],
    [{ id: "x", url: "" }, "url is required"],
    [{ id: 5, url: NOWHERE }, "id must be a string"],
    [{ id: "x", url: "ftp://files.example/" }, "url must be an http or https URL"],
    [{ id: "x", url: "receiver.example" }, "url must be an http or https URL"],
    [{ id: "x", url: "http://recei\nver.example/" }, "url must not contain control characters"],
    [{ id: "x", url: "javascript:alert(1)" }, "url must be an http or https URL"],
    [{ id: "x", url: "file:///etc/passwd" }, "url must be an http or https URL"],
    [{ id: "x", url: "http://me:pw@receiver.example/" }, "url must not contain credentials"],
    [
      { id: "x", url: "http://169.254.169.254/latest/meta-data" },
      "address refused: cloud metadata addresses are never called",
    ],
    [{ id: "x", url: "http://[::ffff:a9fe:a9fe]/" }, "address refused: cloud metadata addresses are never called"],
    [{ id: "x", url: "http://0xA9FEA9FE/" }, "address refused: cloud metadata addresses are never called"],
    [
      { id: "x", url: "http://metadata.google.internal/" },
      "address refused: cloud metadata addresses are never called",
    ],
    [{ id: "x", url: NOWHERE, patterns: "a.*" }, "patterns must be an array"],
    [{ id: "x", url: NOWHERE, patterns: [1] }, "patterns[0] must be a string"],
    [{ id: "x", url: NOWHERE, patterns: ["ok", "["] }, 'malformed pattern "["'],
    [
      { id: "x", url: NOWHERE, patterns: ["x".repeat(PATTERN_BYTES_MAX + 1)] },
      `patterns[0] is longer than ${PATTERN_BYTES_MAX} characters`,
    ],
    [
      { id: "x", url: NOWHERE, patterns: Array.from({ length: WEBHOOK_PATTERNS_MAX + 1 }, () => "a") },
      `patterns must have at most ${WEBHOOK_PATTERNS_MAX} items`,
    ],
    [{ id: "x", url: NOWHERE, secret: 5 }, "secret must be a string"],
    [
      { id: "x", url: NOWHERE, secret: "x".repeat(WEBHOOK_SECRET_BYTES_MAX + 1) },
      `secret is longer than ${WEBHOOK_SECRET_BYTES_MAX} characters`,
    ],
    [
      { id: "x".repeat(WEBHOOK_ID_BYTES_MAX + 1), url: NOWHERE },
      `id is longer than ${WEBHOOK_ID_BYTES_MAX} characters`,
    ],
    [{ id: "a\nb", url: NOWHERE }, "id must not contain control characters"],
    ["[]", "the body must be an object"],
    ["{", "malformed JSON body"],
  ];
  for (const [body, error] of refused) {
    const counted = refusalsIn(await audit());
    const answer = await add(body);
    t.equal(answer.status, 400, JSON.stringify(body).slice(0, 80));
    t.match(answer.json<Refusal>(), { error, code: 400 });
    const after = await audit();
    t.equal(refusalsIn(after), counted + 1);
    const readable = typeof body === "object" && answer.json<{ readonly details?: unknown }>().details === undefined;
    const resource = readable ? (body as { readonly id: string }).id : "";
    const detail = JSON.stringify({ error: answer.json<Refusal>().error, code: 400 });
    t.ok(
      after.some((row) => row.action === "webhook.create" && row.resource === resource && row.detail === detail),
      "its row, or that of the same refusal before",
    );
  }
  t.same(await list(), []);
  t.match((await send(koor.port, "PUT", "/api/webhooks")).headers, { allow: "GET, HEAD, POST" });
});

t.test("a delivery has its content, its headers and its signature", async (t) => {
  const receiver = await startReceiver(t);
  await add({ id: "signed", url: `${receiver.url}/signed?a=b`, patterns: ["said.*", "*.also"], secret: SECRET });
  await add({ id: "plain", url: `${receiver.url}/plain`, patterns: ["said.**"] });
  const answer = await send(koor.port, "POST", "/api/events/publish", {
    body: '{"topic":"said.also","data":{"n":12345678901234567890,"f":1.0,"t":"ü\\n"},"source":"me"}',
  });
  const event = answer.json<Event>();
  await receiver.untilCount(2);
  const byPath = new Map(receiver.requests.map((request) => [request.path, request]));
  const signed = byPath.get("/signed?a=b") as Received;
  const plain = byPath.get("/plain") as Received;
  t.equal(signed.method, "POST");
  t.equal(
    signed.body,
    '{"topic":"said.also","data":{"n":12345678901234567890,"f":1.0,"t":"ü\\n"},"source":"me",' +
      `"event_id":${event.id},"created_at":"${event.created_at}"}`,
  );
  t.equal(plain.body, signed.body);
  t.match(signed.headers, {
    "content-type": "application/json",
    "x-koor-event": "true",
    "content-length": String(Buffer.byteLength(signed.body)),
  });
  t.equal(signed.headers["x-koor-signature"], createHmac("sha256", SECRET).update(signed.body).digest("hex"));
  t.equal(plain.headers["x-koor-signature"], undefined);
  t.match(signed.headers["x-koor-delivery"], /^[0-9a-f]{32}$/);
  t.not(signed.headers["x-koor-delivery"], plain.headers["x-koor-delivery"]);
  const large = await publish("said.large", "x".repeat(300_000));
  await publish("unsaid.nothing");
  await publish("said.more.than.that");
  await receiver.until(() => receiver.ids("/plain").length === 3 && receiver.ids("/signed?a=b").length === 2);
  const big = receiver.requests.find(
    ({ path, body }) => path.startsWith("/signed") && body.includes(`"event_id":${large.id}`),
  );
  t.equal(
    big?.headers["x-koor-signature"],
    createHmac("sha256", SECRET)
      .update(big?.body ?? "")
      .digest("hex"),
    "a large body is signed as well",
  );
  const fired = await until(
    () => find("plain"),
    (webhook) => webhook?.last_fired !== undefined,
  );
  t.match(fired, { active: true, fail_count: 0, last_fired: TIMESTAMP });
  t.ok(receiver.connections <= 4, `${receiver.connections} connections for 5 deliveries: they are kept`);
  for (const id of ["signed", "plain"]) await send(koor.port, "DELETE", `/api/webhooks/${id}`);
});

t.test("events of every source are delivered in their order", async (t) => {
  const loud = await startKoor(t, { args: ["--state-events"] });
  const receiver = await startReceiver(t);
  await add({ id: "all", url: receiver.url }, loud);
  await send(loud.port, "PUT", "/api/state/k", { body: "1" });
  await sendJson(loud.port, "POST", "/api/llm/usage", { provider: "p", model: "m" });
  await sendJson(
    loud.port,
    "POST",
    "/api/events/publish",
    Array.from({ length: 100 }, (_, at) => ({ topic: "many", data: at })),
  );
  await send(loud.port, "DELETE", "/api/state/k");
  await receiver.untilCount(103);
  t.same(
    receiver.ids(),
    Array.from({ length: 103 }, (_, at) => at + 1),
  );
  const topics = receiver.requests.map(({ body }) => (JSON.parse(body) as { topic: string }).topic);
  t.same(
    [topics[0], topics[1], topics[2], topics[102]],
    ["koor.state.updated", "llm.usage.recorded", "many", "koor.state.deleted"],
  );
});

t.test("a test delivery is sent at once, and changes nothing", async (t) => {
  const receiver = await startReceiver(t);
  await add({ id: "w", url: receiver.url, patterns: ["never"], secret: SECRET });
  const rows = (await audit()).length;
  const answer = await send(koor.port, "POST", "/api/webhooks/w/test");
  t.equal(answer.status, 200);
  t.same(answer.json(), { tested: "w", status: "ok" });
  const [request] = receiver.requests;
  t.match(JSON.parse(request?.body ?? ""), {
    topic: "webhook.test",
    data: { webhook: "w" },
    source: "webhooks",
    event_id: 0,
  });
  t.same(Object.keys(JSON.parse(request?.body ?? "") as object), ["topic", "data", "source", "event_id", "created_at"]);
  t.match(request?.headers, {
    "x-koor-event": "true",
    "x-koor-signature": createHmac("sha256", SECRET)
      .update(request?.body ?? "")
      .digest("hex"),
  });
  receiver.behave = () => 503;
  const failed = await send(koor.port, "POST", "/api/webhooks/w/test");
  t.equal(failed.status, 400);
  t.same(failed.json(), { error: `webhook test failed: 127.0.0.1:${receiver.port} answered 503`, code: 400 });
  await add({ id: "dead", url: NOWHERE, patterns: ["never"] });
  t.same((await send(koor.port, "POST", "/api/webhooks/dead/test")).json(), {
    error: "webhook test failed: cannot reach 127.0.0.1:1: connection refused",
    code: 400,
  });
  const webhook = await find("w");
  t.match(webhook, { fail_count: 0, active: true });
  t.same(
    Object.keys(webhook ?? {}),
    ["id", "url", "patterns", "active", "created_at", "fail_count", "pending", "dropped", "dead_letters"],
    "it has not fired, and nothing failed",
  );
  t.equal((await audit()).length, rows + 1, "a row for the second webhook, none for the tests");
  t.not(receiver.requests[0]?.headers["x-koor-delivery"], receiver.requests[1]?.headers["x-koor-delivery"]);
  for (const id of ["w", "dead"]) await send(koor.port, "DELETE", `/api/webhooks/${id}`);
});

t.test("only a 2xx counts as delivered, and a redirect is not followed but reported with its target", async (t) => {
  let answer: readonly [number, (string | undefined)?] = [301, "/target"];
  const receiver = await startReceiver(t, ({ path }, response) => {
    if (path === "/target") return 200;
    const [status, location] = answer;
    response.writeHead(status, location === undefined ? {} : { Location: location }).end();
    return undefined;
  });
  const of = `127.0.0.1:${receiver.port} answered`;
  await add({ id: "moved", url: `${receiver.url}/old`, patterns: ["redirect"] });
  const event = await publish("redirect");
  t.match(
    await until(
      () => find("moved"),
      (webhook) => webhook?.last_error !== undefined,
    ),
    {
      active: true,
      pending: 1,
      last_error: `${of} 301 with Location /target, which is not followed`,
      failing: { event_id: event.id, since: TIMESTAMP, next_try_at: TIMESTAMP },
    },
  );
  for (const [status, location, error] of [
    [302, "/target", `${of} 302 with Location /target, which is not followed`],
    [304, undefined, `${of} 304`],
    [308, `/${"x".repeat(2_000)}`, `${of} 308 with Location /${"x".repeat(199)}…, which is not followed`],
    [300, undefined, `${of} 300`],
    [404, "/target", `${of} 404`],
    [500, undefined, `${of} 500`],
  ] as const) {
    answer = [status, location];
    const tested = await send(koor.port, "POST", "/api/webhooks/moved/test");
    t.same(tested.json(), { error: `webhook test failed: ${error}`, code: 400 });
  }
  t.same(receiver.ids("/target"), [], "nothing went there");
  answer = [202];
  await until(
    () => find("moved"),
    (webhook) => webhook?.last_fired !== undefined,
  );
  const delivered = (await find("moved"))?.pending;
  t.equal(delivered, 0, "the event was not lost");
  await send(koor.port, "DELETE", "/api/webhooks/moved");
});

t.test("a refused event can be skipped, seen, sent again and dropped, and the log has all tries", async (t) => {
  const refused = new Set<number>();
  const receiver = await startReceiver(t, ({ body }) => {
    const { event_id } = JSON.parse(body) as { readonly event_id: number };
    return refused.has(event_id) ? 422 : 200;
  });
  const ask = (method: string, path: string): Promise<Answer> => send(koor.port, method, `/api/webhooks/picky${path}`);
  t.equal((await add({ id: "picky", url: receiver.url, patterns: ["picky"] })).status, 200);
  t.match((await ask("POST", "/skip")).json(), { code: 409, error: "no event waits for this webhook" });
  receiver.behave = () => 422;
  const ids = [await publish("picky", { n: 1.0 }), await publish("picky"), await publish("picky")].map(({ id }) => id);
  const [first = 0, second = 0, third = 0] = ids;
  refused.add(first).add(second);
  await until(
    () => find("picky"),
    (webhook) => webhook?.failing !== undefined && webhook.pending === 3,
  );
  t.match((await ask("POST", `/skip?event_id=${second}`)).json(), {
    code: 409,
    error: `event ${second} is not the next one: event ${first} is`,
  });
  t.equal((await ask("POST", "/skip?event_id=0")).status, 400);
  t.same((await ask("POST", `/skip?event_id=${first}`)).json(), { id: "picky", skipped: first });
  t.same((await ask("POST", "/skip")).json(), { id: "picky", skipped: second }, "the next one, whichever it is");
  receiver.behave = ({ body }) => (refused.has((JSON.parse(body) as { event_id: number }).event_id) ? 422 : 200);
  t.match(
    await until(
      () => find("picky"),
      (webhook) => webhook?.last_fired !== undefined,
    ),
    { pending: 0, dead_letters: 2, fail_count: 0, active: true },
    "the next events are delivered",
  );
  const letters = (await ask("GET", "/dead-letters")).json<{ readonly error: string }[]>();
  t.match(letters, [
    { event_id: first, topic: "picky", set_aside_at: TIMESTAMP, error: /^skipped: .* answered 422$/ },
    { event_id: second, topic: "picky", error: /^skipped/ },
  ]);
  t.match((await ask("GET", `/dead-letters/${first}`)).json(), { topic: "picky", data: { n: 1 }, event_id: first });

  const failed = await ask("POST", `/dead-letters/${first}/send`);
  t.same(failed.json(), { error: `webhook delivery failed: 127.0.0.1:${receiver.port} answered 422`, code: 400 });
  refused.clear();
  t.same((await ask("POST", `/dead-letters/${first}/send`)).json(), { id: "picky", sent: first });
  t.same(receiver.ids().slice(-2), [first, first]);
  t.equal(
    new Set(receiver.requests.filter(({ body }) => body.includes(`"event_id":${first},`)).map(deliveryOf)).size,
    1,
    "under the same delivery id",
  );
  t.same((await ask("DELETE", `/dead-letters/${second}`)).json(), { id: "picky", discarded: second });
  for (const [method, path] of [
    ["POST", `/dead-letters/${first}/send`],
    ["GET", `/dead-letters/${first}`],
    ["DELETE", `/dead-letters/${second}`],
    ["DELETE", "/dead-letters/x"],
  ] as const)
    t.equal((await ask(method, path)).status, 404, `${method} ${path}`);

  const log = (await ask("GET", "/deliveries")).json<readonly object[]>();
  t.match(log[0], { at: TIMESTAMP, event_id: first, outcome: "delivered", status: 200 });
  t.match(log[1], { event_id: first, outcome: "failed", status: 422, error: /answered 422$/ });
  t.match(log[2], { event_id: third, attempt: 1, outcome: "delivered" });
  t.match(log.at(-1), { event_id: first, attempt: 1, outcome: "failed" });
  t.same(
    (await audit())
      .filter(({ resource, outcome }) => resource === "picky" && outcome === "success")
      .map(({ action, detail }) => [action, JSON.parse(detail) as unknown]),
    [
      ["webhook.discard", { event_id: second }],
      ["webhook.resend", { event_id: first, delivered: true }],
      ["webhook.resend", { event_id: first, delivered: false }],
      ["webhook.skip", { event_id: second }],
      ["webhook.skip", { event_id: first }],
      ["webhook.create", { patterns: ["picky"], signed: false }],
    ],
  );
  await send(koor.port, "DELETE", "/api/webhooks/picky");
});

t.test("a failed delivery is tried again with the same id, before later events, and a success resets", async (t) => {
  let failures = 3;
  const receiver = await startReceiver(t, () => (failures-- > 0 ? 500 : 204));
  await add({ id: "shaky", url: receiver.url, patterns: ["shaky"] });
  const [first, second] = [await publish("shaky", 1), await publish("shaky", 2)];
  await until(
    () => find("shaky"),
    (webhook) => (webhook?.fail_count ?? 0) > 0,
  );
  await receiver.untilCount(5);
  t.same(receiver.ids(), [first.id, first.id, first.id, first.id, second.id]);
  t.equal(new Set(receiver.requests.slice(0, 4).map(({ headers }) => headers["x-koor-delivery"])).size, 1);
  const [one, two, three] = receiver.requests.map(({ at_ms }) => at_ms) as [number, number, number];
  t.ok(two - one >= WEBHOOK_RETRY_MS_MIN - 1, `the first retry came after ${two - one} ms`);
  t.ok(three - two >= 2 * WEBHOOK_RETRY_MS_MIN - 1, `the second after ${three - two} ms`);
  t.match(
    await until(
      () => find("shaky"),
      (webhook) => webhook?.last_fired !== undefined,
    ),
    { fail_count: 0, active: true },
  );
  const outcomes =
    parseExposition((await send(koor.port, "GET", "/metrics")).text).get("koor_webhook_deliveries_total")?.samples ??
    [];
  t.ok((outcomes.find(({ labels }) => labels["outcome"] === "failed")?.value ?? 0) >= 3);
  t.ok((outcomes.find(({ labels }) => labels["outcome"] === "delivered")?.value ?? 0) >= 2);
  await send(koor.port, "DELETE", "/api/webhooks/shaky");
});

t.test("the last failed delivery is reported with its reason and time, through successes and a restart", async (t) => {
  const first = await startKoor(t);
  let status = 500;
  const receiver = await startReceiver(t, () => status);
  const before = new Date().toISOString();
  await add({ id: "w", url: receiver.url, patterns: ["told"] }, first);
  await publish("told", 1, first);
  const failing = await until(
    () => find("w", first),
    (webhook) => webhook?.last_error !== undefined,
  );
  t.same(
    Object.keys(failing ?? {}).slice(5),
    ["fail_count", "last_error", "last_failure_at", "pending", "dropped", "dead_letters", "failing"],
    "it has not fired",
  );
  t.equal(failing?.last_error, `127.0.0.1:${receiver.port} answered 500`);
  t.match(failing?.last_failure_at, TIMESTAMP);
  t.ok(before <= (failing?.last_failure_at ?? "") && (failing?.last_failure_at ?? "") <= new Date().toISOString());
  status = 200;
  const healthy = await until(
    () => find("w", first),
    (webhook) => webhook?.last_fired !== undefined,
  );
  t.equal(healthy?.fail_count, 0);
  t.match(healthy?.last_error, /answered 500$/, "a delivery does not remove it");
  status = 418;
  t.equal((await send(first.port, "POST", "/api/webhooks/w/test")).status, 400);
  t.same(await find("w", first), healthy, "a test that fails changes nothing");
  t.same((await send(first.port, "POST", "/api/webhooks/w/enable")).json(), healthy, "nor does enabling");
  t.equal(await first.stop(), 0);
  const second = await startKoor(t, { data_dir: first.data_dir });
  t.same(await find("w", second), healthy, "nor a restart");
  await add({ id: "gone", url: NOWHERE, patterns: ["told"] }, second);
  status = 200;
  await publish("told", 2, second);
  t.match(
    await until(
      () => find("gone", second),
      (webhook) => webhook?.last_error !== undefined,
    ),
    { last_error: "cannot reach 127.0.0.1:1: connection refused", last_failure_at: TIMESTAMP },
  );
});

/**
 * Puts a stopped server's webhook shortly before its last failure, because the delays until then take most of a minute.
 */
function setFailures(of: Koor, id: string, failures: number): void {
  const db = openDatabase(join(of.data_dir, "data.db"));
  db.prepare("UPDATE webhook SET fail_count = ? WHERE id = ?").run(failures, id);
  db.close();
}

/** A server with a webhook `w` that is turned off at its second next failure. */
async function startBeforeTheEnd(t: Owner, url: string): Promise<Koor> {
  const first = await startKoor(t);
  await add({ id: "w", url, patterns: ["due"] }, first);
  await first.stop();
  setFailures(first, "w", WEBHOOK_FAILURES_MAX - 2);
  return await startKoor(t, { data_dir: first.data_dir });
}

t.test(
  "too many failures in a row turn a webhook off and publish webhook.disabled, and enable continues with its queue",
  async (t) => {
    const receiver = await startReceiver(t, () => 500);
    const others = await startReceiver(t);
    const server = await startBeforeTheEnd(t, receiver.url);
    await add({ id: "watch", url: others.url, patterns: ["webhook.*"] }, server);
    const queued = [await publish("due", 1, server), await publish("due", 2, server)];
    const off = await until(
      () => find("w", server),
      (webhook) => webhook?.active === false,
    );
    t.match(off, { fail_count: WEBHOOK_FAILURES_MAX, active: false });
    t.equal(receiver.requests.length, 2);
    await server.logged(/level=WARN msg="webhook disabled" id=w fail_count=400/);
    const [event] = (await send(server.port, "GET", "/api/events/history?topic=webhook.disabled")).json<Event[]>();
    t.match(event, {
      topic: "webhook.disabled",
      source: "webhooks",
      data: { id: "w", url: receiver.url, fail_count: WEBHOOK_FAILURES_MAX },
    });
    t.same(Object.keys(event?.data as object), ["id", "url", "fail_count"]);
    await others.untilCount(1);
    t.same(others.ids(), [event?.id], "other webhooks get the event");

    await publish("due", "lost", server);
    receiver.behave = () => 200;
    const answer = await send(server.port, "POST", "/api/webhooks/w/enable");
    t.equal(answer.status, 200);
    const { last_error, last_failure_at } = off ?? {};
    t.match(last_error, /answered 500$/);
    t.match(answer.json(), { id: "w", active: true, fail_count: 0, last_error, last_failure_at });
    t.notOk("last_fired" in answer.json<object>());
    t.match((await audit(server))[0], { action: "webhook.enable", resource: "w", outcome: "success" });
    const enabled = (await audit(server)).length;
    const again = await send(server.port, "POST", "/api/webhooks/w/enable");
    t.match(again.json(), { id: "w", active: true }, "enabled again");
    t.equal((await audit(server)).length, enabled, "what changes nothing leaves no row");
    const later = await publish("due", 3, server);
    await receiver.untilCount(5);
    t.same(
      receiver.ids().slice(2),
      [...queued.map(({ id }) => id), later.id],
      "its queue is delivered, not what was published meanwhile",
    );
    t.match(
      await until(
        () => find("w", server),
        (webhook) => webhook?.last_fired !== undefined,
      ),
      { active: true, fail_count: 0 },
    );
  },
);

t.test("a webhook on webhook.disabled does not get its own event", async (t) => {
  const server = await startBeforeTheEnd(t, NOWHERE);
  const db = await server.stop();
  t.equal(db, 0);
  const direct = openDatabase(join(server.data_dir, "data.db"));
  direct.prepare("UPDATE webhook SET patterns = ?").run('["**"]');
  direct.close();
  const again = await startKoor(t, { data_dir: server.data_dir });
  await publish("due", 1, again);
  await until(
    () => find("w", again),
    (webhook) => webhook?.active === false,
  );
  const queue = parseExposition((await send(again.port, "GET", "/metrics")).text).get("koor_webhook_queue")?.samples[0]
    ?.value;
  t.equal(queue, 1, "only the event that could not be delivered waits");
});

t.test("a webhook that causes its own events ends after a number of deliveries, with that reason", async (t) => {
  const server = await startKoor(t);
  await add({ id: "echo", url: `${server.url}/api/events/publish`, patterns: ["loop"] }, server);
  await publish("loop", { n: 1 }, server);
  await server.logged(/level=WARN msg="webhook disabled" id=echo/);
  const events = (await send(server.port, "GET", "/api/events/history?last=1000")).json<Event[]>();
  t.equal(
    events.filter(({ topic }) => topic === "loop").length,
    1 + WEBHOOK_HOPS_MAX,
    "each delivery published it again",
  );
  t.match(events.find(({ topic }) => topic === "webhook.disabled")?.data, {
    id: "echo",
    reason: /chain of deliveries would be longer than 16/,
  });
  t.match(await find("echo", server), {
    active: false,
    last_error: /chain of deliveries would be longer than 16/,
    last_failure_at: TIMESTAMP,
  });
});

t.test("a receiver that forwards the hops is part of the chain", async (t) => {
  const server = await startKoor(t);
  const sent: Promise<Answer>[] = [];
  const receiver = await startReceiver(t, ({ headers }) => {
    const hops = headers["x-koor-hops"];
    const passed = typeof hops === "string" ? { "X-Koor-Hops": hops } : {};
    sent.push(send(server.port, "POST", "/api/events/publish", { headers: passed, body: '{"topic":"loop"}' }));
    return 200;
  });
  await add({ id: "relay", url: receiver.url, patterns: ["loop"] }, server);
  await publish("loop", null, server);
  await server.logged(/level=WARN msg="webhook disabled" id=relay/);
  t.same(
    receiver.requests.map(({ headers }) => headers["x-koor-hops"]),
    Array.from({ length: WEBHOOK_HOPS_MAX }, (_, at) => String(at + 1)),
  );
  // The last publish may still be in flight: the server must answer it before the test ends it.
  const answers = await Promise.all(sent);
  t.ok(answers.every(({ status }) => status === 200));
});

t.test("deleting a webhook drops its queue", async (t) => {
  const receiver = await startReceiver(t, ({ path }) => (path === "/first" ? 500 : 200));
  await add({ id: "w", url: `${receiver.url}/first`, patterns: ["drop"] });
  await publish("drop");
  await receiver.untilCount(1);
  await send(koor.port, "DELETE", "/api/webhooks/w");
  await add({ id: "w", url: `${receiver.url}/second`, patterns: ["drop"] });
  const event = await publish("drop");
  await receiver.until(() => receiver.ids("/second").length > 0);
  t.same(receiver.ids("/second"), [event.id]);
  await send(koor.port, "DELETE", "/api/webhooks/w");
});

t.test("private addresses may be called, unless the operator forbids it", async (t) => {
  const receiver = await startReceiver(t);
  const first = await startKoor(t);
  await add({ id: "w", url: receiver.url }, first);
  await first.stop();
  const strict = await startKoor(t, { data_dir: first.data_dir, args: ["--webhook-allow-private=false"] });
  for (const url of [
    receiver.url,
    "http://localhost:9000/",
    "http://10.0.0.1/",
    "http://[::1]/",
    "http://192.168.1.1/",
  ]) {
    const answer = await add({ id: "x", url }, strict);
    t.equal(answer.status, 400, url);
    t.match(answer.json<Refusal>(), { error: "address refused: private addresses may not be called" });
  }
  t.equal((await add({ id: "x", url: "https://receiver.example/", patterns: ["never"] }, strict)).status, 200);
  const tested = await send(strict.port, "POST", "/api/webhooks/w/test");
  t.same(tested.json(), {
    error: "webhook test failed: address refused: private addresses may not be called",
    code: 400,
  });
  await publish("t", null, strict);
  await until(
    () => find("w", strict),
    (webhook) => (webhook?.fail_count ?? 0) > 0,
  );
  t.equal(receiver.connections, 0, "nothing was sent");
});

t.test("the number of webhooks is limited", async (t) => {
  const server = await startKoor(t);
  const answers = await Promise.all(
    Array.from({ length: WEBHOOKS_MAX }, (_, at) =>
      add({ id: `w${String(at).padStart(4, "0")}`, url: NOWHERE, patterns: ["never"] }, server),
    ),
  );
  t.ok(answers.every(({ status }) => status === 200));
  const refused = await add({ id: "more", url: NOWHERE }, server);
  t.equal(refused.status, 400);
  t.match(refused.json<Refusal>(), { error: `there are ${WEBHOOKS_MAX} webhooks already: delete one first` });
  const all = await list(server);
  t.same(
    all.map(({ id }) => id),
    Array.from({ length: WEBHOOKS_MAX }, (_, at) => `w${String(at).padStart(4, "0")}`),
    "a long list comes from the pool",
  );
});

t.test("the secret is in the database only", async (t) => {
  await add({ id: "w", url: NOWHERE, secret: SECRET });
  await add({ id: "w", url: NOWHERE, secret: SECRET });
  await add({ id: "x", url: "nothing", secret: SECRET });
  await publish("t");
  await send(koor.port, "POST", "/api/webhooks/w/test");
  await send(koor.port, "POST", "/api/webhooks/w/enable");
  for (const path of [
    "/api/webhooks",
    "/api/audit?limit=10000",
    "/api/events/history?last=10000",
    "/metrics",
    "/openapi.json",
  ]) {
    t.notMatch((await send(koor.port, "GET", path)).text, SECRET, path);
  }
  await send(koor.port, "DELETE", "/api/webhooks/w");
  await koor.logged(/msg="webhook deleted" id=w/);
  t.notMatch(koor.log(), SECRET, "the log");
  t.notMatch(koor.log(), /level=ERROR/);
});
