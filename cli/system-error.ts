/**
 * Describes errors of the operating system, of sockets and of TLS to users. Node's text is used, unless it describes a
 * system call and not what the user did. The text is chosen by the error's code, never by the error's message. Runs in
 * the CLI process.
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
 * Returns the code of a Node error, such as `ECONNREFUSED`; "" if it has none. If Node has tried several addresses,
 * returns the code of the first one.
 */
export function errorCodeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  if ("errors" in error && Array.isArray(error.errors)) return errorCodeOf(error.errors[0]);
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

/**
 * Returns a short description of an error for a message: our own text if the code is known, otherwise the error's
 * message.
 */
export function describeSystemError(error: unknown): string {
  const code = errorCodeOf(error);
  if (code.startsWith("HPE_")) return "the answer is not HTTP";
  const words = DESCRIPTIONS[code] ?? [...getSystemErrorMap().values()].find(([name]) => name === code)?.[1];
  return words ?? (error instanceof Error && error.message ? error.message : code || "unknown error");
}
