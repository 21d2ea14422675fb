/**
 * A schema type for RPC replies that are JSON text. The method encodes the text where the data is; every later stage
 * passes it on unchanged.
 */
import * as Type from "typebox";
import type { TSchema } from "typebox";

/** Returns the schema of a string that contains JSON of this shape. JSON Schema expresses that by `contentSchema`. */
export function JsonText(content: TSchema) {
  return Type.Unsafe<string>({ type: "string", contentMediaType: "application/json", contentSchema: content });
}
