/** Objects whose members' names are not the schema's. The library's own `Record` loads all that it knows of types. */
import * as Type from "typebox";
import type { Static, TSchema, TUnsafe } from "typebox";

/** A JSON object with any names, each of whose members is of one schema. */
export function MapOf<Value extends TSchema>(value: Value): TUnsafe<Record<string, Static<Value>>> {
  return Type.Unsafe<Record<string, Static<Value>>>({ type: "object", additionalProperties: value });
}
