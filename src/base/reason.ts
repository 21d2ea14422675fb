/** What was thrown, as a text for the log or the operator. Pure. */

/** Why something failed: an error's message. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  // Of SQLite's errors nothing but the code comes across threads.
  if (typeof error === "object" && error !== null && "code" in error) return String(error.code);
  return String(error);
}

/** As `reasonOf`, with where it was thrown: of what is a bug. */
export function traceOf(error: unknown): string {
  return error instanceof Error && error.stack !== undefined ? error.stack : reasonOf(error);
}
