/**
 * Tests "Compliance" of the HTTP API, over the wire: which instances are checked, what is found, what is stored and
 * published.
 */
import t from "tap";
import type { Violation } from "../schemas/contracts.js";
import { TIMESTAMP } from "./support/answers.js";
import { send, sendJson, type Refusal } from "./support/http-client.js";
import { startKoor, type Koor } from "./support/server-process.js";
import { betweenLooks } from "./support/between-looks.js";

interface Run {
  readonly id: number;
  readonly instance_id: string;
  readonly project: string;
  readonly contract: string;
  readonly pass: boolean;
  readonly violations: readonly Violation[];
  readonly run_at: string;
}
interface Check {
  readonly checked: boolean;
  readonly runs: readonly Run[];
  readonly count: number;
}
interface Event {
  readonly topic: string;
  readonly source: string;
  readonly data: unknown;
}

async function register({ port }: Koor, name: string, workspace: string, active = true): Promise<string> {
  const { id } = (await sendJson(port, "POST", "/api/instances/register", { name, workspace })).json<{
    readonly id: string;
  }>();
  if (active) await send(port, "POST", `/api/instances/${id}/activate`);
  return id;
}

async function check({ port }: Koor): Promise<Check> {
  return (await send(port, "POST", "/api/compliance/run")).json<Check>();
}

async function history({ port }: Koor, query = ""): Promise<Run[]> {
  return (await send(port, "GET", `/api/compliance/history${query}`)).json<Run[]>();
}

async function violationEvents({ port }: Koor): Promise<Event[]> {
  return (await send(port, "GET", "/api/events/history?topic=compliance.violation&last=10000")).json<Event[]>();
}

t.test("each active instance is checked against each contract of its workspace", async (t) => {
  const koor = await startKoor(t);
  const { port } = koor;
  t.same(await check(koor), { checked: true, runs: [], count: 0 });
  t.same(await history(koor), []);
  const good = {
    kind: "contract",
    endpoints: {
      "POST /x": {
        request: { a: { type: "string", required: true } },
        response_array: { schema: { type: "object", required: ["id"] } },
      },
    },
  };
  await sendJson(port, "PUT", "/api/specs/w/good", good);
  await sendJson(port, "PUT", "/api/specs/w/empty", { kind: "contract" });
  await sendJson(port, "PUT", "/api/specs/w/plain", { kind: "schema" });
  await send(port, "PUT", "/api/specs/w/text", { body: 'no "contract"' });
  await sendJson(port, "PUT", "/api/specs/other/good", good);
  const ana = await register(koor, "ana", "w");
  const bob = await register(koor, "bob/é", "w");
  await register(koor, "pending", "w", false);
  await register(koor, "nowhere", "");
  await register(koor, "elsewhere", "none");

  const first = await check(koor);
  const { runs } = first;
  t.same([first.checked, first.count, runs.length], [true, 4, 4]);
  t.same(
    runs.map(({ id }) => id),
    [1, 2, 3, 4],
  );
  t.same(
    runs
      .map(({ instance_id, contract, project, pass }) =>
        [instance_id === ana ? "ana" : instance_id === bob ? "bob" : "?", contract, project, pass].join(" "),
      )
      .sort(),
    ["ana empty w false", "ana good w true", "bob empty w false", "bob good w true"],
  );
  for (const run of runs) {
    t.same(Object.keys(run), ["id", "instance_id", "project", "contract", "pass", "violations", "run_at"]);
    t.same(run.violations, run.pass ? [] : [{ path: "endpoints", message: "the contract has no endpoints" }]);
    t.match(run.run_at, TIMESTAMP);
  }
  t.same(await history(koor), runs.toReversed(), "newest first");
  t.same(await history(koor, "?limit=1"), [runs[3]]);
  t.same(
    (await history(koor, `?instance_id=${ana}`)).map(({ instance_id }) => instance_id),
    [ana, ana],
  );
  t.same(await history(koor, `?instance_id=${bob}&limit=1`), [runs.findLast(({ instance_id }) => instance_id === bob)]);
  t.same(await history(koor, "?instance_id=nobody"), []);
  const events = await violationEvents(koor);
  t.same(
    events.map(({ data, source }) => ({ data, source })),
    runs
      .toReversed()
      .filter(({ pass }) => !pass)
      .map(({ instance_id, project, contract, violations }) => ({
        data: { instance_id, project, contract, violations },
        source: "compliance-scheduler",
      })),
  );

  const samples = [
    { endpoint: "POST /x", direction: "response", payload: [{ id: 1 }, {}] },
    { endpoint: "POST /x", payload: { a: 1 } },
    { endpoint: "POST /x", direction: "request", payload: { a: "x" } },
    { endpoint: "GET /none" },
    { endpoint: 5 },
    "x",
  ];
  await sendJson(port, "PUT", `/api/state/w/good/samples/${encodeURIComponent("bob/é")}`, samples);
  await send(port, "PUT", "/api/state/w/empty/samples/ana", { body: "no json" });
  await send(port, "PUT", "/api/state/w/good/samples/ana", { body: '[{"endpoint":"POST /x","payload":{"a":"x"}}]' });
  const second = await check(koor);
  const found = (instance: string, contract: string): string[] | undefined =>
    second.runs
      .find((run) => run.instance_id === instance && run.contract === contract)
      ?.violations.map(({ path, message }) => `${path}: ${message}`);
  t.same(
    second.runs.map(({ id }) => id),
    [5, 6, 7, 8],
    "runs are rows also where nothing changed",
  );
  t.same(found(ana, "good"), []);
  t.same(found(ana, "empty"), [
    "endpoints: the contract has no endpoints",
    "samples: samples must be a JSON array of {endpoint, direction, payload}",
  ]);
  t.same(found(bob, "good"), [
    'samples[0].response[1].id: missing required field "id"',
    "samples[1].request.a: expected string, got number",
    'samples[3].GET /none: endpoint "GET /none" not in contract',
    "samples[4]: samples must be a JSON array of {endpoint, direction, payload}",
    "samples[5]: samples must be a JSON array of {endpoint, direction, payload}",
  ]);
  t.equal((await violationEvents(koor)).length, 2 + 3);
  const audited = (await send(port, "GET", "/api/audit?limit=10000")).json<readonly { readonly action: string }[]>();
  t.notOk(
    audited.some(({ action }) => action.startsWith("compliance")),
    "checks are not audited",
  );
  for (const query of ["?limit=0", "?limit=x", "?limit=10001"])
    t.equal((await send(port, "GET", `/api/compliance/history${query}`)).json<Refusal>().code, 400, query);
  t.same(
    [...(await Promise.all(Array.from({ length: 5 }, () => check(koor)))).map(({ count }) => count)],
    [4, 4, 4, 4, 4],
    "at once",
  );
  const ids = (await history(koor, "?limit=10000")).map(({ id }) => id);
  t.same(
    ids,
    Array.from(ids, (_, at) => ids.length - at),
    "without gaps",
  );
  t.ok(ids.length <= 8 + 3 * 4, "waiting requests share a check");
  t.equal(await koor.stop(), 0);
  const again = await startKoor(t, { data_dir: koor.data_dir });
  t.equal((await history(again, "?limit=1"))[0]?.id, ids[0], "it outlives a restart");
});

t.test("a wrong contract or sample is a violation", async (t) => {
  const koor = await startKoor(t);
  await register(koor, "ana", "w");
  await sendJson(koor.port, "PUT", "/api/specs/w/c", {
    kind: "contract",
    endpoints: {
      "GET /nothing": { response_status: 200 },
      "GET /number": 5,
      "GET /status": { response: {}, response_status: "ok" },
      "GET /field": { response: { a: 1 } },
      "GET /type": { request: { a: { type: "array", items: { type: "object", fields: { b: { type: "int" } } } } } },
      "GET /schema": { query: { schema: { type: "strin" } } },
      "GET /again": { query: { schema: { $defs: { a: { anyOf: [{ $ref: "#/$defs/a" }] } }, $ref: "#/$defs/a" } } },
      "GET /fine": { response: {} },
    },
  });
  const {
    runs: [run],
  } = await check(koor);
  t.same(
    run?.violations.map(({ path, message }) => `${path}: ${message}`),
    [
      "GET /again.query: the JSON Schema cannot be used: /$defs/a refers to itself at once, so that checking a payload would never end",
      "GET /field.response: response.a must be an object",
      'GET /nothing: endpoint "GET /nothing" defines nothing',
      "GET /number: the endpoint must be an object",
      "GET /schema.query: the JSON Schema cannot be used: /type must be equal to one of the allowed values",
      "GET /status: response_status must be an HTTP status",
      'GET /type.request.a[].b: unknown type "int" in contract',
    ],
  );
});

t.test("checks run at their interval, and only the server's token starts one", async (t) => {
  const koor = await startKoor(t, { args: ["--compliance-interval", "100ms"] });
  await sendJson(koor.port, "PUT", "/api/specs/w/c", { kind: "contract", endpoints: {} });
  const id = await register(koor, "ana", "w");
  while ((await history(koor)).length < 2) await betweenLooks();
  const [run] = await history(koor);
  t.match(run, { instance_id: id, project: "w", contract: "c", pass: false });
  t.ok((await violationEvents(koor)).length >= 2);

  const guarded = await startKoor(t, { args: ["--auth-token", "s"] });
  const { token } = (
    await sendJson(guarded.port, "POST", "/api/instances/register", { name: "ana" }, { Authorization: "Bearer s" })
  ).json<{ readonly token: string }>();
  t.equal((await send(guarded.port, "POST", "/api/compliance/run")).status, 401);
  t.same(
    (await send(guarded.port, "POST", "/api/compliance/run", { headers: { Authorization: `Bearer ${token}` } })).json(),
    { error: "this needs the server token", code: 403 },
  );
  t.equal(
    (await send(guarded.port, "GET", "/api/compliance/history", { headers: { Authorization: `Bearer ${token}` } }))
      .status,
    200,
  );
  t.equal(
    (await send(guarded.port, "POST", "/api/compliance/run", { headers: { Authorization: "Bearer s" } })).status,
    200,
  );
});

t.test("a sample whose check costs too much is that run's violation, and delays no other", async (t) => {
  const koor = await startKoor(t);
  await register(koor, "slow", "w");
  await register(koor, "fine", "w");
  // Each level is tried twice below each level: 2^40 ways.
  await sendJson(koor.port, "PUT", "/api/specs/w/c", {
    kind: "contract",
    endpoints: {
      "POST /x": {
        request: {
          schema: {
            $defs: {
              n: {
                anyOf: [
                  { properties: { n: { $ref: "#/$defs/n" } }, required: ["never"] },
                  { properties: { n: { $ref: "#/$defs/n" } }, required: ["neither"] },
                ],
              },
            },
            $ref: "#/$defs/n",
          },
        },
      },
    },
  });
  await send(koor.port, "PUT", "/api/state/w/c/samples/slow", {
    body: `[{"endpoint":"POST /x","payload":${'{"n":'.repeat(40)}{}${"}".repeat(40)}}]`,
  });
  const { runs } = await check(koor);
  const messages = runs.map(({ violations }) => violations.map(({ message }) => message).join()).sort();
  t.match(messages, ["", /^the contract's request definition costs too much: .* steps/]);
});
