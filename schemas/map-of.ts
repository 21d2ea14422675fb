/**
 * A schema type for objects with arbitrary member names. The library's own `Record` is not used, because it would load
 * the library's whole type system.
 */
import * as Type from "typebox";
import type { Static, TSchema, TUnsafe } from "typebox";

/** Returns the schema of a JSON object with any member names. Each member's value must match the schema `value`. */
export function MapOf<Value extends TSchema>(value: Value): TUnsafe<Record<string, Static<Value>>> {
  return Type.Unsafe<Record<string, Static<Value>>>({ type: "object", additionalProperties: value });
}
