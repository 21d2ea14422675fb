/**
 * Hashes a request that has a `request_id`. If the hash is equal, the same call is repeated. If it differs, another
 * call reuses the `request_id` and must not get the answer of the first one. Pure. Runs on the front.
 */
import type { TObject } from "typebox";
import { crypto } from "../base/crypto.js";

/**
 * Members that are not hashed, because a repetition of a call may change them: how long the client waits, and the id of
 * the call itself.
 */
const NOT_HASHED = new Set(["request_id", "wait_s", "queue"]);
/** The number of hexadecimal digits of a hash that are kept, which is 128 bits. */
const DIGITS = 32;

/**
 * Hashes the members of the body that the schema has; their order in the body does not matter. Other members are left
 * out, because the call ignores them too.
 * @param body the parsed body, without its `data`
 * @param data `data` as JSON text, because it may be nested too deeply to be parsed again
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
  return crypto().createHash("sha256").update(text).digest("hex").slice(0, DIGITS);
}
