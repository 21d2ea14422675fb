/**
 * Defines schemas for texts from clients. A schema limits the length of a text, and says whether the text may be empty
 * or have several lines. Lengths are counted in Unicode code points, as in JSON Schema's `maxLength`. So the published
 * description states the real limit.
 *
 * The same schemas serve bodies, queries, paths, the CLI and MCP. The error messages about texts come only from this
 * file.
 */
import * as Type from "typebox";
import { findHiddenCharacter, hasControlCharacter } from "./visible-text.js";

export interface TextRules {
  /** The maximum length of the text in Unicode code points. */
  readonly charactersMax: number;
  /** The maximum size in bytes of UTF-8, if it is limited in addition to the length. */
  readonly bytesMax?: number;
  /**
   * The maximum length that the published description states. A text of this length is always accepted. The value is
   * less than charactersMax if several texts share one limit.
   */
  readonly promisedCharactersMax?: number;
  /**
   * A pattern for the published description, in place of `pattern`. It is needed if the code that reads the text checks
   * the text further. Every text that matches this pattern is accepted.
   */
  readonly promisedPattern?: string;
  /** A form that the text must have. `says` completes the error message `must be …`. */
  readonly pattern?: { readonly source: string; readonly says: string };
  /** If true, an empty text counts as missing. */
  readonly required?: true;
  /** True for a name or a label: the text must be one line without control characters and invisible characters. */
  readonly line?: true;
  /**
   * True if this check accepts invisible characters, because the code that reads the text rejects them itself, after
   * another check.
   */
  readonly hidden_later?: true;
}

export interface TextOptions extends TextRules {
  readonly description?: string;
  readonly default?: string;
}

/** The part of a text's schema that the published description and the query parser use. */
export interface TextSchema {
  readonly type: "string";
  readonly text: TextRules;
}

/** Returns the length of the text in bytes of UTF-8. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

/** Returns whether the text has more characters (Unicode code points) than `charactersMax`. */
export function isLongerThan(text: string, charactersMax: number): boolean {
  // A character takes one or two UTF-16 units. So a text never has more characters than units.
  if (text.length <= charactersMax) return false;
  if (text.length > 2 * charactersMax) return true;
  let characters = 0;
  for (const _ of text) characters += 1;
  return characters > charactersMax;
}

const CONTROL_PROBLEM = "must not contain control characters";

/**
 * Finds the fault in one line of text. Returns it as a predicate for an error message (`must not contain …`), or null
 * if there is none.
 */
export function lineProblem(text: string): string | null {
  if (hasControlCharacter(text)) return CONTROL_PROBLEM;
  const hidden = findHiddenCharacter(text);
  return hidden === undefined ? null : `must not contain characters that cannot be seen (${hidden})`;
}

/**
 * Finds the fault in a text. Returns it as a predicate for an error message (`is longer than 256 characters`), or null
 * if there is none.
 * @param asks true if the text names an object that may already exist. Such a text may contain invisible characters,
 * because older versions accepted names with them.
 */
export function textProblem(
  text: string,
  { charactersMax, bytesMax, required, line, hidden_later, pattern }: TextRules,
  asks = false,
): string | null {
  if (required === true && text === "") return "is required";
  if (isLongerThan(text, charactersMax)) return `is longer than ${charactersMax} characters`;
  // Half of a surrogate pair is not a character, and a text that contains it could not be stored unchanged.
  if (!text.isWellFormed()) return "must be valid Unicode";
  if (bytesMax !== undefined && utf8Length(text) > bytesMax) return `is longer than ${bytesMax} bytes`;
  if (line === true) {
    const problem =
      asks || hidden_later === true ? (hasControlCharacter(text) ? CONTROL_PROBLEM : null) : lineProblem(text);
    if (problem !== null) return problem;
  }
  return pattern !== undefined && !new RegExp(pattern.source).test(text) ? pattern.says : null;
}

/** Returns the schema of texts that follow these rules. */
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

/** Returns the schema of a name or a label, which is one line and not empty. */
export function Name(charactersMax: number, description?: string) {
  return Text({ charactersMax, required: true, line: true, ...(description === undefined ? {} : { description }) });
}

/** Returns the rules of a schema that `Text` has created; undefined for any other schema. */
export function textRulesOf(schema: object): TextRules | undefined {
  return (schema as Partial<TextSchema>).text;
}
