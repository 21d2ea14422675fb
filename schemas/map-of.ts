/**
 * A schema type for objects with arbitrary member names. It replaces the library's own `Record`, which would load all
 * of the library's type system.
 */
import * as Type from "typebox";
import type { Static, TSchema, TUnsafe } from "typebox";

/** Returns the schema of a JSON object with any member names, whose members all fit the schema `value`. */
export function MapOf<Value extends TSchema>(value: Value): TUnsafe<Record<string, Static<Value>>> {
  return Type.Unsafe<Record<string, Static<Value>>>({ type: "object", additionalProperties: value });
}
