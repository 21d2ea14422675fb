/**
 * Sets and removes members and elements in JSON that people edit, which may have comments and trailing commas. All
 * other text stays unchanged, except for blanks in the line of a new member. Pure; runs in the CLI process.
 *
 * jsonc-parser sets most members. It does not remove members, because it would also delete the comments before them. It
 * does not add members after comments, because it would move a comment away from the member that it describes.
 */
import {
  applyEdits,
  createScanner,
  findNodeAtLocation,
  modify,
  parse,
  parseTree,
  type FormattingOptions,
  type JSONPath,
  type Node,
  type ParseError,
} from "jsonc-parser";

const INDENT = "  ";
/**
 * The numbers of the token kinds that this module needs. jsonc-parser declares them, but does not export their values.
 */
const [COMMA, LINE_COMMENT, BLOCK_COMMENT] = [5, 12, 13];

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

/** Returns the indentation and the line ends that a text uses. */
function layoutOf(text: string): FormattingOptions {
  const unit = /^(\t| +)\S/m.exec(text)?.[1] ?? INDENT;
  return { insertSpaces: unit !== "\t", tabSize: unit.length, eol: text.includes("\r\n") ? "\r\n" : "\n" };
}

/** Returns the value that a parser finds at a path. */
function valueAt(text: string, path: JSONPath): unknown {
  return path.reduce<unknown>((value, step) => memberAt(value, String(step)), parseCommented(text));
}

/** Returns the positions of all tokens of the given kinds in a range of a text. */
function tokensBetween(text: string, start: number, end: number, kinds: readonly number[]): readonly TokenSpan[] {
  const scanner = createScanner(text, false);
  scanner.setPosition(start);
  const found: TokenSpan[] = [];
  while (scanner.getPosition() < end) {
    const kind: number = scanner.scan();
    const at = scanner.getTokenOffset();
    if (kinds.includes(kind)) found.push({ start: at, end: at + scanner.getTokenLength() });
  }
  return found;
}

interface TokenSpan {
  readonly start: number;
  readonly end: number;
}

function endOf({ offset, length }: Node): number {
  return offset + length;
}

/** Formats a value as JSON. Its lines are indented like the line in which the value starts. */
function formatValue(
  value: unknown,
  indent: string,
  { insertSpaces, tabSize = 0, eol = "" }: FormattingOptions,
): string {
  return JSON.stringify(value, null, insertSpaces === false ? "\t" : tabSize).replaceAll("\n", eol + indent);
}

/**
 * Adds a member or an element at the end of an object or array that ends with comments. Returns undefined if it does
 * not end with comments.
 * @param name the member's name; undefined for an element
 */
function addAfterComments(text: string, container: Node, name: string | undefined, value: unknown): string | undefined {
  const last = container.children?.at(-1);
  const close = endOf(container) - 1;
  const start = last === undefined ? container.offset + 1 : endOf(last);
  const comment = tokensBetween(text, start, close, [LINE_COMMENT, BLOCK_COMMENT]).at(-1);
  if (comment === undefined) return undefined;
  const hasComma = last === undefined || tokensBetween(text, start, close, [COMMA]).length > 0;
  // The new member comes after the comments, and after a comma if there is one.
  const at = close - (/\s*$/.exec(text.slice(start, close))?.[0].length ?? 0);
  const closeIndent = /(?:^|\n)([ \t]*)$/.exec(text.slice(0, close))?.[1];
  const label = name === undefined ? "" : `${JSON.stringify(name)}: `;
  const layout = layoutOf(text);
  const unit = layout.insertSpaces === false ? "\t" : " ".repeat(layout.tabSize ?? 0);
  const indent = `${closeIndent ?? ""}${unit}`;
  const member =
    closeIndent === undefined
      ? ` ${label}${JSON.stringify(value)}`
      : `${layout.eol ?? ""}${indent}${label}${formatValue(value, indent, layout)}`;
  return `${text.slice(0, start)}${hasComma ? "" : ","}${text.slice(start, at)}${member}${text.slice(at)}`;
}

/** Follows a path as far as it exists. Returns the last object or array on it, and the rest of the path. */
function findContainer(text: string, path: JSONPath): { container: Node; rest: JSONPath } | undefined {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  if (tree === undefined) return undefined;
  for (let length = path.length - 1; length > 0; length -= 1) {
    const container = findNodeAtLocation(tree, path.slice(0, length));
    if (container !== undefined) return { container, rest: path.slice(length) };
  }
  return { container: tree, rest: path };
}

/**
 * Adds a missing member to an object that ends with comments. Returns undefined if the object does not end with
 * comments.
 */
function addMember(text: string, path: readonly string[], value: unknown): string | undefined {
  const { container, rest: [name = "", ...inner] = [] } = findContainer(text, [...path]) ?? {};
  if (container?.type !== "object") return undefined;
  const nested = inner.reduceRight<unknown>((one, step) => ({ [step]: one }), value);
  return addAfterComments(text, container, String(name), nested);
}

/**
 * Sets the member at `path` in the text of a JSON object, which may have comments. Replaces an existing member. Adds a
 * missing member after the others, and creates missing parent objects. Returns undefined if the object has the member
 * twice, because this module sets the first one and parsers use the last one.
 */
export function setMember(text: string, path: readonly string[], value: unknown): string | undefined {
  const added = valueAt(text, [...path]) === undefined ? addMember(text, path, value) : undefined;
  const edited = added ?? applyEdits(text, modify(text, [...path], value, { formattingOptions: layoutOf(text) }));
  return JSON.stringify(valueAt(edited, [...path])) === JSON.stringify(value) ? edited : undefined;
}

/**
 * Removes the member or array element at `path`, with its comma and its line. Comments stay. Returns undefined if the
 * object has the member twice, because parsers would still see the other one.
 */
export function removeAt(text: string, path: JSONPath): string | undefined {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const found = tree === undefined ? undefined : findNodeAtLocation(tree, path);
  const node = found?.parent?.type === "property" ? found.parent : found;
  const siblings = node?.parent?.children ?? [];
  if (node?.parent === undefined) return undefined;
  const at = siblings.indexOf(node);
  const [previous, next] = [siblings[at - 1], siblings[at + 1]];
  const after = tokensBetween(text, endOf(node), next?.offset ?? endOf(node.parent) - 1, [COMMA])[0];
  // If the last member is removed, the comma before it must be removed too, because it separates nothing any more.
  const before =
    after === undefined && previous !== undefined
      ? tokensBetween(text, endOf(previous), node.offset, [COMMA])[0]
      : undefined;
  const head = text.slice(0, node.offset);
  const isLineEnd = /^[ \t]*(?:\r?\n|$)/.test(text.slice(after?.end ?? endOf(node)));
  const start = head.replace(isLineEnd ? /(?:\r?\n)?[ \t]*$/ : /[ \t]*$/, "").length;
  const cuts = [before, { start, end: endOf(node) }, after].filter((cut) => cut !== undefined);
  let edited = "";
  let kept = 0;
  for (const cut of cuts) {
    edited += text.slice(kept, cut.start);
    kept = cut.end;
  }
  edited += text.slice(kept);
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
  const { container } = findContainer(text, at) ?? {};
  const added = container?.type === "array" ? addAfterComments(text, container, undefined, value) : undefined;
  const options = { formattingOptions: layoutOf(text), isArrayInsertion: true };
  const edited = added ?? applyEdits(text, modify(text, at, value, options));
  return JSON.stringify(valueAt(edited, [...path])) === JSON.stringify([...(old as unknown[]), value])
    ? edited
    : undefined;
}
