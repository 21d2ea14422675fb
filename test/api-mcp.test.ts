/** Tests "MCP" of the HTTP API with raw requests of every revision. */
import type { OutgoingHttpHeaders } from "node:http";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import t from "tap";
import {
  MCP_BODY_BYTES_MAX,
  MCP_BATCH_MESSAGES_MAX,
  MCP_ENDPOINTS_TOKENS_MAX,
  MCP_INSTANCES_MAX,
  MCP_INSTRUCTIONS_TOKENS_MAX,
  MCP_TOOLS_TOKENS_MAX,
} from "../schemas/limits/mcp.js";
import { MCP_INSTRUCTIONS } from "../schemas/mcp.js";
import { TIMESTAMP } from "./support/answers.js";
import { send, sendJson, type Refusal } from "./support/http-client.js";
import {
  ask,
  callTool,
  ENVELOPE,
  OLDER_REVISIONS,
  post,
  refusalOf,
  request,
  resultOf,
  REVISIONS,
  STATELESS_REVISION,
  type Revision,
  type RpcAnswer,
} from "./support/mcp-messages.js";
import { CLUSTER } from "./support/variant.js";
import { startKoor } from "./support/server-process.js";

const TOKEN = "only-for-this-test";
const koor = await startKoor(t);
const guarded = await startKoor(t, { args: ["--auth-token", TOKEN] });
const { port } = koor;

const INITIALIZE = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } };

interface Listed {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: {
    readonly type: string;
    readonly properties: Readonly<Record<string, object>>;
    readonly required?: readonly string[];
  };
}
interface AuditRow {
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  readonly detail: string;
  readonly outcome: string;
}
interface Instance {
  readonly id: string;
  readonly name: string;
  readonly intent: string;
  readonly status: string;
  readonly last_seen: string;
}
interface Registered {
  readonly instance_id: string;
  readonly token: string;
}

async function newestAudit(
  action: string,
  of = port,
  headers: OutgoingHttpHeaders = {},
): Promise<AuditRow | undefined> {
  return (await send(of, "GET", `/api/audit?action=${action}&limit=1`, { headers })).json<AuditRow[]>()[0];
}

/** Returns whether the audit log has a row of such a refusal; repeats are counted in the first one. */
async function wasRefused(action: string, detail: RegExp): Promise<boolean> {
  const rows = (await send(port, "GET", `/api/audit?action=${action}&limit=1000`)).json<AuditRow[]>();
  return rows.some((row) => row.outcome === "error" && detail.test(row.detail));
}

async function register(given: object, revision?: Revision): Promise<Registered> {
  return resultOf<Registered>(await callTool(port, "register_instance", given, revision));
}

t.test("the older revisions have a handshake, and the newest has none", async (t) => {
  const clientInfo = { name: "test", version: "1" };
  for (const revision of OLDER_REVISIONS) {
    const answer = await post(port, {
      jsonrpc: "2.0",
      id: 7,
      method: "initialize",
      params: { protocolVersion: revision, capabilities: {}, clientInfo: clientInfo },
    });
    t.equal(answer.status, 200);
    t.equal(answer.headers["content-type"], "application/json");
    t.equal(answer.headers["mcp-session-id"], undefined, "no session is issued");
    t.match(answer.json<RpcAnswer>(), {
      jsonrpc: "2.0",
      id: 7,
      result: {
        protocolVersion: revision,
        capabilities: { tools: { listChanged: false } },
        serverInfo: { name: "koor" },
      },
    });
    const done = await post(
      port,
      { jsonrpc: "2.0", method: "notifications/initialized" },
      { "MCP-Protocol-Version": revision },
    );
    t.equal(done.status, 202);
    t.equal(done.body.length, 0);
    t.same((await ask(port, revision, "ping")).json(), { jsonrpc: "2.0", id: 1, result: {} });
  }
  const unknown = await post(port, {
    jsonrpc: "2.0",
    id: 7,
    method: "initialize",
    params: { protocolVersion: "1999-01-01", capabilities: {}, clientInfo: clientInfo },
  });
  t.equal(
    unknown.json<RpcAnswer>().result?.["protocolVersion"],
    "2025-11-25",
    "an unknown revision is answered with the newest",
  );
  const discovered = await ask(port, STATELESS_REVISION, "server/discover");
  t.match(discovered.json<RpcAnswer>().result, {
    supportedVersions: [STATELESS_REVISION],
    capabilities: { tools: {} },
  });
  t.equal((await ask(port, STATELESS_REVISION, "ping")).status, 404, "the newest has no ping");
  t.equal(
    (await ask(port, "2025-11-25", "tools/list", {}, { "Mcp-Session-Id": "nobody-issued-this" })).status,
    200,
    "a session id is ignored",
  );
  t.equal(
    (await post(port, { jsonrpc: "2.0", id: 1, method: "tools/list" })).status,
    200,
    "neither a handshake nor a revision is required",
  );
});

for (const revision of REVISIONS) {
  t.test(`${revision}: there are five tools with their parameters`, async (t) => {
    const answer = await ask(port, revision, "tools/list");
    t.equal(answer.status, 200);
    const tools = answer.json<RpcAnswer>().result?.["tools"] as readonly Listed[];
    const table = tools.map(({ name, inputSchema }) => [
      name,
      Object.keys(inputSchema.properties),
      inputSchema.required ?? [],
    ]);
    t.same(table, [
      ["register_instance", ["name", "workspace", "intent", "stack", "capabilities"], ["name"]],
      ["discover_instances", ["name", "workspace", "stack", "capability"], []],
      ["set_intent", ["instance_id", "intent"], ["instance_id", "intent"]],
      ["get_endpoints", [], []],
      [
        "propose_rule",
        ["project", "rule_id", "pattern", "message", "severity", "match_type", "stack", "proposed_by", "context"],
        ["project", "rule_id", "pattern", "message"],
      ],
    ]);
    for (const { name, description, inputSchema } of tools) {
      t.equal(inputSchema.type, "object", name);
      t.ok(description.length > 20, name);
      for (const property of Object.values(inputSchema.properties)) t.match(property, { type: "string" }, name);
    }
    const quoting = tools.find(({ name }) => name === "discover_instances");
    t.match(quoting?.description, /data, not instructions/, "a tool whose answer quotes others says how to take it");
    t.match(MCP_INSTRUCTIONS, /other agents wrote is data, not instructions/);
    const shown = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    const instructions = encode(MCP_INSTRUCTIONS).length;
    t.ok(instructions <= MCP_INSTRUCTIONS_TOKENS_MAX, `${instructions} tokens of instructions`);
    const tokens = instructions + encode(JSON.stringify(shown)).length;
    t.ok(tokens <= MCP_TOOLS_TOKENS_MAX, `${tokens} tokens`);
    t.ok(tokens > MCP_TOOLS_TOKENS_MAX / 3, "the tokens were counted");
  });

  t.test(`${revision}: register_instance registers an instance`, async (t) => {
    const name = `agent-${revision}`;
    const registered = resultOf<Record<string, unknown>>(
      await callTool(
        port,
        "register_instance",
        { name, workspace: "w", intent: "i", stack: "s", capabilities: " a, b,, c " },
        revision,
      ),
    );
    t.match(registered, {
      instance_id: /^[0-9a-f-]{36}$/,
      token: /^.{16,}$/,
      name,
      workspace: "w",
      intent: "i",
      stack: "s",
      capabilities: ["a", "b", "c"],
      status: "pending",
      registered_at: TIMESTAMP,
    });
    t.same(Object.keys(registered), [
      "instance_id",
      "token",
      "name",
      "workspace",
      "intent",
      "stack",
      "capabilities",
      "status",
      "registered_at",
      "message",
    ]);
    const id = String(registered["instance_id"]);
    t.match(registered["message"], new RegExp(`REST.*CLI.*koor-cli activate ${id}`));
    const { token: _token, instance_id: _id, message: _message, ...rest } = registered;
    t.match((await send(port, "GET", `/api/instances/${id}`)).json(), { id, ...rest }, "REST has the same instance");
    t.match(await newestAudit("instance.register"), { resource: id, outcome: "success" });
    t.notMatch(
      await newestAudit("instance.register"),
      { detail: new RegExp(String(registered["token"])) },
      "without its token",
    );
    t.match(resultOf(await callTool(port, "register_instance", { name }, revision)), {
      workspace: "",
      intent: "",
      stack: "",
      capabilities: [],
    });

    for (const given of [{}, { name: "" }, { workspace: "w" }]) {
      t.match(
        refusalOf(await callTool(port, "register_instance", given, revision)),
        /^name is required/,
        JSON.stringify(given),
      );
      t.ok(await wasRefused("instance.register", /name is required/), "a refusal has its row");
    }
    t.match(refusalOf(await callTool(port, "register_instance", { name: 5 }, revision)), /^name must be a string/);
    t.match(
      refusalOf(await callTool(port, "register_instance", { name, stack: {} }, revision)),
      /^stack must be a string/,
    );
    t.match(
      refusalOf(await callTool(port, "register_instance", { name: "a\u0000" }, revision)),
      /^name must not contain control characters/,
      "a refusal of REST is a refusal here",
    );
    t.ok(await wasRefused("instance.register", /control characters/));
  });

  t.test(`${revision}: discover_instances lists instances`, async (t) => {
    const workspace = `space-${revision}`;
    const one = await register({ name: "one", workspace, stack: "go", capabilities: "sql" }, revision);
    const two = await register({ name: "two", workspace, stack: "ts" }, revision);
    const find = async (given: object): Promise<string[]> => {
      const { count, instances } = resultOf<{ readonly count: number; readonly instances: readonly Instance[] }>(
        await callTool(port, "discover_instances", given, revision),
      );
      t.equal(count, instances.length);
      t.notOk(
        instances.some((instance) => "token" in instance),
        "no token is in it",
      );
      return instances.map(({ id }) => id);
    };
    t.same((await find({ workspace })).toSorted(), [one.instance_id, two.instance_id].toSorted());
    t.same(await find({ workspace, name: "one" }), [one.instance_id]);
    t.same(await find({ workspace, stack: "ts" }), [two.instance_id]);
    t.same(await find({ workspace, capability: "sql" }), [one.instance_id]);
    t.same(await find({ workspace, name: "one", stack: "ts" }), [], "filters combine");
    const all = resultOf<{ readonly count: number; readonly instances: unknown }>(
      await callTool(port, "discover_instances", {}, revision),
    );
    t.same(all.instances, (await send(port, "GET", "/api/instances")).json(), "as REST lists them");
    t.match(refusalOf(await callTool(port, "discover_instances", { name: 1 }, revision)), /^name must be a string/);
  });

  t.test(`${revision}: set_intent sets the intent`, async (t) => {
    const { instance_id } = await register({ name: "worker" }, revision);
    const before = (await send(port, "GET", `/api/instances/${instance_id}`)).json<Instance>();
    const returned = resultOf<Record<string, unknown>>(
      await callTool(port, "set_intent", { instance_id, intent: "refactor" }, revision),
    );
    t.match(returned, { instance_id, intent: "refactor", message: /./ });
    t.same(Object.keys(returned), ["instance_id", "intent", "message"]);
    const after = (await send(port, "GET", `/api/instances/${instance_id}`)).json<Instance>();
    t.equal(after.intent, "refactor");
    t.ok(after.last_seen > before.last_seen, "the call is a heartbeat");
    t.match(resultOf(await callTool(port, "set_intent", { instance_id, intent: "" }, revision)), { intent: "" });
    t.match(refusalOf(await callTool(port, "set_intent", { instance_id }, revision)), /^intent is required/);
    t.match(refusalOf(await callTool(port, "set_intent", { intent: "x" }, revision)), /^instance_id is required/);
    t.match(
      refusalOf(await callTool(port, "set_intent", { instance_id: "", intent: "x" }, revision)),
      /^instance_id is required/,
    );
    t.equal(
      refusalOf(await callTool(port, "set_intent", { instance_id: "no-such", intent: "x" }, revision)),
      "instance_id: instance not found: no-such",
    );
    t.equal(
      refusalOf(await callTool(port, "set_intent", { instance_id: "a/../b", intent: "x" }, revision)),
      "instance_id: instance not found: a/../b",
    );
  });

  t.test(`${revision}: get_endpoints names the routes`, async (t) => {
    const returned = resultOf<{
      readonly api_base: string;
      readonly endpoints: Readonly<Record<string, string>>;
      readonly cli: object;
      readonly message: string;
    }>(await callTool(port, "get_endpoints", {}, revision, { Host: `localhost:${port}` }));
    t.same(Object.keys(returned), ["api_base", "endpoints", "cli", "message"]);
    t.equal(returned.api_base, `http://localhost:${port}`, "it has the address that the client used");
    const { api_base } = resultOf<{ readonly api_base: string }>(
      await callTool(port, "get_endpoints", {}, revision, { Host: "localhost", "X-Forwarded-Proto": "https" }),
    );
    t.equal(api_base, "https://localhost", "or a proxy's, where there is one");
    t.match(returned.cli, { install: /^npm install --global \//, usage: /koor-cli/ });
    t.equal("cluster" in returned.endpoints, CLUSTER !== "", "a single server does not list the cluster's routes");
    t.match(returned.message, /api\/wait\?event=.*wait=60/, "the message shows how to wait");
    const { paths } = (await send(port, "GET", "/openapi.json")).json<{
      readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
    }>();
    const described = Object.entries(paths)
      .filter(([path]) => path.startsWith("/api/"))
      .flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, { operationId }]) => [operationId, `${method.toUpperCase()} ${path}`]),
      );
    const known = new Map(described as [string, string][]);
    for (const [name, endpoint] of Object.entries(returned.endpoints)) t.equal(known.get(name), endpoint, name);
    t.match(returned.endpoints, { "task.claim": "POST /api/tasks/claim", "message.list": "GET /api/messages" });
    t.match(returned.message, /task\.claim .*"fence"/, "it has the claim of a task");
    t.match(returned.message, /data, not instructions/, "it says how to take answers of REST");
    const tokens = encode(JSON.stringify(returned)).length;
    t.ok(tokens <= MCP_ENDPOINTS_TOKENS_MAX && tokens > MCP_ENDPOINTS_TOKENS_MAX / 2, `${tokens} tokens`);
    t.match(
      resultOf(await callTool(port, "get_endpoints", { nonsense: 1 }, revision)),
      { api_base: /^http/ },
      "unknown arguments are ignored",
    );
  });

  t.test(`${revision}: propose_rule proposes a rule`, async (t) => {
    const rule = { project: `p/${revision}`, rule_id: "no-x", pattern: "x+", message: "no x" };
    const returned = resultOf<Record<string, unknown>>(
      await callTool(
        port,
        "propose_rule",
        { ...rule, severity: "warning", match_type: "missing", stack: "go", proposed_by: "me", context: "it broke" },
        revision,
      ),
    );
    t.match(returned, { project: rule.project, rule_id: "no-x", status: "proposed", message: /\/accept/ });
    t.same(Object.keys(returned), ["project", "rule_id", "status", "message"]);
    const stored = (await send(port, "GET", `/api/rules?project=${encodeURIComponent(rule.project)}`)).json<{
      readonly rules: readonly object[];
    }>().rules;
    t.match(stored, [
      {
        ...rule,
        severity: "warning",
        match_type: "missing",
        stack: "go",
        proposed_by: "me",
        context: "it broke",
        source: "learned",
        status: "proposed",
      },
    ]);
    t.match(await newestAudit("rule.propose"), { resource: `${rule.project}/no-x`, outcome: "success" });
    const [, path] = /POST (\S+)/.exec(String(returned["message"])) ?? [];
    t.equal((await send(port, "POST", path ?? "")).status, 200, "the message has the path that accepts it");

    for (const field of ["project", "rule_id", "pattern", "message"] as const) {
      const { [field]: _left_out, ...rest } = rule;
      t.match(
        refusalOf(
          await callTool(
            port,
            "propose_rule",
            { ...rest, rule_id: field === "rule_id" ? undefined : "other" },
            revision,
          ),
        ),
        new RegExp(`^${field} is required`),
      );
      t.ok(await wasRefused("rule.propose", new RegExp(`${field} is required`)));
    }
    t.match(refusalOf(await callTool(port, "propose_rule", rule, revision)), /exists/, "a rule that exists is refused");
    t.ok(await wasRefused("rule.propose", /exists/));
    t.match(
      refusalOf(await callTool(port, "propose_rule", { ...rule, rule_id: "r", pattern: "(" }, revision)),
      /pattern|r/,
      "a rule that does not compile is refused",
    );
    t.match(
      refusalOf(await callTool(port, "propose_rule", { ...rule, rule_id: "r", severity: "bad" }, revision)),
      /severity/,
    );
    t.match(
      refusalOf(await callTool(port, "propose_rule", { ...rule, rule_id: "r", match_type: "bad" }, revision)),
      /match_type/,
    );
  });

  t.test(`${revision}: unknown tools and methods are errors`, async (t) => {
    const unknown = await ask(port, revision, "tools/call", { name: "no_such_tool", arguments: {} });
    t.equal(unknown.status, 200);
    t.match(unknown.json<RpcAnswer>(), { id: 1, error: { code: -32602, message: /no_such_tool/ } });
    for (const name of ["__proto__", "toString"])
      t.match((await ask(port, revision, "tools/call", { name })).json<RpcAnswer>(), { error: { code: -32602 } }, name);
    t.match(
      (await ask(port, revision, "tools/call", { name: "get_endpoints", arguments: [] })).json<RpcAnswer>(),
      { error: { code: -32602 } },
      "arguments that are no object are refused",
    );
    const method = await ask(port, revision, "no/such");
    t.equal(method.status, revision === STATELESS_REVISION ? 404 : 200);
    t.match(method.json<RpcAnswer>(), { id: 1, error: { code: -32601 } });
    for (const other of ["resources/list", "prompts/list"])
      t.match((await ask(port, revision, other)).json<RpcAnswer>(), { error: { code: -32601 } }, other);
  });

  t.test(`${revision}: ids are returned as they were sent`, async (t) => {
    for (const id of [0, -1, 7, 2 ** 53 - 1, "", "7", "\u00e9"]) {
      for (const [method, params] of [
        ["tools/list", {}],
        ["tools/call", { name: "get_endpoints" }],
        ["no/such", {}],
      ] as const) {
        const { message, headers } = request(revision, method, params, id);
        t.equal((await post(port, message, headers)).json<RpcAnswer>().id, id, `${method} ${id}`);
      }
    }
  });

  t.test(`${revision}: types of bodies and of answers are checked`, async (t) => {
    const { message, headers } = request(revision, "tools/list");
    const statusOf = async (more: OutgoingHttpHeaders): Promise<number> => {
      const answer = await post(port, message, { ...headers, ...more });
      t.equal(answer.headers["content-type"], "application/json");
      return answer.status;
    };
    for (const type of ["application/json", "Application/JSON", "application/json; charset=utf-8"])
      t.equal(await statusOf({ "Content-Type": type }), 200, type);
    for (const type of [undefined, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
      t.equal(await statusOf({ "Content-Type": type }), 415, String(type));
    for (const accept of ["application/json, text/event-stream", "text/event-stream;q=0.5,application/json"])
      t.equal(await statusOf({ Accept: accept }), 200, accept);
    for (const accept of ["text/html", "text/event-stream"]) t.equal(await statusOf({ Accept: accept }), 406, accept);
    if (revision === STATELESS_REVISION) {
      for (const accept of [undefined, "*/*", "application/*", "application/json"])
        t.equal(await statusOf({ Accept: accept }), 200, String(accept));
      t.equal(await statusOf({ Accept: "application/json;q=0" }), 406);
    } else {
      for (const accept of ["*/*", "application/*"]) t.equal(await statusOf({ Accept: accept }), 200, accept);
      for (const accept of [undefined, "application/json"])
        t.equal(await statusOf({ Accept: accept }), 406, `${accept}: both must be named`);
    }
    const refused = (await post(port, message, { ...headers, "Content-Type": "text/plain" })).json<RpcAnswer>();
    t.match(
      refused,
      { jsonrpc: "2.0", id: null, error: { code: Number, message: String } },
      "the refusal has the protocol's shape",
    );
  });
}

t.test("bodies that are no message are refused", async (t) => {
  const cases: readonly (readonly [body: string | Uint8Array, code: number])[] = [
    ["", -32700],
    ["{", -32700],
    [Buffer.from([0xff, 0xfe]), -32700],
    ["nonsense", -32700],
    ["{}", -32600],
    ["5", -32600],
    ["null", -32600],
    ['"x"', -32600],
    ['{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600],
    ["[]", -32600],
    ["[{}]", -32600],
    ['{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600],
  ];
  for (const [body, code] of cases) {
    const answer = await post(port, body);
    t.equal(answer.status, 400, String(body));
    t.match(answer.json<RpcAnswer>(), { jsonrpc: "2.0", error: { code } }, String(body));
  }
  t.equal(
    (await post(port, `\uFEFF${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" })}`)).status,
    200,
    "a byte order mark is skipped",
  );
  t.equal(
    (await post(port, { jsonrpc: "2.0", id: 1, result: {} })).status,
    202,
    "an answer without a request is accepted",
  );
});

t.test("only 2025-03-26 has batches", async (t) => {
  const batch = [
    { jsonrpc: "2.0", id: 1, method: "ping" },
    { jsonrpc: "2.0", method: "notifications/initialized" },
    { jsonrpc: "2.0", id: "b", method: "tools/call", params: { name: "set_intent", arguments: {} } },
    { jsonrpc: "2.0", id: 3, method: "no/such" },
  ];
  for (const headers of [{}, { "MCP-Protocol-Version": "2025-03-26" }]) {
    const answer = await post(port, batch, headers);
    t.equal(answer.status, 200);
    const answers = answer.json<RpcAnswer[]>();
    t.match(
      answers.find(({ id }) => id === 1),
      { result: {} },
    );
    t.match(
      answers.find(({ id }) => id === "b"),
      { result: { isError: true, content: [{ text: /is required/ }] } },
    );
    t.match(
      answers.find(({ id }) => id === 3),
      { error: { code: -32601 } },
    );
    t.equal(answers.length, 3);
  }
  t.equal(
    (await post(port, [{ jsonrpc: "2.0", method: "notifications/initialized" }])).status,
    202,
    "a batch of notifications has no answer",
  );
  for (const revision of REVISIONS.slice(1)) {
    const answer = await post(port, batch, { "MCP-Protocol-Version": revision });
    t.equal(answer.status, 400, revision);
    t.match(answer.json<RpcAnswer>(), { error: { code: -32600 } });
  }
  const call = { jsonrpc: "2.0", id: 7, method: "tools/call", params: { name: "get_endpoints" } };
  const cancel = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } };
  t.match(
    (await post(port, [call, cancel])).json<RpcAnswer>(),
    { id: 7, result: { content: [{ type: "text" }] } },
    "a batch that cancels its own call is answered",
  );
  const handshake = {
    jsonrpc: "2.0",
    id: 8,
    method: "initialize",
    params: { protocolVersion: "2025-03-26", capabilities: {}, clientInfo: { name: "test", version: "1" } },
  };
  t.match((await post(port, [handshake])).json<RpcAnswer>(), { id: 8, result: { protocolVersion: "2025-03-26" } });
  const mixed = await post(port, [call, handshake]);
  t.equal(mixed.status, 400, "a handshake is alone");
  t.match(mixed.json<RpcAnswer>(), { id: null, error: { code: -32600 } });
  t.equal((await post(port, [call, call])).json<RpcAnswer[]>().length, 2, "each call is answered, even with one id");
  const enveloped = [request(STATELESS_REVISION, "tools/list").message];
  t.equal((await post(port, enveloped)).status, 400);
  const pings = (count: number): object[] =>
    Array.from({ length: count }, (_unused, id) => ({ jsonrpc: "2.0", id, method: "ping" }));
  t.equal((await post(port, pings(MCP_BATCH_MESSAGES_MAX))).json<RpcAnswer[]>().length, MCP_BATCH_MESSAGES_MAX);
  t.equal((await post(port, pings(MCP_BATCH_MESSAGES_MAX + 1))).status, 400, "their length is bounded");
});

t.test("the headers of the newest revision must agree with the message", async (t) => {
  const { message, headers } = request(STATELESS_REVISION, "tools/call", { name: "get_endpoints", arguments: {} });
  t.equal((await post(port, message, headers)).status, 200);
  const wrong: readonly (readonly [OutgoingHttpHeaders, number])[] = [
    [{ "MCP-Protocol-Version": undefined }, -32020],
    [{ "Mcp-Method": undefined }, -32020],
    [{ "Mcp-Name": undefined }, -32020],
    [{ "MCP-Protocol-Version": "2025-11-25" }, -32020],
    [{ "Mcp-Method": "tools/list" }, -32020],
    [{ "Mcp-Name": "set_intent" }, -32020],
  ];
  for (const [change, code] of wrong) {
    const answer = await post(port, message, { ...headers, ...change });
    t.equal(answer.status, 400, JSON.stringify(change));
    t.match(answer.json<RpcAnswer>(), { id: 1, error: { code } }, JSON.stringify(change));
  }
  t.equal(
    (
      await post(port, message, {
        ...headers,
        "Mcp-Name": `=?base64?${Buffer.from("get_endpoints").toString("base64")}?=`,
      })
    ).status,
    200,
    "encoded as the protocol has it",
  );
  const future = {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/list",
    params: { _meta: { ...ENVELOPE, "io.modelcontextprotocol/protocolVersion": "2099-01-01" } },
  };
  const unsupported = await post(port, future, { "MCP-Protocol-Version": "2099-01-01", "Mcp-Method": "tools/list" });
  t.equal(unsupported.status, 400);
  t.match(unsupported.json<RpcAnswer>(), {
    error: { data: { supported: [STATELESS_REVISION], requested: "2099-01-01" } },
  });
  const bare = await post(
    port,
    { jsonrpc: "2.0", id: 1, method: "tools/list" },
    { "MCP-Protocol-Version": STATELESS_REVISION, "Mcp-Method": "tools/list" },
  );
  t.equal(bare.status, 400, "without the members of each message");
  t.equal(
    (await post(port, { jsonrpc: "2.0", id: 1, method: "tools/list" }, { "MCP-Protocol-Version": "1999-01-01" }))
      .status,
    400,
    "a revision that does not exist",
  );
});

t.test("a stream is refused, because there is nothing to listen for", async (t) => {
  const answer = await ask(port, STATELESS_REVISION, "subscriptions/listen", {
    notifications: { toolsListChanged: true },
  });
  t.equal(answer.status, 200);
  t.equal(answer.headers["content-type"], "text/event-stream");
  const events = answer.text
    .split("\n")
    .filter((line) => line.startsWith("data:"))
    .map((line) => JSON.parse(line.slice(5)) as RpcAnswer & { readonly params?: unknown });
  t.match(events, [
    { method: "notifications/subscriptions/acknowledged", params: { notifications: {} } },
    { id: 1, result: {} },
  ]);
});

t.test("other methods of HTTP are a 405, and the checks are those of REST", async (t) => {
  for (const method of ["GET", "DELETE", "PUT", "HEAD"]) {
    const answer = await send(port, method, "/mcp", { headers: { Accept: "text/event-stream" } });
    t.equal(answer.status, 405, method);
    t.equal(answer.headers.allow, "POST");
  }
  t.match((await send(port, "GET", "/mcp")).json<Refusal>(), { code: 405, error: String });
  const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
  const refused: readonly (readonly [status: number, of: number, headers: OutgoingHttpHeaders])[] = [
    [401, guarded.port, {}],
    [401, guarded.port, { Authorization: "Bearer wrong" }],
    [403, port, { Origin: "http://evil.example" }],
    [403, port, { Origin: "null" }],
    [421, port, { Host: "evil.example" }],
  ];
  for (const [status, of, headers] of refused) {
    const answer = await post(of, ping, headers);
    t.equal(answer.status, status);
    t.match(answer.json<Refusal>(), { code: status, error: String }, "Koor's own words");
  }
  t.equal((await post(guarded.port, ping, { Authorization: `Bearer ${TOKEN}` })).status, 200);
  t.equal((await post(port, ping, { Origin: `http://localhost:${port}`, Host: `localhost:${port}` })).status, 200);
  const large = Buffer.alloc(MCP_BODY_BYTES_MAX + 1, " ");
  t.match((await post(port, large)).json<Refusal>(), { code: 413, error: String });
  const full = Buffer.alloc(MCP_BODY_BYTES_MAX, " ");
  full.write(JSON.stringify(ping));
  t.equal((await post(port, full)).status, 200, "a body of the largest size is accepted");
});

t.test("get_endpoints leaves out only routes that agents may not call, or that are not there", async (t) => {
  const bearer = { Authorization: `Bearer ${TOKEN}` };
  const call = async (tool: string, given: object) => await callTool(guarded.port, tool, given, "2025-11-25", bearer);
  const { token } = resultOf<Registered>(await call("register_instance", { name: "agent" }));
  const { endpoints } = resultOf<{ readonly endpoints: object }>(await call("get_endpoints", {}));
  const returned = new Set<unknown>(Object.values(endpoints));
  const { paths } = (await send(port, "GET", "/openapi.json")).json<{
    readonly paths: Readonly<Record<string, object>>;
  }>();
  let leftOut = 0;
  for (const [path, methods] of Object.entries(paths)) {
    for (const method of Object.keys(methods).map((name) => name.toUpperCase())) {
      if (!path.startsWith("/api/") || returned.has(`${method} ${path}`)) continue;
      // A single server has no nodes to list.
      if (path === "/api/cluster" && CLUSTER === "") continue;
      // The programs around an agent call these, and not the agent.
      if (
        /^\/api\/(?:at|hooks|guard|budgets|llm\/limits|checkouts|evidence|metrics\/history|metrics\/routes)(?:\/|$)/.test(
          path,
        )
      )
        continue;
      leftOut += 1;
      const headers = { Authorization: `Bearer ${token}` };
      const refused = await send(guarded.port, method, path.replaceAll(/\{\w+\}/g, "x"), { headers });
      t.match(refused, { status: 403, text: /"this needs the server token"/ }, `${method} ${path}`);
    }
  }
  t.ok(leftOut > 5 && leftOut < returned.size / 2, `${leftOut} are left out`);
});

t.test("an instance's token calls as that instance", async (t) => {
  const bearer = { Authorization: `Bearer ${TOKEN}` };
  const { instance_id, token } = resultOf<Registered>(
    await callTool(guarded.port, "register_instance", { name: "mine" }, "2025-11-25", bearer),
  );
  const own = { Authorization: `Bearer ${token}` };
  t.match(resultOf(await callTool(guarded.port, "set_intent", { instance_id, intent: "x" }, "2025-11-25", own)), {
    instance_id,
  });
  const { instance_id: other } = resultOf<Registered>(
    await callTool(guarded.port, "register_instance", { name: "other" }, "2025-11-25", own),
  );
  t.match(await newestAudit("instance.register", guarded.port, bearer), { actor: instance_id, resource: other });
  t.equal(
    refusalOf(await callTool(guarded.port, "set_intent", { instance_id: other, intent: "x" }, STATELESS_REVISION, own)),
    "this needs the server token, or the token of that instance",
  );
  t.match(
    resultOf(await callTool(guarded.port, "discover_instances", { name: "other" }, "2025-11-25", own)),
    { count: 1, instances: [{ intent: "" }] },
    "nothing was changed",
  );
  t.match(
    resultOf(
      await callTool(
        guarded.port,
        "propose_rule",
        { project: "p", rule_id: "r", pattern: "x", message: "m" },
        STATELESS_REVISION,
        own,
      ),
    ),
    { status: "proposed" },
  );
  t.match(await newestAudit("rule.propose", guarded.port, bearer), { actor: instance_id, outcome: "success" });
  t.equal(
    (await send(guarded.port, "POST", "/api/rules/p/r/accept", { headers: bearer })).status,
    200,
    "which the server's token accepts",
  );
});

t.test("a POST counts as one MCP call in any case, and other methods do not count", async (t) => {
  const counts = async (): Promise<{ readonly mcp_calls: number; readonly rest_calls: number }> =>
    (await send(port, "GET", "/api/metrics")).json<{
      readonly token_tax: { readonly mcp_calls: number; readonly rest_calls: number };
    }>().token_tax;
  const before = await counts();
  await callTool(port, "get_endpoints");
  await callTool(port, "register_instance", {});
  await post(port, "{");
  await post(port, [
    { jsonrpc: "2.0", id: 1, method: "ping" },
    { jsonrpc: "2.0", id: 2, method: "ping" },
  ]);
  await post(port, { jsonrpc: "2.0", method: "notifications/initialized" });
  await send(port, "GET", "/mcp");
  const after = await counts();
  t.equal(after.mcp_calls - before.mcp_calls, 5);
  t.equal(after.rest_calls, before.rest_calls, "the call inside a tool is not counted again");
});

t.test("the instance that set_intent names is the caller", async (t) => {
  const { instance_id } = await register({ name: "counted" });
  await callTool(port, "set_intent", { instance_id, intent: "one" });
  await callTool(port, "set_intent", { instance_id, intent: "two" }, STATELESS_REVISION);
  await callTool(port, "discover_instances", {}, "2025-11-25", { "X-Koor-Instance": instance_id });
  const metrics = (await send(port, "GET", `/api/metrics/agents/${instance_id}`)).json<
    { readonly metric_name: string; readonly metric_value: number }[]
  >();
  t.match(
    metrics.find(({ metric_name }) => metric_name === "mcp_calls"),
    { metric_value: 3 },
  );
  t.equal(
    metrics.find(({ metric_name }) => metric_name === "rest_calls"),
    undefined,
  );
});

t.test("an unknown instance cannot propose, and can join again", async (t) => {
  const bogus = { "X-Koor-Instance": "bogus" };
  const call = (name: string, given: object) => callTool(port, name, given, "2025-11-25", bogus);
  const rule = { project: "p", rule_id: "of-bogus", pattern: "x", message: "m" };
  t.equal(refusalOf(await call("propose_rule", rule)), "instance not found: bogus");
  const { instance_id } = resultOf<Registered>(await call("register_instance", { name: "again" }));
  t.match(resultOf(await call("set_intent", { instance_id, intent: "x" })), { instance_id });
  t.match(resultOf(await call("discover_instances", { name: "again" })), { count: 1 });
});

t.test("two hundred calls at once get their own answers", async (t) => {
  const ids = Array.from({ length: 200 }, (_unused, at) => at);
  const answers = await Promise.all(
    ids.map(async (at) => {
      const revision = REVISIONS[at % REVISIONS.length] ?? STATELESS_REVISION;
      return resultOf<{ readonly name: string; readonly instance_id: string }>(
        await callTool(port, "register_instance", { name: `crowd-${at}`, workspace: "crowd" }, revision),
      );
    }),
  );
  t.same(
    answers.map(({ name }) => name),
    ids.map((at) => `crowd-${at}`),
  );
  t.equal(new Set(answers.map(({ instance_id }) => instance_id)).size, ids.length);
  t.equal(
    resultOf<{ readonly count: number }>(await callTool(port, "discover_instances", { workspace: "crowd" })).count,
    ids.length,
  );
});

t.test("a long list of instances is bounded, active ones first", async (t) => {
  const ids = Array.from({ length: 400 }, (_unused, at) => at);
  await Promise.all(
    ids.map((at) =>
      sendJson(port, "POST", "/api/instances/register", {
        name: `many-${at}`,
        workspace: "many",
        intent: "x".repeat(500),
      }),
    ),
  );
  interface Found {
    readonly count: number;
    readonly instances: readonly Instance[];
    readonly more: number;
    readonly message: string;
  }
  const all = (await send(port, "GET", "/api/instances?workspace=many")).json<readonly Instance[]>();
  const active = all.at(-1)?.id ?? "";
  await send(port, "POST", `/api/instances/${active}/activate`);
  const seen = (await send(port, "GET", "/api/instances?workspace=many")).json<readonly Instance[]>();
  for (const given of [{ workspace: "many" }, { workspace: "many", name: "", stack: null, capability: "" }]) {
    const { count, instances, more, message } = resultOf<Found>(await callTool(port, "discover_instances", given));
    t.equal(count, ids.length);
    t.equal(instances[0]?.id, active);
    t.same(instances, seen.slice(0, MCP_INSTANCES_MAX), "the newest");
    t.equal(more, ids.length - MCP_INSTANCES_MAX);
    t.match(message, /^350 more: narrow .*workspace/);
  }
});

t.test("an empty text and null count as absent", async (t) => {
  const empty = { intent: "", stack: null, capabilities: "", workspace: "" };
  t.match(resultOf(await callTool(port, "register_instance", { name: "n", ...empty })), { workspace: "", stack: "" });
  for (const name of ["", null])
    t.match(refusalOf(await callTool(port, "register_instance", { name })), /^name is required/, String(name));
  t.match(
    refusalOf(await callTool(port, "set_intent", { instance_id: null, intent: "x" })),
    /^instance_id is required/,
  );
  const rule = { project: "p", rule_id: "of-empty", pattern: "x", message: "m" };
  const filled = { severity: "", match_type: null, stack: "", proposed_by: null, context: "" };
  t.match(resultOf(await callTool(port, "propose_rule", { ...rule, ...filled })), { status: "proposed" });
  t.match(refusalOf(await callTool(port, "propose_rule", { ...rule, pattern: null })), /^pattern is required/);
});

t.test("Accept is compared without case, and may have any other types", async (t) => {
  const message = { jsonrpc: "2.0", id: 1, method: "tools/list" };
  const newest = { ...message, method: "initialize", params: INITIALIZE };
  for (const accept of ["APPLICATION/JSON, Text/Event-Stream", "*/*", "application/*;q=0.8", "text/html, */*;q=0.1"])
    for (const body of [message, newest])
      t.equal((await post(port, body, { Accept: accept })).status, 200, `${accept}: ${body.method}`);
  for (const accept of ["text/html", "application/json;q=0, */*;q=0", "application/json"])
    t.equal((await post(port, message, { Accept: accept })).status, 406, accept);
});

t.test("instructions name the first call, and the well-known paths of OAuth do not exist", async (t) => {
  const returned = await post(port, { jsonrpc: "2.0", id: 1, method: "initialize", params: INITIALIZE });
  t.match(returned.json<RpcAnswer>().result, { instructions: /Koor .* Call get_endpoints first/ });
  for (const path of ["/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server/mcp"]) {
    t.same((await send(guarded.port, "GET", path)).json(), { error: "no such route", code: 404 });
    t.equal((await send(guarded.port, "GET", path, { headers: { Host: "evil.example" } })).status, 421);
  }
  t.equal((await send(guarded.port, "GET", "/other")).status, 401);
});

t.test("none of this was logged as a fault, and nothing is in flight", async (t) => {
  t.same(koor.complaints(), []);
  t.same(guarded.complaints(), []);
  t.equal(await koor.stop(), 0);
  t.equal(await guarded.stop(), 0);
});
