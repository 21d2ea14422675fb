/** Turns a thrown value into text for the log or for the operator. Pure. */

/** Returns the reason of a failure, which is the message of an error. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  // An error of SQLite that crosses threads keeps only its code.
  if (typeof error === "object" && error !== null && "code" in error) return String(error.code);
  return String(error);
}

/** Returns the reason and the stack of an error. For errors that are bugs. */
export function traceOf(error: unknown): string {
  return error instanceof Error && error.stack !== undefined ? error.stack : reasonOf(error);
}
