/** Replies of methods that are JSON text: made once where the data is, and passed on unchanged. */
import * as Type from "typebox";
import type { TSchema } from "typebox";

/** A text that is JSON of this shape, which JSON Schema expresses by `contentSchema`. */
export function JsonText(content: TSchema) {
  return Type.Unsafe<string>({ type: "string", contentMediaType: "application/json", contentSchema: content });
}
