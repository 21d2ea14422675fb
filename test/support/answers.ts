/** Values that tests compare with answers of the HTTP API. Pure. */
import { createHash } from "node:crypto";
import type { Answer, Refusal } from "./http-client.js";

/** Matches a time as the API formats it: UTC, to the millisecond. */
export const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Makes a refusal in the form that `refusalOf` returns. */
export function refusal(status: number, error: string): object {
  return { status, error: { error, code: status } };
}

/** Returns the status and the body of a refusal, without further members of the body. */
export function refusalOf(answer: Answer): object {
  const { error, code } = answer.json<Refusal>();
  return { status: answer.status, error: { error, code } };
}

/** Returns the hash of a value in the form of the API: SHA-256 in hexadecimal digits. */
export function hashOf(value: string | Uint8Array): string {
  return createHash("sha256").update(value).digest("hex");
}
