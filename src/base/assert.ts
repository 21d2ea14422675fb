/**
 * Assertions that detect bugs. A failed assertion throws, and crashes the actor in which it happens. Pure, any thread.
 * Not node:assert: with it, an assertion that holds takes 15 ns instead of 2 ns, and loading it takes 8 ms.
 */

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/**
 * Throws an AssertionError unless `condition` holds. `what` states the violated invariant, for example "a batch has
 * messages".
 */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new AssertionError(what);
}

/** Returns the value; throws an AssertionError if it is null or undefined. */
export function must<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new AssertionError(what);
  return value;
}
