/**
 * A schema type for RPC replies that are JSON text. The method encodes its data once, and all later stages pass the
 * text on unchanged.
 */
import * as Type from "typebox";
import type { TSchema } from "typebox";

/** Returns the schema of a string that contains JSON of the given shape. JSON Schema calls this `contentSchema`. */
export function JsonText(content: TSchema) {
  return Type.Unsafe<string>({ type: "string", contentMediaType: "application/json", contentSchema: content });
}
