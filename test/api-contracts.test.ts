/**
 * Tests "Contracts" of the HTTP API, over the wire: every message and path of field maps and JSON Schemas, and live
 * tests against a fake service.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import type { ContractTest, Violation } from "../schemas/contracts.js";
import {
  CONTRACT_ANSWER_BYTES_MAX,
  CONTRACT_DEPTH_MAX,
  CONTRACT_TESTS_MAX,
  CONTRACT_VIOLATIONS_MAX,
} from "../schemas/limits/contracts.js";
import { send, sendJson, sendRaw, type Answer, type Refusal } from "./support/http-client.js";
import { startKoor } from "./support/server-process.js";

const koor = await startKoor(t);
const { port } = koor;

interface Validation {
  readonly valid: boolean;
  readonly violations: readonly Violation[];
}

let contracts = 0;
/** Stores a contract of these endpoints under a name of its own. */
async function store(endpoints: unknown): Promise<string> {
  const name = `c${(contracts += 1)}`;
  const { status } = await sendJson(port, "PUT", `/api/specs/p/${name}`, { kind: "contract", version: 1, endpoints });
  if (status !== 200) throw new Error(`not stored: ${status}`);
  return name;
}

async function validate(name: string, body: unknown): Promise<Validation> {
  const answer = await sendJson(port, "POST", `/api/contracts/p/${name}/validate`, body);
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return answer.json<Validation>();
}

/** Violations as `path: message`. */
async function violationsOf(name: string, body: unknown): Promise<string[]> {
  const { valid, violations } = await validate(name, body);
  if (valid !== (violations.length === 0)) throw new Error("valid says another thing than the violations");
  return violations.map(({ path, message }) => `${path}: ${message}`);
}

t.test("each violation of a field map has its message and its path", async (t) => {
  const name = await store({
    "POST /x": {
      request: {
        name: { type: "string", required: true },
        age: { type: "number" },
        on: { type: "boolean" },
        any: {},
        note: { type: "string", nullable: true },
        size: { type: "string", enum: ["s", "l"] },
        level: { type: "number", enum: [1, 2] },
        address: {
          type: "object",
          fields: {
            city: { type: "string", required: true },
            geo: { type: "object", fields: { lat: { type: "number" } } },
          },
        },
        tags: { type: "array", items: { type: "string", enum: ["a", "b"] } },
        list: { type: "array", items: { type: "object", fields: { id: { type: "number", required: true } } } },
        grid: { type: "array", items: { type: "array", items: { type: "number", nullable: true } } },
        odd: { type: "integer" },
      },
      query: { q: { type: "string" } },
      error: { error: { type: "string", required: true } },
    },
    "GET /x": { response: { a: { type: "number" } } },
    "GET /xs": {
      response_array: {
        id: { type: "number", required: true },
        n: { type: "object", fields: { m: { type: "string" } } },
      },
    },
    "GET /both": { response: { a: {} }, response_array: { b: {} } },
    "GET /none": {},
  });
  const request = async (payload: unknown): Promise<string[]> =>
    await violationsOf(name, { endpoint: "POST /x", payload });
  t.same(await validate(name, { endpoint: "POST /x", payload: { name: "n" } }), { valid: true, violations: [] });
  t.same(
    await request({
      name: "n",
      age: 1.5,
      on: false,
      any: [null],
      note: null,
      size: "s",
      level: 2,
      address: { city: "c", geo: {} },
      tags: ["a"],
      list: [{ id: 1 }],
      grid: [[1, null], []],
    }),
    [],
  );
  const DEFINED = "address, age, any, grid, level, list, name, note, odd, on, size, tags";
  const rows: readonly (readonly [payload: unknown, expected: readonly string[]])[] = [
    [{}, ['request.name: missing required field "name"']],
    [{ name: null }, ['request.name: field "name" is null but not nullable']],
    [{ name: 1 }, ["request.name: expected string, got number"]],
    [{ name: true }, ["request.name: expected string, got boolean"]],
    [{ name: {} }, ["request.name: expected string, got object"]],
    [{ name: [] }, ["request.name: expected string, got array"]],
    [{ name: "n", age: "1" }, ["request.age: expected number, got string"]],
    [{ name: "n", on: 0 }, ["request.on: expected boolean, got number"]],
    [{ name: "n", address: [] }, ["request.address: expected object, got array"]],
    [{ name: "n", tags: {} }, ["request.tags: expected array, got object"]],
    [{ name: "n", size: "m" }, ['request.size: value "m" not in allowed enum: [s, l]']],
    [{ name: "n", level: 3 }, ["request.level: value 3 not in allowed enum: [1, 2]"]],
    [{ name: "n", address: {} }, ['request.address.city: missing required field "city"']],
    [
      { name: "n", address: { city: "c", geo: { lat: "x", z: 1 } } },
      [
        "request.address.geo.lat: expected number, got string",
        'request.address.geo.z: unexpected field "z" (contract defines: lat)',
      ],
    ],
    [
      { name: "n", tags: ["a", null, 3, "c"] },
      [
        "request.tags[1]: array element is null but not nullable",
        "request.tags[2]: expected string, got number",
        'request.tags[3]: value "c" not in allowed enum: [a, b]',
      ],
    ],
    [
      { name: "n", list: [{ id: 1 }, {}, 5] },
      ['request.list[1].id: missing required field "id"', "request.list[2]: expected object, got number"],
    ],
    [
      { name: "n", grid: [[1, "x"], 5] },
      ["request.grid[0][1]: expected number, got string", "request.grid[1]: expected array, got number"],
    ],
    [{ name: "n", odd: 1 }, ['request.odd: unknown type "integer" in contract']],
    [
      { name: "n", zz: 1, aa: 2 },
      ["aa", "zz"].map((field) => `request.${field}: unexpected field "${field}" (contract defines: ${DEFINED})`),
    ],
    [[], ["request: expected object, got array"]],
    [null, ["request: expected object, got null"]],
    ["x", ["request: expected object, got string"]],
  ];
  for (const [payload, expected] of rows) t.same(await request(payload), expected, JSON.stringify(payload));
  t.same(
    await violationsOf(name, { endpoint: "POST /x" }),
    ['request.name: missing required field "name"'],
    "no payload counts as an empty one",
  );
  t.same(await violationsOf(name, '{"endpoint":"POST /x","payload":{"name":"n","__proto__":1}}'), [
    `request.__proto__: unexpected field "__proto__" (contract defines: ${DEFINED})`,
  ]);

  t.same(await violationsOf(name, { endpoint: "POST /x", direction: "query", payload: { q: 1 } }), [
    "query.q: expected string, got number",
  ]);
  t.same(await violationsOf(name, { endpoint: "POST /x", direction: "error", payload: {} }), [
    'error.error: missing required field "error"',
  ]);
  t.same(await violationsOf(name, { endpoint: "GET /x", direction: "response", payload: { a: "b" } }), [
    "response.a: expected number, got string",
  ]);
  t.same(await violationsOf(name, { endpoint: "GET /x", direction: "response", payload: [] }), [
    "response: expected object, got array",
  ]);
  const array = async (payload: unknown): Promise<string[]> =>
    await violationsOf(name, { endpoint: "GET /xs", direction: "response", payload });
  t.same(await array([]), []);
  t.same(await array([{ id: 1 }, { n: { m: 1 } }, null, "x"]), [
    'response[1].id: missing required field "id"',
    "response[1].n.m: expected string, got number",
    "response[2]: array element is null but not nullable",
    "response[3]: expected object, got string",
  ]);
  t.same(await array({ id: 1 }), ["response: expected array, got object"]);
  t.same(await violationsOf(name, { endpoint: "GET /both", direction: "response", payload: [{ b: 1 }] }), []);
  t.same(await violationsOf(name, { endpoint: "GET /both", direction: "response", payload: { a: 1 } }), []);

  t.same(await violationsOf(name, { endpoint: "PUT /x", payload: {} }), ['PUT /x: endpoint "PUT /x" not in contract']);
  t.same(await violationsOf(name, { endpoint: "toString", payload: {} }), [
    'toString: endpoint "toString" not in contract',
  ]);
  t.same(await violationsOf(name, { endpoint: "GET /x", direction: "up" }), [
    'up: unknown direction "up" (use request, response, query, or error)',
  ]);
  t.same(await violationsOf(name, { endpoint: "GET /none", direction: "error" }), [
    'GET /none: endpoint "GET /none" has no error definition',
  ]);
  t.same(await violationsOf(name, { endpoint: "GET /x", direction: "request" }), [
    'GET /x: endpoint "GET /x" has no request definition',
  ]);
});

t.test("violations are sorted by path, and their number is bounded", async (t) => {
  const name = await store({ "POST /x": { request: { a: { type: "array", items: { type: "string" } } } } });
  const found = await validate(name, { endpoint: "POST /x", payload: { z: 1, a: [1, 2, 3], b: 1, Z: 1 } });
  const paths = found.violations.map(({ path }) => path);
  t.same(paths, [...paths].sort(), "sorted");
  t.equal(
    (await validate(name, { endpoint: "POST /x", payload: { a: new Array(5000).fill(1) } })).violations.length,
    CONTRACT_VIOLATIONS_MAX,
  );
  const long = await validate(name, { endpoint: "POST /x", payload: { ["k".repeat(100_000)]: 1 } });
  t.equal(long.violations.length, 1);
  const enums = await store({
    "POST /x": { request: { a: { enum: ["x".repeat(5000), ...Array.from({ length: 500 }, (_, at) => at)] } } },
  });
  const [shown] = (await validate(enums, { endpoint: "POST /x", payload: { a: "y".repeat(5000) } })).violations;
  t.ok((shown?.message.length ?? 0) < 2000, "long values and lists are cut in messages");
});

t.test("violations of JSON Schemas of both drafts have the contract's messages", async (t) => {
  const schema = {
    type: "object",
    required: ["a", "z"],
    additionalProperties: false,
    properties: {
      a: { type: "string", pattern: "^\\u0061+$", format: "email" },
      b: { enum: [1, "x"] },
      n: { type: ["number", "null"] },
      l: { type: "array", uniqueItems: true, items: { type: "integer" } },
      o: { type: "object", properties: { p: { minimum: 5 } } },
    },
  };
  const name = await store({
    "POST /$schema": { request: { $schema: "https://json-schema.org/draft/2020-12/schema", ...schema } },
    "POST /schema": { request: { schema } },
    "POST /7": {
      request: {
        schema: {
          $schema: "http://json-schema.org/draft-07/schema#",
          definitions: { n: { type: "number" } },
          items: [{ $ref: "#/definitions/n" }, { type: "string" }],
          additionalItems: false,
        },
      },
    },
    "POST /2020": {
      request: { schema: { $defs: { n: { type: "number" } }, prefixItems: [{ $ref: "#/$defs/n" }], items: false } },
    },
    "POST /field": { request: { schema: { type: "string", required: true } } },
    "GET /each": { response_array: { schema: { type: "object", required: ["id"] } } },
    "GET /whole": { response_array: { schema: { type: "array", minItems: 1, items: { type: "number" } } } },
  });
  const expected = [
    'request.a: must match pattern "^\\u0061+$"',
    'request.a: must match format "email"',
    "request.b: value 2 not in allowed enum: [1, x]",
    "request.l: must NOT have duplicate items",
    "request.l[2]: expected integer, got string",
    "request.n: expected number or null, got boolean",
    "request.o.p: must be >= 5",
    'request.q: unexpected field "q" (contract defines: a, b, l, n, o)',
    'request.z: missing required field "z"',
  ];
  for (const endpoint of ["POST /$schema", "POST /schema"]) {
    t.same(
      await violationsOf(name, { endpoint, payload: { a: "b", b: 2, l: [1, 1, "x"], n: true, o: { p: 1 }, q: 1 } }),
      expected,
      endpoint,
    );
    t.same(await violationsOf(name, { endpoint, payload: [] }), ["request: expected object, got array"]);
  }
  t.same(await violationsOf(name, { endpoint: "POST /7", payload: [1, "x"] }), []);
  t.same(await violationsOf(name, { endpoint: "POST /7", payload: ["1", 2] }), [
    "request[0]: expected number, got string",
    "request[1]: expected string, got number",
  ]);
  t.same(await violationsOf(name, { endpoint: "POST /2020", payload: ["1"] }), [
    "request[0]: expected number, got string",
  ]);
  t.same(
    await violationsOf(name, { endpoint: "POST /field", payload: {} }),
    ['request.schema: missing required field "schema"'],
    "a field of that name",
  );
  t.same(await violationsOf(name, { endpoint: "GET /each", direction: "response", payload: [{ id: 1 }, {}] }), [
    'response[1].id: missing required field "id"',
  ]);
  t.same(await violationsOf(name, { endpoint: "GET /each", direction: "response", payload: {} }), [
    "response: expected array, got object",
  ]);
  t.same(await violationsOf(name, { endpoint: "GET /whole", direction: "response", payload: [1, "x"] }), [
    "response[1]: expected number, got string",
  ]);
  t.same((await violationsOf(name, { endpoint: "GET /whole", direction: "response", payload: [] })).length, 1);
});

t.test("definitions that cannot be used are violations, and stall no other client", async (t) => {
  const deep = (levels: number): unknown => JSON.parse(`${'{"not":'.repeat(levels)}{}${"}".repeat(levels)}`) as unknown;
  const name = await store({
    "POST /ref": { request: { schema: { $ref: "https://example.com/x.json" } } },
    "POST /type": { request: { schema: { type: "strin" } } },
    "POST /look": { request: { schema: { pattern: "(?=a)b" } } },
    "POST /dialect": { request: { $schema: "http://json-schema.org/draft-04/schema#" } },
    "POST /long": { request: { schema: { enum: ["x".repeat(200_000)] } } },
    "POST /deep": { request: { schema: deep(200) } },
    "POST /field": { request: { a: "string" } },
    "POST /map": { request: [] },
    "POST /slow": {
      request: {
        schema: { properties: { a: { pattern: "^(a+)+$" }, u: { uniqueItems: true }, e: { format: "email" } } },
      },
    },
  });
  const one = async (endpoint: string): Promise<string> => (await violationsOf(name, { endpoint, payload: {} })).join();
  t.match(await one("POST /ref"), /^request: the contract's JSON Schema cannot be used: can't resolve reference/);
  t.match(await one("POST /type"), /^request: the contract's JSON Schema cannot be used: \/type/);
  t.match(await one("POST /look"), /^request: the contract's JSON Schema cannot be used: pattern does not compile/);
  t.match(await one("POST /dialect"), /only draft 2020-12 and draft-07/);
  t.match(await one("POST /long"), /longer than/);
  t.equal(await one("POST /field"), "request: the contract's definition cannot be used: request.a must be an object");
  t.equal(await one("POST /map"), "request: the contract's definition cannot be used: request must be an object");
  t.same(await violationsOf(name, { endpoint: "POST /deep", payload: {} }), [], "not two hundred times");
  const text = "a".repeat(1_000_000);
  t.same(
    await violationsOf(name, { endpoint: "POST /slow", payload: { a: `${text}!`, e: `${text}@` } }),
    ['request.a: must match pattern "^(a+)+$"'],
    "a long payload is checked up to its first violation",
  );
  t.same(
    await violationsOf(name, {
      endpoint: "POST /slow",
      payload: { u: Array.from({ length: 100_000 }, (_, at) => ({ at })) },
    }),
    [],
  );
});

t.test("wrong requests are refused", async (t) => {
  const name = await store({ "POST /x": { request: {} } });
  await send(port, "PUT", "/api/specs/p/other", { body: '{"kind":"other"}' });
  await send(port, "PUT", "/api/specs/p/text", { body: "no json contract" });
  await send(port, "PUT", "/api/specs/p/list", { body: '[{"kind":"contract"}]' });
  await send(port, "PUT", "/api/specs/p/array", { body: '{"kind":"contract","endpoints":[]}' });
  await send(port, "PUT", "/api/specs/p/deep", {
    body: `{"kind":"contract","endpoints":{"x":${"[".repeat(500)}${"]".repeat(500)}}}`,
  });
  const refused = async (spec: string, body: unknown, step: "validate" | "test" = "validate"): Promise<Refusal> => {
    const answer = await sendJson(port, "POST", `/api/contracts/p/${spec}/${step}`, body);
    t.equal(answer.status, answer.json<Refusal>().code);
    return answer.json<Refusal>();
  };
  const both = { endpoint: "POST /x", base_url: "http://127.0.0.1:1" };
  for (const step of ["validate", "test"] as const) {
    t.same(await refused("none", both, step), { error: "contract not found: p/none", code: 404 });
    for (const spec of ["other", "text", "list", "array"])
      t.same(await refused(spec, both, step), { error: `spec is not a contract: p/${spec}`, code: 400 });
    t.match(await refused("deep", both, step), { error: /nested deeper/, code: 400 });
    t.same(await refused(name, "", step), { error: "empty body", code: 400 });
    t.same(await refused(name, "{", step), { error: "malformed JSON body", code: 400 });
    t.match(await refused(name, [], step), { error: "the body must be an object", code: 400 });
    t.match(await refused(name, { base_url: "http://127.0.0.1:1" }, step), {
      error: "endpoint is required",
      code: 400,
    });
    t.match(await refused(name, { ...both, endpoint: "" }, step), { error: "endpoint is required", code: 400 });
    t.match(await refused(name, { ...both, endpoint: 5 }, step), { error: "endpoint must be a string", code: 400 });
  }
  t.match(await refused(name, { endpoint: "POST /x", direction: 1 }), {
    error: "direction must be a string",
    code: 400,
  });
  t.match(
    await refused(
      name,
      `{"endpoint":"POST /x","payload":${"[".repeat(CONTRACT_DEPTH_MAX + 1)}${"]".repeat(CONTRACT_DEPTH_MAX + 1)}}`,
    ),
    { error: /nested deeper than 256 levels/ },
  );
  t.match(await refused(name, { endpoint: "POST /x" }, "test"), { error: "base_url is required", code: 400 });
  t.equal(
    (await send(port, "POST", `/api/contracts/p/${name}/validate`, { body: Buffer.alloc(10 * 1024 * 1024 + 1) }))
      .status,
    413,
  );
  t.equal((await send(port, "POST", `/api/contracts/p/${name}/validate`, { body: Buffer.from([0xff]) })).status, 400);
  const { headers } = await send(port, "GET", `/api/contracts/p/${name}/validate`);
  t.equal(headers.allow, "POST");
  await send(port, "DELETE", `/api/specs/p/${name}`);
  t.same(await refused(name, both), { error: `contract not found: p/${name}`, code: 404 }, "a deleted one");
  const audited = (await send(port, "GET", "/api/audit?limit=10000")).json<readonly { readonly action: string }[]>();
  t.notOk(
    audited.some(({ action }) => action.startsWith("contract")),
    "none of these calls is audited",
  );
});

t.test("a changed contract is used at once", async (t) => {
  const put = async (type: string): Promise<Answer> =>
    await sendJson(port, "PUT", "/api/specs/p/changing", {
      kind: "contract",
      endpoints: { "POST /x": { request: { a: { type } } } },
    });
  for (const [type, expected] of [
    ["string", []],
    ["number", ["request.a: expected number, got string"]],
    ["string", []],
  ] as const) {
    await put(type);
    for (let at = 0; at < 3; at++)
      t.same(await violationsOf("changing", { endpoint: "POST /x", payload: { a: "x" } }), expected);
  }
});

/** The requests of the service under test, and its next answer. */
const requests: { readonly method: string; readonly url: string; readonly body: string; readonly type: string }[] = [];
let answer: (
  request: IncomingMessage,
) => { readonly status: number; readonly body: string | Buffer; readonly headers?: Record<string, string> } | null =
  () => ({ status: 200, body: "{}" });
const service = createServer((request, response) => {
  let body = "";
  request.on("data", (part: Buffer) => (body += part.toString()));
  request.on("end", () => {
    requests.push({
      method: request.method ?? "",
      url: request.url ?? "",
      body,
      type: request.headers["content-type"] ?? "",
    });
    const given = answer(request);
    if (given !== null) response.writeHead(given.status, given.headers).end(given.body);
  });
});
await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
t.teardown(
  () =>
    new Promise<void>((resolve) => {
      service.close(() => resolve());
      service.closeAllConnections();
    }),
);
const baseUrl = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;

async function test(name: string, body: object): Promise<ContractTest> {
  const result = await sendJson(port, "POST", `/api/contracts/p/${name}/test`, { base_url: baseUrl, ...body });
  if (result.status !== 200) throw new Error(`${result.status} ${result.text}`);
  return result.json<ContractTest>();
}

t.test("a schema that refers to itself directly is a violation in every call", async (t) => {
  const again = { $ref: "#/$defs/a" };
  const within = (a: unknown): unknown => ({ schema: { $defs: { a }, $ref: "#/$defs/a" } });
  const schemas: Readonly<Record<string, unknown>> = {
    ref: within(again),
    anyOf: within({ anyOf: [again] }),
    allOf: within({ allOf: [{ type: "object" }, again] }),
    oneOf: within({ oneOf: [again, again] }),
    not: within({ not: again }),
    if: within({ if: again, else: true }),
    else: within({ if: false, else: again }),
    dependentSchemas: within({ dependentSchemas: { x: again } }),
    steps: within({ anyOf: [{ $ref: "#/$defs/a/x/b" }], x: { b: { not: { allOf: [again] } } } }),
    root: { schema: { anyOf: [{ type: "string" }, { $ref: "#" }] } },
    dynamic: { schema: { $dynamicAnchor: "n", anyOf: [{ $dynamicRef: "#n" }] } },
    dynamicScopes: {
      schema: {
        $id: "https://example.com/a",
        $dynamicAnchor: "n",
        $ref: "b",
        $defs: { b: { $id: "b", $dynamicAnchor: "n", oneOf: [{ $dynamicRef: "#n" }] } },
      },
    },
    draft7: { $schema: "http://json-schema.org/draft-07/schema#", dependencies: { x: { $ref: "#" } } },
    below: { schema: { properties: { x: { $ref: "#/properties/x" } } } },
  };
  answer = () => ({ status: 200, body: '{"x":1}' });
  const name = await store(
    Object.fromEntries(Object.entries(schemas).map(([key, one]) => [`POST /${key}`, { request: one, response: one }])),
  );
  for (const key of Object.keys(schemas)) {
    const endpoint = `POST /${key}`;
    for (const direction of ["request", "response"]) {
      const [violation, ...others] = await violationsOf(name, { endpoint, direction, payload: { x: 1 } });
      t.match(violation, /cannot be used: .*refers to itself at once/, `${endpoint} ${direction}`);
      t.same(others, []);
    }
    const tested = await test(name, { endpoint, test_data: { x: 1 } });
    for (const found of [tested.request_violations, tested.response_violations])
      t.match(found[0]?.message, /refers to itself at once/, `a live test of ${endpoint}`);
  }
  const chain = Object.fromEntries(
    Array.from({ length: 4000 }, (_, at) => [
      `c${at}`,
      at === 3999 ? { type: "string" } : { $ref: `#/$defs/c${at + 1}` },
    ]),
  );
  const long = await store({ "POST /x": { request: { schema: { $defs: chain, $ref: "#/$defs/c0" } } } });
  t.equal(
    (await violationsOf(long, { endpoint: "POST /x", payload: 1 })).length,
    1,
    "a long chain of references is followed",
  );
});

t.test("references within a schema are resolved", async (t) => {
  const tree = {
    type: "object",
    properties: { left: { $ref: "#" }, right: { $ref: "#" } },
    additionalProperties: false,
  };
  const name = await store({
    "POST /root": { request: { schema: tree } },
    "POST /id": {
      request: {
        schema: { $id: "tree.json", ...tree, properties: { left: { $ref: "tree.json" }, right: { $ref: "" } } },
      },
    },
    "POST /urn": {
      request: {
        schema: {
          $id: "urn:uuid:deadbeef-1234-0000-0000-4321feebdaed",
          ...tree,
          properties: { left: { $ref: "urn:uuid:deadbeef-1234-0000-0000-4321feebdaed" }, right: { $ref: "#" } },
        },
      },
    },
    "POST /7": { request: { $schema: "http://json-schema.org/draft-07/schema#", ...tree } },
    "POST /meta": { request: { schema: { $ref: "https://json-schema.org/draft/2020-12/schema" } } },
  });
  for (const endpoint of ["POST /root", "POST /id", "POST /urn", "POST /7"]) {
    t.same(await violationsOf(name, { endpoint, payload: { left: { right: {} } } }), [], endpoint);
    t.same(await violationsOf(name, { endpoint, payload: { left: { right: { up: {} } } } }), [
      'request.left.right.up: unexpected field "up" (contract defines: left, right)',
    ]);
  }
  t.same(await violationsOf(name, { endpoint: "POST /meta", payload: { type: "string" } }), []);
  t.ok((await violationsOf(name, { endpoint: "POST /meta", payload: { items: { type: 5 } } })).length > 0);
});

t.test("numbers are compared by their digits", async (t) => {
  const body = (number: string): string => `{"endpoint":"POST /x","payload":{"n":${number}}}`;
  const put = async (schema: string): Promise<string> => {
    const name = `c${(contracts += 1)}`;
    const request = `{"schema":{"properties":{"n":${schema}}}}`;
    const contract = `{"kind":"contract","endpoints":{"POST /x":{"request":${request}}}}`;
    t.equal((await send(port, "PUT", `/api/specs/p/${name}`, { body: contract })).status, 200);
    return name;
  };
  for (const [schema, good, bad] of [
    ['{"multipleOf":0.01}', ["19.99", "0.07", "1.13", "4.35", "1e308", "1e400", "12345678901234567890.01"], ["0.075"]],
    ['{"multipleOf":0.1}', ["0.3", "-0.7", "1e-1"], ["0.35", "1e-2", "1e-400"]],
    ['{"multipleOf":10}', ["12345678901234567890"], ["12345678901234567891"]],
    ['{"multipleOf":1e-320}', ["1e308", "3"], ["1e-321"]],
    ['{"multipleOf":3e-5}', ["3e300"], ["1e308"]],
    ['{"maximum":12345678901234567890}', ["12345678901234567890"], ["12345678901234567891", "1e999"]],
    ['{"enum":[12345678901234567890,1e400]}', ["1234567890123456789e1", "10e399"], ["12345678901234567891", "1e401"]],
    ['{"type":"integer"}', ["1e400", "1.0"], ["12345678901234567890.5"]],
  ] as const) {
    const name = await put(schema);
    for (const number of good) t.same(await violationsOf(name, body(number)), [], `${number} ${schema}`);
    for (const number of bad) t.equal((await violationsOf(name, body(number))).length, 1, `${number} ${schema}`);
  }
  const fields = await store({ "POST /x": { request: { n: { type: "number" } } } });
  t.same(await violationsOf(fields, body("12345678901234567891")), [], "a field map compares them in the same way");
});

t.test("storing a contract reports what is wrong with its definitions", async (t) => {
  const put = async (name: string, endpoints: unknown, kind = "contract"): Promise<Answer> =>
    await sendJson(port, "PUT", `/api/specs/p/${name}`, { kind, endpoints });
  const bad = String.raw`^(\w+) \1$`;
  const stored = await put("warned", {
    "POST /x": {
      request: { schema: { properties: { fine: { pattern: "^.{1,1024}$" }, a: { pattern: bad } } } },
      response: { schema: { patternProperties: { "(?=a)b": true }, type: "strin" } },
      error: { n: { type: "integer" } },
    },
  });
  t.equal(stored.status, 200, "it is stored nevertheless");
  const { warnings } = stored.json<{ readonly warnings: readonly Violation[] }>();
  t.same(
    warnings.map(({ path }) => path),
    ["POST /x.error.n", "POST /x.request", "POST /x.response"],
  );
  t.ok(warnings[1]?.message.includes(`"${bad}" at /properties/a/pattern`));
  t.ok(warnings[2]?.message.includes('"(?=a)b"') && warnings[2].message.includes("/type must be equal to one of"));
  t.notOk(warnings[1]?.message.includes("1024"), "only the pattern that cannot be used is reported");
  t.equal((await violationsOf("warned", { endpoint: "POST /x", payload: {} })).length, 1);
  for (const answerOf of [
    await put("fine", { "POST /x": { request: { schema: { pattern: "a" } } } }),
    await put("other", { "POST /x": { request: { schema: { pattern: "(?=a)" } } } }, "other"),
  ])
    t.notOk(Object.hasOwn(answerOf.json<object>(), "warnings"));

  const rolledBack = async (version: number): Promise<readonly Violation[] | undefined> =>
    (await send(port, "POST", `/api/specs/p/warned?rollback=${version}`)).json<{
      readonly warnings?: readonly Violation[];
    }>().warnings;
  await put("warned", { "POST /x": { request: { schema: true } } });
  t.same(await rolledBack(1), warnings, "a rollback reports the same");
  t.equal(await rolledBack(2), undefined, "nothing is reported where nothing is wrong");
});

t.test("boolean schemas and OpenAPI's own keywords are supported", async (t) => {
  const openapi = {
    title: "Truck",
    discriminator: { propertyName: "kind", mapping: { a: "#/A" } },
    xml: { name: "truck", attribute: true },
    externalDocs: { url: "https://example.com" },
    example: { plate: 1 },
    examples: { one: { value: 1 } },
    deprecated: "no",
    "x-internal": 5,
    type: "object",
    required: ["plate"],
    properties: {
      plate: { type: "string", nullable: true, enum: ["a"], readOnly: true, writeOnly: 1, default: 5 },
      n: { type: "integer", format: "int32", minimum: 0, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false },
      d: { format: "double", nullable: false, type: "number" },
      b: { type: "string", format: "byte" },
      s: { type: "string", format: "binary" },
      p: { format: "password" },
      o: { nullable: true, allOf: [{ $ref: "#/components/schemas/o" }] },
    },
    components: { schemas: { o: { type: "object" } } },
  };
  const name = await store({
    "POST /true": { request: { schema: true }, response_array: { schema: true } },
    "POST /false": { request: { schema: false } },
    "POST /none": { request: { schema: { properties: { a: false } } } },
    "POST /openapi": { request: { schema: openapi } },
    "POST /oas": { request: { $schema: "https://spec.openapis.org/oas/3.1/dialect/base", ...openapi } },
    "POST /7": { request: { $schema: "http://json-schema.org/draft-07/schema#", ...openapi } },
  });
  t.same(await violationsOf(name, { endpoint: "POST /true", payload: 5 }), []);
  t.same(await violationsOf(name, { endpoint: "POST /true", direction: "response", payload: [5] }), []);
  t.same(await violationsOf(name, { endpoint: "POST /false" }), ["request: boolean schema is false"]);
  t.same(await violationsOf(name, { endpoint: "POST /none", payload: {} }), []);
  t.same(await violationsOf(name, { endpoint: "POST /none", payload: { a: 1 } }), [
    "request.a: boolean schema is false",
  ]);
  for (const endpoint of ["POST /openapi", "POST /oas", "POST /7"]) {
    t.same(
      await violationsOf(name, { endpoint, payload: { plate: null, n: 1, d: 1.5, b: "aGk=", s: "x", o: null } }),
      [],
    );
    t.same(await violationsOf(name, { endpoint, payload: { plate: "b", n: 0, d: null, b: "a", o: 1 } }), [
      'request.b: must match format "byte"',
      "request.d: expected number, got null",
      "request.n: must be > 0",
      "request.o: expected object, got number",
      'request.plate: value "b" not in allowed enum: [a]',
    ]);
  }
});

t.test("keywords with values of a wrong type are violations, never a failure of the server", async (t) => {
  const values = [
    "null",
    "5",
    '"a"',
    "[]",
    "{}",
    "[5]",
    '{"a":5}',
    "true",
    '"#"',
    '"%"',
    "1e400",
    '{"__proto__":{"type":5}}',
  ];
  const keywords = [
    ...["$schema", "$id", "$ref", "$anchor", "$dynamicAnchor", "$dynamicRef", "$defs", "definitions", "type", "enum"],
    ...["const", "minimum", "exclusiveMaximum", "multipleOf", "minLength", "pattern", "format", "items", "prefixItems"],
    ...["additionalItems", "contains", "minContains", "uniqueItems", "properties", "patternProperties", "required"],
    ...["additionalProperties", "propertyNames", "dependencies", "dependentRequired", "dependentSchemas", "allOf"],
    ...["anyOf", "not", "if", "then", "unevaluatedProperties", "unevaluatedItems", "nullable", "discriminator", "xml"],
  ];
  const definitions = keywords.flatMap((keyword) =>
    values.map((value) => `{"schema":{"minContains":0,"${keyword}":${value},"contains":true,"description":5}}`),
  );
  const endpoints = definitions.map((one, at) => `"POST /${at}":{"request":${one},"response_array":${one}}`);
  const body = `{"kind":"contract","endpoints":{${endpoints.join(",")},"POST /x":5,"__proto__":{"request":{"a":5}}}}`;
  const stored = await send(port, "PUT", "/api/specs/p/odd", { body });
  t.equal(stored.status, 200);
  const { warnings } = stored.json<{ readonly warnings: readonly Violation[] }>();
  t.ok(warnings.length > 100 && !warnings.some(({ message }) => message.includes("not checked")));
  const payload = '{"__proto__":1,"a":[1,{"b":"x"}]}';
  for (const [at] of definitions.entries()) {
    const answered = await send(port, "POST", "/api/contracts/p/odd/validate", {
      body: `{"endpoint":"POST /${at}","payload":${payload}}`,
    });
    if (answered.status !== 200) t.fail(`${definitions[at]}: ${answered.status}`);
  }
});

t.test("a live test sends the request that the contract describes", async (t) => {
  const name = await store({
    "POST /trucks": { request: { plate: { type: "string", required: true } }, response: {}, response_status: 201 },
    "GET /trucks/{id}/x/{sub}": { query: { state: { type: "string" }, id: { type: "string" } }, response: {} },
    "DELETE /trucks/{id}": { response_status: 200 },
    "PUT /trucks/{id}": {
      request: {
        schema: {
          type: "object",
          properties: { id: { type: "number" }, n: { type: "string" } },
          additionalProperties: false,
        },
      },
    },
    "PATCH /raw": {},
    nonsense: { request: {} },
  });
  const sent = async (body: object): Promise<(typeof requests)[number] | undefined> => {
    requests.length = 0;
    await test(name, body);
    t.ok(requests.length <= 1, "one request");
    return requests[0];
  };
  answer = () => ({ status: 200, body: "{}" });
  t.match(await sent({ endpoint: "POST /trucks", test_data: { plate: "TR" } }), {
    method: "POST",
    url: "/trucks",
    body: '{"plate":"TR"}',
    type: "application/json",
  });
  const exact = '{"plate":"TR","of":[12345678901234567891,1e400]}';
  requests.length = 0;
  await send(port, "POST", `/api/contracts/p/${name}/test`, {
    body: `{"endpoint":"POST /trucks","base_url":"${baseUrl}","test_data":${exact}}`,
  });
  t.match(requests, [{ body: exact }], "numbers have the digits that they were written with");
  t.match(
    await sent({ endpoint: "POST /trucks", base_url: `${baseUrl}/base/?q=1#f`, test_data: { plate: "TR" } }),
    { url: "/base/trucks" },
    "below the base's path",
  );
  t.match(
    await sent({
      endpoint: "GET /trucks/{id}/x/{sub}",
      test_data: { id: "a/b c?é", sub: 7, state: "on&off", n: null, l: ["1", 2] },
    }),
    {
      method: "GET",
      url: "/trucks/a%2Fb%20c%3F%C3%A9/x/7?id=a%2Fb+c%3F%C3%A9&state=on%26off&l=1&l=2",
      body: "",
    },
  );
  t.match(await sent({ endpoint: "DELETE /trucks/{id}", test_data: { id: 5, force: true } }), {
    method: "DELETE",
    url: "/trucks/5?force=true",
    body: "",
  });
  t.match(
    await sent({ endpoint: "PUT /trucks/{id}", test_data: { id: 5, n: "x" } }),
    { url: "/trucks/5", body: '{"id":5,"n":"x"}' },
    "the schema wants the id, too",
  );
  t.match(await sent({ endpoint: "PATCH /raw" }), { method: "PATCH", body: "", type: "" }, "there is nothing to send");
  t.match(await sent({ endpoint: "PATCH /raw", test_data: [1, "x"] }), { body: '[1,"x"]' });

  const bad = await test(name, { endpoint: "POST /trucks", test_data: { plate: 7, z: 1 } });
  t.same(
    bad.request_violations,
    (await validate(name, { endpoint: "POST /trucks", payload: { plate: 7, z: 1 } })).violations,
    "validate finds the same",
  );
  t.match(bad, {
    valid: false,
    endpoint: "POST /trucks",
    status_code: 200,
    response_violations: [{ path: "status", message: "expected status 201, got 200" }],
    error: "",
  });
  t.same(
    (await test(name, { endpoint: "GET /trucks/{id}/x/{sub}", test_data: { id: "1", sub: "2", state: 3 } }))
      .request_violations,
    [{ path: "query.state", message: "expected string, got number" }],
  );

  requests.length = 0;
  t.match(await test(name, { endpoint: "GET /trucks/{id}/x/{sub}", test_data: { id: ".." } }), {
    valid: false,
    status_code: 0,
    request_violations: [
      { path: "request.id", message: 'path parameter "id" cannot be ".."' },
      { path: "request.sub", message: 'missing path parameter "sub"' },
    ],
    response_violations: [],
    error: /missing path parameter/,
  });
  t.match(await test(name, { endpoint: "GET /none" }), {
    valid: false,
    status_code: 0,
    error: 'endpoint "GET /none" not in contract',
    response_violations: [],
  });
  t.match(await test(name, { endpoint: "nonsense" }), {
    valid: false,
    status_code: 0,
    request_violations: [],
    error: /not a method and a path/,
  });
  t.equal(requests.length, 0, "nothing was sent");
  t.equal(
    (
      await sendJson(port, "POST", `/api/contracts/p/${name}/test`, {
        endpoint: "DELETE /trucks/{id}",
        base_url: baseUrl,
        test_data: [1],
      })
    ).json<Refusal>().error,
    "test_data must be an object",
  );
});

t.test("a live test checks the answer against the contract", async (t) => {
  const name = await store({
    "GET /one": {
      response: { id: { type: "number", required: true } },
      response_status: 200,
      error: { error: { type: "string", required: true } },
    },
    "GET /many": { response_array: { id: { type: "number" } } },
    "GET /plain": { response: { id: { type: "number" } } },
    "GET /nothing": { response_status: 204 },
  });
  const found = async (
    endpoint: string,
    status: number,
    body: string | Buffer,
    headers: Record<string, string> = {},
  ): Promise<string[]> => {
    answer = () => ({ status, body, headers });
    const result = await test(name, { endpoint });
    t.equal(result.status_code, status);
    t.equal(result.error, "");
    t.equal(result.valid, result.response_violations.length === 0);
    t.same(result.request_violations, []);
    return result.response_violations.map(({ path, message }) => `${path}: ${message}`);
  };
  t.same(await found("GET /one", 200, '{"id":1}'), []);
  t.same(
    await found("GET /one", 200, '\uFEFF{"id":1}', { "Content-Type": "text/plain" }),
    [],
    "the answer's type does not matter",
  );
  t.same(await found("GET /one", 201, '{"id":"x"}'), [
    "response.id: expected number, got string",
    "status: expected status 200, got 201",
  ]);
  t.same(await found("GET /one", 404, '{"error":"no"}'), ["status: expected status 200, got 404"]);
  t.same(await found("GET /one", 404, '{"message":"no"}'), [
    'error.error: missing required field "error"',
    'error.message: unexpected field "message" (contract defines: error)',
    "status: expected status 200, got 404",
  ]);
  t.same(await found("GET /one", 404, "gone"), [
    "error: the answer is not JSON",
    "status: expected status 200, got 404",
  ]);
  t.same(await found("GET /one", 500, "boom"), ["status: expected status 200, got 500"]);
  t.same(
    await found("GET /one", 302, "", { Location: `${baseUrl}/elsewhere` }),
    ["response: the answer is empty", "status: expected status 200, got 302"],
    "no redirect is followed",
  );
  t.same(await found("GET /one", 200, ""), ["response: the answer is empty"]);
  t.same(await found("GET /one", 200, "<html>"), ["response: the answer is not JSON"]);
  t.same(await found("GET /one", 200, Buffer.from([0x22, 0xff, 0x22])), ["response: the answer is not UTF-8"]);
  t.same(await found("GET /one", 200, "[]"), ["response: expected object, got array"]);
  t.same(await found("GET /one", 200, "null"), ["response: expected object, got null"]);
  t.same(await found("GET /many", 200, "{}"), ["response: expected array, got object"]);
  t.same(await found("GET /many", 200, '[{"id":1},{"id":"x"}]'), ["response[1].id: expected number, got string"]);
  t.same(
    await found("GET /plain", 400, '{"id":"x"}'),
    ["response.id: expected number, got string"],
    "the contract names no status and no error",
  );
  t.same(await found("GET /nothing", 204, ""), []);
  t.same(await found("GET /nothing", 200, "anything"), ["status: expected status 204, got 200"]);
  const payload = [{ id: 1 }, { id: null }, 5, { x: 1 }];
  answer = () => ({ status: 200, body: JSON.stringify(payload) });
  t.same(
    (await test(name, { endpoint: "GET /many" })).response_violations,
    (await validate(name, { endpoint: "GET /many", direction: "response", payload })).violations,
    "validate finds the same",
  );
  const deep = "[".repeat(5000) + "]".repeat(5000);
  t.same(await found("GET /many", 200, deep), ["response: nested deeper than 256 levels"]);
  t.same(
    await found("GET /many", 200, JSON.stringify(Array.from({ length: 50_000 }, (_, id) => ({ id })))),
    [],
    "a long answer",
  );
});

t.test("live tests report services that do not answer, and call no forbidden address", async (t) => {
  const name = await store({
    "GET /x": { response: {} },
    "POST /y": { request: { a: { type: "string", required: true } } },
  });
  t.same(await test(name, { endpoint: "POST /y", base_url: "http://127.0.0.1:1" }), {
    valid: false,
    endpoint: "POST /y",
    status_code: 0,
    request_violations: [{ path: "request.a", message: 'missing required field "a"' }],
    response_violations: [],
    error: "cannot reach 127.0.0.1:1: connection refused",
  });
  answer = (request) => {
    request.socket.destroy();
    return null;
  };
  t.match(await test(name, { endpoint: "GET /x" }), {
    valid: false,
    status_code: 0,
    response_violations: [],
    error: /cannot reach .*: connection/,
  });
  answer = () => ({ status: 200, body: Buffer.alloc(CONTRACT_ANSWER_BYTES_MAX + 1, 0x20) });
  t.match(await test(name, { endpoint: "GET /x" }), { valid: false, status_code: 0, error: /larger than/ });
  for (const host of [
    "169.254.169.254",
    "0xA9FEA9FE",
    "[::ffff:a9fe:a9fe]",
    "metadata.google.internal",
    "[fd00:ec2::254]",
    "[fd00:c1::a9fe:a9fe]",
    "[fd00:100::100:200]",
    "[fe80::1]",
    "100.100.100.200",
  ]) {
    const refused = await sendJson(port, "POST", `/api/contracts/p/${name}/test`, {
      endpoint: "GET /x",
      base_url: `http://${host}/latest`,
    });
    t.equal(refused.status, 400, host);
    t.equal(refused.json<Refusal>().error, "address refused: cloud metadata addresses are never called", host);
  }
  for (const url of ["ftp://127.0.0.1/", "127.0.0.1:1", "file:///etc/passwd", "http://"]) {
    t.same(
      (await sendJson(port, "POST", `/api/contracts/p/${name}/test`, { endpoint: "GET /x", base_url: url })).json(),
      { error: "base_url must be an http or https URL", code: 400 },
      url,
    );
  }
  t.match(
    (
      await sendJson(port, "POST", `/api/contracts/p/${name}/test`, {
        endpoint: "GET /x",
        base_url: baseUrl.replace("//", "//me:pw@"),
      })
    ).json(),
    { error: "base_url must not contain credentials", code: 400 },
  );
});

t.test("with private addresses forbidden a live test calls none", async (t) => {
  let connections = 0;
  const called = createServer((_request, response) => response.end("{}")).on("connection", () => (connections += 1));
  await new Promise<void>((resolve) => called.listen(0, "127.0.0.1", resolve));
  t.teardown(() => called.close());
  const at = (called.address() as AddressInfo).port;
  const strict = await startKoor(t, { args: ["--webhook-allow-private=false"] });
  const contract = { kind: "contract", version: 1, endpoints: { "GET /x": { status: 200 } } };
  t.equal((await sendJson(strict.port, "PUT", "/api/specs/p/c", contract)).status, 200);
  for (const host of ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]", "2130706433", "[::ffff:127.0.0.1]"]) {
    const refused = await sendJson(strict.port, "POST", "/api/contracts/p/c/test", {
      endpoint: "GET /x",
      base_url: `http://${host}:${at}`,
    });
    t.equal(refused.status, 400, host);
    t.equal(refused.json<Refusal>().error, "address refused: private addresses may not be called", host);
  }
  t.equal(connections, 0, "nothing was sent");
});

t.test("few live tests run at once, and waiting ones delay no other client", async (t) => {
  const name = await store({ "GET /slow": { response: {} } });
  requests.length = 0;
  const waiting: (() => void)[] = [];
  const held = createServer((_request, response) => void waiting.push(() => response.end("{}")));
  await new Promise<void>((resolve) => held.listen(0, "127.0.0.1", resolve));
  t.teardown(
    () =>
      new Promise<void>((resolve) => {
        held.close(() => resolve());
        held.closeAllConnections();
      }),
  );
  const slow = `http://127.0.0.1:${(held.address() as AddressInfo).port}`;
  const tests = Array.from({ length: CONTRACT_TESTS_MAX }, () =>
    sendJson(port, "POST", `/api/contracts/p/${name}/test`, { endpoint: "GET /slow", base_url: slow }),
  );
  while (waiting.length < CONTRACT_TESTS_MAX) await new Promise((resolve) => setImmediate(resolve));
  const body = JSON.stringify({ endpoint: "GET /slow", base_url: slow });
  // It has a connection of its own: the others take all that the client has.
  const refused = await sendRaw(
    port,
    `POST /api/contracts/p/${name}/test HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  t.match(refused, /^HTTP\/1\.1 503 [^]*retry-after: 1\r\n[^]*live tests are under way/i);
  for (const finish of waiting) finish();
  for (const one of tests) t.equal((await one).json<ContractTest>().valid, true);
});
