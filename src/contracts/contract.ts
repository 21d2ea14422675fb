/**
 * What a stored contract says: `{"kind":"contract","endpoints":{"POST /x":{…}}}` read from a spec's bytes.
 * Pure, any thread. A definition that cannot be used (a type that does not exist, a JSON Schema that does
 * not compile) is no reason to refuse the contract: it is a violation of whatever is checked against it.
 */
import { findContractFault, isTooDeep, jsonSchemaOf } from "../../schemas/contract-shape.js";
import { CONTRACT_DEPTH_MAX } from "../../schemas/limits.js";
import { ExactNumber, readExact } from "../base/exact-number.js";
import { type Failure, invalid } from "../base/result.js";

export type JsonObject = { readonly [name: string]: unknown };

export const DEFINITIONS = ["query", "request", "response", "response_array", "error"] as const;
export type DefinitionName = (typeof DEFINITIONS)[number];

export const FIELD_TYPES = ["string", "number", "boolean", "object", "array"] as const;

/** The values of an enum, as written and as texts to look them up by. */
export interface Allowed {
  readonly values: readonly unknown[];
  readonly texts: ReadonlySet<string>;
}

/** A field of a map, or the elements of an array. */
export interface Field {
  /** Null: any. Any other word than the known ones was written by mistake. */
  readonly type: string | null;
  readonly required: boolean;
  readonly nullable: boolean;
  /** Null where every value may be. */
  readonly allowed: Allowed | null;
  readonly fields: FieldMap | null;
  readonly items: Field | null;
}

export interface FieldMap {
  readonly fields: ReadonlyMap<string, Field>;
  /** Their names in order, for messages. */
  readonly names: readonly string[];
}

export type Definition =
  | { readonly kind: "fields"; readonly map: FieldMap }
  | { readonly kind: "schema"; readonly schema: unknown }
  | { readonly kind: "malformed"; readonly message: string };

export interface Endpoint {
  readonly definitions: ReadonlyMap<DefinitionName, Definition>;
  /** Null: any status. */
  readonly status: number | null;
  /** What is wrong with it beside its definitions; null where nothing is. */
  readonly malformed: string | null;
}

export interface Contract {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

/** A text that two values share only where they are equal as JSON, whatever the order of their members. */
export function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (value instanceof ExactNumber) return value.canonical;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.keys(value)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${canonicalText(value[name])}`)
    .join(",")}}`;
}

/** A definition that is written wrong; caught where the definition ends. */
class Malformed extends Error {
  override readonly name = "Malformed";
}

function readField(value: unknown, where: string): Field {
  if (!isObject(value)) throw new Malformed(`${where} must be an object`);
  const { type = "", required = false, nullable = false, enum: allowed = null, fields = null, items = null } = value;
  if (typeof type !== "string") throw new Malformed(`${where}: type must be a string`);
  if (typeof required !== "boolean") throw new Malformed(`${where}: required must be true or false`);
  if (typeof nullable !== "boolean") throw new Malformed(`${where}: nullable must be true or false`);
  if (allowed !== null && !Array.isArray(allowed)) throw new Malformed(`${where}: enum must be an array`);
  return {
    type: type === "" ? null : type,
    required,
    nullable,
    allowed:
      allowed === null || allowed.length === 0
        ? null
        : { values: allowed as readonly unknown[], texts: new Set(allowed.map(canonicalText)) },
    fields: fields === null ? null : readFieldMap(fields, `${where}.fields`),
    items: items === null ? null : readField(items, `${where}.items`),
  };
}

function readFieldMap(value: unknown, where: string): FieldMap {
  if (!isObject(value)) throw new Malformed(`${where} must be an object`);
  return {
    fields: new Map(Object.entries(value).map(([name, field]) => [name, readField(field, `${where}.${name}`)])),
    names: Object.keys(value).toSorted(),
  };
}

function readDefinition(value: unknown, where: string): Definition {
  if (!isObject(value)) return { kind: "malformed", message: `${where} must be an object` };
  const schema = jsonSchemaOf(value);
  if (schema !== undefined) return { kind: "schema", schema };
  try {
    return { kind: "fields", map: readFieldMap(value, where) };
  } catch (error) {
    if (error instanceof Malformed) return { kind: "malformed", message: error.message };
    throw error;
  }
}

function readEndpoint(value: unknown): Endpoint {
  if (!isObject(value)) return { definitions: new Map(), status: null, malformed: "the endpoint must be an object" };
  const definitions = new Map<DefinitionName, Definition>();
  for (const name of DEFINITIONS) {
    const definition = value[name];
    if (definition !== undefined && definition !== null) definitions.set(name, readDefinition(definition, name));
  }
  const status = value["response_status"] ?? 0;
  // 0 is how a program that fills in every member says that it has none.
  const known = typeof status === "number" && Number.isInteger(status) && status >= 100 && status <= 599;
  return {
    definitions,
    status: known ? status : null,
    malformed: known || status === 0 ? null : "response_status must be an HTTP status",
  };
}

/**
 * Reads a contract from a spec's text.
 * @param name `P/N`, for the 400 of what is no contract
 */
export function readContract(text: string, name: string): Contract | Failure {
  const refusal = invalid(`spec is not a contract: ${name}`);
  // Most specs are none, and this is much faster than to parse them; the word may be written with escapes.
  if (!text.includes('"contract"') && !text.includes("\\u")) return refusal;
  const json_text = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  let json: unknown;
  try {
    json = JSON.parse(json_text);
  } catch {
    // Specs may hold any bytes; JSON.parse throws nothing but SyntaxError.
    return refusal;
  }
  if (!isObject(json)) return refusal;
  if (findContractFault(json) !== undefined)
    return json["kind"] === "contract" && isTooDeep(json)
      ? invalid(`contract is nested deeper than ${CONTRACT_DEPTH_MAX} levels: ${name}`)
      : refusal;
  const { endpoints } = readExact(json_text, json) as JsonObject;
  return {
    endpoints: new Map(Object.entries(endpoints ?? {}).map(([endpoint, value]) => [endpoint, readEndpoint(value)])),
  };
}
