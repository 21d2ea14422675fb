/** Turns a thrown value into text for the log or for the operator. Pure. */

/** Returns the message of an error, or a text for another thrown value. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  // If a SQLite error crosses threads, only its code remains.
  if (typeof error === "object" && error !== null && "code" in error) return String(error.code);
  return String(error);
}

/** Returns the message and the stack of an error that is a bug. */
export function traceOf(error: unknown): string {
  return error instanceof Error && error.stack !== undefined ? error.stack : reasonOf(error);
}
