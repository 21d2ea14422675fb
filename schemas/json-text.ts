/**
 * A schema type for RPC replies that are JSON text. The method that has the data encodes the text. All later stages
 * pass it on unchanged.
 */
import * as Type from "typebox";
import type { TSchema } from "typebox";

/** Returns the schema of a string that contains JSON of the given shape. JSON Schema calls this `contentSchema`. */
export function JsonText(content: TSchema) {
  return Type.Unsafe<string>({ type: "string", contentMediaType: "application/json", contentSchema: content });
}
