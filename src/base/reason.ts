/** Turns a thrown value into a text for the log or the operator. Pure. */

/** Returns the reason of a failure: an error's message. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  // SQLite's errors keep only their code when they cross threads.
  if (typeof error === "object" && error !== null && "code" in error) return String(error.code);
  return String(error);
}

/** Returns the reason with its stack, for a bug. */
export function traceOf(error: unknown): string {
  return error instanceof Error && error.stack !== undefined ? error.stack : reasonOf(error);
}
