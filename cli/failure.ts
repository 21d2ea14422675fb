/**
 * The failure of a command, as a value: its exit code and the text for stderr. koor.ts prints it. Runs in the CLI
 * process.
 */
import { STATUSES, type StatusRow } from "../schemas/status.js";

export type ExitCode = StatusRow["exit"];

/** The exit code for an invalid command line or file. */
export const WRONG_USAGE = 2;

export class CliFailure {
  /**
   * @param exit 1 if the command was refused, 2 for wrong usage, 3 if the command failed or no server was reached
   * @param message one line, without the program's name
   * @param detail another line for stderr, also without the program's name
   */
  constructor(
    readonly exit: Exclude<ExitCode, 0>,
    readonly message: string,
    readonly detail: string = "",
  ) {}
}

/** Returns a failure with exit code 2, for an invalid command line or file. */
export function wrongUsage(message: string, detail: string = ""): CliFailure {
  return new CliFailure(WRONG_USAGE, message, detail);
}

/** Returns a failure with exit code 1: the server refused the command, or the state of its object does not allow it. */
export function refused(message: string, detail: string = ""): CliFailure {
  return new CliFailure(1, message, detail);
}

/** Returns a failure with exit code 3: the command did not work, or reached no server. */
export function failed(message: string, detail: string = ""): CliFailure {
  return new CliFailure(3, message, detail);
}

/**
 * Returns the exit code for an HTTP status. Of the statuses that Koor does not define, 4xx counts as a refusal, and any
 * other as a failure.
 */
export function exitCodeOf(http: number): ExitCode {
  const row = Object.values(STATUSES).find((status: StatusRow) => status.http === http);
  if (row) return row.exit;
  if (http >= 200 && http < 300) return 0;
  return http >= 400 && http < 500 ? 1 : 3;
}
