/**
 * Tests "Instances" of the HTTP API against a real server, and the rights of the caller ("Conventions"): registration,
 * lists, calls of an instance about itself, liveness, and the actor of a call.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { OutgoingHttpHeaders } from "node:http";
import { join } from "node:path";
import t from "tap";
import {
  CAPABILITY_BYTES_MAX,
  INSTANCE_CAPABILITIES_MAX,
  INSTANCE_INTENT_BYTES_MAX,
  INSTANCE_LABEL_BYTES_MAX,
  INSTANCE_LIST_PAGE,
} from "../schemas/limits/instances.js";
import { TIMESTAMP } from "./support/answers.js";
import { parseExposition } from "./support/exposition.js";
import { send, sendJson, type Answer, type Refusal } from "./support/http-client.js";
import { IS_FOLLOWER } from "./support/variant.js";
import { makeDirectory, startKoor, type Koor } from "./support/server-process.js";
import { openSocket, type ReceivedEvent } from "./support/subscriber.js";

interface Instance {
  readonly id: string;
  readonly name: string;
  readonly workspace: string;
  readonly intent: string;
  readonly stack: string;
  readonly capabilities: readonly string[];
  readonly status: string;
  readonly registered_at: string;
  readonly last_seen: string;
}
interface Registered extends Instance {
  readonly token: string;
}
interface AuditRow {
  readonly id: number;
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  readonly detail: string;
  readonly outcome: string;
  readonly count?: number;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const SERVER_TOKEN = "only-for-this-test";

const as = (id: string): OutgoingHttpHeaders => ({ "X-Koor-Instance": id });
const bearer = (token: string): OutgoingHttpHeaders => ({ Authorization: `Bearer ${token}` });

async function register(
  koor: Koor,
  body: object = { name: "agent" },
  headers: OutgoingHttpHeaders = {},
): Promise<Registered> {
  const answer = await sendJson(koor.port, "POST", "/api/instances/register", body, headers);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.json<Registered>();
}

async function registerActive(koor: Koor, body: object = { name: "agent" }): Promise<Registered> {
  const instance = await register(koor, body);
  await post(koor, `${instance.id}/activate`);
  return instance;
}

function post(koor: Koor, path: string, body?: object, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  return body === undefined
    ? send(koor.port, "POST", `/api/instances/${path}`, { headers })
    : sendJson(koor.port, "POST", `/api/instances/${path}`, body, headers);
}

async function get(koor: Koor, id: string, headers: OutgoingHttpHeaders = {}): Promise<Instance> {
  return (await send(koor.port, "GET", `/api/instances/${id}`, { headers })).json<Instance>();
}

async function list(koor: Koor, query = ""): Promise<Instance[]> {
  return (await send(koor.port, "GET", `/api/instances${query}`)).json<Instance[]>();
}

async function audit(koor: Koor, headers: OutgoingHttpHeaders = {}): Promise<AuditRow[]> {
  return (await send(koor.port, "GET", "/api/audit?limit=10000", { headers })).json<AuditRow[]>();
}

/** Resolves when the machine's clock shows another millisecond: what is seen next is seen later. */
async function nextMillisecond(): Promise<void> {
  for (const now = Date.now(); Date.now() === now; ) await new Promise((resolve) => setImmediate(resolve));
}

t.test("an instance is registered with its members", async (t) => {
  const koor = await startKoor(t);
  const plain = await register(koor, { name: "ana" });
  t.match(plain, {
    name: "ana",
    workspace: "",
    intent: "",
    stack: "",
    capabilities: [],
    checkout: null,
    parent: null,
    status: "pending",
    id: UUID,
    registered_at: TIMESTAMP,
    last_seen: TIMESTAMP,
    token: /^[0-9a-f]{32}$/,
  });
  t.same(Object.keys(plain), [
    "id",
    "name",
    "workspace",
    "intent",
    "stack",
    "capabilities",
    "checkout",
    "parent",
    "status",
    "registered_at",
    "last_seen",
    "token",
  ]);
  const whole = {
    name: "b\u00e9n \u{1F600}",
    workspace: "w/x",
    intent: 'two\nlines\tof "it"',
    stack: "go",
    capabilities: ["deploy", "review"],
  };
  const full = await register(koor, { ...whole, id: "mine", token: "mine", status: "active", extra: 1 });
  t.match(full, { ...whole, status: "pending", id: UUID });
  t.not(full.id, plain.id);
  t.not(full.token, plain.token);
  t.same((await register(koor, { name: "twice", capabilities: ["a", "b", "a"] })).capabilities, ["a", "b"]);
  t.not((await register(koor, { name: "ana" })).id, plain.id, "names may repeat");

  const exact = {
    name: "n".repeat(INSTANCE_LABEL_BYTES_MAX),
    intent: "i".repeat(INSTANCE_INTENT_BYTES_MAX),
    capabilities: ["c".repeat(CAPABILITY_BYTES_MAX)],
  };
  t.match(await register(koor, exact), exact, "names of the greatest length are accepted");
  const refused: readonly (readonly [body: string, error: string])[] = [
    ["", "empty body"],
    ["{", "malformed JSON body"],
    ["[]", "the body must be an object"],
    ["{}", "name is required"],
    ['{"name":""}', "name is required"],
    ['{"name":5}', "name must be a string"],
    ['{"name":null}', "name must be a string"],
    ['{"name":"a","workspace":1}', "workspace must be a string"],
    ['{"name":"a","intent":{}}', "intent must be a string"],
    ['{"name":"a","stack":[]}', "stack must be a string"],
    ['{"name":"a","capabilities":"x"}', "capabilities must be an array"],
    ['{"name":"a","capabilities":[1]}', "capabilities[0] must be a string"],
    ['{"name":"a","capabilities":["x",""]}', "capabilities[1] is required"],
    [
      JSON.stringify({ name: "\u00e9".repeat(INSTANCE_LABEL_BYTES_MAX + 1) }),
      `name is longer than ${INSTANCE_LABEL_BYTES_MAX} characters`,
    ],
    [
      JSON.stringify({ name: "a", workspace: "w".repeat(INSTANCE_LABEL_BYTES_MAX + 1) }),
      `workspace is longer than ${INSTANCE_LABEL_BYTES_MAX} characters`,
    ],
    [
      JSON.stringify({ name: "a", stack: "s".repeat(INSTANCE_LABEL_BYTES_MAX + 1) }),
      `stack is longer than ${INSTANCE_LABEL_BYTES_MAX} characters`,
    ],
    [
      JSON.stringify({ name: "a", intent: "i".repeat(INSTANCE_INTENT_BYTES_MAX + 1) }),
      `intent is longer than ${INSTANCE_INTENT_BYTES_MAX} characters`,
    ],
    [
      JSON.stringify({ name: "a", capabilities: ["c".repeat(CAPABILITY_BYTES_MAX + 1)] }),
      `capabilities[0] is longer than ${CAPABILITY_BYTES_MAX} characters`,
    ],
    [
      JSON.stringify({
        name: "a",
        capabilities: Array.from({ length: INSTANCE_CAPABILITIES_MAX + 1 }, (_, at) => `c${at}`),
      }),
      `capabilities must have at most ${INSTANCE_CAPABILITIES_MAX} items`,
    ],
    ['{"name":"a\\nb"}', "name must not contain control characters"],
    ['{"name":"a","workspace":"\\u0000"}', "workspace must not contain control characters"],
    ['{"name":"a","stack":"\\u007f"}', "stack must not contain control characters"],
    ['{"name":"a","capabilities":["\\t"]}', "capabilities[0] must not contain control characters"],
    ['{"name":"\\ud800"}', "name must be valid Unicode"],
    ['{"name":"a","intent":"\\udc00"}', "intent must be valid Unicode"],
  ];
  const before = (await list(koor)).length;
  for (const [body, error] of refused) {
    const answer = await sendJson(koor.port, "POST", "/api/instances/register", body);
    t.equal(answer.status, 400, body.slice(0, 60));
    t.match(answer.json<Refusal>(), { error, code: 400 }, body.slice(0, 60));
  }
  t.equal((await list(koor)).length, before, "no instance was registered");
  const rows = (await audit(koor)).filter(({ outcome }) => outcome === "error");
  t.equal(
    rows.reduce((sum, { count = 0 }) => sum + count, 0),
    refused.length,
    "each refusal is counted in the row of its reason",
  );
  t.match(rows[0], { action: "instance.register", resource: "", actor: "", detail: /"code":400/ });
  t.match(
    (await audit(koor)).find(({ resource }) => resource === full.id),
    {
      action: "instance.register",
      outcome: "success",
      detail: JSON.stringify({ name: whole.name, workspace: whole.workspace, stack: whole.stack }),
    },
  );
});

t.test("lists are sorted by when an instance was last seen, and filters combine", async (t) => {
  const koor = await startKoor(t);
  t.same(await list(koor), []);
  const bodies = [
    { name: "a", workspace: "w1", stack: "go", capabilities: ["review", "deploy"] },
    { name: "b", workspace: "w1", stack: "react", capabilities: ["review"] },
    { name: "a", workspace: "w2", stack: "go" },
    { name: "c", workspace: "", stack: "" },
  ];
  const ids: string[] = [];
  for (const body of bodies) {
    ids.push((await register(koor, body)).id);
    await nextMillisecond();
  }
  const found = async (query: string): Promise<number[]> => (await list(koor, query)).map(({ id }) => ids.indexOf(id));
  t.same(await found(""), [3, 2, 1, 0]);
  await post(koor, `${ids[1]}/activate`);
  await nextMillisecond();
  await post(koor, `${ids[0]}/heartbeat`);
  t.same(await found(""), [0, 1, 3, 2], "whatever their status");
  for (const [query, expected] of [
    ["?name=a", [0, 2]],
    ["?name=A", []],
    ["?workspace=w1", [0, 1]],
    ["?stack=go", [0, 2]],
    ["?capability=review", [0, 1]],
    ["?capability=deploy", [0]],
    ["?capability=rev", []],
    ["?name=a&workspace=w1", [0]],
    ["?name=a&stack=go&workspace=w2", [2]],
    ["?workspace=w1&capability=review&stack=react&name=b", [1]],
    ["?name=a&stack=react", []],
    ["?workspace=", [3]],
    ["?unknown=1", [0, 1, 3, 2]],
    ["?name=%61", [0, 2]],
  ] as const)
    t.same(await found(query), expected, query);
  t.match((await send(koor.port, "GET", "/api/instances?name=%zz")).json(), {
    error: "malformed escape in the query",
    code: 400,
  });
  t.same((await list(koor, "?name=c"))[0], await get(koor, ids[3] ?? ""), "the filter alone gives the same");
  t.notOk((await send(koor.port, "GET", "/api/instances")).text.includes("token"));
  const head = await send(koor.port, "HEAD", "/api/instances");
  t.same([head.status, head.body.length], [200, 0]);
});

t.test("a list of more than one page is whole and in order", async (t) => {
  const koor = await startKoor(t);
  const count = 2 * INSTANCE_LIST_PAGE + 1;
  for (let at = 0; at < count; at++)
    await register(koor, { name: String(at), workspace: at % 100 === 0 ? "few" : "many" });
  const all = await list(koor);
  t.same(all.map(({ name }) => name).toSorted(), Array.from({ length: count }, (_, at) => String(at)).toSorted());
  t.same(
    all.map(({ last_seen }) => last_seen),
    all
      .map(({ last_seen }) => last_seen)
      .toSorted()
      .toReversed(),
  );
  t.equal((await list(koor, "?workspace=few")).length, Math.ceil(count / 100));
  t.same(await list(koor, "?workspace=none"), []);
});

t.test("an instance can change what it says about itself", async (t) => {
  const koor = await startKoor(t);
  const { id, registered_at } = await register(koor, { name: "a", intent: "first" });
  const seen = async (): Promise<string> => (await get(koor, id)).last_seen;
  let before = await seen();
  const answered = async (path: string, body: object | undefined, expected: unknown, what: string): Promise<void> => {
    await nextMillisecond();
    const answer = await post(koor, `${id}/${path}`, body);
    t.equal(answer.status, 200, what);
    t.same(answer.json(), expected, what);
    t.ok((await seen()) > before, `${what} is a heartbeat`);
    before = await seen();
  };
  await answered("heartbeat", undefined, { id, status: "ok" }, "a heartbeat");
  t.equal((await get(koor, id)).status, "pending", "a heartbeat does not activate");
  await answered("activate", undefined, { id, status: "active" }, "the activation");
  t.equal((await get(koor, id)).status, "active");
  await answered("activate", undefined, { id, status: "active" }, "another activation");
  await answered("intent", { intent: "second\nline" }, { id, intent: "second\nline" }, "an intent");
  await answered("intent", { intent: "" }, { id, intent: "" }, "none");
  await answered("capabilities", { capabilities: ["x", "y", "x"] }, { id, capabilities: ["x", "y"] }, "capabilities");
  t.match(await list(koor, "?capability=y"), [{ id }]);
  await answered("capabilities", { capabilities: [] }, { id, capabilities: [] }, "none");
  t.same(await list(koor, "?capability=y"), []);
  await answered("heartbeat", {}, { id, status: "ok" }, "a heartbeat with a body");
  t.match(await get(koor, id), { id, name: "a", intent: "", capabilities: [], status: "active", registered_at });

  for (const [path, body, error] of [
    ["intent", {}, "intent is required"],
    ["intent", { intent: 1 }, "intent must be a string"],
    [
      "intent",
      { intent: "i".repeat(INSTANCE_INTENT_BYTES_MAX + 1) },
      `intent is longer than ${INSTANCE_INTENT_BYTES_MAX} characters`,
    ],
    ["capabilities", {}, "capabilities is required"],
    ["capabilities", { capabilities: "x" }, "capabilities must be an array"],
    ["capabilities", { capabilities: ["\n"] }, "capabilities[0] must not contain control characters"],
  ] as const) {
    const answer = await post(koor, `${id}/${path}`, body);
    t.match([answer.status, answer.json()], [400, { error, code: 400 }], error);
  }

  t.same((await send(koor.port, "DELETE", `/api/instances/${id}`)).json(), { deleted: id });
  for (const [method, path, body] of [
    ["GET", "", undefined],
    ["DELETE", "", undefined],
    ["POST", "/heartbeat", undefined],
    ["POST", "/activate", undefined],
    ["POST", "/intent", '{"intent":"x"}'],
    ["POST", "/capabilities", '{"capabilities":[]}'],
  ] as const) {
    for (const unknown of [id, "nobody", "a%2Fb"]) {
      const answer = await send(
        koor.port,
        method,
        `/api/instances/${unknown}${path}`,
        body === undefined ? {} : { body },
      );
      t.equal(answer.status, 404, `${method} ${path} of ${unknown}`);
      t.same(answer.json(), { error: `instance not found: ${decodeURIComponent(unknown)}`, code: 404 });
    }
  }
  t.same(await list(koor), []);

  const rows = (await audit(koor))
    .toReversed()
    .map(({ action, resource, detail, outcome }) => [
      action,
      resource,
      outcome === "success" ? (JSON.parse(detail) as unknown) : (JSON.parse(detail) as Refusal).code,
    ]);
  const done = rows.filter((row) => row[1] === id && typeof row[2] === "object");
  t.same(
    done,
    [
      ["instance.register", id, { name: "a", workspace: "", stack: "" }],
      ["instance.activate", id, {}],
      ["instance.capabilities", id, { capabilities: ["x", "y"] }],
      ["instance.capabilities", id, { capabilities: [] }],
      ["instance.deregister", id, {}],
    ],
    "each has one row; heartbeats, intents and calls that change nothing have none",
  );
  t.same(
    rows.filter((row) => typeof row[2] !== "object"),
    [
      ["instance.capabilities", id, 400],
      ["instance.capabilities", id, 400],
      ["instance.capabilities", id, 400],
      ...["instance.deregister", "instance.activate", "instance.capabilities"].flatMap((action) =>
        [id, "nobody", "a/b"].map((resource) => [action, resource, 404]),
      ),
    ],
    "each refusal has one, too",
  );
});

t.test("other methods below instances are a 405 or a 404", async (t) => {
  const koor = await startKoor(t);
  for (const [method, path, allow] of [
    ["GET", "/api/instances/register", "POST"],
    ["DELETE", "/api/instances/stale", "GET, HEAD"],
    ["DELETE", "/api/instances/register", "POST"],
    ["PUT", "/api/instances/x", "DELETE, GET, HEAD, PATCH"],
    ["GET", "/api/liveness/check", "POST"],
    ["GET", "/api/instances/x/heartbeat", "POST"],
    ["HEAD", "/api/instances/register", "POST"],
  ] as const) {
    const answer = await send(koor.port, method, path);
    t.same([answer.status, answer.headers.allow], [405, allow], `${method} ${path}`);
  }
});

t.test("active instances that are silent become stale once, and any call of theirs ends it", async (t) => {
  const koor = await startKoor(t, { args: ["--stale-after", "1ms"], ownReadsOnly: true });
  const check = async (): Promise<{ checked: boolean; newly_stale: Instance[]; count: number }> =>
    (await send(koor.port, "POST", "/api/liveness/check")).json();
  const stale = async (): Promise<Instance[]> =>
    (await send(koor.port, "GET", "/api/instances/stale")).json<Instance[]>();
  t.same(await check(), { checked: true, newly_stale: [], count: 0 });
  const pending = await register(koor, { name: "pending" });
  const one = await registerActive(koor, {
    name: "one",
    workspace: "w",
    stack: "go",
    intent: "work",
    capabilities: ["x"],
  });
  const two = await registerActive(koor, { name: "two" });
  await nextMillisecond();
  await nextMillisecond();
  const socket = await openSocket(t, koor.port);
  const found = await check();
  t.match(found, { checked: true, count: 2 });
  t.same(
    found.newly_stale.map(({ id }) => id),
    [one.id, two.id],
    "the longest silent are first",
  );
  t.same(found.newly_stale[0], await get(koor, one.id), "as they are");
  t.match(found.newly_stale[0], {
    status: "stale",
    name: "one",
    workspace: "w",
    stack: "go",
    intent: "work",
    capabilities: ["x"],
  });
  t.same(
    (await stale()).map(({ id }) => id),
    [two.id, one.id],
    "most recently seen first",
  );
  t.equal((await get(koor, pending.id)).status, "pending", "an instance that never was active does not become stale");
  t.same(await check(), { checked: true, newly_stale: [], count: 0 }, "once");
  t.same((await send(koor.port, "POST", "/api/liveness/check")).headers["content-type"], "application/json");
  const received = (await socket.untilCount(2)) as ReceivedEvent[];
  t.same(
    received.map(({ topic, source, data }) => ({ topic, source, data })),
    [one, two].map(({ id }, at) => ({
      topic: "agent.stale",
      source: "liveness-monitor",
      data: {
        instance_id: id,
        name: at === 0 ? "one" : "two",
        workspace: at === 0 ? "w" : "",
        stack: at === 0 ? "go" : "",
        last_seen: found.newly_stale[at]?.last_seen,
      },
    })),
  );

  const heartbeats: readonly (readonly [what: string, give: () => Promise<Answer>])[] = [
    ["a heartbeat", () => post(koor, `${one.id}/heartbeat`)],
    ["an activation", () => post(koor, `${one.id}/activate`)],
    ["an intent", () => post(koor, `${one.id}/intent`, { intent: "again" })],
    ["capabilities", () => post(koor, `${one.id}/capabilities`, { capabilities: [] })],
    ["a call of its own", () => send(koor.port, "GET", "/api/state", { headers: as(one.id) })],
    ["a call that is refused", () => send(koor.port, "GET", "/api/state/none", { headers: as(one.id) })],
    ["a call with its token", () => send(koor.port, "GET", "/api/state", { headers: bearer(one.token) })],
  ];
  for (const [what, give] of heartbeats) {
    t.equal((await get(koor, one.id)).status, "stale", "reads by other clients do not count as its heartbeat");
    await give();
    t.equal((await get(koor, one.id)).status, "active", what);
    t.same(
      (await stale()).map(({ id }) => id),
      [two.id],
    );
    while ((await check()).count === 0);
  }
  t.equal(
    (await socket.untilCount(2 + heartbeats.length)).length,
    2 + heartbeats.length,
    "each silence is reported once",
  );
  t.same(
    (await audit(koor)).filter(({ action }) => action.startsWith("liveness")),
    [],
    "checks are not audited",
  );
  const families = parseExposition((await send(koor.port, "GET", "/metrics")).text);
  t.same(
    families.get("koor_instances")?.samples.map(({ labels, value }) => [labels["status"], value]),
    [
      ["pending", 1],
      ["active", 0],
      ["stale", 2],
    ],
  );
  t.equal((await send(koor.port, "GET", "/api/metrics")).json<{ readonly instances: number }>().instances, 3);
  await send(koor.port, "DELETE", `/api/instances/${two.id}`);
  t.equal((await send(koor.port, "GET", "/api/metrics")).json<{ readonly instances: number }>().instances, 2);
  t.same(
    (await stale()).map(({ id }) => id),
    [one.id],
  );
});

t.test("the monitor checks by itself", async (t) => {
  const koor = await startKoor(t, { args: ["--stale-after", "1ms", "--liveness-interval", "1ms"] });
  const socket = await openSocket(t, koor.port, "pattern=agent.stale");
  const { id } = await registerActive(koor);
  const [first] = (await socket.untilCount(1)) as ReceivedEvent[];
  t.match(first, { topic: "agent.stale", source: "liveness-monitor", data: { instance_id: id } });
  await post(koor, `${id}/heartbeat`);
  t.equal((await socket.untilCount(2)).length, 2, "it continues to check");
  // The leader logs it.
  if (!IS_FOLLOWER) await koor.logged(/msg="instance stale" id=/);
});

t.test("a call has the instance of its header or token as its actor", async (t) => {
  const koor = await startKoor(t);
  const { port } = koor;
  const ana = await register(koor, { name: "ana" });
  const ben = await register(koor, { name: "ben" });
  const newest = async (): Promise<AuditRow | undefined> => (await audit(koor))[0];
  const updatedBy = async (): Promise<string | undefined> =>
    (await send(port, "GET", "/api/state/k?history=1&limit=1")).json<{
      readonly versions: readonly { readonly updated_by: string }[];
    }>().versions[0]?.updated_by;
  const callers: readonly (readonly [what: string, headers: OutgoingHttpHeaders, actor: string])[] = [
    ["the header", as(ana.id), ana.id],
    ["a token", bearer(ana.token), ana.id],
    ["a token before the header", { ...bearer(ana.token), ...as(ben.id) }, ana.id],
    ["no header", {}, ""],
    ["an unknown token", bearer("nonsense"), ""],
    ["an unknown token, a known id", { ...bearer("x"), ...as(ben.id) }, ben.id],
    ["an id as a token", bearer(ana.id), ""],
  ];
  for (const [what, headers, actor] of callers) {
    await nextMillisecond();
    const before = (await get(koor, ana.id)).last_seen;
    t.equal((await send(port, "PUT", "/api/state/k", { body: "1", headers })).status, 200, what);
    t.equal(await updatedBy(), actor, `${what}: updated_by`);
    t.match(await newest(), { action: "state.put", actor, outcome: "success" }, `${what}: audit`);
    t.equal((await get(koor, ana.id)).last_seen > before, actor === ana.id, `${what}: last_seen`);
    // Each has a key of its own, because repeats are counted in the row of the first.
    const path = `/api/state/${encodeURIComponent(what)}`;
    await send(port, "PUT", `${path}?if_version=999`, { body: "1", headers });
    t.match(await newest(), { actor, outcome: "error" }, `${what}: a refusal of the writer`);
    await send(port, "PUT", path, { body: "", headers });
    t.match(await newest(), { actor, outcome: "error", detail: /empty body/ }, `${what}: a refusal of the route`);
    await send(port, "PUT", `${path}?if_version=x`, { body: "1", headers });
    t.match(await newest(), { actor, outcome: "error", detail: /if_version/ }, `${what}: a refusal before the route`);
    t.match(
      (await sendJson(port, "POST", "/api/events/publish", { topic: "t" }, headers)).json(),
      { source: actor },
      `${what}: source`,
    );
    t.match(
      (
        await sendJson(port, "POST", "/api/events/publish", [{ topic: "t" }, { topic: "t", source: "own" }], headers)
      ).json(),
      [{ source: actor }, { source: "own" }],
      `${what}: unless the publisher names one`,
    );
    t.match((await sendJson(port, "POST", "/api/events/publish", { topic: "t", source: "" }, headers)).json(), {
      source: "",
    });
  }
  t.match((await send(port, "GET", `/api/audit?actor=${ana.id}&limit=1`)).json(), [{ actor: ana.id }]);
  for (const id of ["nobody", ana.id.toUpperCase(), ana.token, `${ana.id},${ben.id}`]) {
    const refused = await send(port, "PUT", "/api/state/k", { body: "1", headers: as(id) });
    t.same(refused.json(), { error: `instance not found: ${id}`, code: 404 });
    t.match(await newest(), { action: "state.put", actor: "", outcome: "error" });
  }
  await post(koor, `${ben.id}/capabilities`, { capabilities: ["other"] }, as(ana.id));
  t.match(
    await newest(),
    { actor: ana.id, resource: ben.id, action: "instance.capabilities" },
    "the actor is not the instance that was changed",
  );
  await send(port, "DELETE", `/api/instances/${ana.id}`, { headers: as(ana.id) });
  t.match(await newest(), { actor: ana.id, resource: ana.id, action: "instance.deregister" });
  await send(port, "PUT", "/api/state/k", { body: "1", headers: { ...bearer(ana.token), ...as(ana.id) } });
  t.match(await newest(), { actor: "" }, "a deleted instance cannot act");
});

t.test("an unknown instance cannot write, on either port, and reads without an identity", async (t) => {
  const koor = await startKoor(t, { args: ["--dashboard-bind", "127.0.0.1:0"] });
  const { port } = koor;
  // First without an instance, then with one.
  for (const round of ["none registered", "one registered"]) {
    const writes: readonly (readonly [method: string, path: string, body?: object])[] = [
      ["PUT", "/api/state/k", { a: 1 }],
      ["DELETE", "/api/state/k"],
      ["PUT", "/api/specs/p/n", { a: 1 }],
      ["POST", "/api/events/publish", { topic: "t" }],
      ["POST", "/api/instances/register", { name: "x" }],
      ["POST", "/api/leases", { resources: ["a"] }],
      ["DELETE", "/api/leases/lease-1?fence=1"],
      ["POST", "/api/tasks", { title: "x" }],
      ["POST", "/api/tasks/claim", {}],
      ["POST", "/api/messages", { to: "name:x", subject: "x" }],
      ["POST", "/api/rules/propose", { project: "p", rule_id: "r", pattern: "x", message: "x" }],
      ["POST", "/api/webhooks", { id: "w", url: "http://127.0.0.1:1/" }],
      ["POST", "/api/templates", { id: "t", name: "t", kind: "rules", data: [] }],
      ["POST", "/api/llm/usage", { provider: "p", model: "m" }],
    ];
    for (const at of [port, koor.dashboardPort]) {
      for (const [method, path, body] of writes) {
        const headers = { "Content-Type": "application/json", ...as("bogus") };
        const answer = await send(at, method, path, body ? { headers, body: JSON.stringify(body) } : { headers });
        t.same(answer.json(), { error: "instance not found: bogus", code: 404 }, `${round}: ${method} ${path}`);
      }
      t.equal((await send(at, "GET", "/api/state/k", { headers: as("bogus") })).json<{ code: number }>().code, 404);
      t.same((await send(at, "GET", "/api/state", { headers: as("bogus") })).json(), []);
      t.equal((await sendJson(at, "POST", "/api/leases/check", { paths: ["a"] }, as("bogus"))).status, 200);
    }
    await register(koor);
  }
});

t.test("with auth on an instance's token is valid until the instance is deleted", async (t) => {
  const koor = await startKoor(t, {
    args: ["--auth-token", SERVER_TOKEN, "--log-level", "debug", "--log-format", "text"],
  });
  const { port } = koor;
  const server = bearer(SERVER_TOKEN);
  t.equal((await sendJson(port, "POST", "/api/instances/register", { name: "stranger" })).status, 401);
  const ana = await register(koor, { name: "ana" }, server);
  const ben = await register(koor, { name: "ben" }, bearer(ana.token));
  t.same(
    (await send(port, "GET", `/api/instances/${ben.id}`, { headers: bearer(ana.token) })).json<Instance>().name,
    "ben",
  );
  for (const headers of [
    {},
    as(ana.id),
    bearer(ana.id),
    bearer(`${ana.token}x`),
    bearer(ana.token.slice(0, -1)),
    bearer(ana.token.toUpperCase()),
    { Authorization: ana.token },
    { Authorization: `Basic ${ana.token}` },
  ]) {
    const answer = await send(port, "GET", "/api/state", { headers });
    t.match(
      [answer.status, answer.json()],
      [401, { error: "invalid or missing bearer token", code: 401 }],
      JSON.stringify(Object.keys(headers)),
    );
  }
  const actorOf = async (headers: OutgoingHttpHeaders): Promise<string | undefined> => {
    t.equal((await send(port, "PUT", "/api/state/k", { body: "1", headers })).status, 200);
    return (await audit(koor, server))[0]?.actor;
  };
  t.equal(await actorOf(bearer(ana.token)), ana.id);
  t.equal(await actorOf({ ...bearer(ana.token), ...as(ben.id) }), ana.id, "a token is valid for its owner only");
  t.equal(await actorOf({ ...server, ...as(ben.id) }), ben.id, "the server's token may act for an instance");
  t.equal(await actorOf(server), "");
  await openSocket(t, port, "", bearer(ben.token));
  t.pass("it opens a WebSocket");
  await nextMillisecond();
  const before = (await get(koor, ana.id, server)).last_seen;
  t.equal((await send(port, "GET", "/nothing", { headers: bearer(ana.token) })).status, 404);
  t.ok((await get(koor, ana.id, server)).last_seen > before, "even a request for an unknown route is a heartbeat");

  t.equal((await send(port, "DELETE", `/api/instances/${ben.id}`, { headers: server })).status, 200);
  t.equal((await send(port, "GET", "/api/state", { headers: bearer(ben.token) })).status, 401, "it is invalid at once");

  const pages = await Promise.all(
    [
      "/api/instances",
      `/api/instances/${ana.id}`,
      "/api/audit?limit=10000",
      "/api/events/history?last=10000",
      "/metrics",
      "/api/metrics/agents",
      "/openapi.json",
    ].map((path) => send(port, "GET", path, { headers: server })),
  );
  t.ok(pages.every(({ status }) => status === 200));
  for (const secret of [ana.token, ben.token, SERVER_TOKEN])
    for (const page of pages) t.notOk(page.text.includes(secret), "no answer contains a token");
  const files = (): Buffer[] => readdirSync(koor.data_dir).map((name) => readFileSync(join(koor.data_dir, name)));
  for (const bytes of files())
    t.notOk(bytes.includes(ana.token) || bytes.includes(ben.token), "no file contains one while the server runs");
  t.equal(await koor.stop(), 0);
  for (const bytes of files())
    t.notOk(
      bytes.includes(ana.token) || bytes.includes(ben.token) || bytes.includes(Buffer.from(ana.token, "hex")),
      "nor after it",
    );
  for (const secret of [ana.token, ben.token, SERVER_TOKEN]) t.notOk(koor.log().includes(secret), "nor does the log");

  const again = await startKoor(t, { data_dir: koor.data_dir, args: ["--auth-token", SERVER_TOKEN] });
  t.equal(
    (await send(again.port, "GET", "/api/state", { headers: bearer(ana.token) })).status,
    200,
    "tokens outlive the server",
  );
  t.equal(
    (await send(again.port, "GET", "/api/state", { headers: bearer(ben.token) })).status,
    401,
    "and so does a deletion",
  );
});

t.test("after a restart every instance is there, as it was last seen", async (t) => {
  const dataDir = makeDirectory(t);
  const koor = await startKoor(t, { data_dir: dataDir });
  const ids: string[] = [];
  for (const name of ["a", "b", "c", "d"])
    ids.push((await register(koor, { name, workspace: "w", stack: "go", intent: "i", capabilities: ["x"] })).id);
  await post(koor, `${ids[0]}/activate`);
  await post(koor, `${ids[1]}/activate`);
  await post(koor, `${ids[1]}/intent`, { intent: "changed" });
  await post(koor, `${ids[2]}/capabilities`, { capabilities: ["y"] });
  await send(koor.port, "DELETE", `/api/instances/${ids[3]}`);
  await nextMillisecond();
  await post(koor, `${ids[0]}/heartbeat`);
  const before = await list(koor);
  t.equal(before.length, 3);
  t.equal(await koor.stop(), 0);
  const again = await startKoor(t, { data_dir: dataDir });
  t.same(await list(again), before, "a shutdown stores the last heartbeats");
  t.equal((await send(again.port, "GET", "/api/metrics")).json<{ readonly instances: number }>().instances, 3);
  await post(again, `${ids[0]}/heartbeat`);
  await again.stop("SIGKILL");
  const third = await startKoor(t, { data_dir: dataDir, args: ["--stale-after", "1ms"] });
  const after = await list(third);
  const known = (instances: readonly Instance[]): unknown =>
    instances.map((instance) => ({ ...instance, last_seen: "" })).toSorted((x, y) => x.id.localeCompare(y.id));
  t.same(known(after), known(before), "a kill loses nothing but seconds of last_seen");
  for (const { id, last_seen } of before)
    t.ok((after.find((instance) => instance.id === id)?.last_seen ?? "") >= last_seen);
  t.match((await send(third.port, "POST", "/api/liveness/check")).json(), { count: 2 });
  await post(third, `${ids[0]}/heartbeat`);
  await third.stop();
  const fourth = await startKoor(t, { data_dir: dataDir });
  t.match(await get(fourth, ids[0] ?? ""), { status: "active" }, "its return is stored");
  t.match((await send(fourth.port, "GET", "/api/instances/stale")).json(), [{ id: ids[1] }], "and so is its silence");
});
