/**
 * Tests that no refusal repeats more than QUOTED_CHARACTERS_MAX characters of a name or a text that was sent. It calls
 * every route of the OpenAPI description with a long text in each place in turn: in the path, the query, the headers
 * and the body.
 */
import t from "tap";
import { QUOTED_CHARACTERS_MAX } from "../schemas/limits/names.js";
import { send, sendJson, type Answer } from "./support/http-client.js";
import { startKoor } from "./support/server-process.js";

type Json = Readonly<Record<string, unknown>>;
interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Json }>> };
}
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
}

const LETTER = "q";
/** Texts that are too long for some names only, and for all of them. The others are refused for what they contain. */
const LONG: readonly string[] = [
  LETTER.repeat(250),
  LETTER.repeat(1000),
  LETTER.repeat(9000),
  `${LETTER.repeat(900)}[`,
  `/${LETTER.repeat(900)}`,
  `path:${LETTER.repeat(900)}/./b`,
  `State:${LETTER.repeat(900)}`,
  ` name:${LETTER.repeat(900)}`,
];
/**
 * Routes whose answer to a valid request does not end, and MCP. JSON-RPC repeats the whole id of a request; the last
 * test is about its messages.
 */
const LEFT_OUT = /stream|subscribe|\/ws|\/changes|\/mcp/;

const { port } = await startKoor(t);
const description = (await send(port, "GET", "/openapi.json")).json<Description>();

function resolve(schema: Json | undefined): Json {
  const reference = schema?.["$ref"];
  if (typeof reference !== "string") return schema ?? {};
  return resolve(description.components.schemas[reference.slice(reference.lastIndexOf("/") + 1)]);
}

/** Yields the bodies with the long text at each place of the schema, and ordinary values at all other places. */
function* bodiesOf(given: Json | undefined, long: string, depth = 0): Generator<unknown, void, undefined> {
  const schema = resolve(given);
  const { type, properties, items, anyOf } = schema;
  if (depth > 4) return;
  if (type === "array") {
    for (const inner of bodiesOf(items as Json, long, depth + 1)) yield [inner];
  } else if (typeof properties === "object" && properties !== null) {
    for (const [name, member] of Object.entries(properties as Readonly<Record<string, Json>>))
      for (const inner of bodiesOf(member, long, depth + 1)) yield { ...requiredOf(schema), [name]: inner };
    yield { ...requiredOf(schema), [long]: 1 };
  } else if (Array.isArray(anyOf)) {
    for (const each of anyOf as readonly Json[]) yield* bodiesOf(each, long, depth + 1);
  } else {
    yield long;
  }
}

function requiredOf(schema: Json): Json {
  const properties = schema["properties"] as Readonly<Record<string, Json>>;
  const names = (schema["required"] ?? []) as readonly string[];
  return Object.fromEntries(names.map((name) => [name, ordinary(properties[name])]));
}

function ordinary(given: Json | undefined): unknown {
  const schema = resolve(given);
  if (Array.isArray(schema["enum"])) return schema["enum"][0];
  if (Array.isArray(schema["anyOf"])) return ordinary((schema["anyOf"] as readonly Json[])[0]);
  switch (schema["type"]) {
    case "integer":
    case "number":
      return schema["minimum"] ?? 1;
    case "boolean":
      return false;
    case "array":
      return [ordinary(schema["items"] as Json)];
    case "object":
      return requiredOf({ properties: {}, ...schema });
    default:
      return "http://127.0.0.1:9/";
  }
}

let refusals = 0;
let quoting = 0;

/** Returns the refusal if it repeats too much. */
function tooMuchIn({ status, text }: Answer): string | null {
  if (status < 400) return null;
  refusals += 1;
  const most = (text.match(/q+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0);
  if (most > 20) quoting += 1;
  return most > QUOTED_CHARACTERS_MAX ? `${status} ${text.slice(0, 200)} (${most} characters)` : null;
}

t.test("no refusal repeats more than a hundred characters of what was sent", async (t) => {
  const found = new Set<string>();
  const check = async (what: string, ask: Promise<Answer>): Promise<void> => {
    const fault = tooMuchIn(await ask);
    if (fault !== null) found.add(`${what}: ${fault}`);
  };
  for (const [path, operations] of Object.entries(description.paths)) {
    for (const [name, { parameters = [], requestBody }] of Object.entries(operations)) {
      const method = name.toUpperCase();
      if (LEFT_OUT.test(path) || method === "OPTIONS") continue;
      const plain = path.replaceAll(/\{[^}]*\}/g, "1");
      const schema = requestBody?.content["application/json"]?.schema;
      const body = schema === undefined ? undefined : ordinary(schema);
      for (const long of LONG) {
        const escaped = encodeURIComponent(long);
        const what = `${method} ${path}`;
        if (plain !== path) {
          const address = path.replaceAll(/\{[^}]*\}/g, escaped);
          await check(what, sendJson(port, method, address, body));
          for (const one of path.match(/\{[^}]*\}/g) ?? [])
            await check(what, sendJson(port, method, path.replace(one, escaped).replaceAll(/\{[^}]*\}/g, "1"), body));
        }
        await check(what, sendJson(port, method, `${plain}?${escaped}=1`, body));
        for (const parameter of parameters) {
          if (parameter.in === "query")
            await check(
              `${what}?${parameter.name}`,
              sendJson(port, method, `${plain}?${parameter.name}=${escaped}&wait=0`, body),
            );
          else if (parameter.in === "header")
            await check(`${what} ${parameter.name}`, sendJson(port, method, plain, body, { [parameter.name]: long }));
        }
        for (const sent of schema === undefined ? [] : bodiesOf(schema, long))
          await check(`${what} ${JSON.stringify(sent).slice(0, 60)}`, sendJson(port, method, plain, sent));
      }
    }
  }
  t.same([...found], []);
  t.comment(`${refusals} refusals, ${quoting} of which repeat something`);
  t.ok(quoting > 100, `${quoting} refusals repeat the beginning of what was sent`);
});

t.test("nor does a refusal that names what exists", async (t) => {
  const name = LETTER.repeat(250);
  const rule = { rule_id: name, project: name, pattern: "x", message: "m" };
  const calls: readonly (readonly [method: string, path: string, body?: unknown])[] = [
    ["POST", "/api/webhooks", { id: name, url: "http://127.0.0.1:9/" }],
    ["POST", "/api/webhooks", { id: name, url: "http://127.0.0.1:9/" }],
    ["POST", `/api/webhooks/${name}/skip`, {}],
    ["DELETE", `/api/webhooks/${name}/dead-letters/1`],
    ["POST", "/api/rules/propose", rule],
    ["POST", "/api/rules/propose", rule],
    ["PUT", `/api/state/${name}`, 1],
    ["GET", `/api/state/${name}?version=7`],
    ["POST", `/api/state/${name}?rollback=7`],
    ["PUT", `/api/specs/${name}/${name}`, 1],
    ["POST", `/api/specs/${name}/${name}?rollback=7`],
    ["POST", "/api/tasks", { title: "t", after: [name] }],
  ];
  for (const [method, path, body] of calls) {
    const answer = await sendJson(port, method, path, body);
    t.equal(tooMuchIn(answer), null, `${method} ${path.slice(0, 30)}: ${answer.status} ${answer.text.slice(0, 60)}`);
  }
});

t.test("a message of MCP quotes no more than that, either", async (t) => {
  const call = (params: unknown): Promise<Answer> =>
    sendJson(
      port,
      "POST",
      "/mcp",
      { jsonrpc: "2.0", id: 1, method: "tools/call", params },
      { Accept: "application/json, text/event-stream" },
    );
  for (const long of LONG) {
    for (const params of [
      { name: long },
      { name: "koor_get_state", arguments: { key: long } },
      { name: "get_state", arguments: { [long]: 1 } },
    ]) {
      const { text } = await call(params);
      const most = (text.match(/q+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0);
      t.ok(most <= QUOTED_CHARACTERS_MAX, text.slice(0, 200));
    }
  }
});
