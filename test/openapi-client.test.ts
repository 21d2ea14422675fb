/**
 * A client that knows only `GET /openapi.json`: it sends what the description allows, generated from its schemas. The
 * server may refuse no such request as a bad one, and none may find a bug.
 */
import * as fc from "fast-check";
import type { Arbitrary } from "fast-check";
import { request as httpRequest } from "node:http";
import t from "tap";
import { REQUEST_ID_BYTES_MAX } from "../schemas/limits/idempotency.js";
import { newSeed } from "./support/random.js";
import { send } from "./support/http-client.js";
import { startReceiver } from "./support/receiver.js";
import { startKoor } from "./support/server-process.js";
import { arbitraryOf, type JsonSchema } from "./support/schema-arbitrary.js";
import { countRounds } from "./support/test-size.js";

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly schema: JsonSchema;
}
interface Operation {
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: JsonSchema }>> };
}
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

interface GeneratedRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
}

const RUNS = Number(process.env["KOOR_OPENAPI_RUNS"] ?? countRounds(8, 25));
const SEED = newSeed();
/** A request without an answer by then waits for events, which is allowed: it was not refused. */
const PATIENCE_MS = 250;
/** A head that does not come in one piece is too long for the HTTP library, whatever is in it. */
const PATH_CHARACTERS_MAX = 16_000;
/**
 * Refusals that no schema can describe: that all rules or files of an array have different ids or paths, which tasks
 * there are, what another call has stored in a contract's place, that at least one of some parameters or members is
 * needed, how many of them together are allowed, what all globs of an array cost together, which members go together,
 * how long the names of a group of alternatives are, which times have been, and whether the instance still has a
 * checkout.
 */
const UNDESCRIBED = new RegExp(
  [
    "is in the array twice|is the same as files|unknown task|is not a contract|id must not be",
    "no condition is|conditions are given|is must be one of|cost too much",
    "needs an instance with a checkout|a budget needs tokens or cost_usd|resources or any is required",
    "max_holders is for names|mode must be shared where|any has too few names|target is required",
    "any\\[\\d+\\] must not have names of more than|give either until or|until must be|account is required",
    "the time must not be later|of a time before",
  ].join("|"),
);
const REFUSED: ReadonlySet<number> = new Set([400, 422]);

const koor = await startKoor(t, { args: ["--webhook-allow-private"] });
const receiver = await startReceiver(t);
/** The acting instance: some calls need one, and leases of a checkout need its checkout, which no schema says. */
const registration = { body: '{"name":"client","checkout":{"id":"tree"}}' };
const instance = (await send(koor.port, "POST", "/api/instances/register", registration)).json<{
  readonly id: string;
}>().id;
const description = (await send(koor.port, "GET", "/openapi.json")).json<Description>();
const resolve = (ref: string): JsonSchema | undefined =>
  description.components.schemas[ref.replace("#/components/schemas/", "")];

let requests = 0;

/**
 * Values that no schema can describe: the server calls an address, so it is one of this machine, a request_id belongs
 * to one request, the last line of a range is not before the first one, and only a task with an id may exist already.
 */
function keptHere(name: string, value: unknown): unknown {
  if (name === "request_id" && typeof value === "string")
    return `${Array.from(value)
      .slice(0, REQUEST_ID_BYTES_MAX / 2)
      .join("")}${++requests}`;
  if (name === "ranges" && Array.isArray(value))
    return (value as readonly (readonly [number, number])[]).map((range) =>
      range.map((line) => line || 1).sort(byNumber),
    );
  if (isTaskWithoutId(value)) return { ...value, or_get: false };
  return typeof value === "string" && /^\s*https?:/i.test(value) ? `${receiver.url}/` : value;
}

function byNumber(a: number, b: number): number {
  return a - b;
}

function isTaskWithoutId(value: unknown): value is { readonly or_get: true } {
  return typeof value === "object" && value !== null && "or_get" in value && value.or_get === true && !("id" in value);
}

function generateBody({
  requestBody,
}: Operation): Arbitrary<{ readonly type: string; readonly body: string | Uint8Array }> {
  return fc.oneof(
    ...Object.entries(requestBody?.content ?? {}).map(([type, { schema = true }]) =>
      type === "application/octet-stream"
        ? fc.uint8Array({ minLength: 1 }).map((body) => ({ type, body }))
        : arbitraryOf(schema, resolve).map((value) => ({ type, body: JSON.stringify(value, keptHere) })),
    ),
  );
}

/** Values that a header can carry (RFC 9110, 5.5), among those that its schema allows. */
function generateHeader(schema: JsonSchema): Arbitrary<string> {
  return arbitraryOf(schema, resolve)
    .map((value) => String(value))
    .filter((text) => /^[!-~]([ -~]*[!-~])?$/.test(text) && text.length < 4096);
}

function generateRequest(path: string, operation: Operation): Arbitrary<GeneratedRequest> {
  const values = <Value>(
    place: Parameter["in"],
    valueOf: (schema: JsonSchema) => Arbitrary<Value>,
  ): Arbitrary<Record<string, Value>> => {
    const own = operation.parameters.filter((parameter) => parameter.in === place);
    const generated = own.map(({ name, schema }): [string, Arbitrary<Value>] => [name, valueOf(schema)]);
    return fc.record(Object.fromEntries(generated), {
      requiredKeys: own.filter(({ required }) => required).map(({ name }) => name),
    }) as Arbitrary<Record<string, Value>>;
  };
  const generateText = (schema: JsonSchema): Arbitrary<string> => arbitraryOf(schema, resolve).map(String);
  /** An array is given once for each of its values. */
  const generateTexts = (schema: JsonSchema): Arbitrary<readonly string[]> =>
    arbitraryOf(schema, resolve).map((value) => (Array.isArray(value) ? value.map(String) : [String(value)]));
  const body = operation.requestBody === undefined ? fc.constant(undefined) : generateBody(operation);
  const parts = fc.tuple(
    values("path", generateText),
    values("query", generateTexts),
    values("header", generateHeader),
    body,
  );
  return parts.map(([segments, query, headers, sent]) => {
    const filled = path.replaceAll(/\{([a-z_]+)\}/g, (_, name: string) => encodeURIComponent(segments[name] || "x"));
    const search = Object.entries(query).flatMap(([name, texts]) =>
      texts.map((text) => `${name}=${encodeURIComponent(text)}`),
    );
    return {
      path: search.length === 0 ? filled : `${filled}?${search.join("&")}`,
      headers: {
        ...headers,
        ...(sent === undefined ? {} : { "Content-Type": sent.type }),
      },
      body: sent?.body,
    };
  });
}

interface Outcome {
  readonly status: number;
  readonly retry_after: string | undefined;
  readonly text: string;
}

/** Sends it; undefined where there is no answer yet. Of an endless answer only the first part is read. */
function ask(method: string, { path, headers, body }: GeneratedRequest): Promise<Outcome | undefined> {
  return new Promise((settle, reject) => {
    const ownHeaders = { "X-Koor-Instance": instance, ...headers };
    const request = httpRequest({
      port: koor.port,
      host: "127.0.0.1",
      method,
      path,
      headers: ownHeaders,
      agent: false,
    });
    const patience = setTimeout(() => {
      settle(undefined);
      request.destroy();
    }, PATIENCE_MS);
    request.on("error", reject);
    request.on("response", (response) => {
      clearTimeout(patience);
      let text = "";
      const done = (): void => {
        settle({ status: response.statusCode ?? 0, retry_after: response.headers["retry-after"], text });
        request.destroy();
      };
      if ((response.statusCode ?? 0) < 400) {
        done();
        return;
      }
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", done);
    });
    request.end(body);
  });
}

const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

t.test("a request that the description allows is not refused as bad, and finds no bug", async (t) => {
  t.comment(`seed ${SEED}`);
  for (const { path, method, operation } of operations) {
    const { operationId: name } = operation;
    const refused = new Map<string, string>();
    const broken: string[] = [];
    for (const generated of fc.sample(generateRequest(path, operation), { numRuns: RUNS, seed: SEED })) {
      if (generated.path.length > PATH_CHARACTERS_MAX) continue;
      const outcome = await ask(method, generated);
      if (outcome === undefined) continue;
      const { status, retry_after, text } = outcome;
      const sent = `${method} ${generated.path.slice(0, 300)} ${String(generated.body).slice(0, 300)}`;
      const what = `${sent}: ${status} ${text.slice(0, 300)}`;
      if (REFUSED.has(status) && !UNDESCRIBED.test(text)) refused.set(text.replaceAll(/\d+/g, "N").slice(0, 120), what);
      if (status >= 500 && (status !== 503 || retry_after === undefined)) broken.push(what);
    }
    t.same(broken, [], `${name}: nothing is broken`);
    t.same([...refused.values()], [], `${name}: nothing is refused`);
  }
});
