/**
 * The failure of a command, represented as a value: its exit code and the text for stderr. koor.ts prints it. Runs in
 * the CLI process.
 */
import { STATUSES, type StatusRow } from "../schemas/status.js";

export type ExitCode = StatusRow["exit"];

/** The exit code for an invalid command line or file. */
export const WRONG_USAGE = 2;

export class CliFailure {
  /**
   * @param exit 1 if the command was refused, 2 for wrong usage, 3 if the command failed or the server could not be
   * reached
   * @param message one line, without the program's name
   * @param detail another line for stderr, also without the program's name
   */
  constructor(
    readonly exit: Exclude<ExitCode, 0>,
    readonly message: string,
    readonly detail: string = "",
  ) {}
}

/** Returns a failure for an invalid command line: exit 2. */
export function wrongUsage(message: string, detail: string = ""): CliFailure {
  return new CliFailure(WRONG_USAGE, message, detail);
}

/**
 * Returns a failure for a refused command: exit 1. The server refused it, or the state of its object does not allow it.
 */
export function refused(message: string, detail: string = ""): CliFailure {
  return new CliFailure(1, message, detail);
}

/** Returns a failure for a command that did not work, or whose server could not be reached: exit 3. */
export function failed(message: string, detail: string = ""): CliFailure {
  return new CliFailure(3, message, detail);
}

/**
 * Returns the exit code for an HTTP status. A 4xx status that is not in the status table counts as a refusal. Other
 * unknown statuses count as failures.
 */
export function exitCodeOf(http: number): ExitCode {
  const row = Object.values(STATUSES).find((status: StatusRow) => status.http === http);
  if (row) return row.exit;
  if (http >= 200 && http < 300) return 0;
  return http >= 400 && http < 500 ? 1 : 3;
}
