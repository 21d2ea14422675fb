/**
 * Sends random requests to a real server, made from its own table of routes: paths, queries, methods, headers and
 * bodies that are nearly right, plainly wrong, or not HTTP at all. The server always answers in the shape that its
 * description promises, never with a 500, stores nothing of a request that it refused, and stays up.
 */
import * as fc from "fast-check";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import t from "tap";
import type { ServerTopic } from "../schemas/events.js";
import { PAGE_ROWS_MAX } from "../schemas/limits/answers.js";

import { BODY_BYTES_MAX } from "../schemas/limits/request-bodies.js";
import { must } from "../src/base/assert.js";
import { sampleRows } from "./support/test-size.js";
import { parseExposition } from "./support/exposition.js";
import { send, type Answer, type Refusal } from "./support/http-client.js";
import { countInFlight, readMetric } from "./support/metrics.js";
import { newSeed } from "./support/random.js";
import { startReceiver } from "./support/receiver.js";
import { ENVELOPE, MCP_HEADERS } from "./support/mcp-messages.js";
import { startKoor } from "./support/server-process.js";
import { betweenLooks } from "./support/between-looks.js";

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
}
interface Operation {
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, unknown>>;
}
interface RouteRow {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}
/** A request before it is encoded. */
interface Attempt {
  /** The index of the route in the table that it is made for, so that a counterexample is readable. */
  readonly route: number;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | null;
  readonly chunked: boolean;
}
interface Outcome {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Enough attempts to send each route a malformed path at least once. */
const RUNS_A_ROUTE = 40;
/** Factor for the attempts at a route that has not accepted a request yet. */
const ROUNDS_MORE_MAX = 20;
const ROUTES_A_SAMPLE = 12;
const RAW_RUNS = 100;
const FRAME_RUNS = 50;

const koor = await startKoor(t);
const { port } = koor;
const { paths } = (await send(port, "GET", "/openapi.json")).json<{
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}>();
const seed = newSeed();
t.comment(`the routes are drawn by seed ${seed}`);
const ROUTES: readonly RouteRow[] = sampleRows(
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  ),
  ROUTES_A_SAMPLE,
  seed,
);

// Existing data: a key with versions, a deleted key, some events.
for (const body of ['{"a":1}', '{"a":2}', "not json"]) await send(port, "PUT", "/api/state/known", { body });
await send(port, "PUT", "/api/state/gone", { body: "1" });
await send(port, "DELETE", "/api/state/gone");
for (const body of ['{"a":1}', '{"a":2}', "not json"]) await send(port, "PUT", "/api/specs/known/known", { body });
await send(port, "POST", "/api/llm/usage", { body: '{"provider":"p","model":"m","project":"known"}' });
await send(port, "POST", "/api/events/publish", { body: '[{"topic":"a.b"},{"topic":"a.c","data":1}]' });

const CONTRACT =
  '{"kind":"contract","endpoints":{' +
  '"POST /x":{"request":{"a":{"type":"string","required":true},"b":{"type":"array","items":{"enum":[1]}}}},' +
  '"GET /y/{id}":{"query":{"id":{"type":"string"}},"response_array":{}},' +
  '"POST /s":{"request":{"schema":{"type":"object","properties":{"a":{"pattern":"^x+$"}}}}}}}';
await send(port, "PUT", "/api/validate/known/rules", {
  body: '[{"rule_id":"first","pattern":"a+"},{"rule_id":"second","pattern":"b","match_type":"missing"}]',
});

/** The only addresses of webhooks: one that fails would publish an event by itself. */
const receiver = await startReceiver(t);

/** Creates what a route needs to accept a request, where requests themselves remove it. */
const ARRANGED: Readonly<Record<string, () => Promise<unknown>>> = {
  "budget.remove": () => send(port, "PUT", "/api/budgets/known", { body: JSON.stringify(BUDGET) }),
  "evidence.get": recordKnown,
  "rate_limit.remove": makeKnownLimit,
  "webhook.create": () => send(port, "DELETE", "/api/webhooks/known"),
  "webhook.delete": addKnownWebhook,
  "webhook.test": addKnownWebhook,
  "webhook.enable": addKnownWebhook,
  "webhook.skip": addKnownWebhook,
  "webhook.deliveries": addKnownWebhook,
  "webhook.dead_letters": addKnownWebhook,
  "rule.propose": () => send(port, "DELETE", "/api/rules/known/known"),
  "contract.validate": putContract,
  "contract.test": putContract,
  "rule.accept": proposeKnown,
  "rule.reject": proposeKnown,
  "rule.preview": proposeKnown,
  "rule.delete": proposeKnown,
  "template.create": () => send(port, "DELETE", "/api/templates/known"),
  "template.get": createKnown,
  "template.delete": createKnown,
  "template.apply": createKnown,
  "instance.get": registerKnown,
  "instance.heartbeat": registerKnown,
  "instance.activate": registerKnown,
  "instance.capabilities": registerKnown,
  "instance.intent": registerKnown,
  "instance.update": registerKnown,
  "instance.deregister": registerKnown,
  "lease.acquire": registerKnown,
  "lease.get": leaseKnown,
  "lease.renew": leaseKnown,
  "lease.break": leaseKnown,
  // A released claim stays released under any fence.
  "lease.release": async () => {
    await leaseKnown();
    await send(port, "DELETE", `/api/leases/${knownLease}?fence=${knownFence}`, {
      headers: { "X-Koor-Instance": knownInstance },
    });
  },
  "task.claim": registerKnown,
  "task.get": createTask,
  "task.update": createTask,
  "task.cancel": createTask,
  "task.answer": () => leaveTask("ask", { question: "q" }),
  "task.retry": () => leaveTask("fail", { error: "e", retry: false }),
  "task.progress": claimTask,
  "task.complete": claimTask,
  "task.fail": claimTask,
  "task.release": claimTask,
  "task.ask": claimTask,
  "message.send": registerKnown,
  "message.list": registerKnown,
  "message.mark": registerKnown,
  "message.threads": registerKnown,
  "radar.changes": () => send(port, "PUT", "/api/checkouts/known/changes", { body: JSON.stringify(REPORT) }),
};

const RATE_LIMIT = { provider: "p", account: "a", retry_after_s: 60 };
const EVIDENCE = { command: "npm test", exit_code: 0 };
const BUDGET = { scope: "workspace", target: "w", tokens: 1 };

/** A report of a checkout. */
const REPORT = {
  workspace: "",
  files: [
    { path: "a", ranges: [[1, 2]] },
    { path: "b", deleted: true },
  ],
};

/** An instance that can receive messages. */
const { id: listener } = (await send(port, "POST", "/api/instances/register", { body: '{"name":"listener"}' })).json<{
  readonly id: string;
}>();
await send(port, "POST", `/api/instances/${listener}/activate`);

/** The id of the instance that stands for "known", because the server assigns ids. */
let knownInstance = "";

async function registerKnown(): Promise<void> {
  if ((await send(port, "GET", `/api/instances/${knownInstance === "" ? "none" : knownInstance}`)).status === 200)
    return;
  knownInstance = (await send(port, "POST", "/api/instances/register", { body: '{"name":"known"}' })).json<{
    readonly id: string;
  }>().id;
}

/** The lease that stands for "known", and the fence that stands for "known-fence". */
let knownLease = "";
let knownFence = 0;

async function leaseKnown(): Promise<void> {
  await registerKnown();
  const { id, fence } = (
    await send(port, "POST", "/api/leases", {
      headers: { "X-Koor-Instance": knownInstance },
      body: '{"resources":["known"]}',
    })
  ).json<{ readonly id: string; readonly fence: number }>();
  knownLease = id;
  knownFence = fence;
}

/** The rate limit that stands for "known". */
let knownLimit = 0;
/** The same of a record of a command. */
let knownRecord = 0;

async function recordKnown(): Promise<void> {
  const answer = await send(port, "POST", "/api/evidence", { body: JSON.stringify(EVIDENCE) });
  knownRecord = answer.json<{ readonly id: number }>().id;
}

async function makeKnownLimit(): Promise<void> {
  const answer = await send(port, "POST", "/api/llm/limits", { body: JSON.stringify(RATE_LIMIT) });
  knownLimit = answer.json<{ readonly id: number }>().id;
}

/** The task that stands for "known": a new one for each state that is needed. */
let knownTask = "";

async function createTask(): Promise<void> {
  await registerKnown();
  knownTask = (await send(port, "POST", "/api/tasks", { body: '{"title":"Known"}' })).json<{ readonly id: string }>()
    .id;
}

async function claimTask(): Promise<void> {
  await createTask();
  const { task } = (await callTask("claim", { id: knownTask })).json<{ readonly task: { readonly fence: number } }>();
  knownFence = task.fence;
}

/** Makes a task that is no longer held. */
async function leaveTask(verb: string, more: object): Promise<void> {
  await claimTask();
  await callTask(`${knownTask}/${verb}`, { fence: knownFence, ...more });
}

function callTask(path: string, body: object): Promise<Answer> {
  const headers = { "X-Koor-Instance": knownInstance };
  return send(port, "POST", `/api/tasks/${path}`, { headers, body: JSON.stringify(body) });
}

async function putContract(): Promise<void> {
  await send(port, "PUT", "/api/specs/known/known", { body: CONTRACT });
}

async function addKnownWebhook(): Promise<void> {
  await send(port, "POST", "/api/webhooks", { body: JSON.stringify({ id: "known", url: receiver.url }) });
}

async function proposeKnown(): Promise<void> {
  await send(port, "DELETE", "/api/rules/known/known");
  await send(port, "POST", "/api/rules/propose", { body: '{"project":"known","rule_id":"known","pattern":"x"}' });
}

async function createKnown(): Promise<void> {
  await send(port, "POST", "/api/templates", {
    body: '{"id":"known","name":"Known","data":[{"rule_id":"templated","pattern":"x"}]}',
  });
}

/** Any text that a request line or a header can carry in Node's client: Latin-1 without controls. */
const visible = fc.string({
  unit: fc
    .integer({ min: 0x21, max: 0xff })
    .filter((code) => code !== 0x7f && (code < 0x80 || code > 0x9f))
    .map((code) => String.fromCharCode(code)),
  maxLength: 20,
});
const escape = fc.oneof(
  fc.integer({ min: 0, max: 255 }).map((byte) => `%${byte.toString(16).padStart(2, "0")}`),
  fc.constantFrom(
    "%",
    "%2",
    "%zz",
    "%%",
    "%u0041",
    "%ed%a0%80",
    "%c0%af",
    "%f0%9f%98%80",
    "%2F",
    "%2e%2e",
    "%00",
    "%0d%0a",
  ),
);
const segment = fc.oneof(
  fc.constantFrom("known", "gone", "new", "", ".", "..", "~", "__proto__", "constructor", "history", "k".repeat(1025)),
  fc
    .array(
      fc.oneof(
        escape,
        fc.string({ maxLength: 4 }).map((text) => encodeURIComponent(text.toWellFormed())),
      ),
      { maxLength: 4 },
    )
    .map((parts) => parts.join("")),
  visible.map((text) => text.replaceAll(/[?#]/g, "")),
);
const segments = fc.oneof(
  { weight: 2, arbitrary: fc.constant("known") },
  { weight: 1, arbitrary: fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")) },
);

const integer = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("1", "2", "3") },
  fc.constantFrom(
    "0",
    "1",
    "2",
    "3",
    "-1",
    "00",
    "1.5",
    "1e3",
    "0x1",
    "+1",
    " 1",
    "",
    "NaN",
    "Infinity",
    "9007199254740991",
    "9007199254740992",
    "9".repeat(40),
    String(PAGE_ROWS_MAX),
    String(PAGE_ROWS_MAX + 1),
  ),
  fc.integer().map(String),
);
const time = fc.oneof(
  fc
    .date({ noInvalidDate: true, min: new Date("0001-01-01"), max: new Date("9999-12-31") })
    .map((date) => date.toISOString()),
  fc.constantFrom(
    "",
    "now",
    "2026-02-30T00:00:00Z",
    "2026-02-09",
    "2026-02-09T25:00:00Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z",
    "2026-02-09T00:00:00+23:59",
  ),
);
const pattern = fc.oneof(
  fc.constantFrom(
    "*",
    "**",
    "a.*",
    "[",
    "[]",
    "[^",
    "\\",
    "a.[b-",
    "[z-a]",
    "**.**",
    "?".repeat(300),
    "*a".repeat(200),
    "x".repeat(1025),
  ),
  visible,
);
const VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  group_by: fc.constantFrom("instance", "project", "model", "session_tag", "none", "toString"),
  interval: fc.constantFrom("hour", "day", "week", "toString"),
  from: time,
  to: time,
  topic: pattern,
  pattern,
  // The wait is zero, because the test would wait, too.
  wait: fc.constantFrom("0", "61", "-1", "x", "", "1e1", "99999999999"),
  diff: fc.oneof(
    fc.tuple(integer, integer).map(([a, b]) => `${a},${b}`),
    fc.constantFrom("1,2", "1,3", "3,1", "1,1", "1", ",", "1,2,3", "a,b", ""),
  ),
};
const valueOf = (name: string): fc.Arbitrary<string> => fc.oneof(VALUES[name] ?? integer, visible, fc.string());
const escaped = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: text.map((value) => encodeURIComponent(value.toWellFormed())) },
    { weight: 1, arbitrary: escape },
  );

function queryOf({ operation }: RouteRow): fc.Arbitrary<string> {
  const names = operation.parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name);
  const known =
    names.length === 0
      ? []
      : [fc.constantFrom(...names).chain((name) => escaped(valueOf(name)).map((value) => `${name}=${value}`))];
  // Not "wait" by accident of decoding: a name of random text has no value.
  const pair = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.oneof(
        ...known,
        visible.map((text) => text.replaceAll("#", "")),
      ),
    },
    { weight: 1, arbitrary: escape },
  );
  const required = operation.parameters
    .filter((parameter) => parameter.required && parameter.in === "query")
    .map(({ name }) => escaped(integer).map((value) => [`${name}=${value}`]));
  return fc
    .tuple(fc.oneof(fc.constant([]), ...required), fc.array(pair, { maxLength: 3 }))
    .map(([first, pairs]) => [...first, ...pairs].join("&"));
}

const etags = fc.oneof(
  fc.constantFrom("*", "", '""', '"x"', 'W/"x"', "x", '"', '"a", *', ",,", '"a"b"', `"${"0".repeat(64)}"`),
  visible,
);
const header = fc.oneof(
  fc.tuple(fc.constantFrom("If-Match", "If-None-Match"), etags),
  fc.tuple(
    fc.constant("Content-Type"),
    fc.oneof(
      fc.constantFrom(
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
        "x".repeat(300),
        "text/html\tx",
      ),
      visible,
    ),
  ),
  fc.tuple(fc.constant("Last-Event-ID"), fc.oneof(integer, visible)),
  fc.tuple(fc.constant("Authorization"), fc.oneof(fc.constantFrom("Bearer x", "Bearer", "Basic eDp4"), visible)),
  fc.tuple(
    fc.constant("Origin"),
    fc.oneof(fc.constantFrom("null", "http://evil.example", `http://localhost:${port}`), visible),
  ),
  fc.tuple(fc.constant("Accept"), fc.constantFrom("*/*", "text/html", "text/event-stream")),
  fc.tuple(fc.constantFrom("X-Koor-Instance", "X-Anything", "Cookie", "Content-Encoding", "Range", "Prefer"), visible),
);
const host = fc.oneof(
  { weight: 12, arbitrary: fc.constant("localhost") },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.constantFrom("evil.example", "127.0.0.1:0", "[::1]", "[", ":", "localhost:x"),
      visible.filter((text) => text !== ""),
    ),
  },
);

const event = fc.record(
  {
    topic: fc.oneof(fc.string(), fc.constantFrom("a.b", "", "\0", "\ud800", "x".repeat(257)), fc.jsonValue()),
    data: fc.jsonValue(),
    source: fc.oneof(fc.string(), fc.jsonValue()),
  },
  { requiredKeys: [] },
);
const text = (value: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> => value.map((content) => Buffer.from(content));
const good = fc.record({ topic: fc.constantFrom("a", "a.b", "\u00e9"), data: fc.jsonValue() });
const label = fc.oneof(
  fc.constantFrom("p", "m", "", "\ud800", "__proto__", "x".repeat(1025)),
  fc.string(),
  fc.jsonValue(),
);
const amount = fc.oneof(fc.constantFrom(0, 1, -1, 0.1, 1e-9, 1e308, 2 ** 53), fc.double(), fc.jsonValue());
const usage = fc.record(
  {
    provider: label,
    model: label,
    instance_id: label,
    project: label,
    tokens_in: amount,
    tokens_out: amount,
    cost_usd: amount,
    request_type: label,
    session_tag: label,
  },
  { requiredKeys: ["provider", "model"] },
);
const webhook = fc.record(
  {
    id: fc.oneof(fc.constant("known"), label),
    url: fc.oneof(
      { weight: 3, arbitrary: fc.constant(receiver.url) },
      fc.constantFrom(
        "",
        "x",
        "ftp://a/",
        "http://169.254.169.254/",
        "http://me@a/",
        "http://[",
        `http://a/${"x".repeat(3000)}`,
      ),
      fc.jsonValue().filter((value) => typeof value !== "string"),
    ),
    patterns: fc.oneof(fc.array(pattern, { maxLength: 3 }), fc.jsonValue()),
    secret: label,
  },
  { requiredKeys: ["id", "url"] },
);
const json = fc.oneof(
  fc.json(),
  good.map((value) => JSON.stringify(value)),
  fc.array(good, { minLength: 1, maxLength: 3 }).map((value) => JSON.stringify(value)),
  event.map((value) => JSON.stringify(value)),
  fc.array(event, { maxLength: 3 }).map((value) => JSON.stringify(value)),
);
const regex = fc.oneof(
  fc.constantFrom(
    "a",
    "x+",
    "(",
    "[",
    "\\",
    "(?=a)",
    "a{1001}",
    "(a{1,1000}){1,1000}",
    "(?i)\\pL{9}",
    "^$",
    "no-console-log",
    "x".repeat(4097),
    "a{500}".repeat(9),
  ),
  label,
);
const rule = fc.record(
  {
    project: label,
    rule_id: label,
    pattern: regex,
    severity: fc.oneof(fc.constantFrom("error", "warning", "fatal"), label),
    match_type: fc.oneof(fc.constantFrom("regex", "missing", "custom", "other"), label),
    message: label,
    stack: label,
    applies_to: fc.oneof(fc.array(label, { maxLength: 3 }), fc.constantFrom(["*"], ["["], []), label),
    source: label,
    context: label,
    proposed_by: label,
    status: label,
  },
  { requiredKeys: ["project", "rule_id", "pattern"] },
);
const goodRule = fc.record({
  project: fc.constantFrom("known", "other"),
  rule_id: fc.constantFrom("known", "other"),
  pattern: fc.constantFrom("x", "(?i)y$"),
});
const endpoint = fc.oneof(fc.constantFrom("POST /x", "GET /y/{id}", "POST /s", "X", ""), label);
const payload = fc.oneof(fc.jsonValue(), fc.record({ a: fc.jsonValue(), b: fc.jsonValue() }, { requiredKeys: [] }));
/** Addresses where no server listens, or that must not be called. */
const baseUrl = fc.oneof(
  fc.constantFrom(
    "http://127.0.0.1:1",
    "http://127.0.0.1:1/p/?q#f",
    "http://169.254.169.254/",
    "ftp://x",
    "http://user:pw@127.0.0.1:1",
    "http://[::ffff:a9fe:a9fe]",
    "http://",
    "x".repeat(3000),
  ),
  label.filter((value) => typeof value !== "string" || !value.startsWith("http")),
);
const contract = fc.oneof(fc.constant({ kind: "contract", endpoints: {} }), fc.jsonValue());
const template = fc.record(
  {
    id: label,
    name: label,
    description: label,
    kind: fc.oneof(fc.constantFrom("rules", "contracts", "bundle", "other"), label),
    data: fc.oneof(
      fc.array(rule, { maxLength: 2 }),
      contract,
      fc.record({
        rules: fc.array(rule, { maxLength: 2 }),
        contracts: fc.dictionary(fc.string(), contract, { maxKeys: 2 }),
      }),
      fc.jsonValue(),
    ),
    tags: fc.oneof(fc.array(label, { maxLength: 2 }), label),
  },
  { requiredKeys: ["id", "name"] },
);
const resource = fc.oneof(
  fc.constantFrom("path:", "path:/x", "path:a/../b", "path:a//b", "state:", "spec:a/b", "*".repeat(513), "path:known"),
  label,
);
const validated = fc.record(
  {
    content: fc.oneof(fc.string(), fc.constantFrom("aaa\r\nb", "\ud800", "\0"), label),
    filename: label,
    stack: label,
  },
  { requiredKeys: ["content"] },
);
/** Nearly valid and valid input of each route. */
const message = fc.record(
  {
    to: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom("workspace:", "name:listener") },
      fc.constantFrom("nobody", "name:", "workspace:\ud800"),
      fc.array(label, { maxLength: 3 }),
      label,
    ),
    subject: fc.oneof({ weight: 3, arbitrary: fc.constant("s") }, label),
    body: label,
    data: fc.jsonValue(),
    intent: fc.oneof(fc.constantFrom("inform", "request", "order"), label),
    reply_to: fc.oneof(fc.constantFrom("message-1", "message-0", "message-99999999999999999"), label),
    expires_in_s: amount,
    request_id: label,
  },
  { requiredKeys: ["to", "subject"] },
);
const mark = fc.record({
  ids: fc.oneof(fc.array(fc.constantFrom("message-1", "message-2", "none"), { maxLength: 3 }), label),
  as: fc.oneof({ weight: 3, arbitrary: fc.constantFrom("read", "acked") }, label),
  note: label,
});
const remarks = (name: string, more: object): fc.Arbitrary<unknown> =>
  fc.oneof(
    fc.record({ fence: label, [name]: fc.oneof(label, fc.constant("x".repeat(4097))) }, { requiredKeys: [] }),
    fc.constant({ fence: "known-fence", [name]: "x", ...more }),
  );
const task = fc.record(
  {
    id: fc.oneof(fc.constantFrom("known", "claim", "..", "a/b"), label),
    title: fc.oneof({ weight: 3, arbitrary: fc.constant("t") }, label),
    body: label,
    data: fc.jsonValue(),
    labels: fc.oneof(fc.array(label, { maxLength: 3 }), label),
    requires: fc.oneof(fc.array(label, { maxLength: 3 }), label),
    resources: fc.oneof(fc.array(resource, { maxLength: 3 }), label),
    after: fc.oneof(fc.array(fc.constantFrom("#0", "#1", "#x", "known", "task-1"), { maxLength: 3 }), label),
    priority: amount,
    not_before: fc.oneof(time, label),
    assignee: label,
    or_get: fc.oneof(fc.boolean(), label),
    request_id: label,
  },
  { requiredKeys: [] },
);
const report = fc.record(
  {
    workspace: label,
    branch: label,
    base: label,
    files: fc.oneof(
      label,
      fc.array(
        fc.record(
          {
            path: fc.oneof(fc.constantFrom("a", "../a", "/a", "b"), label),
            ranges: fc.oneof(label, fc.array(fc.array(amount, { maxLength: 3 }), { maxLength: 3 })),
            deleted: fc.oneof(fc.boolean(), label),
            blob: label,
          },
          { requiredKeys: ["path"] },
        ),
        { maxLength: 3 },
      ),
    ),
  },
  { requiredKeys: ["workspace", "files"] },
);
const BODIES: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  "contract.validate": fc.record(
    { endpoint, direction: fc.oneof(fc.constantFrom("request", "response", "query", "error"), label), payload },
    { requiredKeys: ["endpoint"] },
  ),
  "contract.test": fc.oneof(
    fc.record({ endpoint: fc.constantFrom("POST /x", "GET /y/{id}"), base_url: fc.constant("http://127.0.0.1:1") }),
    fc.record(
      {
        endpoint,
        base_url: baseUrl,
        test_data: fc.oneof(
          payload,
          fc.record({ id: fc.oneof(fc.constantFrom("..", "a/b", "\ud800", 7), fc.jsonValue()) }),
        ),
      },
      { requiredKeys: ["endpoint", "base_url"] },
    ),
  ),
  "webhook.create": fc.oneof(webhook, fc.constant({ id: "known", url: receiver.url, patterns: ["a.*"] })),
  "budget.set": fc.oneof(
    fc.record({ scope: fc.constantFrom("workspace", "agent", "x"), target: label, tokens: amount, cost_usd: amount }),
    fc.constant(BUDGET),
  ),
  "rate_limit.report": fc.oneof(
    fc.record({ provider: label, account: label, retry_after_s: amount }),
    fc.constant(RATE_LIMIT),
  ),
  "evidence.record": fc.oneof(
    fc.record({ command: label, exit_code: amount, seen_by: fc.oneof(fc.constantFrom("ci", "cli", "hook"), label) }),
    fc.constant(EVIDENCE),
  ),
  "usage.record": fc.oneof(usage, fc.constant({ provider: "p", model: "m", tokens_in: 1 })),
  "rule.propose": fc.oneof(rule, goodRule),
  "rules.put": fc.oneof(
    fc.array(rule, { maxLength: 3 }),
    goodRule.map((one) => [one]),
  ),
  "rules.import": fc.oneof(
    fc.array(rule, { maxLength: 3 }),
    goodRule.map((one) => [one]),
  ),
  "instance.register": fc.oneof(
    fc.record(
      {
        name: label,
        workspace: label,
        intent: label,
        stack: label,
        capabilities: fc.oneof(fc.array(label, { maxLength: 3 }), label),
      },
      { requiredKeys: ["name"] },
    ),
    fc.constant({ name: "known", capabilities: ["x"] }),
  ),
  "instance.capabilities": fc.oneof(
    fc.record({ capabilities: fc.oneof(fc.array(label, { maxLength: 3 }), label) }),
    fc.constant({ capabilities: ["x"] }),
  ),
  "instance.intent": fc.oneof(fc.record({ intent: label }), fc.constant({ intent: "x" })),
  "instance.update": fc.oneof(
    fc.record({ checkout: fc.record({ id: label, branch: label, root: label }, { requiredKeys: [] }) }),
    fc.record({ checkout: label }),
    fc.constant({ checkout: { id: "c-1", branch: "main" } }),
  ),
  "lease.acquire": fc.oneof(
    fc.record(
      {
        resources: fc.oneof(fc.array(resource, { maxLength: 3 }), label),
        mode: fc.oneof(fc.constantFrom("exclusive", "shared", "other"), label),
        workspace: label,
        ttl_s: label,
        max_s: label,
        queue: label,
        reason: label,
        request_id: label,
      },
      { requiredKeys: ["resources"] },
    ),
    fc.constant({ resources: ["known", "path:known/**"], ttl_s: 5 }),
  ),
  "lease.check": fc.oneof(
    fc.record({ paths: fc.oneof(fc.array(resource, { maxLength: 3 }), label), mode: label }),
    fc.constant({ paths: ["known"] }),
  ),
  "lease.renew": fc.oneof(fc.record({ fence: label, ttl_s: label }), fc.constant({ fence: "known-fence", ttl_s: 60 })),
  "lease.break": fc.oneof(fc.record({ reason: label }), fc.constant({ reason: "x" })),
  "guard.off": fc.oneof(
    fc.record({ commit: label, paths: fc.oneof(fc.array(resource, { maxLength: 3 }), label) }),
    fc.constant({ commit: "a".repeat(40), paths: ["known"] }),
  ),
  "radar.report": fc.oneof(report, fc.constant(REPORT)),
  "task.create": fc.oneof(task, fc.array(task, { maxLength: 3 }), fc.constant({ title: "t", resources: ["path:x"] })),
  // There is no time to wait, because the test would wait, too.
  "task.claim": fc.oneof(
    fc.record({ workspace: label, labels: fc.array(label, { maxLength: 2 }), id: label, ttl_s: amount }),
    fc.constant({ workspace: "" }),
  ),
  "task.update": fc.oneof(task, fc.constant({ title: "u", priority: 1 })),
  "task.progress": fc.oneof(remarks("note", { percent: 1 }), remarks("checkpoint", {})),
  "task.complete": remarks("result", {}),
  "task.fail": remarks("error", { retry: true }),
  "task.release": remarks("note", {}),
  "task.ask": remarks("question", {}),
  "task.answer": remarks("answer", {}),
  "task.cancel": remarks("reason", {}),
  "template.create": fc.oneof(template, fc.constant({ id: "known", name: "Known" })),
  "template.apply": fc.oneof(fc.record({ project: label }), fc.constant({ project: "known" })),
  "rules.validate": validated,
  "rule.preview": validated,
  "message.send": fc.oneof(message, fc.constant({ to: "name:listener", subject: "s" })),
  "message.mark": fc.oneof(mark, fc.constant({ ids: ["message-1"], as: "read" })),
};
const bodyFor = ({ operation }: RouteRow): fc.Arbitrary<Uint8Array | null> => {
  const own = BODIES[operation.operationId];
  return own === undefined ? body : fc.oneof(body, text(own.map((value) => JSON.stringify(value))));
};
const body = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ maxLength: 64 }),
  text(json),
  // The text is cut somewhere, or something is inserted.
  fc
    .tuple(json, fc.nat(), fc.string({ maxLength: 3 }))
    .map(([whole, at, more]) =>
      Buffer.from(
        whole.slice(0, at % (whole.length + 1)) + more + whole.slice(at % (whole.length + 1)).slice(more.length),
      ),
    ),
  text(
    fc.constantFrom(
      "",
      "\uFEFF",
      '\uFEFF{"topic":"bom"}',
      "null",
      "[]",
      "[".repeat(20_000),
      `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
      '{"__proto__":{"topic":"x"}}',
      '{"topic":"a","topic":5}',
      "1e999999",
      '"\\u0000"',
      "NaN",
    ),
  ),
);
/** Messages of the Model Context Protocol, with nearly valid ones among them. */
const toolName = fc.oneof(
  fc.constantFrom("register_instance", "discover_instances", "set_intent", "get_endpoints", "propose_rule"),
  fc.constantFrom("", "__proto__", "no_such_tool"),
  fc.jsonValue(),
);
const toolArguments = fc.oneof(
  fc.record(
    {
      name: label,
      workspace: label,
      capabilities: label,
      instance_id: label,
      intent: label,
      project: label,
      rule_id: label,
      pattern: regex,
      message: label,
    },
    { requiredKeys: [] },
  ),
  rule,
  fc.jsonValue(),
);
const rpc = fc.record(
  {
    jsonrpc: fc.oneof({ weight: 9, arbitrary: fc.constant("2.0") }, { weight: 1, arbitrary: fc.jsonValue() }),
    id: fc.oneof({ weight: 9, arbitrary: fc.integer() }, { weight: 1, arbitrary: fc.jsonValue() }),
    method: fc.oneof(
      { weight: 4, arbitrary: fc.constant("tools/call") },
      {
        weight: 4,
        arbitrary: fc.constantFrom(
          "tools/list",
          "initialize",
          "ping",
          "server/discover",
          "notifications/initialized",
          "subscriptions/listen",
          "no/such",
        ),
      },
      { weight: 1, arbitrary: fc.jsonValue() },
    ),
    params: fc.oneof(
      {
        weight: 9,
        arbitrary: fc.record(
          { name: toolName, arguments: toolArguments, _meta: fc.oneof(fc.constant(ENVELOPE), fc.jsonValue()) },
          { requiredKeys: ["name"] },
        ),
      },
      { weight: 1, arbitrary: fc.jsonValue() },
    ),
  },
  { requiredKeys: ["jsonrpc", "method"] },
);
const rpcBody = text(
  fc
    .oneof({ weight: 4, arbitrary: rpc }, { weight: 1, arbitrary: fc.array(rpc, { maxLength: 3 }) })
    .map((value) => JSON.stringify(value)),
);
const rpcHeaders = fc
  .array(
    fc.oneof(
      fc.tuple(
        fc.constant("MCP-Protocol-Version"),
        fc.oneof(fc.constantFrom("2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28", "1999-01-01"), visible),
      ),
      fc.tuple(
        fc.constant("Mcp-Method"),
        fc.oneof(fc.constantFrom("tools/call", "tools/list", "subscriptions/listen"), visible),
      ),
      fc.tuple(
        fc.constant("Mcp-Name"),
        fc.oneof(fc.constantFrom("register_instance", "get_endpoints", "=?base64?Z2V0?=", "=?base64?"), visible),
      ),
      header,
    ),
    { maxLength: 3 },
  )
  .map((more) => [...Object.entries(MCP_HEADERS), ...more]);

const METHOD_NAMES = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "PURGE"];

/** The largest number of parameters in a path. */
const PARAMETERS_MAX = 2;

function fillPath(path: string, values: readonly string[]): string {
  let at = 0;
  return path.replaceAll(/\{[a-z_]+\}/g, () => must(values[at++], "a value for each parameter"));
}

/**
 * Whether a path matches a route: a parameter takes a segment that is not empty, and the key of the state the rest of
 * the path.
 */
function leadsTo(route: RouteRow, path: string): boolean {
  const shape = route.path
    .replaceAll(/[.]/g, String.raw`\.`)
    .replace("{key}", ".*")
    .replaceAll(/\{[a-z_]+\}/g, "[^/]+");
  return new RegExp(`^${shape}$`).test(path);
}

const attemptAt = (route: RouteRow): fc.Arbitrary<Attempt> =>
  fc.record({
    route: fc.constant(ROUTES.indexOf(route)),
    method: fc.oneof(
      { weight: 5, arbitrary: fc.constant(route.method) },
      { weight: 1, arbitrary: fc.constantFrom(...METHOD_NAMES) },
    ),
    path: fc
      .tuple(
        fc.oneof(
          {
            weight: 8,
            arbitrary: fc
              .array(segments, { minLength: PARAMETERS_MAX, maxLength: PARAMETERS_MAX })
              .map((rests) => fillPath(route.path, rests)),
          },
          { weight: 1, arbitrary: segments.map((rest) => `${route.path}/${rest}`) },
          { weight: 1, arbitrary: segments.map((rest) => `/${rest}`) },
        ),
        fc.option(queryOf(route), { nil: null }),
      )
      .map(([path, query]) => (query === null ? path : `${path}?${query}`)),
    headers: fc
      .tuple(
        host,
        fc.oneof(
          fc.constant([]),
          ...(route.path === "/mcp" ? [rpcHeaders, rpcHeaders] : []),
          fc.array(header, { maxLength: 3 }),
        ),
      )
      .map(([name, others]) => [["Host", name] as const, ...others]),
    body:
      route.path === "/mcp"
        ? fc.oneof({ weight: 5, arbitrary: rpcBody }, { weight: 1, arbitrary: bodyFor(route) })
        : bodyFor(route),
    chunked: fc.boolean(),
  });

const attempt = fc.constantFrom(...ROUTES).chain(attemptAt);

/** Sends one attempt. An opened stream of events is closed at once, and upgrades are not requested. */
function ask({ method, path, headers, body: given, chunked }: Attempt): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const content = given === null ? null : withKnownFence(given);
    const length: [string, string][] =
      content === null
        ? []
        : chunked
          ? [["Transfer-Encoding", "chunked"]]
          : [["Content-Length", String(content.byteLength)]];
    const target = path
      .replace(/^\/api\/instances\/known(?=[/?]|$)/, `/api/instances/${knownInstance}`)
      .replace(/^\/api\/leases\/known(?=[/?]|$)/, `/api/leases/${knownLease}`)
      .replace(/^\/api\/hooks\/known(?=[/?]|$)/, "/api/hooks/claude")
      .replace(/^\/api\/at\/known(?=[/?]|$)/, `/api/at/${new Date(Date.now() - 1000).toISOString()}`)
      .replace(/^\/api\/evidence\/known(?=[/?]|$)/, `/api/evidence/${knownRecord}`)
      .replace(/^\/api\/llm\/limits\/known(?=[/?]|$)/, `/api/llm/limits/${knownLimit}`)
      .replace(/^\/api\/tasks\/known(?=[/?]|$)/, `/api/tasks/${knownTask}`);
    const request = httpRequest(
      { host: "127.0.0.1", port, agent: false, method, path: target, setHost: false },
      (response) => {
        const parts: Buffer[] = [];
        const settle = (): void =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) });
        if (response.statusCode === 200 && response.headers["content-type"] === "text/event-stream") {
          response.destroy();
          settle();
          return;
        }
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", settle);
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    // These are an instance's own calls.
    if (/^\/api\/(messages|leases|tasks)/.test(path)) request.setHeader("X-Koor-Instance", knownInstance);
    for (const [name, value] of [...headers, ...length]) request.setHeader(name, value);
    request.end(content ?? undefined);
  });
}

function withKnownFence(given: Uint8Array): Uint8Array {
  const latin1 = Buffer.from(given).toString("latin1");
  return Buffer.from(latin1.replaceAll('"known-fence"', String(knownFence)), "latin1");
}

/** Returns everything that a request could have changed, as text. */
async function stored(): Promise<string> {
  const [instances, state, rules, templates, metrics, history, leases, waiting, tasks] = await Promise.all([
    send(port, "GET", "/api/instances"),
    send(port, "GET", "/api/state"),
    send(port, "GET", "/api/rules"),
    send(port, "GET", "/api/templates"),
    send(port, "GET", "/api/metrics"),
    send(port, "GET", "/api/state/known?history=1&limit=1"),
    // A list of ended leases would read all claims of tasks that have ended.
    send(port, "GET", "/api/leases?state=held&limit=50"),
    send(port, "GET", "/api/leases?state=waiting&limit=50"),
    send(port, "GET", "/api/tasks?limit=50"),
  ]);
  // The times when they were last seen, and so their order, are not stored by the call alone.
  const registered = instances
    .json<{ readonly id: string }[]>()
    .map((instance) => JSON.stringify({ ...instance, last_seen: "" }))
    .toSorted()
    .join();
  // Each heartbeat moves the end.
  const held = leases.text.replaceAll(/"expires_at":"[^"]*"/g, "");
  const { last_event_id } = metrics.json<{ readonly last_event_id: number }>();
  return [
    registered,
    state.text,
    rules.text,
    templates.text,
    last_event_id,
    history.text,
    held,
    waiting.text,
    tasks.text,
  ].join("\n");
}

/** The topics of events that the server publishes when a time is reached, whatever is called meanwhile. */
const OF_TIMERS: readonly ServerTopic[] = [
  "llm.limit.ended",
  "budget.reset",
  "lease.lost",
  "task.ready",
  "agent.stale",
];

/** The line of `stored` that has the id of the newest event. */
const EVENT_LINE = /\n([0-9]+)\n/;

/**
 * Returns true if two results of `stored` differ only in the id of the newest event, and timers have published all
 * events in between.
 */
async function onlyTimersChanged(earlier: string, later: string): Promise<boolean> {
  if (earlier.replace(EVENT_LINE, "\n\n") !== later.replace(EVENT_LINE, "\n\n")) return false;
  const published = await send(port, "GET", `/api/events/history?after=${EVENT_LINE.exec(earlier)?.[1]}&last=100`);
  const others = published
    .json<{ readonly topic: string }[]>()
    .filter(({ topic }) => !OF_TIMERS.some((one) => one === topic));
  if (others.length === 0) return true;
  throw new Error(`refused, and yet there are events: ${JSON.stringify(others)}`);
}

/** The protocol of /mcp has refusals of its own. */
function isProtocolError(content: Buffer): boolean {
  const { jsonrpc, error } = JSON.parse(content.toString("utf8")) as {
    readonly jsonrpc?: unknown;
    readonly error?: { readonly code?: unknown; readonly message?: unknown };
  };
  return (
    jsonrpc === "2.0" &&
    typeof error?.code === "number" &&
    typeof error.message === "string" &&
    !/ at .*:\d+:\d+|SQLITE|node_modules/.test(error.message)
  );
}

const REFUSAL_MEMBERS = new Set([
  ...["error", "code", "details", "current_version", "current_etag"],
  ...["conflicts", "cycle", "lease"],
]);

function isErrorShape(status: number, content: Buffer): boolean {
  const refusal = JSON.parse(content.toString("utf8")) as Refusal & { readonly details?: unknown };
  const rest = Object.keys(refusal).filter((name) => !REFUSAL_MEMBERS.has(name));
  return (
    refusal.code === status &&
    typeof refusal.error === "string" &&
    refusal.error !== "" &&
    rest.length === 0 &&
    !/ at .*:\d+:\d+|SQLITE|node_modules/.test(refusal.error)
  );
}

const seen = new Map<string, Set<number>>();

/** The stored data after the last attempt. */
let before = "";

/** Whether a request is valid HTTP, which Node's own transport requires. */
function isParsed({ path, headers }: Attempt): boolean {
  return /^[!-~]*$/.test(path) && headers.filter(([name]) => name.toLowerCase() === "host").length === 1;
}

/**
 * Makes one attempt. Throws where the answer is not as described, or a refused request changed data. The next attempt
 * is then compared with what is stored by then, so that a counterexample is only made smaller by what fails itself.
 */
async function check(one: Attempt): Promise<void> {
  try {
    await attemptOnce(one);
  } catch (error) {
    before = await stored();
    throw error;
  }
}

async function attemptOnce(one: Attempt): Promise<void> {
  const route = must(ROUTES[one.route], "an attempt is made for a route");
  const arrange = ARRANGED[route.operation.operationId];
  if (arrange !== undefined) {
    await arrange();
    before = await stored();
  }
  const { status, headers, body: content } = await ask(one);
  if (status === 400 && koor.transport === "node" && !isParsed(one)) return;
  const [path = ""] = one.path.split("?");
  const { operationId, responses } = route.operation;
  const own = one.method === route.method && leadsTo(route, path);
  if (own) seen.set(operationId, (seen.get(operationId) ?? new Set()).add(status));
  if (status >= 500 || status < 200) throw new Error(`status ${status}: ${content.toString()}`);
  if (own && responses[String(status)] === undefined) throw new Error(`status ${status} is not described`);
  if (status >= 400) {
    if (headers["content-type"] !== "application/json") throw new Error(`a refusal of type ${headers["content-type"]}`);
    if (
      one.method === "HEAD"
        ? content.length > 0
        : !isErrorShape(status, content) && !(path === "/mcp" && isProtocolError(content))
    )
      throw new Error(`a refusal without its shape: ${content.toString()}`);
  }
  if (["GET", "HEAD"].includes(one.method)) return;
  const after = await stored();
  if (status >= 400 && after !== before && !(await onlyTimersChanged(before, after)))
    throw new Error(`refused with ${status}, and yet:\n${before}\n${after}`);
  before = after;
}

t.test("any request is answered as described, and a refused request stores nothing", async (t) => {
  before = await stored();
  await fc.assert(fc.asyncProperty(attempt, check), {
    numRuns: RUNS_A_ROUTE * ROUTES.length,
    includeErrorInReport: true,
  });
  t.equal(koor.process.exitCode, null, "the server answers");
});

/**
 * Routes that are left out. A restore first checks whether the server has content, and this one has; api-backup.test.ts
 * tests bad snapshots. Only a node of a cluster answers about it: api-cluster.test.ts.
 */
const NEVER_TAKEN: ReadonlySet<string> = new Set([
  "restore",
  "cluster",
  // A random request would have to come while an event waits, which the receiver takes at once.
  "webhook.skip",
  // A random request would have to name an event that was skipped.
  "webhook.dead_letter",
  "webhook.resend",
  "webhook.discard",
]);

t.test("each route was reached, and has both accepted and refused requests", async (t) => {
  for (const route of ROUTES) {
    const { operationId, responses, requestBody, parameters } = route.operation;
    const statuses = seen.get(operationId) ?? new Set();
    seen.set(operationId, statuses);
    // Where only an escape in the path can be wrong, random requests may miss a route.
    const refusable = requestBody !== undefined || parameters.some((parameter) => parameter.in === "query");
    const expected = NEVER_TAKEN.has(operationId) ? [] : refusable ? [200, 400] : [200];
    const missing = (): number[] =>
      expected.filter((status) => responses[String(status)] !== undefined && !statuses.has(status));
    // Where a request is accepted only if many values match, the route gets more attempts.
    for (let round = 0; round < ROUNDS_MORE_MAX && missing().length > 0; round++)
      await fc.assert(fc.asyncProperty(attemptAt(route), check), { numRuns: RUNS_A_ROUTE, includeErrorInReport: true });
    t.ok(statuses.size > 0, `${operationId} was reached: ${[...statuses].join(" ")}`);
    t.same(missing(), [], `${operationId} accepted and refused requests`);
  }
});

/** Writes bytes on a new connection, ends its side, and collects the answer. */
function throwAt(...pieces: readonly Uint8Array[]): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => {
      for (const piece of pieces) socket.write(piece);
      socket.end();
    });
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      answer += chunk;
    });
    // A server may reset such a connection.
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}

t.test("bytes that are no request do not affect other clients", async (t) => {
  const line = fc.constantFrom(
    "GET /api/state HTTP/1.1\r\n",
    "PUT /api/state/raw HTTP/1.1\r\n",
    "POST /api/events/publish HTTP/1.1\r\n",
    "GET /health HTTP/1.0\r\n",
    "GET /health\r\n",
    "GET  HTTP/1.1\r\n",
    "\r\n",
    "GET /\0 HTTP/1.1\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "CONNECT localhost:80 HTTP/1.1\r\n",
    "\x16\x03\x01\x02\x00\x01",
    `GET /${"a".repeat(20_000)} HTTP/1.1\r\n`,
  );
  const field = fc.oneof(
    fc.constantFrom(
      "Host: localhost\r\n",
      "Host: localhost\r\n",
      "Content-Length: 5\r\n",
      "Content-Length: 4\r\n",
      "Content-Length: -1\r\n",
      "Content-Length: 99999999999999999999\r\n",
      "Transfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked, chunked\r\n",
      "Transfer-Encoding: gzip\r\n",
      "Expect: 100-continue\r\n",
      " folded: x\r\n",
      "no colon\r\n",
      ": empty\r\n",
      "Nul: \0\r\n",
      "Bare: x\n",
      "Connection: close\r\n",
      "Upgrade: websocket\r\n",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
      `X: ${"x".repeat(20_000)}\r\n`,
      `Content-Length: ${BODY_BYTES_MAX + 1}\r\n`,
    ),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  );
  const tail = fc.oneof(
    fc.constantFrom(
      "",
      "\r\n",
      "\r\n{}",
      "\r\n5\r\nabcde\r\n0\r\n\r\n",
      "\r\nffffffffffffffff\r\n",
      "\r\n-1\r\n",
      "\r\n0\r\n",
    ),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => `\r\n${Buffer.from(bytes).toString("latin1")}`),
  );
  const request = fc
    .tuple(line, fc.array(field, { maxLength: 5 }), tail)
    .map(([first, fields, rest]) => Buffer.from(first + fields.join("") + rest, "latin1"));
  await fc.assert(
    fc.asyncProperty(
      fc.oneof({ weight: 5, arbitrary: request }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) }),
      fc.nat(),
      async (bytes, cut) => {
        const at = bytes.byteLength === 0 ? 0 : cut % bytes.byteLength;
        const answer = await throwAt(bytes.subarray(0, at), bytes.subarray(at));
        if (answer !== "" && !/^HTTP\/1\.1 ([1-4]\d\d|505) /.test(answer)) throw new Error(answer.slice(0, 200));
      },
    ),
    { numRuns: RAW_RUNS, includeErrorInReport: true },
  );
  t.equal((await send(port, "GET", "/health")).status, 200, "the server still answers");
});

t.test("malformed frames do not affect other clients", async (t) => {
  const upgrade = Buffer.from(
    "GET /api/events/subscribe HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
  );
  const start = fc.constantFrom(
    [],
    [0x81, 0x85],
    [0x81, 0x05],
    [0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    [0x88, 0x80, 0, 0, 0, 0],
    [0x89, 0xfe, 0x10, 0x00],
    [0xf1, 0x80],
    [0x01, 0x80, 0, 0, 0, 0],
    [0x80, 0x80, 0, 0, 0, 0],
  );
  await fc.assert(
    fc.asyncProperty(start, fc.uint8Array({ maxLength: 100 }), async (first, rest) => {
      const answer = await throwAt(upgrade, Buffer.from(first), rest);
      if (answer !== "" && !answer.startsWith("HTTP/1.1 101 ")) throw new Error(answer.slice(0, 200));
    }),
    { numRuns: FRAME_RUNS, includeErrorInReport: true },
  );
  t.equal((await send(port, "GET", "/health")).status, 200, "the server still answers");
});

t.test("a control character in a name, a label, a key or a path is refused by every call", async (t) => {
  for (const bad of ["a\r", "a\u0000b", "\u0085"]) {
    const sent = encodeURIComponent(bad);
    for (const [method, path, jsonBody] of [
      ...[
        ...["state", "instances", "metrics/agents", "templates", "specs/p"].map((list) => `/api/${list}/${sent}`),
        ...[
          "state?prefix",
          "state?after",
          "audit?actor",
          "audit?action",
          "events/history?source",
          "events/history?topic",
        ],
        ...["instances?name", "instances?workspace", "instances?stack", "instances?capability", "leases?workspace"],
        ...["leases?holder", "leases?resource", "tasks?workspace", "tasks?label", "tasks?holder", "tasks?assignee"],
        ...["rules?project", "rules?stack", "rules?source", "templates?tag", "llm/usage?instance", "llm/usage?project"],
        ...[
          "llm/usage?session_tag",
          "metrics/agents?instance_id",
          "wait?free",
          "wait?state",
          "wait?event",
          "leases/waits?workspace",
        ],
      ].map((place) => ["GET", place.startsWith("/") ? place : `/api/${place}=${sent}`, undefined] as const),
      ["POST", "/api/leases/check", { paths: [bad] }],
      ["POST", "/api/validate/p", { filename: bad, content: "" }],
      ["POST", "/api/validate/p", { stack: bad, content: "" }],
      ["POST", "/api/events/publish", { topic: bad, data: 1 }],
      ["POST", "/api/events/publish", { topic: "t", data: 1, source: bad }],
      ["POST", "/api/rules/propose", { project: "p", rule_id: "r", pattern: "x", stack: bad }],
      ["POST", "/api/rules/propose", { project: "p", rule_id: "r", pattern: "x", proposed_by: bad }],
      ["POST", "/api/rules/propose", { project: "p", rule_id: "r", pattern: "x", applies_to: [bad] }],
      ["POST", "/api/templates", { id: "t", name: bad, data: [] }],
      ["POST", "/api/templates", { id: "t", name: "t", tags: [bad], data: [] }],
      ["POST", "/api/llm/usage", { provider: "p", model: bad }],
      ["POST", "/api/webhooks", { id: "w", url: "http://127.0.0.1:1/", patterns: [bad] }],
    ] as const) {
      const answer = await send(port, method, path, jsonBody === undefined ? {} : { body: JSON.stringify(jsonBody) });
      t.match(
        [answer.status, answer.text],
        [400, /control characters/],
        `${method} ${path} ${JSON.stringify(jsonBody)}`,
      );
    }
  }
});

t.test("after all these requests the server has logged no fault", async (t) => {
  const families = parseExposition((await send(port, "GET", "/metrics")).text);
  const faults = families
    .get("koor_http_requests_total")
    ?.samples.filter(({ labels }) => Number(labels["status"]) >= 500);
  t.same(faults, [], "no answer was a 5xx");
  t.equal(families.get("koor_writer_restarts_total")?.samples[0]?.value, 0, "the writer never crashed");
  while ((await readMetric(port, "koor_subscribers")) !== 0) await betweenLooks();
  while ((await countInFlight(port)) !== 0) await betweenLooks();
  t.pass("nothing is left in flight");
  t.same(koor.complaints(), [], "there is no warning in the log");
  t.equal(await koor.stop(), 0);
});
