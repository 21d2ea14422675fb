/**
 * Texts that somebody sends: how many characters they may have, whether they may be empty or of several lines. A
 * character is a Unicode code point, as `maxLength` of JSON Schema counts: the description says the bound that holds.
 * One schema for bodies, queries, paths, the command line and MCP; what is wrong with a text is said here and
 * nowhere else.
 */
import * as Type from "typebox";
import { findHiddenCharacter, hasControlCharacter } from "./visible-text.js";

export interface TextRules {
  /** Unicode code points. */
  readonly characters_max: number;
  /** Where less than characters_max is sure to be taken, because other texts count, too: what the description says. */
  readonly promised_characters_max?: number;
  /** Where what may stand in it is looked at by its reader: a regular expression for what is sure to be taken. */
  readonly promised_pattern?: string;
  /** What it must be, and how a refusal says so: `must be …`. */
  readonly pattern?: { readonly source: string; readonly says: string };
  /** An empty text is none: it counts as missing. */
  readonly required?: true;
  /** A name, a label: no control characters, hence one line, and none that cannot be seen. */
  readonly line?: true;
  /** Of a line: its reader refuses characters that cannot be seen, after another refusal. */
  readonly hidden_later?: true;
}

export interface TextOptions extends TextRules {
  readonly description?: string;
  readonly default?: string;
}

/** A schema of texts as the published description and the query's reader see it. */
export interface TextSchema {
  readonly type: "string";
  readonly text: TextRules;
}

/** Bytes that the text takes as UTF-8. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

/** Whether the text has more than so many characters (Unicode code points). */
export function isLongerThan(text: string, characters_max: number): boolean {
  // A character is one UTF-16 unit or two.
  if (text.length <= characters_max) return false;
  if (text.length > 2 * characters_max) return true;
  let characters = 0;
  for (const _ of text) characters += 1;
  return characters > characters_max;
}

const CONTROL_PROBLEM = "must not contain control characters";

/** What is wrong with one line of text, to be read after its name; null where nothing is. */
export function lineProblem(text: string): string | null {
  if (hasControlCharacter(text)) return CONTROL_PROBLEM;
  const hidden = findHiddenCharacter(text);
  return hidden === undefined ? null : `must not contain characters that cannot be seen (${hidden})`;
}

/**
 * What is wrong with a text, to be read after its name (`name is longer than 256 characters`); null where nothing is.
 * @param asks the text makes nothing, but asks for what may be there, or is there: an older version took names with
 *   characters that cannot be seen
 */
export function textProblem(
  text: string,
  { characters_max, required, line, hidden_later, pattern }: TextRules,
  asks = false,
): string | null {
  if (required === true && text === "") return "is required";
  if (isLongerThan(text, characters_max)) return `is longer than ${characters_max} characters`;
  // Half a surrogate pair is no character: it could not be stored as it was sent.
  if (!text.isWellFormed()) return "must be valid Unicode";
  if (line === true) {
    const problem =
      asks || hidden_later === true ? (hasControlCharacter(text) ? CONTROL_PROBLEM : null) : lineProblem(text);
    if (problem !== null) return problem;
  }
  return pattern !== undefined && !new RegExp(pattern.source).test(text) ? pattern.says : null;
}

/** A text within these rules. */
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

/** A name or a label: one line, not empty. */
export function Name(characters_max: number, description?: string) {
  return Text({ characters_max, required: true, line: true, ...(description === undefined ? {} : { description }) });
}

/** The rules of a schema that `Text` has made; undefined for any other. */
export function textRulesOf(schema: object): TextRules | undefined {
  return (schema as Partial<TextSchema>).text;
}
