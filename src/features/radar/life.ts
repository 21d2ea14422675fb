/** Finds out when the instances of a checkout were last seen. Runs on the front. */
import type { Directory } from "../instances/directory.js";
import { lastSeenAt } from "../instances/entry.js";

/** Returns the time in ms at which any instance in a checkout was last seen. Returns 0 if no instance works there. */
export function checkoutSeenAt(directory: Pick<Directory, "inCheckout">, checkout: string, nowMs: number): number {
  let seenMs = 0;
  for (const entry of directory.inCheckout(checkout)) seenMs = Math.max(seenMs, lastSeenAt(entry, nowMs));
  return seenMs;
}
