/**
 * What can go wrong with a command, as a value: the exit code it ends with and what stderr says.
 * Runs in the command line's process. Leaves the printing to koor.ts.
 */
import { STATUSES, type StatusRow } from "../schemas/status.js";

export type ExitCode = StatusRow["exit"];

export class CliFailure {
  /**
   * @param exit 1 where the server refused or could not be reached, 2 for wrong usage
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
  return new CliFailure(2, message, detail);
}

/** The command could not be done: exit 1. */
export function failed(message: string, detail: string = ""): CliFailure {
  return new CliFailure(1, message, detail);
}

/** The exit code that an HTTP status means; 1 for a refusal that the map of statuses does not know. */
export function exitCodeOf(http: number): ExitCode {
  const row = Object.values(STATUSES).find((status: StatusRow) => status.http === http);
  if (row) return row.exit;
  return http >= 200 && http < 300 ? 0 : 1;
}
