/**
 * Counts the open file descriptors of the process, and reads their limit. Also recognizes errors that report a lack of
 * descriptors. Each socket, file, thread and database handle takes some descriptors. Any thread.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Matches EMFILE and ENFILE. If an error wraps the system error, its message contains the code. */
const NO_DESCRIPTOR = /\bE[MN]FILE\b/;
const NOT_OPENED: ReadonlySet<string> = new Set(["ERR_WORKER_INIT_FAILED", "SQLITE_CANTOPEN"]);

/** Returns whether an error says that no file descriptor is left. */
export function isOutOfDescriptors(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  return [code, message].some((text) => typeof text === "string" && NO_DESCRIPTOR.test(text));
}

/**
 * Returns whether an error may have its cause in a lack of file descriptors. It says that no descriptor is left, or
 * that a thread or a database could not be opened.
 */
export function isShortage(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return isOutOfDescriptors(error) || (typeof code === "string" && NOT_OPENED.has(code));
}

/** The maximum number of open file descriptors, and the number that is open now. */
export interface Descriptors {
  readonly max: number;
  readonly open: number;
}

/**
 * Returns the process's limit of descriptors (`ulimit -n`, as Linux reports it) and the number of open ones. Returns
 * null if the system does not report them, or if there is no limit.
 */
export function countDescriptors(): Descriptors | null {
  try {
    const [, max] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    // Subtract one, because reading the directory takes a descriptor too.
    return max === undefined ? null : { max: Number(max), open: readdirSync("/proc/self/fd").length - 1 };
  } catch {
    return null;
  }
}
