/**
 * Reads only the parts of a JSON body that its schema names, and creates no values for the rest. For a member with an
 * unknown name, it only walks over the bytes. If an array has too many items, it reads only one of the surplus items.
 *
 * The outline has the same shape errors as the whole body, so the check of the shape may use the outline. Pure; runs in
 * any thread.
 */
import { isUtf8 } from "node:buffer";
import type { TSchema } from "typebox";
import { JsonScan, NotJson } from "./json-scan.js";
import { EMPTY_BODY, MALFORMED_BODY, NOT_UTF8_BODY } from "./json-bytes.js";
import type { Failure } from "./result.js";
import { branchFor, checkCounted, DETAILS_MAX } from "./shape.js";

/** The keywords of a schema that this module evaluates. */
interface Composed {
  readonly type?: string;
  readonly items?: Composed;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Composed>>;
  readonly additionalProperties?: unknown;
  readonly anyOf?: readonly Composed[];
}

export interface Outline {
  /** The value of the body, with the members that the schema names. The free member is replaced by null. */
  readonly json: unknown;
  /**
   * The exact text of the free member; null if it is missing. If the body is an array, there is one text for each item.
   */
  readonly free: readonly (string | null)[];
}

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const BACKSLASH = 0x5c;
/** The maximum number of bytes of one character in JSON, which is the length of an escape (`\uXXXX`). */
const ESCAPE_BYTES_MAX = 6;

/**
 * Reads a body. Returns the 400 if the body is empty, not UTF-8, not JSON or not of the shape. Needs `loadShapes`.
 * @param free the name of the member of the body, or of each of its items, that may be any JSON
 */
export function readOutline(body: Uint8Array, schema: TSchema, free: string | null): Outline | Failure {
  if (body.byteLength === 0) return EMPTY_BODY;
  if (!isUtf8(body)) return NOT_UTF8_BODY;
  const reader = new OutlineReader(body, free);
  try {
    const json = reader.read(schema);
    return checkCounted(json, schema) ?? { json, free: free === null ? [] : reader.texts(Array.isArray(json)) };
  } catch (error) {
    if (error instanceof NotJson) return MALFORMED_BODY;
    throw error;
  }
}

class OutlineReader {
  readonly #bytes: Buffer;
  readonly #scan: JsonScan;
  readonly #free: string | null;
  /**
   * For each object that may have the free member, the byte range of that member, in the order of the text. Both bounds
   * are 0 if the member is missing.
   */
  readonly #found: { from: number; to: number }[] = [];

  constructor(body: Uint8Array, free: string | null) {
    this.#bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    this.#scan = new JsonScan(body, BYTE_ORDER_MARK.every((byte, at) => body[at] === byte) ? 3 : 0);
    this.#free = free;
  }

  read(schema: Composed): unknown {
    const json = this.#value(schema, this.#free);
    this.#scan.end();
    return json;
  }

  texts(many: boolean): (string | null)[] {
    const texts = this.#found.map(({ from, to }) => (to === 0 ? null : this.#bytes.toString("utf8", from, to)));
    return many ? texts : texts.slice(0, 1);
  }

  /** @param free the name of the free member; null if neither this value nor its items may have one */
  #value(schema: Composed, free: string | null): unknown {
    const kind = this.#scan.kind();
    if (kind === "scalar") return this.#scalar();
    const { type, items, properties, ...rest } = branchFor(schema, kind);
    if (kind === "object" && properties !== undefined) return this.#object(properties, rest, free);
    if (kind === "array" && type === "array" && items !== undefined) return this.#array(items, rest, free);
    // The schema does not allow a value of this kind, so skip the content.
    this.#scan.skip();
    return kind === "object" ? {} : [];
  }

  #scalar(): unknown {
    const from = this.#scan.at;
    this.#scan.skip();
    return JSON.parse(this.#bytes.toString("utf8", from, this.#scan.at)) as unknown;
  }

  #object(
    properties: Readonly<Record<string, Composed>>,
    { additionalProperties }: Composed,
    free: string | null,
  ): unknown {
    const names = Object.keys(properties);
    const named = new Map<string, unknown>();
    const longest = Math.max(0, ...names.map((name) => name.length)) * ESCAPE_BYTES_MAX;
    // Read only as many unknown members as the error message can list (DETAILS_MAX). Skip the others.
    let unknown = additionalProperties === false ? DETAILS_MAX + names.length + 1 : 0;
    const found = { from: 0, to: 0 };
    if (free !== null) this.#found.push(found);
    this.#scan.members((from, to) => {
      const name = unknown > 0 || to - from <= longest ? this.#name(from, to) : null;
      const property = name !== null && Object.hasOwn(properties, name) ? properties[name] : undefined;
      if (name === null || property === undefined || name === free) {
        this.#scan.kind();
        const start = this.#scan.at;
        this.#scan.skip();
        if (name === null) return;
        if (name === free) [found.from, found.to] = [start, this.#scan.at];
        else if (unknown > 0 && !named.has(name)) unknown -= 1;
        else return;
        named.set(name, null);
      } else named.set(name, this.#value(property, null));
    });
    return Object.fromEntries(named);
  }

  #name(from: number, to: number): string {
    const isEscaped = this.#bytes.subarray(from, to).includes(BACKSLASH);
    return isEscaped
      ? (JSON.parse(this.#bytes.toString("utf8", from - 1, to + 1)) as string)
      : this.#bytes.toString("utf8", from, to);
  }

  #array(items: Composed, { maxItems = Number.POSITIVE_INFINITY }: Composed, free: string | null): unknown[] {
    const read: unknown[] = [];
    this.#scan.items(() => {
      if (read.length > maxItems) this.#scan.skip();
      else read.push(this.#value(items, free));
    });
    return read;
  }
}
