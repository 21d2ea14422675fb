/**
 * Reads JSON without loss. A value is the exact text that was sent, so 12345678901234567890 keeps its digits. The
 * caller interprets and compares the values. Pure, any thread.
 *
 * parseJsonText checks a whole text and lets the caller walk through it. memberTexts and elementTexts are faster: they
 * split a text that JSON.parse has already accepted. Not a library: JSON.parse does not report where a value is in the
 * text, and libraries that do build trees (json-tape.ts).
 */
import {
  ARRAY,
  END,
  ESCAPED_STRING,
  FALSE,
  KIND,
  NEXT,
  NULL,
  NUMBER,
  OBJECT,
  ROW_CELLS,
  START,
  STRING,
  TRUE,
  parseJsonTape,
  stringAt,
} from "./json-tape.js";
import { must } from "./assert.js";

export type JsonKind = "object" | "array" | "string" | "number" | "true" | "false" | "null";

const KIND_NAMES: Readonly<Record<number, JsonKind>> = {
  [OBJECT]: "object",
  [ARRAY]: "array",
  [STRING]: "string",
  [ESCAPED_STRING]: "string",
  [NUMBER]: "number",
  [TRUE]: "true",
  [FALSE]: "false",
  [NULL]: "null",
};

/** One value of a parsed text. The nodes of its children are created on demand. */
export class JsonNode {
  readonly #text: string;

  constructor(
    text: string,
    readonly cells: Int32Array,
    readonly row: number,
  ) {
    this.#text = text;
  }

  get kind(): JsonKind {
    return must(KIND_NAMES[this.cells[this.row + KIND] as number], "a row has a kind");
  }

  /** The offset in the text of the value's first character. */
  get start(): number {
    return this.cells[this.row + START] as number;
  }

  /** The offset in the text after the value's last character. */
  get end(): number {
    return this.cells[this.row + END] as number;
  }

  /**
   * The members of an object by their decoded names; undefined for a value of another kind. Of duplicate names the last
   * one counts.
   */
  get members(): Map<string, JsonNode> | undefined {
    if (this.cells[this.row + KIND] !== OBJECT) return undefined;
    const members = new Map<string, JsonNode>();
    const end = this.cells[this.row + NEXT] as number;
    for (let name = this.row + ROW_CELLS; name < end; name = this.cells[name + ROW_CELLS + NEXT] as number) {
      members.set(stringAt(this.#text, this.cells, name), new JsonNode(this.#text, this.cells, name + ROW_CELLS));
    }
    return members;
  }

  /** An array's elements; undefined for other kinds. */
  get items(): JsonNode[] | undefined {
    if (this.cells[this.row + KIND] !== ARRAY) return undefined;
    const items: JsonNode[] = [];
    const end = this.cells[this.row + NEXT] as number;
    for (let item = this.row + ROW_CELLS; item < end; item = this.cells[item + NEXT] as number) {
      items.push(new JsonNode(this.#text, this.cells, item));
    }
    return items;
  }
}

/**
 * Parses a JSON text by the strict grammar of RFC 8259. A leading byte order mark is ignored. Returns undefined if the
 * text is not JSON.
 */
export function parseJsonText(text: string): JsonNode | undefined {
  const cells = parseJsonTape(text);
  return cells === undefined ? undefined : new JsonNode(text, cells, 0);
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const BYTE_ORDER_MARK = 0xfeff;

function skipBlanks(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    // Between its tokens, valid JSON has only white space, so every character up to U+0020 here is white space.
    if (!(code <= 0x20) && code !== BYTE_ORDER_MARK) return at;
    at++;
  }
}

/** Returns the offset after the string whose opening quote is at `from`. */
function skipString(text: string, from: number): number {
  // indexOf is many times faster than a loop on long strings, and no slower on short ones.
  for (let quote = text.indexOf('"', from + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let escapes_from = quote;
    while (text.charCodeAt(escapes_from - 1) === BACKSLASH) escapes_from--;
    // The quote ends the string if the number of backslashes before it is even. If it is odd, the last backslash
    // escapes the quote.
    if ((quote - escapes_from) % 2 === 0) return quote + 1;
  }
  return text.length;
}

/** Returns the offset after the value that starts at `from`. */
function skipValue(text: string, from: number): number {
  let at = from;
  let depth = 0;
  do {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = skipString(text, at);
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth++;
      at++;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth--;
      at++;
    } else if (depth > 0) {
      at++;
    } else {
      return skipWord(text, at);
    }
  } while (depth > 0 && at < text.length);
  return at;
}

/** Returns the offset after a number, true, false or null. */
function skipWord(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (!(code > 0x20) || code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET) return at;
    at++;
  }
}

/**
 * Returns the exact text of each top-level member by its decoded name; undefined if the text is not an object. Of
 * duplicate names the last one counts. JSON.parse must have accepted `text`; a leading byte order mark does no harm.
 * The texts are slices, so each of them keeps the whole `text` in memory.
 */
export function memberTexts(text: string): Map<string, string> | undefined {
  let at = skipBlanks(text, 0);
  if (text.charCodeAt(at) !== OPEN_BRACE) return undefined;
  const members = new Map<string, string>();
  at = skipBlanks(text, at + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const name_end = skipString(text, at);
    const raw_name = text.slice(at + 1, name_end - 1);
    const name = raw_name.includes("\\") ? (JSON.parse(text.slice(at, name_end)) as string) : raw_name;
    at = skipBlanks(text, name_end);
    if (text.charCodeAt(at) !== COLON) return undefined;
    const start = skipBlanks(text, at + 1);
    at = skipValue(text, start);
    members.set(name, text.slice(start, at));
    at = skipBlanks(text, at);
    if (text.charCodeAt(at) === COMMA) at = skipBlanks(text, at + 1);
  }
  return members;
}

/** Returns the exact text of each element of an array. `text` and the result are as for memberTexts. */
export function elementTexts(text: string): string[] | undefined {
  let at = skipBlanks(text, 0);
  if (text.charCodeAt(at) !== OPEN_BRACKET) return undefined;
  const elements: string[] = [];
  at = skipBlanks(text, at + 1);
  while (at < text.length && text.charCodeAt(at) !== CLOSE_BRACKET) {
    const end = skipValue(text, at);
    elements.push(text.slice(at, end));
    at = skipBlanks(text, end);
    if (text.charCodeAt(at) === COMMA) at = skipBlanks(text, at + 1);
    else break;
  }
  return elements;
}

/**
 * Puts a JSON text on one line: each CR and LF becomes a space. Valid JSON has these characters only between tokens, so
 * the value stays the same.
 */
export function toOneLine(text: string): string {
  if (!text.includes("\n") && !text.includes("\r")) return text;
  return text.replace(/[\r\n]/g, " ");
}
