/**
 * The lines that `doctor` prints. A line says whether one thing works, and how to repair it if it does not. Pure; runs
 * in the CLI process.
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

/** The status of a line. `skip`: the check does not apply here, or lacks something that it needs. */
export type LineStatus = "ok" | "warn" | "fail" | "skip";

/** One result of a check. A check can have several. */
export interface Finding {
  readonly status: LineStatus;
  readonly message: string;
  /** How to repair the problem. Only `warn` and `fail` have it. */
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
