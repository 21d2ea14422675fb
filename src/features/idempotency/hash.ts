/**
 * Hashes a request that has a `request_id`. If two requests with the same `request_id` have equal hashes, the second
 * one is a repetition. If the hashes differ, the second one is another call that reuses the `request_id`, and must not
 * get the answer to the first. Pure. Runs on the front.
 */
import type { TObject } from "typebox";
import { sha256 } from "../../base/crypto.js";

/**
 * The members that are not hashed. A client may change the members about its wait when it repeats a call. The
 * `request_id` is the key under which the hash is stored.
 */
const NOT_HASHED = new Set(["request_id", "wait_s", "while_held", "queue"]);
/** The number of hexadecimal digits of a hash that are kept: 128 bits. */
const DIGITS = 32;

/**
 * Hashes the members of the body, in any order. Members that the schema does not contain are ignored, because the call
 * ignores them too.
 * @param body the parsed body, without its `data`
 * @param data `data` as JSON text, because it may be nested too deeply for the parser
 * @returns hexadecimal text; "" if the body has no request_id
 */
export function hashRequest<Body extends { readonly request_id?: string }>(
  schema: TObject,
  body: Body,
  data: string | null = null,
): string {
  if (body.request_id === undefined) return "";
  const names = Object.keys(schema.properties).filter((name) => name !== "data" && !NOT_HASHED.has(name));
  const text = JSON.stringify([names.map((name) => body[name as keyof Body] ?? null), data]);
  return sha256(text, "hex").slice(0, DIGITS);
}
