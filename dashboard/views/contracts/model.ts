/** Prepares a contract for display: lists endpoints with their fields as rows, and generates example payloads. Pure. */
import { findContractFault, jsonSchemaOf } from "../../../schemas/contract-shape.js";
import { isJsonObject, type JsonObject } from "../../../shared/json-object.js";
import { parseJson } from "../../../shared/json-text.js";
import type { ContractDirection } from "../../api/types.js";

/** A row that describes a field, or the elements of an array. */
export interface FieldRow {
  readonly name: string;
  /** The nesting depth of the field. */
  readonly depth: number;
  /** The type in words, such as `array of object`; "any" if the contract does not state one. */
  readonly type: string;
  readonly required: boolean;
  readonly nullable: boolean;
  /** The allowed values as JSON; empty if every value is allowed. */
  readonly allowed: readonly string[];
}

/** One definition of an endpoint in a contract, for example the definition of its request. */
export interface Definition {
  /** The member of the contract that contains the definition. */
  readonly member: "query" | "request" | "response" | "response_array" | "error";
  readonly title: string;
  readonly direction: ContractDirection;
  readonly content:
    | { readonly rows: readonly FieldRow[] }
    | { readonly schema: string }
    | { readonly malformed: string };
  /** A payload that matches the definitions of the fields; undefined for a JSON Schema or a malformed definition. */
  readonly example: unknown;
}

export interface Endpoint {
  /** The name of the endpoint in the contract, such as `POST /api/trucks`. */
  readonly name: string;
  /** The HTTP method; "" if the name has none. */
  readonly method: string;
  readonly path: string;
  /** The status that a successful response must have; "" if the contract does not require one. */
  readonly status: string;
  readonly definitions: readonly Definition[];
}

export interface Contract {
  readonly endpoints: readonly Endpoint[];
}

/** The members of an endpoint that define payloads, in the order in which a call uses them. */
const MEMBERS: readonly (readonly [Definition["member"], title: string, ContractDirection])[] = [
  ["query", "Query", "query"],
  ["request", "Request", "request"],
  ["response", "Response", "response"],
  ["response_array", "Response, each element", "response"],
  ["error", "Error", "error"],
];
/**
 * The maximum number of field rows of one definition. Further rows are left out, because a person could not read them
 * all here.
 */
export const FIELD_ROWS_MAX = 300;

/** Parses the text of a spec as a contract. If it is not a contract, returns the reason. */
export function readContract(text: string): Contract | { readonly fault: string } {
  const value = parseJson(text);
  if (value === undefined) return { fault: "it is not JSON" };
  const fault = findContractFault(value);
  if (fault !== undefined) return { fault };
  const { endpoints } = value as { readonly endpoints?: JsonObject | null };
  return { endpoints: Object.entries(endpoints ?? {}).map(([name, endpoint]) => readEndpoint(name, endpoint)) };
}

function readEndpoint(name: string, value: unknown): Endpoint {
  const at = name.indexOf(" ");
  const definitions = isJsonObject(value)
    ? MEMBERS.flatMap(([member, title, direction]) => {
        const definition = value[member] ?? null;
        return definition === null ? [] : [{ member, title, direction, ...readDefinition(member, definition) }];
      })
    : [];
  const status = isJsonObject(value) ? (value["response_status"] ?? 0) : 0;
  return {
    name,
    method: at < 0 ? "" : name.slice(0, at),
    path: name.slice(at + 1),
    status: status === 0 ? "" : JSON.stringify(status),
    definitions,
  };
}

function readDefinition(member: Definition["member"], value: unknown): Pick<Definition, "content" | "example"> {
  if (!isJsonObject(value)) return { content: { malformed: "It must be an object." }, example: undefined };
  const schema = jsonSchemaOf(value);
  if (schema !== undefined) return { content: { schema: JSON.stringify(schema) }, example: undefined };
  const rows: FieldRow[] = [];
  addRows(value, 0, rows);
  const example = exampleOfFields(value);
  return { content: { rows }, example: member === "response_array" ? [example] : example };
}

function addRows(fields: JsonObject, depth: number, rows: FieldRow[]): void {
  for (const [name, field] of Object.entries(fields)) {
    if (rows.length >= FIELD_ROWS_MAX) return;
    const said = isJsonObject(field) ? field : {};
    const inner = innermost(said);
    const values = Array.isArray(said["enum"]) ? said["enum"] : inner["enum"];
    rows.push({
      name,
      depth,
      type: isJsonObject(field) ? typeOf(field) : "malformed",
      required: said["required"] === true,
      nullable: said["nullable"] === true,
      allowed: Array.isArray(values) ? values.map((value) => JSON.stringify(value)) : [],
    });
    if (isJsonObject(inner["fields"])) addRows(inner["fields"], depth + 1, rows);
  }
}

/**
 * Returns the innermost element type of nested arrays (for `array of array of string`, the type of the strings).
 * Returns the field itself if it is not an array.
 */
function innermost(field: JsonObject): JsonObject {
  let inner = field;
  while (isJsonObject(inner["items"])) inner = inner["items"];
  return inner;
}

function typeOf(field: JsonObject): string {
  const { type, items } = field;
  const said = typeof type === "string" && type !== "" ? type : "any";
  if (!isJsonObject(items)) return said;
  const elements = typeOf(items) + (items["nullable"] === true ? " or null" : "");
  return `${said === "any" ? "array" : said} of ${elements}`;
}

/** The maximum nesting depth of an example. */
const EXAMPLE_DEPTH = 6;

function exampleOfFields(fields: JsonObject, depth = 0): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, exampleOf(isJsonObject(field) ? field : {}, depth + 1)]),
  );
}

function exampleOf({ type, enum: values, fields, items }: JsonObject, depth: number): unknown {
  if (Array.isArray(values) && values.length > 0) return values[0];
  if (depth > EXAMPLE_DEPTH) return type === "array" ? [] : {};
  if (type === "array" || (type === undefined && isJsonObject(items)))
    return isJsonObject(items) ? [exampleOf(items, depth + 1)] : [];
  if (type === "object" || (type === undefined && isJsonObject(fields)))
    return isJsonObject(fields) ? exampleOfFields(fields, depth) : {};
  if (type === "number") return 1;
  if (type === "boolean") return true;
  return "text";
}

/**
 * Returns an example payload as text, for one direction of an endpoint (request or response). Returns `{}` if the
 * endpoint defines no payload.
 */
export function examplePayload(endpoint: Endpoint | undefined, direction: string): string {
  const definition = endpoint?.definitions.find((one) => one.direction === direction);
  return JSON.stringify(definition?.example ?? {}, null, 2);
}

/**
 * Returns example data, as text, for a test of a running service. The data are the path parameters, and the query or
 * the body.
 */
export function exampleTestData(endpoint: Endpoint | undefined): string {
  if (endpoint === undefined) return "{}";
  const parameters = [...endpoint.path.matchAll(/\{([^{}/]+)\}/g)].map(([, name = ""]) => [name, "1"] as const);
  const direction = ["GET", "HEAD", "DELETE"].includes(endpoint.method) ? "query" : "request";
  const sent = endpoint.definitions.find((one) => one.direction === direction)?.example;
  return JSON.stringify({ ...Object.fromEntries(parameters), ...(isJsonObject(sent) ? sent : {}) }, null, 2);
}

/**
 * Returns the endpoints that match a search. An endpoint matches if every word occurs in its name or in a field's name.
 */
export function filterEndpoints(endpoints: readonly Endpoint[], words: string): readonly Endpoint[] {
  const wanted = words
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (wanted.length === 0) return endpoints;
  return endpoints.filter(({ name, definitions }) => {
    const texts = definitions.flatMap(({ content }) =>
      "rows" in content ? content.rows.map((row) => row.name) : "schema" in content ? [content.schema] : [],
    );
    const text = [name, ...texts].join("\n").toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

/** Parses JSON that the user has typed. Returns the error if it is malformed. Empty text counts as `{}`. */
export function typedJson(text: string): { readonly value: unknown } | { readonly failure: string } {
  if (text.trim() === "") return { value: {} };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}
