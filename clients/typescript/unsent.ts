/**
 * Recognizes the failures of `fetch` that happen before the request is sent. Each runtime reports them in another way;
 * a browser reports no reason, so there every failure counts as sent.
 */

const CODES = new Set([
  // Node
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  // Bun
  "ConnectionRefused",
  "FailedToOpenSocket",
]);

/** Deno has the reason only in the message of the error or of its cause. */
const DENO = /tcp connect error|dns error|Connection refused/;

function details(error: unknown): { code?: unknown; message?: unknown; cause?: unknown } {
  return typeof error === "object" && error !== null ? error : {};
}

/** Returns whether the server certainly did not get the request. */
export function isUnsent(error: unknown): boolean {
  const { code, message, cause } = details(error);
  if (typeof code === "string" && CODES.has(code)) return true;
  if (typeof message === "string" && DENO.test(message)) return true;
  return cause !== undefined && isUnsent(cause);
}
