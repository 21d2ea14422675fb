/**
 * What can go wrong with a command, as a value: the exit code it ends with and what stderr says.
 * Runs in the command line's process. Leaves the printing to koor.ts.
 */
import { STATUSES, type StatusRow } from "../schemas/status.js";

export type ExitCode = StatusRow["exit"];

/** The exit code of a command line, or of a file, that is wrong. */
export const WRONG_USAGE = 2;

export class CliFailure {
  /**
   * @param exit 1 for a refusal, 2 for wrong usage, 3 where it failed or the server could not be reached
   * @param message one line without the program's name
   * @param detail a further line, printed without the program's name
   */
  constructor(
    readonly exit: Exclude<ExitCode, 0>,
    readonly message: string,
    readonly detail: string = "",
  ) {}
}

/** The command line itself is wrong: exit 2. */
export function wrongUsage(message: string, detail: string = ""): CliFailure {
  return new CliFailure(WRONG_USAGE, message, detail);
}

/** The command was refused, by the server or for what it concerns: exit 1. */
export function refused(message: string, detail: string = ""): CliFailure {
  return new CliFailure(1, message, detail);
}

/** The command failed, or the server could not be reached: exit 3. */
export function failed(message: string, detail: string = ""): CliFailure {
  return new CliFailure(3, message, detail);
}

/** The exit code that an HTTP status means. Of those that no row has, only a 4xx is a refusal. */
export function exitCodeOf(http: number): ExitCode {
  const row = Object.values(STATUSES).find((status: StatusRow) => status.http === http);
  if (row) return row.exit;
  if (http >= 200 && http < 300) return 0;
  return http >= 400 && http < 500 ? 1 : 3;
}
