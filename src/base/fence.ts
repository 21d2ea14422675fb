/**
 * Reads the header `X-Koor-Fence`. It contains the fence of a claim, which a client sends when it writes a value under
 * that claim. Any thread.
 */
import { type Failure, invalid } from "./result.js";

const FENCE = /^[1-9]\d*$/;

/** Returns the fence in the header, null if the header was not sent, or the 400 if its text is not a fence. */
export function sentFence(header: string): number | null | Failure {
  if (header === "") return null;
  // A number above the greatest exact integer is reduced to that integer. No claim has such a large fence, so the
  // result still matches no claim.
  if (FENCE.test(header)) return Math.min(Number(header), Number.MAX_SAFE_INTEGER);
  return invalid("X-Koor-Fence must be a positive whole number");
}
