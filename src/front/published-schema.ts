/**
 * A schema as clients are told it: plain JSON Schema, in which a text's bound in bytes is said in characters. It
 * promises no more than the server takes: whatever fits the published schema fits the server's own. Pure.
 */
import type { TSchema } from "typebox";
import type { TextRules } from "../../schemas/text.js";

export type Json = Record<string, unknown>;

/** What a character may take as UTF-8. */
const CHARACTER_BYTES_MAX = 4;
const ASCII = String.raw`^[\x00-\x7f]*$`;
const ONE_LINE = String.raw`^[^\x00-\x1f\x7f-\x9f]*$`;
const ONE_LINE_ASCII = "^[ -~]*$";

/** How long a text may be: in any script, or in ASCII alone, where a character is a byte. */
function textOf(rules: TextRules): Json {
  const { bytes_max, promised_bytes_max = bytes_max, promised_pattern, required, line, pattern } = rules;
  const minimum = required === true ? { minLength: 1 } : {};
  // It says itself how long a text may be.
  if (pattern !== undefined) return { ...minimum, pattern: pattern.source };
  const maxLength = Math.floor(promised_bytes_max / CHARACTER_BYTES_MAX);
  if (promised_pattern !== undefined) return { ...minimum, pattern: promised_pattern, maxLength };
  return {
    ...minimum,
    anyOf: [
      { maxLength, ...(line === true ? { pattern: ONE_LINE } : {}) },
      { maxLength: promised_bytes_max, pattern: line === true ? ONE_LINE_ASCII : ASCII },
    ],
  };
}

function publish(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(publish);
  if (typeof value !== "object" || value === null) return value;
  const { text, ...members } = value as { readonly text?: TextRules };
  const is_text = typeof text === "object" && "bytes_max" in text && "type" in members;
  const told = Object.entries(is_text ? members : value).map(([name, member]) => [name, publish(member)] as const);
  return { ...Object.fromEntries(told), ...(is_text ? textOf(text) : {}) };
}

/** The schema as plain JSON: TypeBox's own markers are not enumerable in it. */
export function publishedSchema(schema: TSchema): Json {
  return publish(JSON.parse(JSON.stringify(schema))) as Json;
}

/** The same for a parameter of the path or the query: a text without bounds of its own is one line. */
export function publishedParameter(schema: TSchema): Json {
  const published = publishedSchema(schema);
  const bounds = ["anyOf", "enum", "format", "pattern"];
  return published["type"] !== "string" || bounds.some((bound) => bound in published)
    ? published
    : { ...published, pattern: ONE_LINE };
}
