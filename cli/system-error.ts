/**
 * Errors of the operating system, of sockets and of TLS in the words of a user: Node's, where these say what
 * the user did and not what a system call did. Runs in the command line's process. The error's code decides,
 * never its text.
 */
import { getSystemErrorMap } from "node:util";

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  ECONNRESET: "the connection was closed before the answer",
  EISDIR: "it is a directory",
  ENOENT: "no such file",
  ENOTDIR: "a part of the path is not a directory",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "the host name cannot be looked up now",
  EPIPE: "the connection was closed before the answer",
};

/**
 * The code of a Node error (`ECONNREFUSED`, …), of the first one where several addresses were tried; "" where
 * there is none.
 */
export function errorCodeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  if ("errors" in error && Array.isArray(error.errors)) return errorCodeOf(error.errors[0]);
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

/** A few words for a message: known codes described, others by what the error says. */
export function describeSystemError(error: unknown): string {
  const code = errorCodeOf(error);
  if (code.startsWith("HPE_")) return "the answer is not HTTP";
  const words = DESCRIPTIONS[code] ?? [...getSystemErrorMap().values()].find(([name]) => name === code)?.[1];
  return words ?? (error instanceof Error && error.message ? error.message : code || "unknown error");
}
