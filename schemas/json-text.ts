/** Texts that are JSON, as methods answer with them: made once where the data is, sent on as they are. */
import * as Type from "typebox";
import type { TSchema } from "typebox";

/** A text that is JSON of this shape. JSON Schema says so by `contentSchema`. */
export function JsonText(content: TSchema) {
  return Type.Unsafe<string>({ type: "string", contentMediaType: "application/json", contentSchema: content });
}
