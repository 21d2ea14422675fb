/**
 * Parses JSON without loss. Each value keeps the exact text that was sent, so 12345678901234567890 keeps its digits.
 * The caller interprets and compares the values. Pure, any thread.
 *
 * parseJsonText checks a whole text, and the caller then walks through its nodes. If JSON.parse has already accepted
 * the text, memberTexts and elementTexts (shared/json-text.ts) split the text faster.
 *
 * JSON.parse cannot be used, because it does not report the offsets of values. Libraries that report them build trees,
 * which take too much memory (json-tape.ts).
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

/** One value of a parsed text. It creates the nodes of its children on demand. */
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
   * The members of an object, by their decoded names; undefined if the value is not an object. If several members have
   * the same name, the last one counts.
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

  /** The elements of an array; undefined if the value is not an array. */
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
