/**
 * Assertions are for bugs: a failed one throws and crashes the actor it happens in. Pure, any thread. By hand:
 * node:assert takes 15 ns for a check that holds (2 ns here), and 8 ms to load.
 */

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Throws unless `condition` holds. `what` says the invariant, not the symptom. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new AssertionError(what);
}

/** The value, asserted to be there. */
export function must<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new AssertionError(what);
  return value;
}
