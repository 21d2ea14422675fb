/**
 * The lines that `doctor` prints. Each line says whether one thing works, and what to do if it does not. Types, and
 * functions that make lines. Pure; runs in the CLI process.
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

/** The status of a line. `skip`: the check does not apply here, or something that it needs is missing. */
export type LineStatus = "ok" | "warn" | "fail" | "skip";

/** The result of a check. */
export interface Finding {
  readonly status: LineStatus;
  readonly message: string;
  /** The advice; present only with `warn` and `fail`. */
  readonly fix?: string;
}

/** A line of the output: a finding with the name of its check. */
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
