/**
 * Recognizes failures of `fetch` that occurred before the request was sent. Each runtime reports them differently. A
 * browser does not say why a request failed, so in a browser each failed request counts as sent.
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

/**
 * Matches the reason of a failure in Deno. Deno reports the reason only in the message of the error or of its cause.
 */
const DENO = /tcp connect error|dns error|Connection refused/;

function details(error: unknown): { code?: unknown; message?: unknown; cause?: unknown } {
  return typeof error === "object" && error !== null ? error : {};
}

/** Returns whether the server certainly did not receive the request. */
export function isUnsent(error: unknown): boolean {
  const { code, message, cause } = details(error);
  if (typeof code === "string" && CODES.has(code)) return true;
  if (typeof message === "string" && DENO.test(message)) return true;
  return cause !== undefined && isUnsent(cause);
}
