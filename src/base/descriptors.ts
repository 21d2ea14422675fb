/**
 * File descriptors: how many the process may open, how many it has open, and which errors say that none is left. A
 * socket, a file, a thread and a database handle each take some. Any thread.
 */
import { readdirSync, readFileSync } from "node:fs";

/** If a system error was wrapped, its message still names it. */
const NO_DESCRIPTOR = /\bE[MN]FILE\b/;
const NOT_OPENED: ReadonlySet<string> = new Set(["ERR_WORKER_INIT_FAILED", "SQLITE_CANTOPEN"]);

/** Returns whether an error says that no file descriptor is left. */
export function isOutOfDescriptors(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  return [code, message].some((text) => typeof text === "string" && NO_DESCRIPTOR.test(text));
}

/**
 * Returns whether an error says that no file descriptor is left, or that a thread or a database could not be opened,
 * which may have the same cause.
 */
export function isShortage(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return isOutOfDescriptors(error) || (typeof code === "string" && NOT_OPENED.has(code));
}

/** The limit of open file descriptors, and their present number. */
export interface Descriptors {
  readonly max: number;
  readonly open: number;
}

/**
 * Returns the process's limit, as `ulimit -n` sets it and Linux reports it, and the number of its open descriptors.
 * Returns null if the system does not report them, or sets no limit.
 */
export function countDescriptors(): Descriptors | null {
  try {
    const [, max] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    // One of them belongs to the open directory itself.
    return max === undefined ? null : { max: Number(max), open: readdirSync("/proc/self/fd").length - 1 };
  } catch {
    return null;
  }
}
