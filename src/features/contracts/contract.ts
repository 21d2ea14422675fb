/**
 * Parses a stored contract, `{"kind":"contract","endpoints":{"POST /x":{…}}}`, from the bytes of a spec. A contract is
 * valid even if one of its definitions is unusable. A definition is unusable if, for example, its type is unknown or
 * its JSON Schema does not compile. The check of a payload against an unusable definition reports a violation that says
 * so. Pure, any thread.
 */
import { findContractFault, isTooDeep, jsonSchemaOf } from "../../../schemas/contract-shape.js";
import { CONTRACT_DEPTH_MAX } from "../../../schemas/limits/contracts.js";
import { ExactNumber, readExact } from "../../base/exact-number.js";
import { type Failure, invalid } from "../../base/result.js";

export type JsonObject = { readonly [name: string]: unknown };

export const DEFINITIONS = ["query", "request", "response", "response_array", "error"] as const;
export type DefinitionName = (typeof DEFINITIONS)[number];

export const FIELD_TYPES = ["string", "number", "boolean", "object", "array"] as const;

/** The values of an enum, both as the author wrote them and as canonical texts for look-ups. */
export interface Allowed {
  readonly values: readonly unknown[];
  readonly texts: ReadonlySet<string>;
}

/** The definition of a field, or of the elements of an array. */
export interface Field {
  /** The type of the field; null allows any type. A type that is not in FIELD_TYPES makes the definition unusable. */
  readonly type: string | null;
  readonly required: boolean;
  readonly nullable: boolean;
  /** The allowed values; null allows every value. */
  readonly allowed: Allowed | null;
  readonly fields: FieldMap | null;
  readonly items: Field | null;
}

export interface FieldMap {
  readonly fields: ReadonlyMap<string, Field>;
  /** The names of the fields, in order, for messages. */
  readonly names: readonly string[];
}

export type Definition =
  | { readonly kind: "fields"; readonly map: FieldMap }
  | { readonly kind: "schema"; readonly schema: unknown }
  | { readonly kind: "malformed"; readonly message: string };

export interface Endpoint {
  readonly definitions: ReadonlyMap<DefinitionName, Definition>;
  /** The expected status of the answer; null allows any status. */
  readonly status: number | null;
  /**
   * The problem of the endpoint itself; null if it has none. Problems of the endpoint's definitions are not included.
   */
  readonly malformed: string | null;
}

export interface Contract {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

/**
 * Returns the canonical JSON text of a value. Two values have the same text exactly if they are equal, whatever the
 * order of their members.
 */
export function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (value instanceof ExactNumber) return value.canonical;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.keys(value)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${canonicalText(value[name])}`)
    .join(",")}}`;
}

/** Thrown at a malformed part of a definition, and caught by the code that reads the whole definition. */
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
  // A status of 0 counts as no status, because some programs write 0 into members that they do not use.
  const known = typeof status === "number" && Number.isInteger(status) && status >= 100 && status <= 599;
  return {
    definitions,
    status: known ? status : null,
    malformed: known || status === 0 ? null : "response_status must be an HTTP status",
  };
}

/**
 * Parses a contract from the text of a spec.
 * @param name `PROJECT/NAME`, for the error message if the spec is not a contract
 */
export function readContract(text: string, name: string): Contract | Failure {
  const refusal = invalid(`spec is not a contract: ${name}`);
  // Most specs are not contracts, and this check is much faster than parsing. A text with `\u` is always parsed,
  // because it may contain the word "contract" with escaped characters.
  if (!text.includes('"contract"') && !text.includes("\\u")) return refusal;
  const jsonText = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  let json: unknown;
  try {
    json = JSON.parse(jsonText);
  } catch {
    // JSON.parse throws only a SyntaxError, which is expected, because a spec may contain any bytes.
    return refusal;
  }
  if (!isObject(json)) return refusal;
  if (findContractFault(json) !== undefined)
    return json["kind"] === "contract" && isTooDeep(json)
      ? invalid(`contract is nested deeper than ${CONTRACT_DEPTH_MAX} levels: ${name}`)
      : refusal;
  const { endpoints } = readExact(jsonText, json) as JsonObject;
  return {
    endpoints: new Map(Object.entries(endpoints ?? {}).map(([endpoint, value]) => [endpoint, readEndpoint(value)])),
  };
}
