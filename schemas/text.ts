/**
 * Defines the schemas of texts from clients: their length, and whether they may be empty or have several lines. A
 * character is a Unicode code point, as `maxLength` of JSON Schema counts, so the published description states the
 * limit that applies. One schema serves bodies, queries, paths, the command line and MCP. Only this file says what is
 * wrong with a text.
 */
import * as Type from "typebox";
import { findHiddenCharacter, hasControlCharacter } from "./visible-text.js";

export interface TextRules {
  /** Unicode code points. */
  readonly characters_max: number;
  /**
   * The length that the published description states. A text of this length is certainly accepted. It is less than
   * characters_max if other texts count towards the same limit.
   */
  readonly promised_characters_max?: number;
  /**
   * A pattern for the published description. Every text that it matches is certainly accepted. It is given if the code
   * that reads the text checks the content itself.
   */
  readonly promised_pattern?: string;
  /** The form of the text. `says` is how an error message expresses it: `must be …`. */
  readonly pattern?: { readonly source: string; readonly says: string };
  /** An empty text counts as missing. */
  readonly required?: true;
  /**
   * True for a name or a label. It must be one line, so it has no control characters, and it has no invisible
   * characters.
   */
  readonly line?: true;
  /**
   * True for a line in which a text may have invisible characters here, because the code that reads it rejects them
   * after another check.
   */
  readonly hidden_later?: true;
}

export interface TextOptions extends TextRules {
  readonly description?: string;
  readonly default?: string;
}

/** The schema of a text, as the published description and the reader of queries see it. */
export interface TextSchema {
  readonly type: "string";
  readonly text: TextRules;
}

/** Returns the length of the text as UTF-8, in bytes. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

/** Returns whether the text has more characters (Unicode code points) than `characters_max`. */
export function isLongerThan(text: string, characters_max: number): boolean {
  // A character takes one or two UTF-16 units, so a text has at most as many characters as units.
  if (text.length <= characters_max) return false;
  if (text.length > 2 * characters_max) return true;
  let characters = 0;
  for (const _ of text) characters += 1;
  return characters > characters_max;
}

const CONTROL_PROBLEM = "must not contain control characters";

/**
 * Returns what is wrong with one line of text, as a predicate for an error message (`must not contain …`); null if
 * nothing is.
 */
export function lineProblem(text: string): string | null {
  if (hasControlCharacter(text)) return CONTROL_PROBLEM;
  const hidden = findHiddenCharacter(text);
  return hidden === undefined ? null : `must not contain characters that cannot be seen (${hidden})`;
}

/**
 * Returns what is wrong with a text, as a predicate whose subject is the text's name (`is longer than 256 characters`);
 * null if nothing is.
 * @param asks true if the text creates nothing, but asks for something that may exist. Such a text may have invisible
 * characters, because an older version accepted names with them
 */
export function textProblem(
  text: string,
  { characters_max, required, line, hidden_later, pattern }: TextRules,
  asks = false,
): string | null {
  if (required === true && text === "") return "is required";
  if (isLongerThan(text, characters_max)) return `is longer than ${characters_max} characters`;
  // Half a surrogate pair is no character. A text with one could not be stored as it was sent.
  if (!text.isWellFormed()) return "must be valid Unicode";
  if (line === true) {
    const problem =
      asks || hidden_later === true ? (hasControlCharacter(text) ? CONTROL_PROBLEM : null) : lineProblem(text);
    if (problem !== null) return problem;
  }
  return pattern !== undefined && !new RegExp(pattern.source).test(text) ? pattern.says : null;
}

/** A schema for texts with these rules. */
export function Text({ description, default: fallback, ...text }: TextOptions) {
  const schema = Type.String({
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
  });
  const refined = Type.Refine(
    schema,
    (value) => textProblem(value, text) === null,
    (value) => textProblem(value, text) ?? "",
  );
  return Object.assign(refined, { text });
}

/** A schema for a name or a label: one line, not empty. */
export function Name(characters_max: number, description?: string) {
  return Text({ characters_max, required: true, line: true, ...(description === undefined ? {} : { description }) });
}

/** Returns the rules of a schema that `Text` has made; undefined for any other schema. */
export function textRulesOf(schema: object): TextRules | undefined {
  return (schema as Partial<TextSchema>).text;
}
