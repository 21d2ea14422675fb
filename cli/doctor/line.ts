/**
 * The lines of `doctor`: each says how one thing is, and what to do if it is not right. Types, and functions that make
 * lines. Pure; runs in the CLI process.
 */

/** The names of the checks, in the order in which they are printed. */
export const CHECK_NAMES = [
  "server",
  "version",
  "token",
  "clock",
  "websocket",
  "sse",
  "mcp",
  "hooks",
  "trust",
  "guard",
  "identity",
  "data",
  "ports",
  "runtime",
  "cluster",
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

/** `skip`: the check does not apply here, or what it needs is away. */
export type LineStatus = "ok" | "warn" | "fail" | "skip";

/** The result of a check. */
export interface Finding {
  readonly status: LineStatus;
  readonly message: string;
  /** The advice; present with `warn` and `fail` only. */
  readonly fix?: string;
}

/** A line of the output. */
export interface Line extends Finding {
  readonly name: CheckName;
}

export function ok(message: string): Finding {
  return { status: "ok", message };
}

export function skip(message: string): Finding {
  return { status: "skip", message };
}

export function warning(message: string, fix: string): Finding {
  return { status: "warn", message, fix };
}

export function failure(message: string, fix: string): Finding {
  return { status: "fail", message, fix };
}
