/**
 * Reads the part of a JSON body that its schema names, without creating values for the rest: unknown names cost only a
 * walk over their bytes. If an array has more items than it may have, one item too many is read, so that the check of
 * the shape refuses it as it would refuse the whole body. Pure; runs in any thread.
 */
import { isUtf8 } from "node:buffer";
import type { TSchema } from "typebox";
import { JsonScan, NotJson } from "./json-scan.js";
import { EMPTY_BODY, MALFORMED_BODY, NOT_UTF8_BODY } from "./json-bytes.js";
import type { Failure } from "./result.js";
import { checkCounted, DETAILS_MAX } from "./shape.js";

/** The parts of a schema that decide what is read. */
interface Composed {
  readonly type?: string;
  readonly items?: Composed;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Composed>>;
  readonly additionalProperties?: unknown;
  readonly anyOf?: readonly Composed[];
}

export interface Outline {
  /** The value in the schema's shape; null stands for the free member. */
  readonly json: unknown;
  /** The exact text of the free member, or null if there is none; one for each item if the body is an array. */
  readonly free: readonly (string | null)[];
}

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const BACKSLASH = 0x5c;
/** An escaped character takes up to six bytes. */
const ESCAPE_BYTES_MAX = 6;

/**
 * Reads a body; the 400 for one that is empty, not UTF-8, not JSON or not of the shape. Needs `loadShapes`.
 * @param free the member of the body, or of each of its items, that may be any JSON
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
   * The byte ranges of the free members, one for each object that may have one, in their order; zeros for a missing
   * one.
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

  /** @param free the name of the free member if this value, or each of its items, may have one */
  #value(schema: Composed, free: string | null): unknown {
    const kind = this.#scan.kind();
    if (kind === "scalar") return this.#scalar();
    const { type, items, properties, ...rest } = branchFor(schema, kind);
    if (kind === "object" && properties !== undefined) return this.#object(properties, rest, free);
    if (kind === "array" && type === "array" && items !== undefined) return this.#array(items, rest, free);
    // It has the wrong type, whatever its content.
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
    // The number of unknown members that are read. The refusal lists at most DETAILS_MAX of them, so more are not
    // needed.
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

/** The branch of `anyOf` for a value of this kind, or the schema itself. */
function branchFor(schema: Composed, kind: "object" | "array"): Composed {
  return schema.anyOf?.find(({ type }) => type === kind) ?? schema;
}
