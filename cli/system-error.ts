/**
 * Describes errors of the operating system, of sockets and of TLS to users. Most texts are those of Node. Koor has its
 * own text if Node's would describe a system call instead of the user's action. The error's code selects the text, and
 * never the error's message. Runs in the CLI process.
 */
import { getSystemErrorMap } from "node:util";

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  ECONNRESET: "the connection was closed before the answer",
  EISDIR: "it is a directory",
  ENOENT: "no such file",
  ENOTDIR: "a part of the path is not a directory",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "the host name cannot be looked up now",
  EPROTO: "the TLS handshake failed: a server without TLS has an address that begins with http://",
  EPIPE: "the connection was closed before the answer",
};

/**
 * Returns the code of an error, such as `ECONNREFUSED`; "" if it has none. If Node has tried several addresses of a
 * host, returns the code for the first one.
 */
export function errorCodeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  if ("errors" in error && Array.isArray(error.errors)) return errorCodeOf(error.errors[0]);
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

/**
 * Describes an error in a few words. Uses the text for the error's code if there is one, and otherwise the error's
 * message.
 */
export function describeSystemError(error: unknown): string {
  const code = errorCodeOf(error);
  if (code.startsWith("HPE_")) return "the answer is not HTTP";
  const words = DESCRIPTIONS[code] ?? [...getSystemErrorMap().values()].find(([name]) => name === code)?.[1];
  return words ?? (error instanceof Error && error.message ? error.message : code || "unknown error");
}
