/**
 * Setting one member in a file of JSON that a person keeps, comments and trailing commas allowed. All else
 * stays as it was written, but for the blanks of the line that a new member is added to. Pure; runs in the
 * command line's process. The editing is jsonc-parser's.
 */
import { applyEdits, modify, parse, type ParseError } from "jsonc-parser";

const INDENT = "  ";

/** What the text says; undefined where it is not JSON, comments and trailing commas aside. */
export function parseCommented(text: string): unknown {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  return errors.length === 0 ? value : undefined;
}

/** A member of a value that may be none, and may not have it. */
export function memberAt(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

/**
 * An object as JSON with comments, with `value` at `path`: replaced where it exists, else added behind what
 * is there, with the objects around it that are missing. Undefined where that would change nothing for who reads it:
 * of a member that is there twice, the first one is set and the last one counts.
 */
export function setMember(text: string, path: readonly string[], value: unknown): string | undefined {
  const unit = /^(\t| +)\S/m.exec(text)?.[1] ?? INDENT;
  const layout = { insertSpaces: unit !== "\t", tabSize: unit.length, eol: text.includes("\r\n") ? "\r\n" : "\n" };
  const edited = applyEdits(text, modify(text, [...path], value, { formattingOptions: layout }));
  const found = path.reduce(memberAt, parseCommented(edited));
  return JSON.stringify(found) === JSON.stringify(value) ? edited : undefined;
}
