/**
 * Converts a schema to plain JSON Schema for clients, including the rules for texts. The published schema may be
 * stricter than the server's own, but never more lenient. So the server accepts every value that fits the published
 * schema. Pure.
 */
import type { TSchema } from "typebox";
import type { TextRules } from "../../../schemas/text.js";
import { UNSEEN_CLASS } from "../../../schemas/visible-text.js";

export type Json = Record<string, unknown>;

const ONE_LINE = `^[^\\x00-\\x1f\\x7f-\\x9f${UNSEEN_CLASS}]*$`;

/** Returns the JSON Schema for the length and the allowed characters of a text. */
function textOf(rules: TextRules): Json {
  const { charactersMax, promisedCharactersMax = charactersMax, promisedPattern, required, line, pattern } = rules;
  const minimum = required === true ? { minLength: 1 } : {};
  // No `maxLength` is needed, because the pattern limits the length.
  if (pattern !== undefined) return { ...minimum, pattern: promisedPattern ?? pattern.source };
  const said = promisedPattern ?? (line === true ? ONE_LINE : undefined);
  return { ...minimum, ...(said === undefined ? {} : { pattern: said }), maxLength: promisedCharactersMax };
}

function publish(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(publish);
  if (typeof value !== "object" || value === null) return value;
  const { text, ...members } = value as { readonly text?: TextRules };
  const isText = typeof text === "object" && "charactersMax" in text && "type" in members;
  const published = Object.entries(isText ? members : value).map(([name, member]) => [name, publish(member)] as const);
  return { ...Object.fromEntries(published), ...(isText ? textOf(text) : {}) };
}

/** Returns the schema as plain JSON. TypeBox's own markers are dropped, because they are not enumerable. */
export function publishedSchema(schema: TSchema): Json {
  return publish(JSON.parse(JSON.stringify(schema))) as Json;
}

/** Like `publishedSchema`, for a path or query parameter. A text without limits of its own must be a single line. */
export function publishedParameter(schema: TSchema): Json {
  const published = publishedSchema(schema);
  const bounds = ["anyOf", "enum", "format", "pattern"];
  return published["type"] !== "string" || bounds.some((bound) => bound in published)
    ? published
    : { ...published, pattern: ONE_LINE };
}
