/**
 * Sets one member in a JSON file that people edit, which may have comments and trailing commas. All other text stays
 * unchanged, except for blanks in the line of a new member. jsonc-parser edits the text. Pure; runs in the CLI process.
 */
import { applyEdits, modify, parse, type ParseError } from "jsonc-parser";

const INDENT = "  ";

/** Parses JSON that may have comments and trailing commas; undefined if it is invalid. */
export function parseCommented(text: string): unknown {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  return errors.length === 0 ? value : undefined;
}

/** Returns a member of a value; undefined if the value is not an object or has no such member. */
export function memberAt(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

/**
 * Sets the member at `path` to `value`, in the text of an object that may have comments. An existing member is
 * replaced. A new member is added after the others, and missing parent objects are created.
 *
 * Returns undefined if a reader of the file would not see the change. This happens with duplicate members: the first
 * one is set, but the last one counts.
 */
export function setMember(text: string, path: readonly string[], value: unknown): string | undefined {
  const unit = /^(\t| +)\S/m.exec(text)?.[1] ?? INDENT;
  const layout = { insertSpaces: unit !== "\t", tabSize: unit.length, eol: text.includes("\r\n") ? "\r\n" : "\n" };
  const edited = applyEdits(text, modify(text, [...path], value, { formattingOptions: layout }));
  const found = path.reduce(memberAt, parseCommented(edited));
  return JSON.stringify(found) === JSON.stringify(value) ? edited : undefined;
}
