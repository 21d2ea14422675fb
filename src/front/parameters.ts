/**
 * Query parameters by a route's schema: text, integers within bounds, times, switches. What does not
 * parse is a 400 that names the parameter; nothing is replaced by a default in silence. Pure.
 */
import type { TObject } from "typebox";
import { Failure, invalid } from "../base/result.js";
import { parseQueryString } from "../base/path.js";
import { parseTime } from "../base/time.js";

export type Query = Readonly<Record<string, string | number | undefined>>;

interface ParameterSchema {
  readonly type?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  /** The sentence of the 400 where the pattern does not match. */
  readonly "x-refusal"?: string;
}

const EMPTY: Query = Object.freeze({});

/** Parses a raw query by the schema; unknown parameters are ignored. Times become ms since the epoch. */
export function parseQuery(schema: TObject | undefined, raw: string | undefined): Query | Failure {
  if (schema === undefined) return EMPTY;
  const required = (schema as { readonly required?: readonly string[] }).required ?? [];
  if ((raw === undefined || raw === "") && required.length === 0) return EMPTY;
  const given = parseQueryString(raw ?? "");
  if (given === undefined) return invalid("malformed escape in the query");
  const query: Record<string, string | number | undefined> = {};
  for (const [name, parameter] of Object.entries(schema.properties)) {
    const text = given.get(name);
    if (text === undefined) {
      if (required.includes(name)) return invalid(`${name} is required`);
      continue;
    }
    const value = parseParameter(name, parameter, text);
    if (value instanceof Failure) return value;
    query[name] = value;
  }
  return query;
}

function parseParameter(name: string, schema: ParameterSchema, text: string): string | number | Failure {
  if (schema.type === "integer") return parseInteger(name, schema, text);
  if (schema.format === "date-time") {
    return parseTime(text) ?? invalid(`${name} must be an RFC 3339 time`);
  }
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, "u").test(text))
    return invalid(schema["x-refusal"] ?? `${name} is malformed`);
  return text;
}

function parseInteger(
  name: string,
  { minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: ParameterSchema,
  text: string,
): number | Failure {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value) || value < minimum) {
    return invalid(
      minimum > 0
        ? `${name} must be a positive integer`
        : maximum === 1
          ? `${name} must be 0 or 1`
          : `${name} must be a non-negative integer`,
    );
  }
  return value > maximum
    ? invalid(maximum === 1 ? `${name} must be 0 or 1` : `${name} must be at most ${maximum}`)
    : value;
}
