/**
 * Errors of the operating system, of sockets and of TLS in the words of a user. Runs in the command
 * line's process. The error's code decides, never its text.
 */

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was closed before the answer",
  EHOSTUNREACH: "no route to the host",
  EISDIR: "it is a directory",
  ENETUNREACH: "the network is unreachable",
  ENOENT: "no such file",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of the path is not a directory",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "the host name cannot be looked up now",
  EPERM: "not permitted",
  EPIPE: "the connection was closed before the answer",
  EROFS: "the file system is read-only",
  ETIMEDOUT: "the connection timed out",
};

/** The code of a Node error (`ECONNREFUSED`, …), of the first one where several addresses were tried; "" where there is none. */
export function errorCodeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  if ("errors" in error && Array.isArray(error.errors)) return errorCodeOf(error.errors[0]);
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

/** A few words for a message: known codes described, others by what Node says. */
export function describeSystemError(error: unknown): string {
  const code = errorCodeOf(error);
  if (code.startsWith("HPE_")) return "the answer is not HTTP";
  return DESCRIPTIONS[code] ?? (error instanceof Error && error.message ? error.message : code || "unknown error");
}
