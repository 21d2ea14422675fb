/**
 * File descriptors: how many the process may have open and has, and which errors say that there are none left. A
 * socket, a file, a thread and a handle of the database each take some. Any thread.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Where an error of the system was wrapped, its message still names it. */
const NO_DESCRIPTOR = /\bE[MN]FILE\b/;
const NOT_OPENED: ReadonlySet<string> = new Set(["ERR_WORKER_INIT_FAILED", "SQLITE_CANTOPEN"]);

/** Whether an error says that there is no file descriptor left. */
export function isOutOfDescriptors(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  return [code, message].some((text) => typeof text === "string" && NO_DESCRIPTOR.test(text));
}

/** Whether an error says so, or that a thread or a database could not be opened, which may be the same. */
export function isShortage(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return isOutOfDescriptors(error) || (typeof code === "string" && NOT_OPENED.has(code));
}

/** How many may be open, and how many are. */
export interface Descriptors {
  readonly max: number;
  readonly open: number;
}

/**
 * The process's limit, as `ulimit -n` sets it and Linux tells it, and what it has open; null where the system does not
 * tell, or sets no limit.
 */
export function countDescriptors(): Descriptors | null {
  try {
    const [, max] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    // One of them is that of the folder itself.
    return max === undefined ? null : { max: Number(max), open: readdirSync("/proc/self/fd").length - 1 };
  } catch {
    return null;
  }
}
