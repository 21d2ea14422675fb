/** Describes errors in one line for stderr. Pure; runs in the process of `koor-hook`. */

/** Matches characters that would end the line or control a terminal. */
const CONTROL = /\p{Cc}+/gu;

export function errorTextOf(error: unknown): string {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
  const text = error instanceof Error ? error.message || code : String(error);
  return (text || "unknown error").replaceAll(CONTROL, " ");
}
