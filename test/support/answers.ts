/** What tests look for in the answers of the HTTP API, and in what those describe. Pure. */
import { createHash } from "node:crypto";
import type { Answer, Refusal } from "./http-client.js";

/** A time as the API writes it: UTC, to the millisecond. */
export const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** A refusal as `refusalOf` sees it. */
export function refusal(status: number, error: string): object {
  return { status, error: { error, code: status } };
}

/** The status of a refusal and its body, without what a body may say beside. */
export function refusalOf(answer: Answer): object {
  const { error, code } = answer.json<Refusal>();
  return { status: answer.status, error: { error, code } };
}

/** The hash of a value, as the API gives it: SHA-256 in hexadecimal digits. */
export function hashOf(value: string | Uint8Array): string {
  return createHash("sha256").update(value).digest("hex");
}
