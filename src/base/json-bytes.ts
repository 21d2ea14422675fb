/**
 * Decodes and parses the JSON body of a request, which is in UTF-8. The caller checks the shape of the value. Pure, any
 * thread: it runs on the front for short bodies, and in the worker pool for bodies that may be long.
 */
import { isUtf8 } from "node:buffer";
import { refuseDepth } from "./json-depth.js";
import { type Failure, invalid } from "./result.js";

export const EMPTY_BODY = invalid("empty body");
export const NOT_UTF8_BODY = invalid("the body is not UTF-8");
export const MALFORMED_BODY = invalid("malformed JSON body");

export interface JsonText {
  readonly text: string;
  readonly json: unknown;
}

/**
 * Returns the text and the value of a body. Returns the 400 if the body is empty, not UTF-8, nested too deep or not
 * JSON. A leading byte order mark is ignored.
 */
export function readJsonText(body: Uint8Array): JsonText | Failure {
  if (body.byteLength === 0) return EMPTY_BODY;
  if (!isUtf8(body)) return NOT_UTF8_BODY;
  const refusal = refuseDepth(body);
  if (refusal !== null) return refusal;
  let text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
  try {
    return { text, json: JSON.parse(text) as unknown };
  } catch {
    // JSON.parse throws only SyntaxError, so the text is not JSON.
    return MALFORMED_BODY;
  }
}
