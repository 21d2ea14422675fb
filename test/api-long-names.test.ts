/**
 * Tests that an answer repeats only the beginning of a long text of the request. A refusal of megabytes would cost the
 * server's memory, the log and its readers several times the request.
 */
import t from "tap";
import { REFUSAL_CHARACTERS_MAX } from "../schemas/limits/names.js";
import { VIOLATIONS_LISTED_BYTES_MAX } from "../schemas/limits/rules.js";
import { send, sendJson, type Refusal } from "./support/http-client.js";
import { ENVELOPE, MCP_HEADERS, post, type RpcAnswer } from "./support/mcp-messages.js";
import { startKoor } from "./support/server-process.js";

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}
interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> };
}

const LONG = "\u20ac".repeat(100_000);
/** The size of a refusal with its 20 details, and of a stored item beside an accepted text. */
const ANSWER_BYTES_MAX = 16 * 1024;

const koor = await startKoor(t);
const { port } = koor;

/** Values that match the schema, or nearly so, each with the long text at one place, as a name or as a value. */
function* longValues(schema: Schema): Generator<unknown, void, undefined> {
  yield LONG;
  for (const branch of schema.anyOf ?? []) yield* longValues(branch);
  if (schema.items !== undefined) for (const item of longValues(schema.items)) yield [item];
  if (schema.properties === undefined) return;
  yield { [LONG]: 1 };
  for (const [name, member] of Object.entries(schema.properties))
    for (const value of longValues(member)) yield { [name]: value };
}

/** Every text that the schema allows is long, or short. */
function fill(schema: Schema, text: string): unknown {
  const [branch] = schema.anyOf ?? [];
  if (branch !== undefined) return fill(branch, text);
  if (schema.items !== undefined) return [fill(schema.items, text)];
  if (schema.properties === undefined) return schema.type === "integer" || schema.type === "number" ? 1 : text;
  return Object.fromEntries(Object.entries(schema.properties).map(([name, member]) => [name, fill(member, text)]));
}

t.test("an answer to a body with a long name or text is short", async (t) => {
  const description = (await send(port, "GET", "/openapi.json")).json<{
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  }>();
  let refused = 0;
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, { requestBody }] of Object.entries(methods)) {
      const schema = requestBody?.content["application/json"]?.schema;
      if (schema === undefined || path === "/mcp") continue;
      const plain = fill(schema, "x");
      for (const value of longValues(schema)) {
        const whole =
          typeof plain === "object" && typeof value === "object" && !Array.isArray(value) && !Array.isArray(plain)
            ? [value, { ...plain, ...value }]
            : [value];
        for (const body of whole) {
          const answer = await sendJson(port, method.toUpperCase(), path.replace(/\{\w+\}/g, "x"), body);
          const said = `${method} ${path} ${JSON.stringify(body).replaceAll(LONG, "LONG")}: ${answer.status}`;
          // An event that was accepted is returned whole.
          if (answer.status < 400 && !path.endsWith("/validate")) continue;
          t.ok(answer.body.length < ANSWER_BYTES_MAX, `${said}: ${answer.body.length} bytes`);
          if (answer.status !== 400) continue;
          refused += 1;
          t.ok(answer.json<Refusal>().error.length <= REFUSAL_CHARACTERS_MAX + 1, said);
        }
      }
    }
  }
  t.ok(refused > 100, `${refused} were refused`);
});

t.test("a refusal names a member by its beginning", async (t) => {
  const name = "n".repeat(4 * 2 ** 20);
  const shown = `${"n".repeat(100)}…`;
  const answer = await sendJson(port, "PATCH", "/api/tasks/X", { [name]: 1 });
  t.equal(answer.status, 400);
  t.match(answer.json<Refusal>(), { error: `${shown} cannot be given here`, details: [{ message: RegExp(shown) }] });
  const query = await send(port, "PUT", `/api/state/k?${"q".repeat(1_000)}=1`, { body: "1" });
  t.match(query.json<Refusal>(), { error: `unknown query parameter: ${"q".repeat(100)}…` });
});

t.test("a violation of a contract repeats a part of the payload", async (t) => {
  const endpoints = { "GET /x": { response: { a: { type: "string" } } } };
  await sendJson(port, "PUT", "/api/specs/p/c", { kind: "contract", endpoints });
  const long = "d".repeat(4 * 2 ** 20);
  for (const [body, says] of [
    [{ endpoint: long, direction: "response", payload: {} }, /^endpoint "d+…" not in contract$/],
    [{ endpoint: "GET /x", direction: long, payload: {} }, /^unknown direction "d+…"/],
    [{ endpoint: "GET /x", direction: "response", payload: { a: "", [long]: 1 } }, /^unexpected field "d+…"/],
  ] as const) {
    const answer = await sendJson(port, "POST", "/api/contracts/p/c/validate", body);
    t.equal(answer.status, 200);
    t.ok(answer.body.length < ANSWER_BYTES_MAX, `${answer.body.length} bytes`);
    t.match(answer.json(), { valid: false, violations: [{ message: says }] });
  }
});

t.test("an answer of MCP repeats no long id, and only the beginning of a name", async (t) => {
  const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "get_endpoints", arguments: {} } };
  const older = { "MCP-Protocol-Version": "2025-03-26" };
  for (const message of [{ ...call, id: LONG }, [call, { ...call, id: LONG }]]) {
    const answer = await post(port, message, older);
    t.equal(answer.status, 400);
    t.match(answer.json<RpcAnswer>(), { id: null, error: { code: -32_600, message: /id has at most 1024/ } });
  }
  const kept = "i".repeat(1_024);
  t.match((await post(port, { ...call, id: kept }, older)).json<RpcAnswer>(), { id: kept, result: {} });
  const unknown = await post(port, { ...call, params: { name: LONG, arguments: {} } }, older);
  t.match(unknown.json<RpcAnswer>(), { id: 1, error: { code: -32_602, message: /^Unknown tool: €{100}…/ } });
  const stateless = {
    ...MCP_HEADERS,
    "MCP-Protocol-Version": "2026-07-28",
    "MCP-Method": "tools/call",
    "MCP-Name": "x",
  };
  const meta = ENVELOPE as Readonly<Record<string, unknown>>;
  for (const [name, headers, params] of [
    ["older", older, {}],
    ["newer", stateless, { _meta: meta }],
  ] as const) {
    for (const message of [
      { ...call, params: { ...call.params, ...params, name: LONG } },
      { ...call, method: LONG, params },
      { ...call, jsonrpc: LONG, params },
      { ...call, [LONG]: 1, params },
      { ...call, params: { ...params, [LONG]: 1 } },
      { ...call, params: { ...call.params, ...params, arguments: { [LONG]: 1 } } },
      { ...call, params: { ...call.params, ...params, name: "propose_rule", arguments: { project: LONG } } },
      { ...call, params: { ...call.params, ...params, name: "set_intent", arguments: { instance_id: LONG } } },
      { ...call, params: { ...call.params, ...params, name: "register_instance", arguments: { name: LONG } } },
      { ...call, method: "initialize", params: { ...params, protocolVersion: LONG, capabilities: {}, clientInfo: {} } },
      { ...call, params: { ...call.params, _meta: { ...meta, "io.modelcontextprotocol/protocolVersion": LONG } } },
      { ...call, params: { ...call.params, _meta: { ...meta, [LONG]: LONG, progressToken: LONG } } },
      { jsonrpc: "2.0", method: LONG },
    ]) {
      const answer = await post(port, message, headers);
      const said = `${name} ${JSON.stringify(message).replaceAll(LONG, "LONG")}: ${answer.body.length} bytes`;
      t.ok(answer.body.length < ANSWER_BYTES_MAX, said);
    }
  }
});

t.test("violations of a rule with a long message end at their bound in bytes", async (t) => {
  const message = "\u{1f600}".repeat(4_096);
  const rule = { project: "wide", rule_id: "r", pattern: "x", message };
  await sendJson(port, "PUT", "/api/validate/wide/rules", [{ rule_id: "s", pattern: "x", message }]);
  t.equal((await sendJson(port, "POST", "/api/rules/propose", rule)).status, 200);
  for (const path of ["/api/rules/wide/r/preview", "/api/validate/wide"]) {
    const answer = await sendJson(port, "POST", path, { content: "x\n".repeat(100_000) });
    t.equal(answer.status, 200, path);
    t.ok(answer.body.length < VIOLATIONS_LISTED_BYTES_MAX + ANSWER_BYTES_MAX, `${path}: ${answer.body.length} bytes`);
    const { count, violations } = answer.json<{ readonly count: number; readonly violations: readonly unknown[] }>();
    t.equal(count, 100_000, "all are counted");
    t.ok(violations.length > 500 && violations.length < 2_000, `${violations.length} are listed`);
  }
});
