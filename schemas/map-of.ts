/** Objects with arbitrary member names. The library's own `Record` would load all of its type system. */
import * as Type from "typebox";
import type { Static, TSchema, TUnsafe } from "typebox";

/** A JSON object with any names, whose members all have one schema. */
export function MapOf<Value extends TSchema>(value: Value): TUnsafe<Record<string, Static<Value>>> {
  return Type.Unsafe<Record<string, Static<Value>>>({ type: "object", additionalProperties: value });
}
