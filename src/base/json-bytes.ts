/**
 * JSON as it comes in a request: UTF-8 bytes that become a text and its value. Pure, any thread: the front
 * reads short bodies so, the pool those that may be long. What shape the value must have is others' business.
 */
import { isUtf8 } from "node:buffer";
import { type Failure, invalid } from "./result.js";

export const EMPTY_BODY = invalid("empty body");
export const NOT_UTF8_BODY = invalid("the body is not UTF-8");
export const MALFORMED_BODY = invalid("malformed JSON body");

export interface JsonText {
  readonly text: string;
  readonly json: unknown;
}

/**
 * The text of a body and what it says; the 400 of one that is empty, not UTF-8 or not JSON. A leading byte
 * order mark is ignored.
 */
export function readJsonText(body: Uint8Array): JsonText | Failure {
  if (body.byteLength === 0) return EMPTY_BODY;
  if (!isUtf8(body)) return NOT_UTF8_BODY;
  let text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
  try {
    return { text, json: JSON.parse(text) as unknown };
  } catch {
    // JSON.parse throws nothing but SyntaxError.
    return MALFORMED_BODY;
  }
}
