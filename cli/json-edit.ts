/**
 * Sets and removes members and elements in a JSON file that people edit, which may have comments and trailing commas.
 * All other text stays unchanged, except for blanks in the line of a new member. jsonc-parser edits the text. Pure; runs
 * in the CLI process.
 */
import { applyEdits, modify, parse, type FormattingOptions, type JSONPath, type ParseError } from "jsonc-parser";

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

/** Returns the layout of a text: its indentation and its line ends. */
function layoutOf(text: string): FormattingOptions {
  const unit = /^(\t| +)\S/m.exec(text)?.[1] ?? INDENT;
  return { insertSpaces: unit !== "\t", tabSize: unit.length, eol: text.includes("\r\n") ? "\r\n" : "\n" };
}

/** Returns what a reader of the text finds at a path. */
function valueAt(text: string, path: JSONPath): unknown {
  return path.reduce<unknown>((value, step) => memberAt(value, String(step)), parseCommented(text));
}

/**
 * Sets the member at `path` to `value`, in the text of an object that may have comments. An existing member is
 * replaced. A new member is added after the others, and missing parent objects are created.
 *
 * Returns undefined if a reader of the file would not see the change. This happens with duplicate members: the first
 * one is set, but the last one counts.
 */
export function setMember(text: string, path: readonly string[], value: unknown): string | undefined {
  const edited = applyEdits(text, modify(text, [...path], value, { formattingOptions: layoutOf(text) }));
  return JSON.stringify(valueAt(edited, [...path])) === JSON.stringify(value) ? edited : undefined;
}

/**
 * Removes the member or the array's element at `path`. Returns undefined if a reader of the file would still see the
 * member, which happens with duplicate members.
 */
export function removeAt(text: string, path: JSONPath): string | undefined {
  const edited = applyEdits(text, modify(text, path, undefined, { formattingOptions: layoutOf(text) }));
  if (parseCommented(edited) === undefined) return undefined;
  const last = path.at(-1);
  if (typeof last === "string" && valueAt(edited, path) !== undefined) return undefined;
  return edited;
}

/** Adds an element at the end of the array at `path`. Creates the array if it is missing. */
export function appendElement(text: string, path: readonly string[], value: unknown): string | undefined {
  const old = valueAt(text, [...path]);
  if (!Array.isArray(old)) return setMember(text, path, [value]);
  const at: JSONPath = [...path, old.length];
  const options = { formattingOptions: layoutOf(text), isArrayInsertion: true };
  const edited = applyEdits(text, modify(text, at, value, options));
  return JSON.stringify(valueAt(edited, [...path])) === JSON.stringify([...(old as unknown[]), value])
    ? edited
    : undefined;
}
