/**
 * Tests `GET /openapi.json`: it is valid by a published validator, complete by the features' own tables, and true:
 * requests and answers of the real server are checked against the description.
 */
import { Validator } from "@seriousme/openapi-schema-validator";
import type { OutgoingHttpHeaders } from "node:http";
import t from "tap";
import { Compile } from "typebox/schema";
import { VERSION } from "../schemas/version.js";
import { encodeCursor } from "../src/features/wait/cursor.js";
import { routesOfFeatures } from "./support/feature-routes.js";
import { send, type Answer, type Refusal } from "./support/http-client.js";
import { startReceiver } from "./support/receiver.js";
import { MCP_HEADERS } from "./support/mcp-messages.js";
import { natsMissing, startNats } from "./support/nats-server.js";
import { CLUSTER } from "./support/variant.js";
import { startKoor } from "./support/server-process.js";

type Json = Readonly<Record<string, unknown>>;
interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly schema: Json;
}
interface Operation {
  readonly operationId: string;
  readonly tags?: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Json }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Json }>> }>
  >;
  readonly security?: readonly Json[];
}
interface Description {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
}

const TOKEN = "only-for-this-test";
const METHODS = ["get", "put", "post", "delete", "patch", "options"];

const koor = await startKoor(t);
const guarded = await startKoor(t, { args: ["--auth-token", TOKEN] });
const served = await send(koor.port, "GET", "/openapi.json");
const description = served.json<Description>();

const described = Object.entries(description.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

t.test("a published validator finds it valid", async (t) => {
  t.equal(served.status, 200);
  t.equal(served.headers["content-type"], "application/json");
  const { valid, errors } = await new Validator().validate(
    structuredClone(description) as unknown as Record<string, unknown>,
  );
  t.ok(valid, JSON.stringify(errors));
  t.match(description.openapi, /^3\.1\./);
  t.equal(description.info.version, VERSION);
  const broken = { ...structuredClone(description), paths: { "/health": { get: { responses: 5 } } } };
  t.notOk((await new Validator().validate(broken)).valid, "the validator does not accept everything");
});

t.test("every route is in it, under its own name, and nothing else", async (t) => {
  const routes = (await routesOfFeatures()).filter(({ port }) => port === undefined);
  t.ok(routes.length >= 13);
  const table = routes.map(({ method, path, name }) => `${method} ${path.replace("...}", "}")} ${name}`);
  t.same(
    described
      .map(({ method, path, operation }) => `${method.toUpperCase()} ${path} ${operation.operationId}`)
      .toSorted(),
    [...table, "GET /asyncapi.json asyncapi", "GET /openapi.json openapi"].toSorted(),
  );
  t.equal(new Set(described.map(({ operation }) => operation.operationId)).size, described.length);
  for (const route of routes) {
    const operation = description.paths[route.path.replace("...}", "}")]?.[route.method.toLowerCase()];
    const names = (place: string): string[] =>
      (operation?.parameters ?? []).filter((parameter) => parameter.in === place).map(({ name }) => name);
    t.same(names("query"), Object.keys(route.query?.properties ?? {}), `${route.name}: query`);
    t.same(
      names("header"),
      Object.entries(route.headers ?? {}).flatMap(([name, schema]) => (schema === null ? [] : [name])),
      `${route.name}: headers`,
    );
    t.same(
      names("path"),
      [...route.path.matchAll(/\{([a-z_]+)/g)].map(([, name]) => name),
      `${route.name}: path`,
    );
    t.equal(operation?.requestBody !== undefined, route.body !== undefined, `${route.name}: body`);
    t.same(
      operation?.security,
      route.open === true ? [{}] : route.needs === "server" ? [{ server: [] }, {}] : undefined,
      `${route.name}: security`,
    );
  }
});

t.test("it has what linters ask for: described tags, and a success or a default everywhere", (t) => {
  const tags = new Map(description.tags.map(({ name, description: text }) => [name, text]));
  t.same(
    [...tags].filter(([, text]) => text === undefined || text === ""),
    [],
  );
  for (const { path, method, operation } of described) {
    const { operationId, tags: own = [], responses } = operation;
    t.ok(own.length === 1 && own.every((name) => tags.has(name)), `${operationId}: its tag`);
    t.ok(
      Object.keys(responses).some((status) => /^(2\d\d|default)$/.test(status)),
      `${method} ${path}: a success`,
    );
  }
  t.end();
});

t.test("what it describes is served, and the rest is a 404 or a 405", async (t) => {
  await send(koor.port, "PUT", "/api/state/described", { body: "1" });
  const endless = new Set(["/api/events/stream", "/api/changes"]);
  for (const [path, methods] of Object.entries(description.paths)) {
    const concrete = path.replaceAll(/\{[a-z_]+\}/g, "described");
    for (const method of METHODS) {
      if (method === "get" && endless.has(path)) continue;
      const answer = await send(koor.port, method.toUpperCase(), concrete);
      if (methods[method] === undefined) {
        t.equal(answer.status, 405, `${method} ${path} is not described`);
        const allowed = Object.keys(methods).map((name) => name.toUpperCase());
        t.same(
          answer.headers.allow?.split(", ").filter((name) => name !== "HEAD"),
          allowed.toSorted(),
          "Allow names the described methods",
        );
      } else {
        t.not(answer.status, 405, `${method} ${path}`);
        if (answer.status === 404) t.not(answer.json<Refusal>().error, "no such route", `${method} ${path}`);
      }
    }
  }
});

/** Returns the schema without room for members that it does not name. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map((item) => closed(item));
  if (typeof schema !== "object" || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]));
  if ("$ref" in copy && typeof copy["$ref"] === "string")
    return closed(description.components.schemas[copy["$ref"].replace("#/components/schemas/", "")]);
  return "properties" in copy && !("additionalProperties" in copy) ? { ...copy, additionalProperties: false } : copy;
}

/** Returns the first difference of an answer from its description; undefined where there is none. */
function contradiction(answer: Answer, operation: Operation): string | undefined {
  const response = operation.responses[String(answer.status)];
  if (response === undefined) return `status ${answer.status} is not described`;
  if (response.content === undefined) return answer.body.length === 0 ? undefined : "it has no body";
  const type = String(answer.headers["content-type"]).split(";")[0] ?? "";
  const content = response.content?.[type] ?? response.content?.["*/*"];
  if (content === undefined) return `type ${type} is not described`;
  if (content.schema === undefined || type !== "application/json") return undefined;
  const [valid, errors] = Compile(closed(content.schema) as Json).Errors(answer.json());
  return valid ? undefined : `${answer.text.slice(0, 200)}: ${JSON.stringify(errors[0])}`;
}

function nowText(): string {
  return new Date().toISOString();
}

interface Sample {
  readonly name: string;
  readonly status: number;
  readonly method: string;
  readonly path: string;
  readonly body?: string | Uint8Array;
  readonly headers?: OutgoingHttpHeaders;
  readonly guarded?: true;
}

const receiver = await startReceiver(t);
/** Stands for the id of an instance that the test has registered. */
const INSTANCE_ID = "INSTANCE-ID";
const OTHER_ID = "OTHER-ID";
/** Stands for the event that was skipped last. */
const SKIPPED = "SKIPPED";
/** Stands for the time of the call. */
const NOW = "NOW";
const AS_INSTANCE = { "X-Koor-Instance": INSTANCE_ID };
const AS_OTHER = { "X-Koor-Instance": OTHER_ID };

/** A cursor of the server's, which ends at an event. */
function cursorAt(event: number, eventAt: number): string {
  return encodeCursor({ event, eventAt, last: "", marks: new Map() });
}

function evidence(status: number, body: object): Sample {
  return { name: "evidence.record", status, method: "POST", path: "/api/evidence", body: JSON.stringify(body) };
}

function createTask(status: number, body: unknown): Sample {
  return { name: "task.create", status, method: "POST", path: "/api/tasks", body: JSON.stringify(body) };
}

function claimTask(status: number, body: object, headers: OutgoingHttpHeaders = AS_INSTANCE): Sample {
  return { name: "task.claim", status, method: "POST", path: "/api/tasks/claim", body: JSON.stringify(body), headers };
}

/** Makes a call about a task, by its holder where no other instance is named. */
function taskSample(verb: string, status: number, id: string, body: object, headers = AS_INSTANCE): Sample {
  const path = `/api/tasks/${id}/${verb}`;
  return { name: `task.${verb}`, status, method: "POST", path, body: JSON.stringify(body), headers };
}

/** A restore needs an empty server, and only a node can answer about its cluster, below. */
const ELSEWHERE: ReadonlySet<string> = new Set(["restore", "cluster", "webhook.resend"]);

/** At least one success of every operation, and each refusal that a client can cause. */
const SAMPLES: readonly Sample[] = [
  { name: "health", status: 200, method: "GET", path: "/health" },
  { name: "cluster", status: CLUSTER === "" ? 404 : 200, method: "GET", path: "/api/cluster" },
  { name: "metrics", status: 200, method: "GET", path: "/api/metrics" },
  { name: "hook.list", status: 200, method: "GET", path: "/api/hooks" },
  { name: "hook.list", status: 401, method: "GET", path: "/api/hooks", guarded: true },
  { name: "hook.call", status: 200, method: "POST", path: "/api/hooks/claude", body: "{}" },
  { name: "hook.call", status: 404, method: "POST", path: "/api/hooks/none", body: "{}" },
  { name: "hook.call", status: 401, method: "POST", path: "/api/hooks/claude", body: "{}", guarded: true },
  { name: "hook.event", status: 200, method: "POST", path: "/api/hooks/kimi/UserPromptSubmit", body: "{}" },
  { name: "hook.event", status: 404, method: "POST", path: "/api/hooks/none/Stop", body: "{}" },
  { name: "metrics", status: 401, method: "GET", path: "/api/metrics", guarded: true },
  { name: "metrics.reset", status: 200, method: "POST", path: "/api/metrics/reset" },
  { name: "metrics.history", status: 200, method: "GET", path: "/api/metrics/history?metrics=writes,memory" },
  { name: "metrics.history", status: 400, method: "GET", path: "/api/metrics/history?metrics=fish" },
  { name: "metrics.routes", status: 200, method: "GET", path: "/api/metrics/routes" },
  { name: "prometheus", status: 200, method: "GET", path: "/metrics" },
  { name: "openapi", status: 200, method: "GET", path: "/openapi.json" },
  { name: "asyncapi", status: 200, method: "GET", path: "/asyncapi.json" },
  { name: "openapi", status: 421, method: "GET", path: "/openapi.json", headers: { Host: "evil.example" } },
  { name: "health", status: 421, method: "GET", path: "/health", headers: { Host: "evil.example" } },
  { name: "health", status: 403, method: "GET", path: "/health", headers: { Origin: "http://evil.example" } },
  { name: "state.put", status: 200, method: "PUT", path: "/api/state/s", body: '{"a":1}' },
  { name: "state.put", status: 200, method: "PUT", path: "/api/state/s", body: '{"a":2,"b":[1]}' },
  { name: "state.put", status: 400, method: "PUT", path: "/api/state/s", body: "" },
  { name: "state.put", status: 400, method: "PUT", path: "/api/state/%zz", body: "1" },
  { name: "state.put", status: 401, method: "PUT", path: "/api/state/s", body: "1", guarded: true },
  { name: "state.put", status: 403, method: "PUT", path: "/api/state/s", body: "1", headers: { Origin: "null" } },
  { name: "state.put", status: 412, method: "PUT", path: "/api/state/s", body: "1", headers: { "If-None-Match": "*" } },
  { name: "state.put", status: 412, method: "PUT", path: "/api/state/never", body: "1", headers: { "If-Match": "*" } },
  { name: "state.put", status: 413, method: "PUT", path: "/api/state/s", body: Buffer.alloc(10 * 1024 * 1024 + 1) },
  { name: "state.list", status: 200, method: "GET", path: "/api/state" },
  { name: "state.list", status: 400, method: "GET", path: "/api/state?limit=0" },
  { name: "state.get", status: 200, method: "GET", path: "/api/state/s" },
  { name: "state.get", status: 200, method: "GET", path: "/api/state/s?history=1" },
  { name: "state.get", status: 200, method: "GET", path: "/api/state/s?diff=1,2" },
  { name: "state.get", status: 304, method: "GET", path: "/api/state/s", headers: { "If-None-Match": "*" } },
  { name: "state.get", status: 400, method: "GET", path: "/api/state/s?diff=1" },
  { name: "state.get", status: 404, method: "GET", path: "/api/state/never" },
  { name: "state.rollback", status: 200, method: "POST", path: "/api/state/s?rollback=1" },
  { name: "state.rollback", status: 400, method: "POST", path: "/api/state/s" },
  { name: "state.rollback", status: 404, method: "POST", path: "/api/state/s?rollback=99" },
  { name: "state.rollback", status: 412, method: "POST", path: "/api/state/s?rollback=1&if_version=99" },
  { name: "state.delete", status: 412, method: "DELETE", path: "/api/state/s?if_version=99" },
  { name: "state.delete", status: 200, method: "DELETE", path: "/api/state/s" },
  { name: "state.delete", status: 404, method: "DELETE", path: "/api/state/s" },
  { name: "state.delete", status: 400, method: "DELETE", path: "/api/state/s?if_version=x" },
  { name: "spec.put", status: 200, method: "PUT", path: "/api/specs/p/s", body: '{"a":1}' },
  { name: "spec.put", status: 200, method: "PUT", path: "/api/specs/p/s", body: '{"a":2}' },
  { name: "spec.put", status: 400, method: "PUT", path: "/api/specs/p/s", body: "" },
  { name: "spec.put", status: 401, method: "PUT", path: "/api/specs/p/s", body: "1", guarded: true },
  {
    name: "spec.put",
    status: 412,
    method: "PUT",
    path: "/api/specs/p/s",
    body: "1",
    headers: { "If-None-Match": "*" },
  },
  { name: "spec.projects", status: 200, method: "GET", path: "/api/specs" },
  { name: "spec.list", status: 200, method: "GET", path: "/api/specs/p" },
  { name: "spec.get", status: 200, method: "GET", path: "/api/specs/p/s" },
  { name: "spec.get", status: 200, method: "GET", path: "/api/specs/p/s?history=1" },
  { name: "spec.get", status: 200, method: "GET", path: "/api/specs/p/s?diff=1,2" },
  { name: "spec.get", status: 304, method: "GET", path: "/api/specs/p/s", headers: { "If-None-Match": "*" } },
  { name: "spec.get", status: 400, method: "GET", path: "/api/specs/p/s?diff=1" },
  { name: "spec.get", status: 404, method: "GET", path: "/api/specs/p/never" },
  { name: "spec.rollback", status: 200, method: "POST", path: "/api/specs/p/s?rollback=1" },
  { name: "spec.rollback", status: 400, method: "POST", path: "/api/specs/p/s" },
  { name: "spec.rollback", status: 404, method: "POST", path: "/api/specs/p/s?rollback=99" },
  { name: "spec.rollback", status: 412, method: "POST", path: "/api/specs/p/s?rollback=1&if_version=99" },
  { name: "spec.delete", status: 412, method: "DELETE", path: "/api/specs/p/s?if_version=99" },
  { name: "spec.delete", status: 200, method: "DELETE", path: "/api/specs/p/s" },
  { name: "spec.delete", status: 404, method: "DELETE", path: "/api/specs/p/s" },
  {
    name: "template.create",
    status: 200,
    method: "POST",
    path: "/api/templates",
    body: '{"id":"t","name":"T","data":[{"rule_id":"x","pattern":"y"}]}',
  },
  {
    name: "template.create",
    status: 400,
    method: "POST",
    path: "/api/templates",
    body: '{"id":"u","name":"U","kind":"contracts","data":[]}',
  },
  { name: "template.create", status: 409, method: "POST", path: "/api/templates", body: '{"id":"t","name":"T"}' },
  { name: "template.list", status: 200, method: "GET", path: "/api/templates?kind=rules" },
  { name: "template.list", status: 400, method: "GET", path: "/api/templates?kind=none" },
  { name: "template.get", status: 200, method: "GET", path: "/api/templates/t" },
  { name: "template.get", status: 404, method: "GET", path: "/api/templates/never" },
  {
    name: "template.apply",
    status: 200,
    method: "POST",
    path: "/api/templates/t/apply",
    body: '{"project":"templated"}',
  },
  { name: "template.apply", status: 400, method: "POST", path: "/api/templates/t/apply", body: "{}" },
  { name: "template.apply", status: 404, method: "POST", path: "/api/templates/never/apply", body: '{"project":"p"}' },
  { name: "template.delete", status: 200, method: "DELETE", path: "/api/templates/t" },
  { name: "template.delete", status: 404, method: "DELETE", path: "/api/templates/t" },
  {
    name: "rules.put",
    status: 200,
    method: "PUT",
    path: "/api/validate/p/rules",
    body: '[{"rule_id":"a","pattern":"x+"},{"rule_id":"m","pattern":"y","match_type":"missing","message":"no y"}]',
  },
  { name: "rules.put", status: 400, method: "PUT", path: "/api/validate/p/rules", body: '[{"rule_id":"a"}]' },
  { name: "rules.put", status: 401, method: "PUT", path: "/api/validate/p/rules", body: "[]", guarded: true },
  {
    name: "rules.put",
    status: 413,
    method: "PUT",
    path: "/api/validate/p/rules",
    body: Buffer.alloc(10 * 1024 * 1024 + 1),
  },
  { name: "rules.project", status: 200, method: "GET", path: "/api/validate/p/rules?stack=go" },
  { name: "rules.validate", status: 200, method: "POST", path: "/api/validate/p", body: '{"content":"axx"}' },
  { name: "rules.validate", status: 400, method: "POST", path: "/api/validate/p", body: "{}" },
  {
    name: "rules.validate",
    status: 413,
    method: "POST",
    path: "/api/validate/p",
    body: Buffer.alloc(10 * 1024 * 1024 + 1),
  },
  {
    name: "rule.propose",
    status: 200,
    method: "POST",
    path: "/api/rules/propose",
    body: '{"project":"p","rule_id":"b","pattern":"z"}',
  },
  {
    name: "rule.propose",
    status: 400,
    method: "POST",
    path: "/api/rules/propose",
    body: '{"project":"p","rule_id":"b","pattern":"("}',
  },
  {
    name: "rule.propose",
    status: 409,
    method: "POST",
    path: "/api/rules/propose",
    body: '{"project":"p","rule_id":"b","pattern":"z"}',
  },
  { name: "rule.preview", status: 200, method: "POST", path: "/api/rules/p/b/preview", body: '{"content":"azz"}' },
  { name: "rule.preview", status: 400, method: "POST", path: "/api/rules/p/b/preview", body: "{}" },
  { name: "rule.preview", status: 404, method: "POST", path: "/api/rules/p/none/preview", body: '{"content":"azz"}' },
  {
    name: "rule.preview",
    status: 413,
    method: "POST",
    path: "/api/rules/p/b/preview",
    body: Buffer.alloc(10 * 1024 * 1024 + 1),
  },
  { name: "rule.accept", status: 200, method: "POST", path: "/api/rules/p/b/accept" },
  { name: "rule.accept", status: 404, method: "POST", path: "/api/rules/p/b/accept" },
  {
    name: "rule.propose",
    status: 200,
    method: "POST",
    path: "/api/rules/propose",
    body: '{"project":"p","rule_id":"c","pattern":"z"}',
  },
  { name: "rule.reject", status: 200, method: "POST", path: "/api/rules/p/c/reject" },
  { name: "rule.reject", status: 404, method: "POST", path: "/api/rules/p/c/reject" },
  { name: "rules.list", status: 200, method: "GET", path: "/api/rules" },
  { name: "rules.list", status: 400, method: "GET", path: "/api/rules?status=none" },
  { name: "rules.export", status: 200, method: "GET", path: "/api/rules/export" },
  {
    name: "rules.import",
    status: 200,
    method: "POST",
    path: "/api/rules/import",
    body: '[{"project":"q","rule_id":"b","pattern":"z"}]',
  },
  { name: "rules.import", status: 400, method: "POST", path: "/api/rules/import", body: "[]" },
  { name: "rule.delete", status: 200, method: "DELETE", path: "/api/rules/q/b" },
  { name: "rule.delete", status: 404, method: "DELETE", path: "/api/rules/q/b" },
  {
    name: "spec.put",
    status: 200,
    method: "PUT",
    path: "/api/specs/p/contract",
    body: '{"kind":"contract","endpoints":{"POST /x":{"request":{"a":{"type":"string"}}}}}',
  },
  {
    name: "contract.validate",
    status: 200,
    method: "POST",
    path: "/api/contracts/p/contract/validate",
    body: '{"endpoint":"POST /x","payload":{"a":1}}',
  },
  { name: "contract.validate", status: 400, method: "POST", path: "/api/contracts/p/contract/validate", body: "{}" },
  {
    name: "contract.validate",
    status: 404,
    method: "POST",
    path: "/api/contracts/p/none/validate",
    body: '{"endpoint":"POST /x"}',
  },
  {
    name: "contract.validate",
    status: 413,
    method: "POST",
    path: "/api/contracts/p/contract/validate",
    body: Buffer.alloc(10 * 1024 * 1024 + 1),
  },
  {
    name: "contract.test",
    status: 200,
    method: "POST",
    path: "/api/contracts/p/contract/test",
    body: '{"endpoint":"POST /x","base_url":"http://127.0.0.1:1"}',
  },
  {
    name: "contract.test",
    status: 400,
    method: "POST",
    path: "/api/contracts/p/contract/test",
    body: '{"endpoint":"POST /x","base_url":"http://169.254.169.254"}',
  },
  {
    name: "contract.test",
    status: 404,
    method: "POST",
    path: "/api/contracts/p/none/test",
    body: '{"endpoint":"POST /x","base_url":"http://127.0.0.1:1"}',
  },
  { name: "compliance.run", status: 200, method: "POST", path: "/api/compliance/run" },
  { name: "compliance.history", status: 200, method: "GET", path: "/api/compliance/history" },
  { name: "compliance.history", status: 400, method: "GET", path: "/api/compliance/history?limit=0" },
  {
    name: "events.publish",
    status: 200,
    method: "POST",
    path: "/api/events/publish",
    body: '{"topic":"a","data":{"n":1}}',
  },
  {
    name: "events.publish",
    status: 200,
    method: "POST",
    path: "/api/events/publish",
    body: '[{"topic":"a"},{"topic":"b"}]',
  },
  { name: "events.publish", status: 400, method: "POST", path: "/api/events/publish", body: '{"topic":5,"source":6}' },
  { name: "events.publish", status: 400, method: "POST", path: "/api/events/publish", body: "{" },
  { name: "events.history", status: 200, method: "GET", path: "/api/events/history" },
  { name: "events.history", status: 400, method: "GET", path: "/api/events/history?topic=%5B" },
  { name: "events.subscribe", status: 426, method: "GET", path: "/api/events/subscribe" },
  { name: "events.subscribe", status: 400, method: "GET", path: "/api/events/subscribe?since=x" },
  { name: "events.stream", status: 200, method: "HEAD", path: "/api/events/stream" },
  { name: "events.stream", status: 400, method: "GET", path: "/api/events/stream?pattern=%5B" },
  { name: "changes.stream", status: 200, method: "HEAD", path: "/api/changes?kinds=state,contract" },
  { name: "changes.stream", status: 400, method: "GET", path: "/api/changes?kinds=states" },
  {
    name: "webhook.create",
    status: 200,
    method: "POST",
    path: "/api/webhooks",
    body: '{"id":"w","url":"http://127.0.0.1:1/","secret":"s"}',
  },
  { name: "webhook.create", status: 400, method: "POST", path: "/api/webhooks", body: '{"id":"w"}' },
  {
    name: "webhook.create",
    status: 409,
    method: "POST",
    path: "/api/webhooks",
    body: '{"id":"w","url":"http://127.0.0.1:1/"}',
  },
  { name: "webhook.list", status: 200, method: "GET", path: "/api/webhooks" },
  { name: "webhook.enable", status: 200, method: "POST", path: "/api/webhooks/w/enable" },
  { name: "webhook.enable", status: 404, method: "POST", path: "/api/webhooks/none/enable" },
  {
    name: "webhook.create",
    status: 200,
    method: "POST",
    path: "/api/webhooks",
    body: JSON.stringify({ id: "alive", url: receiver.url }),
  },
  { name: "webhook.test", status: 200, method: "POST", path: "/api/webhooks/alive/test" },
  { name: "webhook.test", status: 400, method: "POST", path: "/api/webhooks/w/test" },
  { name: "webhook.test", status: 404, method: "POST", path: "/api/webhooks/none/test" },
  {
    name: "webhook.create",
    status: 200,
    method: "POST",
    path: "/api/webhooks",
    body: '{"id":"kept","url":"http://127.0.0.1:1/","patterns":["set.aside"]}',
  },
  { name: "webhook.skip", status: 409, method: "POST", path: "/api/webhooks/kept/skip" },
  { name: "webhook.skip", status: 400, method: "POST", path: "/api/webhooks/kept/skip?event_id=0" },
  { name: "webhook.skip", status: 404, method: "POST", path: "/api/webhooks/none/skip" },
  { name: "events.publish", status: 200, method: "POST", path: "/api/events/publish", body: '{"topic":"set.aside"}' },
  { name: "webhook.skip", status: 200, method: "POST", path: "/api/webhooks/kept/skip" },
  { name: "webhook.list", status: 200, method: "GET", path: "/api/webhooks" },
  ...["deliveries", "dead-letters", `dead-letters/${SKIPPED}`].flatMap((path, at) =>
    [200, 404].map((status) => ({
      name: ["webhook.deliveries", "webhook.dead_letters", "webhook.dead_letter"][at] ?? "",
      status,
      method: "GET",
      path: `/api/webhooks/${status === 200 ? "kept" : "none"}/${path}`,
    })),
  ),
  { name: "webhook.resend", status: 400, method: "POST", path: `/api/webhooks/kept/dead-letters/${SKIPPED}/send` },
  { name: "webhook.deliveries", status: 200, method: "GET", path: "/api/webhooks/kept/deliveries" },
  { name: "webhook.discard", status: 200, method: "DELETE", path: `/api/webhooks/kept/dead-letters/${SKIPPED}` },
  { name: "webhook.discard", status: 404, method: "DELETE", path: `/api/webhooks/kept/dead-letters/${SKIPPED}` },
  { name: "webhook.resend", status: 404, method: "POST", path: `/api/webhooks/kept/dead-letters/${SKIPPED}/send` },
  { name: "webhook.delete", status: 200, method: "DELETE", path: "/api/webhooks/kept" },
  { name: "webhook.delete", status: 200, method: "DELETE", path: "/api/webhooks/w" },
  { name: "webhook.delete", status: 404, method: "DELETE", path: "/api/webhooks/w" },
  { name: "backup", status: 200, method: "GET", path: "/api/backup" },
  { name: "restore", status: 409, method: "POST", path: "/api/restore", body: "{}" },
  {
    name: "mcp",
    status: 200,
    method: "POST",
    path: "/mcp",
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
    headers: MCP_HEADERS,
  },
  {
    name: "mcp",
    status: 202,
    method: "POST",
    path: "/mcp",
    body: '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    headers: MCP_HEADERS,
  },
  { name: "mcp", status: 400, method: "POST", path: "/mcp", body: "{", headers: MCP_HEADERS },
  { name: "mcp", status: 401, method: "POST", path: "/mcp", body: "{}", headers: MCP_HEADERS, guarded: true },
  {
    name: "mcp",
    status: 406,
    method: "POST",
    path: "/mcp",
    body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    headers: { ...MCP_HEADERS, Accept: "text/html" },
  },
  { name: "mcp", status: 415, method: "POST", path: "/mcp", body: "{}" },
  { name: "usage.record", status: 200, method: "POST", path: "/api/llm/usage", body: '{"provider":"p","model":"m"}' },
  { name: "usage.record", status: 400, method: "POST", path: "/api/llm/usage", body: '{"provider":"p"}' },
  ...[200, 409].map((status) => ({
    name: "usage.record",
    status,
    method: "POST",
    path: "/api/llm/usage",
    body: JSON.stringify({ provider: "p", model: `m${status}`, request_id: "r" }),
  })),
  {
    name: "budget.set",
    status: 200,
    method: "PUT",
    path: "/api/budgets/b",
    body: '{"scope":"workspace","target":"w","tokens":1}',
  },
  {
    name: "budget.set",
    status: 400,
    method: "PUT",
    path: "/api/budgets/b",
    body: '{"scope":"workspace","target":"w"}',
  },
  { name: "budget.list", status: 200, method: "GET", path: "/api/budgets" },
  { name: "budget.remove", status: 200, method: "DELETE", path: "/api/budgets/b" },
  { name: "budget.remove", status: 404, method: "DELETE", path: "/api/budgets/b" },
  {
    name: "rate_limit.report",
    status: 200,
    method: "POST",
    path: "/api/llm/limits",
    body: '{"provider":"p","account":"a","retry_after_s":60}',
  },
  { name: "rate_limit.report", status: 400, method: "POST", path: "/api/llm/limits", body: '{"provider":"p"}' },
  { name: "rate_limit.list", status: 200, method: "GET", path: "/api/llm/limits" },
  { name: "rate_limit.remove", status: 200, method: "DELETE", path: "/api/llm/limits/1" },
  { name: "rate_limit.remove", status: 404, method: "DELETE", path: "/api/llm/limits/1" },
  { name: "usage.list", status: 200, method: "GET", path: "/api/llm/usage" },
  { name: "usage.list", status: 400, method: "GET", path: "/api/llm/usage?limit=0" },
  { name: "usage.summary", status: 200, method: "GET", path: "/api/llm/usage/summary" },
  { name: "usage.summary", status: 200, method: "GET", path: "/api/llm/usage/summary?group_by=model&interval=day" },
  { name: "usage.summary", status: 400, method: "GET", path: "/api/llm/usage/summary?group_by=x" },
  {
    name: "instance.register",
    status: 200,
    method: "POST",
    path: "/api/instances/register",
    body: '{"name":"a","capabilities":["x"]}',
  },
  { name: "instance.register", status: 400, method: "POST", path: "/api/instances/register", body: '{"name":5}' },
  {
    name: "instance.register",
    status: 401,
    method: "POST",
    path: "/api/instances/register",
    body: '{"name":"a"}',
    guarded: true,
  },
  { name: "instance.activate", status: 200, method: "POST", path: `/api/instances/${INSTANCE_ID}/activate` },
  { name: "instance.activate", status: 404, method: "POST", path: "/api/instances/none/activate" },
  { name: "instance.heartbeat", status: 200, method: "POST", path: `/api/instances/${INSTANCE_ID}/heartbeat` },
  { name: "instance.heartbeat", status: 404, method: "POST", path: "/api/instances/none/heartbeat" },
  {
    name: "instance.capabilities",
    status: 200,
    method: "POST",
    path: `/api/instances/${INSTANCE_ID}/capabilities`,
    body: '{"capabilities":["x"]}',
  },
  {
    name: "instance.capabilities",
    status: 400,
    method: "POST",
    path: `/api/instances/${INSTANCE_ID}/capabilities`,
    body: '{"capabilities":[""]}',
  },
  {
    name: "instance.capabilities",
    status: 404,
    method: "POST",
    path: "/api/instances/none/capabilities",
    body: '{"capabilities":[]}',
  },
  {
    name: "instance.intent",
    status: 200,
    method: "POST",
    path: `/api/instances/${INSTANCE_ID}/intent`,
    body: '{"intent":"x"}',
  },
  { name: "instance.intent", status: 404, method: "POST", path: "/api/instances/none/intent", body: '{"intent":"x"}' },
  {
    name: "instance.update",
    status: 200,
    method: "PATCH",
    path: `/api/instances/${INSTANCE_ID}`,
    body: '{"checkout":{"id":"c-1","branch":"main","root":null}}',
  },
  {
    name: "instance.update",
    status: 400,
    method: "PATCH",
    path: `/api/instances/${INSTANCE_ID}`,
    body: '{"checkout":{"branch":"main"}}',
  },
  { name: "instance.update", status: 404, method: "PATCH", path: "/api/instances/none", body: "{}" },
  {
    name: "instance.heartbeat",
    status: 200,
    method: "POST",
    path: `/api/instances/${INSTANCE_ID}/heartbeat`,
    body: '{"branch":"b"}',
  },
  { name: "instance.list", status: 200, method: "GET", path: "/api/instances?checkout=c-1" },
  { name: "instance.list", status: 200, method: "GET", path: "/api/instances?capability=x" },
  { name: "instance.stale", status: 200, method: "GET", path: "/api/instances/stale" },
  { name: "instance.get", status: 200, method: "GET", path: `/api/instances/${INSTANCE_ID}` },
  { name: "instance.get", status: 404, method: "GET", path: "/api/instances/none" },
  {
    name: "message.send",
    status: 200,
    method: "POST",
    path: "/api/messages",
    body: JSON.stringify({ to: INSTANCE_ID, subject: "a", data: { n: 1 } }),
    headers: { "X-Koor-Instance": INSTANCE_ID },
  },
  { name: "message.send", status: 400, method: "POST", path: "/api/messages", body: '{"to":"a","subject":"a"}' },
  {
    name: "message.send",
    status: 404,
    method: "POST",
    path: "/api/messages",
    body: '{"to":"a","subject":"a"}',
    headers: { "X-Koor-Instance": INSTANCE_ID },
  },
  ...["", "?box=out", "?after=message-99"].map((query) => ({
    name: "message.list",
    status: 200,
    method: "GET",
    path: `/api/messages${query}`,
    headers: { "X-Koor-Instance": INSTANCE_ID },
  })),
  { name: "message.list", status: 400, method: "GET", path: "/api/messages" },
  { name: "wait", status: 200, method: "GET", path: "/api/wait?message=1", headers: AS_INSTANCE },
  ...[
    "event=none",
    "state_gone=never",
    "spec_above=0:p/s",
    "free=deploy",
    "instance=nobody&is=gone",
    `instance=${INSTANCE_ID}&is=active`,
    `event=**&after=${cursorAt(0, 0)}`,
    `event=**&after=${cursorAt(1_000_000, 1)}`,
  ].map((query) => ({ name: "wait", status: 200, method: "GET", path: `/api/wait?${query}` })),
  { name: "wait", status: 400, method: "GET", path: "/api/wait" },
  { name: "wait", status: 404, method: "GET", path: "/api/wait?lease=lease-9" },
  {
    name: "message.mark",
    status: 200,
    method: "POST",
    path: "/api/messages/mark",
    body: '{"ids":["message-1"],"as":"read"}',
    headers: { "X-Koor-Instance": INSTANCE_ID },
  },
  { name: "message.mark", status: 400, method: "POST", path: "/api/messages/mark", body: '{"ids":[],"as":"read"}' },
  {
    name: "message.threads",
    status: 200,
    method: "GET",
    path: "/api/messages/threads",
    headers: { "X-Koor-Instance": INSTANCE_ID },
  },
  { name: "message.all", status: 200, method: "GET", path: "/api/messages/all?urgent=0" },
  { name: "message.all", status: 400, method: "GET", path: "/api/messages/all?before=1" },
  { name: "message.threads", status: 400, method: "GET", path: "/api/messages/threads?limit=0" },
  { name: "liveness.check", status: 200, method: "POST", path: "/api/liveness/check" },
  {
    name: "lease.acquire",
    status: 200,
    method: "POST",
    path: "/api/leases",
    body: '{"resources":["path:src/**","state:sample/*"],"reason":"r"}',
    headers: AS_INSTANCE,
  },
  { name: "lease.acquire", status: 400, method: "POST", path: "/api/leases", body: '{"resources":["x"]}' },
  {
    name: "lease.acquire",
    status: 409,
    method: "POST",
    path: "/api/leases",
    body: '{"resources":["path:src/a"]}',
    headers: AS_OTHER,
  },
  {
    name: "lease.acquire",
    status: 202,
    method: "POST",
    path: "/api/leases",
    body: '{"resources":["path:src/a"],"queue":true}',
    headers: AS_OTHER,
  },
  { name: "state.put", status: 423, method: "PUT", path: "/api/state/sample/a", body: "1" },
  {
    name: "state.put",
    status: 412,
    method: "PUT",
    path: "/api/state/sample/a",
    body: "1",
    headers: { "X-Koor-Fence": "99" },
  },
  { name: "lease.list", status: 200, method: "GET", path: "/api/leases?state=all" },
  { name: "lease.list", status: 400, method: "GET", path: "/api/leases?state=none" },
  { name: "lease.waits", status: 200, method: "GET", path: "/api/leases/waits" },
  { name: "lease.waits", status: 400, method: "GET", path: "/api/leases/waits?limit=0" },
  { name: "lease.check", status: 200, method: "POST", path: "/api/leases/check", body: '{"paths":["src/a"]}' },
  { name: "lease.get", status: 200, method: "GET", path: "/api/leases/lease-2" },
  { name: "wait", status: 200, method: "GET", path: "/api/wait?lease=lease-1" },
  { name: "lease.get", status: 404, method: "GET", path: "/api/leases/lease-9" },
  {
    name: "lease.renew",
    status: 200,
    method: "POST",
    path: "/api/leases/lease-1/renew",
    body: '{"fence":1,"ttl_s":60}',
    headers: AS_INSTANCE,
  },
  {
    name: "lease.renew",
    status: 403,
    method: "POST",
    path: "/api/leases/lease-1/renew",
    body: '{"fence":1}',
    headers: AS_OTHER,
  },
  {
    name: "lease.release",
    status: 409,
    method: "DELETE",
    path: "/api/leases/lease-1?fence=7",
    headers: AS_INSTANCE,
  },
  { name: "lease.release", status: 200, method: "DELETE", path: "/api/leases/lease-1?fence=1", headers: AS_INSTANCE },
  { name: "lease.break", status: 200, method: "POST", path: "/api/leases/lease-2/break", body: '{"reason":"r"}' },
  { name: "lease.break", status: 409, method: "POST", path: "/api/leases/lease-2/break", body: '{"reason":"r"}' },
  {
    name: "guard.off",
    status: 200,
    method: "POST",
    path: "/api/guard/off",
    body: `{"commit":"${"a".repeat(40)}","paths":["src/a"]}`,
  },
  { name: "guard.off", status: 400, method: "POST", path: "/api/guard/off", body: '{"commit":"main"}' },
  ...["a", "b"].map((checkout) => ({
    name: "radar.report",
    status: 200,
    method: "PUT",
    path: `/api/checkouts/${checkout}/changes`,
    body: '{"workspace":"w","files":[{"path":"a.ts","ranges":[[1,2]],"blob":null},{"path":"b.ts","deleted":true}]}',
  })),
  { name: "radar.report", status: 400, method: "PUT", path: "/api/checkouts/a/changes", body: "{}" },
  { name: "radar.changes", status: 200, method: "GET", path: "/api/checkouts/a/changes" },
  { name: "radar.changes", status: 404, method: "GET", path: "/api/checkouts/none/changes" },
  { name: "radar.overlaps", status: 200, method: "GET", path: "/api/radar?workspace=w" },
  { name: "radar.overlaps", status: 400, method: "GET", path: "/api/radar?checkout=NO" },
  evidence(200, { command: "make", exit_code: 0 }),
  evidence(200, { command: "make", exit_code: null, seen_by: "ci", tree_before: null, tail: null }),
  evidence(400, { command: "" }),
  evidence(404, { command: "make", task: "none" }),
  { name: "evidence.list", status: 200, method: "GET", path: "/api/evidence" },
  { name: "evidence.list", status: 400, method: "GET", path: "/api/evidence?level=sure" },
  { name: "evidence.get", status: 200, method: "GET", path: "/api/evidence/1" },
  { name: "evidence.get", status: 404, method: "GET", path: "/api/evidence/9" },
  createTask(200, { id: "one", title: "T", data: { n: 1 }, resources: ["deploy"] }),
  createTask(200, [
    { id: "two", title: "T", resources: ["deploy"] },
    { id: "three", title: "T", after: ["#0"] },
  ]),
  createTask(400, { title: "" }),
  createTask(409, { id: "one", title: "T" }),
  // The leases above had two fences.
  claimTask(200, { id: "one" }),
  claimTask(200, { labels: ["none"] }),
  claimTask(400, {}, {}),
  claimTask(404, { id: "none" }),
  claimTask(409, { id: "two" }, AS_OTHER),
  { name: "task.list", status: 200, method: "GET", path: "/api/tasks" },
  { name: "state.put", status: 200, method: "PUT", path: "/api/state/past", body: '{"a":1}' },
  { name: "at.state", status: 200, method: "GET", path: `/api/at/${NOW}/state` },
  { name: "at.state", status: 400, method: "GET", path: "/api/at/yesterday/state" },
  { name: "at.state_get", status: 200, method: "GET", path: `/api/at/${NOW}/state/past` },
  { name: "at.state_get", status: 404, method: "GET", path: "/api/at/1999-01-01T00:00:00Z/state/past" },
  { name: "at.leases", status: 200, method: "GET", path: `/api/at/${NOW}/leases?state=all` },
  { name: "at.leases", status: 400, method: "GET", path: "/api/at/1999-01-01T00:00:00Z/leases" },
  { name: "at.tasks", status: 200, method: "GET", path: `/api/at/${NOW}/tasks` },
  { name: "at.tasks", status: 404, method: "GET", path: `/api/at/${NOW}/tasks?after=none` },
  { name: "task.list", status: 400, method: "GET", path: "/api/tasks?state=none" },
  { name: "task.list", status: 404, method: "GET", path: "/api/tasks?after=none" },
  { name: "task.get", status: 200, method: "GET", path: "/api/tasks/one" },
  { name: "task.get", status: 404, method: "GET", path: "/api/tasks/none" },
  { name: "task.update", status: 200, method: "PATCH", path: "/api/tasks/one", body: '{"priority":9}' },
  { name: "task.update", status: 400, method: "PATCH", path: "/api/tasks/one", body: '{"priority":10}' },
  { name: "task.update", status: 404, method: "PATCH", path: "/api/tasks/none", body: "{}" },
  taskSample("progress", 200, "one", { fence: 3, percent: 5, checkpoint: [] }),
  taskSample("progress", 409, "one", { fence: 9 }),
  taskSample("ask", 400, "one", { fence: 3 }),
  taskSample("ask", 200, "one", { fence: 3, question: "q" }),
  taskSample("answer", 200, "one", { answer: "a" }),
  taskSample("answer", 409, "one", { answer: "a" }),
  claimTask(200, { id: "one" }),
  taskSample("release", 200, "one", { fence: 4, note: "n" }),
  claimTask(200, { id: "one" }),
  taskSample("fail", 200, "one", { fence: 5, error: "e", retry: false }),
  taskSample("retry", 200, "one", {}),
  taskSample("retry", 409, "one", {}),
  claimTask(200, { id: "one" }),
  ...(["progress", "complete", "fail", "release", "ask"] as const).flatMap((verb) => {
    const body = { fence: 6, ...(verb === "fail" ? { error: "e" } : verb === "ask" ? { question: "q" } : {}) };
    return [
      taskSample(verb, 403, "one", body, AS_OTHER),
      taskSample(verb, 404, "none", body),
      taskSample(verb, 409, "one", { ...body, fence: 9 }),
    ];
  }),
  taskSample("complete", 200, "one", { fence: 6, result: { r: 1 } }),
  taskSample("cancel", 200, "two", { reason: "r" }),
  taskSample("cancel", 409, "two", {}),
  ...["answer", "cancel", "retry"].map((verb) =>
    taskSample(verb, 404, "none", verb === "answer" ? { answer: "a" } : {}),
  ),
  { name: "instance.deregister", status: 200, method: "DELETE", path: `/api/instances/${INSTANCE_ID}` },
  { name: "instance.deregister", status: 404, method: "DELETE", path: `/api/instances/${INSTANCE_ID}` },
  { name: "metrics.agents", status: 200, method: "GET", path: "/api/metrics/agents" },
  { name: "metrics.agents", status: 200, method: "GET", path: "/api/metrics/agents?instance_id=none" },
  { name: "metrics.agents", status: 400, method: "GET", path: "/api/metrics/agents?period=%zz" },
  { name: "metrics.agent", status: 200, method: "GET", path: "/api/metrics/agents/none" },
  { name: "audit.list", status: 200, method: "GET", path: "/api/audit" },
  { name: "audit.list", status: 400, method: "GET", path: "/api/audit?from=x" },
  { name: "audit.summary", status: 200, method: "GET", path: "/api/audit/summary" },
  { name: "audit.summary", status: 401, method: "GET", path: "/api/audit/summary", guarded: true },
];

t.test("the server's answers are as described", async (t) => {
  const instance = (await send(koor.port, "POST", "/api/instances/register", { body: '{"name":"sample"}' })).json<{
    readonly id: string;
  }>().id;
  const other = (await send(koor.port, "POST", "/api/instances/register", { body: '{"name":"other"}' })).json<{
    readonly id: string;
  }>().id;
  const byName = new Map(described.map(({ operation }) => [operation.operationId, operation]));
  let skipped = 0;
  for (const { name, status, method, path, body, headers = {}, guarded: fromGuarded } of SAMPLES) {
    const operation = byName.get(name);
    if (operation === undefined) {
      t.fail(`${name} is not described`);
      continue;
    }
    const target = path.replace(INSTANCE_ID, instance).replace(SKIPPED, String(skipped)).replace(NOW, nowText());
    const own = Object.fromEntries(
      Object.entries(headers).map(([header, value]) => [
        header,
        String(value).replace(INSTANCE_ID, instance).replace(OTHER_ID, other),
      ]),
    );
    const answer = await send(fromGuarded === true ? guarded.port : koor.port, method, target, {
      headers: own,
      ...(body === undefined ? {} : { body: typeof body === "string" ? body.replace(INSTANCE_ID, instance) : body }),
    });
    if (name === "webhook.skip" && status === 200) ({ skipped } = answer.json<{ readonly skipped: number }>());
    t.equal(answer.status, status, `${method} ${path}`);
    t.equal(contradiction(answer, operation), undefined, `${method} ${path} ${status}`);
  }
  const succeeded = new Set(
    SAMPLES.filter(({ name, status }) => status === 200 || status === 426 || ELSEWHERE.has(name)).map(
      ({ name }) => name,
    ),
  );
  for (const name of byName.keys()) t.ok(succeeded.has(name), `${name} was tried`);
});

t.test("a cluster node's answers are as described, too", { skip: natsMissing() }, async (t) => {
  const nats = await startNats(t);
  const node = await startKoor(t, { args: ["--cluster", nats.url, "--node-id", "a", "--cluster-seed"] });
  await node.logged(/node leads/);
  const check = async (path: string, status: number): Promise<void> => {
    const answer = await send(node.port, "GET", path);
    t.equal(answer.status, status, path);
    const operation = description.paths[path]?.["get"];
    if (operation === undefined) t.fail(`${path} is not described`);
    else t.equal(contradiction(answer, operation), undefined, path);
  };
  await check("/health", 200);
  await check("/api/cluster", 200);
  await nats.stop();
  await node.logged(/state=cut_off/);
  await check("/health", 503);
  await check("/api/cluster", 200);
});

t.test("the answers of a value's route about its history and diffs are as described, too", async (t) => {
  for (const body of ['{"a":1}', '{"a":2,"c":3}']) await send(koor.port, "PUT", "/api/state/views", { body });
  const content = description.paths["/api/state/{key}"]?.["get"]?.responses["200"]?.content?.["application/json"]
    ?.schema as { readonly anyOf: readonly Json[] };
  const [historySchema, diffSchema] = content.anyOf.map((view) => Compile(closed(view) as Json));
  const history = (await send(koor.port, "GET", "/api/state/views?history=1")).json();
  const diff = (await send(koor.port, "GET", "/api/state/views?diff=1,2")).json();
  t.same([historySchema?.Check(history), historySchema?.Check(diff)], [true, false], "the history");
  t.same([diffSchema?.Check(diff), diffSchema?.Check(history)], [true, false], "the diff");
});

t.test("the check itself finds what is not described", (t) => {
  const operation = description.paths["/api/state/{key}"]?.["put"];
  if (operation === undefined) throw new Error("the write is described");
  const answer = (status: number, value: unknown, type = "application/json"): Answer => ({
    status,
    headers: { "content-type": type },
    body: Buffer.from("x"),
    text: JSON.stringify(value),
    json: <T>() => value as T,
  });
  const good = {
    key: "k",
    version: 1,
    hash: "0".repeat(64),
    content_type: "a/b",
    updated_at: "2026-02-09T14:30:00.000Z",
  };
  t.equal(contradiction(answer(200, good), operation), undefined);
  t.type(contradiction(answer(200, { ...good, extra: 1 }), operation), "string", "an additional member");
  t.type(contradiction(answer(200, { ...good, version: "1" }), operation), "string", "a wrong type");
  t.type(contradiction(answer(200, { ...good, hash: "zz" }), operation), "string", "a wrong pattern");
  t.type(contradiction(answer(200, { ...good, updated_at: "yesterday" }), operation), "string", "an invalid time");
  t.type(contradiction(answer(418, good), operation), "string", "another status");
  t.type(contradiction(answer(400, { error: "x" }), operation), "string", "a missing code");
  t.type(contradiction(answer(400, { error: "x", code: 400 }, "text/html"), operation), "string", "another type");
  t.end();
});

t.test("the server accepts the described bodies", async (t) => {
  const schema =
    description.paths["/api/events/publish"]?.["post"]?.requestBody?.content["application/json"]?.schema ?? {};
  const validator = Compile(schema);
  const bodies: readonly unknown[] = [
    { topic: "a" },
    { topic: "a", data: null, source: "" },
    [{ topic: "a" }],
    {},
    [],
    [{}],
    { topic: "" },
    { topic: 1 },
    { topic: "a", source: 1 },
    "a",
    null,
    5,
    [[]],
    { topic: "a", more: 1 },
  ];
  for (const body of bodies) {
    const { status } = await send(koor.port, "POST", "/api/events/publish", { body: JSON.stringify(body) });
    t.equal(status, validator.Check(body) ? 200 : 400, JSON.stringify(body));
  }
});
