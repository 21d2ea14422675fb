/**
 * Defines the part of a method that both sides of the RPC need, and the table of the methods that two threads share.
 * The full declaration of a method, with the function that executes it, exists only on the serving side
 * (src/platform/threads/writer-method.ts and its neighbours). Also defines push messages. Pure.
 */
import type { Static, TSchema } from "typebox";
import { assert, must } from "../../base/assert.js";
import { packingOf, type Packing } from "./packing.js";

/**
 * A method of the RPC. A unary method answers with a reply. A stream method first sends chunks of text, and then its
 * reply.
 */
export interface Method<Request extends TSchema = TSchema, Reply extends TSchema = TSchema> {
  readonly name: string;
  readonly kind: "unary" | "stream";
  readonly request: Request;
  readonly reply: Reply;
  readonly deadlineMs: number;
  /** Returns the weight of the request in bytes. It counts towards the limits of a mailbox and of a batch. */
  weight(request: Static<Request>): number;
}

export type RequestOf<Row extends Method> = Static<Row["request"]>;
export type ReplyOf<Row extends Method> = Static<Row["reply"]>;

export interface MethodPackings {
  readonly request: Packing;
  readonly reply: Packing;
}

/** The methods that two threads share. A frame names a method by its position in this table, not by its name. */
export class MethodTable<Row extends Method = Method> {
  readonly rows: readonly Row[];
  readonly #packings: readonly MethodPackings[];
  readonly #positions = new Map<Method, number>();
  readonly #byName = new Map<string, Row>();

  constructor(rows: readonly Row[]) {
    this.rows = rows;
    this.#packings = rows.map(({ request, reply }) => ({ request: packingOf(request), reply: packingOf(reply) }));
    for (const [at, row] of rows.entries()) {
      assert(!this.#byName.has(row.name), `one method is named ${row.name}`);
      this.#positions.set(row, at);
      this.#byName.set(row.name, row);
    }
  }

  positionOf(method: Method): number {
    return must(this.#positions.get(method), `method ${method.name} is in the table`);
  }

  at(position: number): Row {
    return must(this.rows[position], "a call names a method of the table");
  }

  /** Returns the packings for the requests and replies of the method at a position. */
  packingsAt(position: number): MethodPackings {
    return must(this.#packings[position], "a call names a method of the table");
  }

  named(name: string): Row | undefined {
    return this.#byName.get(name);
  }
}

/** A message that the serving side sends without a call. */
export interface PushMessage<Payload extends TSchema = TSchema> {
  readonly name: string;
  readonly payload: Payload;
}

export type PayloadOf<Row extends PushMessage> = Static<Row["payload"]>;

/**
 * Returns the weight of a value in bytes: the length of every string and byte array in it, at any depth, plus 8 for
 * each number.
 */
export function weightOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value === "number") return Float64Array.BYTES_PER_ELEMENT;
  if (typeof value !== "object" || value === null) return 0;
  if (value instanceof Uint8Array) return value.byteLength;
  let sum = 0;
  for (const member of Array.isArray(value) ? (value as readonly unknown[]) : Object.values(value))
    sum += weightOf(member);
  return sum;
}
