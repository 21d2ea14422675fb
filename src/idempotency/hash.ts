/**
 * The hash of a request with a `request_id`: whether a call with the same one is the same call again, or another that
 * would be answered with what it has not asked for. Pure; runs on the front.
 */
import type { TObject } from "typebox";
import { crypto } from "../base/crypto.js";

/** Members that say how long the client waits, and which call it is: the same call may have others. */
const NOT_HASHED = new Set(["request_id", "wait_s", "queue"]);
/** Hexadecimal digits that are kept: 128 bits. */
const DIGITS = 32;

/**
 * Of the members that the schema has, in any order of the body: others are ignored by the call, too.
 * @param body as it was read; its `data` apart
 * @param data JSON text; it may be nested too deeply to be read again
 * @returns "" where the body has no request_id
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
