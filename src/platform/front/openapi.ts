/**
 * Serves `GET /openapi.json`, the OpenAPI 3.1 description of the API. It is generated from the route table and from the
 * schemas that validate requests.
 */
import * as Type from "typebox";
import type { TObject, TSchema } from "typebox";
import { ErrorBody } from "../../../schemas/common.js";
import { JSON_DEPTH_MAX } from "../../../schemas/limits/request-bodies.js";
import { REASON_PHRASES } from "../../../schemas/status.js";
import { fixedJsonReply } from "./reply.js";
import { mayWrite } from "./roles.js";
import { route, type Route, type Reply } from "./route.js";
import { publishedParameter, publishedSchema, type Json } from "./published-schema.js";
import { ROUTE_TAGS } from "./tags.js";

const LINES = { schema: { type: "string", description: "JSON, one value a line." } };
const ANY_BYTES = {
  schema: { type: "string", format: "binary", description: "Bytes of any type, which `Content-Type` names." },
};

/** The statuses that every route can answer with. */
const COMMON_STATUSES: readonly number[] = [400, 403, 417, 421];
/**
 * The additional statuses of all routes except open ones. Open routes need no token, and are served even while the
 * server shuts down.
 */
const GUARDED_STATUSES: readonly number[] = [401, 503, 504];

/**
 * The answer that is described for a route that only upgrades to WebSocket. OpenAPI requires a success or a default
 * response for each operation. Tools do not count 101 as a success, so the refusal of an upgrade is described as the
 * default.
 */
const NO_UPGRADE = ["default", describeRefusal(400, undefined, "Refused: there is no subscription.")] as const;

/**
 * Returns the route that serves the description. The description contains this route too, because `routes` is complete
 * before the first request.
 */
export function openApiRoute(routes: readonly Route[], version: string): Route {
  let reply: Reply | null = null;
  return route({
    method: "GET",
    path: "/openapi.json",
    name: "openapi",
    tag: "metrics",
    summary: "Describes every route (OpenAPI 3.1).",
    answer: "json",
    uncounted: true,
    handle: () => {
      reply ??= fixedJsonReply(JSON.stringify(describeRoutes(routes, version)));
      return reply;
    },
  });
}

/** Returns the OpenAPI description of the routes that both ports serve. */
export function describeRoutes(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const row of routes) {
    // Do not describe a route with a `port`, because only the dashboard's own page may call it.
    if (row.port !== undefined) continue;
    const path = row.path.replace("...}", "}");
    paths[path] = { ...paths[path], [row.method.toLowerCase()]: describeRoute(row) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Koor",
      version,
      description:
        "Coordination server for AI coding agents: shared versioned state and events over plain HTTP. " +
        `HEAD works wherever GET does. JSON that is sent may be nested at most ${JSON_DEPTH_MAX} levels.`,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ server: [] }, { instance: [] }, {}],
    tags: [...new Set(routes.filter(({ port }) => port === undefined).map(({ tag }) => tag))].map((name) => ({
      name,
      description: ROUTE_TAGS[name],
    })),
    paths,
    components: {
      securitySchemes: {
        server: { type: "http", scheme: "bearer", description: "The server's token, where it runs with --auth-token." },
        instance: {
          type: "http",
          scheme: "bearer",
          description: "The token that an instance got when it was registered.",
        },
      },
      schemas: { Error: publishedSchema(ErrorBody) },
    },
  };
}

function describeRoute(row: Route): Json {
  const statuses = new Set([
    ...COMMON_STATUSES,
    ...(row.open === true ? [] : GUARDED_STATUSES),
    ...(row.statuses ?? []),
  ]);
  if (row.body !== undefined) statuses.add(408).add(415);
  if (row.body !== undefined && row.body.kind !== "stream") statuses.add(413);
  if ((row.body !== undefined || row.audited !== undefined) && row.asksOnly === undefined) statuses.add(507);
  if (row.open !== true && mayWrite(row)) statuses.add(404);
  statuses.delete(200);
  // A 202 answer has the same body as the 200 answer. Describe its body only if the route has a schema for it.
  const accepted =
    typeof row.answer === "string"
      ? { description: "Accepted" }
      : { description: "Accepted", content: describeAnswer(row.answer, []) };
  const refusals = [...statuses]
    .sort((a, b) => a - b)
    .map(
      (status) =>
        [String(status), status === 202 ? accepted : describeRefusal(status, row.refusals?.[status])] as const,
    );
  const success =
    row.answer === "upgrade"
      ? (["101", { description: "Switching Protocols" }] as const)
      : (["200", { description: "OK", content: describeAnswer(row.answer, row.views ?? []) }] as const);
  return {
    operationId: row.name,
    summary: row.summary,
    tags: [row.tag],
    parameters: [
      ...pathParameters(row.path, row.params ?? {}),
      ...queryParameters(row.query),
      ...headerParameters(row),
    ],
    ...(row.body === undefined
      ? {}
      : { requestBody: { required: !("optional" in row.body), content: describeBody(row.body) } }),
    responses: Object.fromEntries([success, ...refusals, ...(row.answer === "upgrade" ? [NO_UPGRADE] : [])]),
    ...describeSecurity(row),
  };
}

/** Returns a route's security requirement if it differs from the global one. */
function describeSecurity({ open, needs }: Route): Json {
  if (open === true) return { security: [{}] };
  return needs === "server" ? { security: [{ server: [] }, {}] } : {};
}

function describeRefusal(
  status: number,
  schema: TSchema | undefined,
  description: string = REASON_PHRASES[status] ?? "",
): Json {
  if (status === 304) return { description };
  return {
    description,
    content: {
      "application/json": {
        schema: schema === undefined ? { $ref: "#/components/schemas/Error" } : publishedSchema(schema),
      },
    },
  };
}

/**
 * Describes a body. The description always has a schema and a common content type, because generators of clients leave
 * out a route otherwise.
 */
function describeBody(body: NonNullable<Route["body"]>): Json {
  if (body.kind === "stream") return { "application/x-ndjson": LINES, "application/octet-stream": ANY_BYTES };
  const schema = body.kind === "raw" ? body.described : body.schema;
  if (schema !== undefined) return { "application/json": { schema: publishedSchema(schema) } };
  return { "application/json": { schema: {} }, "application/octet-stream": ANY_BYTES };
}

function describeAnswer(answer: Exclude<Route["answer"], "upgrade">, views: readonly TSchema[]): Json {
  if (answer === "raw") {
    const value = { description: "The stored bytes, with the type they were stored with." };
    return {
      "application/json": { schema: { anyOf: [...views.map((view) => publishedSchema(view)), value] } },
      "*/*": {},
    };
  }
  if (answer === "lines") return { "application/x-ndjson": LINES };
  if (answer === "stream") return { "text/event-stream": { schema: { type: "string" } } };
  if (answer === "text") return { "text/plain": { schema: { type: "string" } } };
  return { "application/json": { schema: answer === "json" ? { type: "object" } : publishedSchema(answer) } };
}

function pathParameters(path: string, schemas: Readonly<Record<string, TSchema>>): Json[] {
  return [...path.matchAll(/\{([a-z_]+)(\.\.\.)?\}/g)].map(([, name = "", rest]) => ({
    name,
    in: "path",
    required: true,
    schema: publishedParameter(schemas[name] ?? Type.String()),
    ...(rest === undefined ? {} : { description: "May contain slashes." }),
  }));
}

function queryParameters(query: TObject | undefined): Json[] {
  if (query === undefined) return [];
  const required = (query as { readonly required?: readonly string[] }).required ?? [];
  return Object.entries(query.properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema: publishedParameter(schema),
  }));
}

function headerParameters({ headers = {} }: Route): Json[] {
  return Object.entries(headers).flatMap(([name, schema]) =>
    schema === null ? [] : [{ name, in: "header", required: false, schema: publishedSchema(schema) }],
  );
}
