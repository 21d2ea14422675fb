/** The header `X-Koor-Fence`: the fence under which a value is written. Any thread. */
import { type Failure, invalid } from "./result.js";

const FENCE = /^[1-9]\d*$/;

/** What the header says: null where it is not sent, the 400 where it is no fence. */
export function sentFence(header: string): number | null | Failure {
  if (header === "") return null;
  // No claim has one that is larger.
  if (FENCE.test(header)) return Math.min(Number(header), Number.MAX_SAFE_INTEGER);
  return invalid("X-Koor-Fence must be a positive whole number");
}
