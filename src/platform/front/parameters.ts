/**
 * Parses path and query parameters by the schema of a route: texts, integers, times and switches. The server answers an
 * invalid parameter with a 400 that names it, and never uses the default instead. Pure.
 */
import type { TObject, TSchema } from "typebox";
import { textProblem, textRulesOf, type TextRules } from "../../../schemas/text.js";
import { Failure, invalid } from "../../base/result.js";
import { parseQueryPairs, parseQueryString, repeatedValues } from "../../base/path.js";
import { shorten } from "../../../shared/shorten.js";
import { parseTime } from "../../base/time.js";
import type { AnyQuery } from "./route.js";

interface ParameterSchema {
  readonly text?: TextRules;
  readonly type?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  /** The error message for a value that the pattern rejects. */
  readonly "x-refusal"?: string;
  /** The schema of a single value, if the parameter may be repeated. */
  readonly items?: ParameterSchema;
  readonly maxItems?: number;
}

/** The rules for a text whose schema has none. Such a text is a name, so it must not contain control characters. */
const ONE_LINE: TextRules = { charactersMax: Number.POSITIVE_INFINITY, line: true };
const EMPTY: AnyQuery = Object.freeze({});

/** The name of a query parameter that every route accepts (src/platform/front/positions.ts). */
const AFTER_POSITION = "after_position";

/**
 * Returns the 400 failure for a write that has an unknown or repeated query parameter; else null. The client may mean
 * such a parameter as a condition of the write, and the server must not ignore a condition.
 */
export function refuseUnknownQuery({ query }: { readonly query?: TObject }, raw: string): Failure | null {
  if (raw === "") return null;
  const pairs = parseQueryPairs(raw);
  if (pairs === undefined) return invalid("malformed escape in the query");
  const schemas: Readonly<Record<string, ParameterSchema>> = query?.properties ?? {};
  const seen = new Set<string>();
  for (const [name] of pairs) {
    const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
    if (schema === undefined && name !== AFTER_POSITION) return invalid(`unknown query parameter: ${shorten(name)}`);
    if (seen.has(name) && schema?.items === undefined) return invalid(`${name} is given more than once`);
    seen.add(name);
  }
  return null;
}

/** Parses a raw query string by a schema. Unknown parameters are ignored. Times are returned in ms since the epoch. */
export function parseQuery(schema: TObject | undefined, raw: string | undefined): AnyQuery | Failure {
  if (schema === undefined) return EMPTY;
  const required = (schema as { readonly required?: readonly string[] }).required ?? [];
  if ((raw === undefined || raw === "") && required.length === 0) return EMPTY;
  const given = parseQueryString(raw ?? "");
  if (given === undefined) return invalid("malformed escape in the query");
  const query: Record<string, AnyQuery[string]> = {};
  for (const [name, parameter] of Object.entries(schema.properties)) {
    const text = given.get(name);
    if (text === undefined) {
      if (required.includes(name)) return invalid(`${name} is required`);
      continue;
    }
    const rule: ParameterSchema = parameter;
    const value =
      rule.items === undefined
        ? parseParameter(name, rule, text)
        : parseRepeated(name, rule, rule.items, repeatedValues(raw ?? "", name));
    if (value instanceof Failure) return value;
    query[name] = value;
  }
  return query;
}

/** Returns the rules for each path parameter, in the order of the names. */
export function parameterRules(
  names: readonly string[],
  schemas: Readonly<Record<string, TSchema>> | undefined,
): readonly TextRules[] {
  return names.map((name) => (schemas?.[name] === undefined ? undefined : textRulesOf(schemas[name])) ?? ONE_LINE);
}

/** Returns the 400 failure for a path parameter that its schema rejects; null if all are valid. */
export function refuseParameters(
  names: readonly string[],
  rules: readonly TextRules[],
  params: readonly string[],
  method: string,
): Failure | null {
  // Only PUT can create the resource that the path names. All other methods look it up.
  const asks = method !== "PUT";
  for (const [at, rule] of rules.entries()) {
    const problem = textProblem(params[at] ?? "", rule, asks);
    if (problem !== null) return invalid(`${names[at]} ${problem}`);
  }
  return null;
}

function parseParameter(name: string, schema: ParameterSchema, text: string): string | number | Failure {
  if (schema.type === "integer") return parseInteger(name, schema, text);
  if (schema.format === "date-time") {
    return parseTime(text) ?? invalid(`${name} must be an RFC 3339 time`);
  }
  if (schema.pattern !== undefined)
    return new RegExp(schema.pattern, "u").test(text) ? text : invalid(schema["x-refusal"] ?? `${name} is malformed`);
  const problem = textProblem(text, schema.text ?? ONE_LINE, true);
  return problem === null ? text : invalid(`${name} ${problem}`);
}

function parseRepeated(
  name: string,
  { maxItems = Number.POSITIVE_INFINITY }: ParameterSchema,
  items: ParameterSchema,
  texts: readonly string[],
): readonly string[] | Failure {
  if (texts.length > maxItems) return invalid(`${name} must be given at most ${maxItems} times`);
  const values: string[] = [];
  for (const text of texts) {
    const value = parseParameter(name, items, text);
    if (value instanceof Failure) return value;
    values.push(String(value));
  }
  return values;
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
