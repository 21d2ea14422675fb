/**
 * How requests and replies travel between threads: where the schema says which members an object has, their values
 * alone, in the order of the schema. Structured clone writes and looks up members' names with every copy. Pure.
 */
import type { TSchema } from "typebox";

/** What is asked of an object's schema, whatever else it says. */
interface Shape {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
}

/** The members that every object of a schema has, where it has no others; null for any other value. */
function fixedMembers(schema: TSchema): readonly string[] | null {
  const { properties, required = [], additionalProperties = false }: Shape = schema;
  if (properties === undefined || additionalProperties !== false) return null;
  const names = Object.keys(properties);
  return names.every((name) => required.includes(name)) ? names : null;
}

export class Packing {
  readonly #members: readonly string[] | null;

  constructor(schema: TSchema) {
    this.#members = fixedMembers(schema);
  }

  /** Adds a value of the schema to a frame; null, for a request that goes another way, adds no members. */
  pack(value: unknown, frame: unknown[]): void {
    if (this.#members === null) frame.push(value);
    else if (value !== null)
      for (const name of this.#members) frame.push((value as Readonly<Record<string, unknown>>)[name]);
  }

  /** The value that begins at a place of a frame and ends with it. */
  unpack(frame: readonly unknown[], from: number): unknown {
    if (this.#members === null) return frame[from];
    if (frame.length < from + this.#members.length) return null;
    const value: Record<string, unknown> = {};
    let at = from;
    for (const name of this.#members) value[name] = frame[at++];
    return value;
  }
}
