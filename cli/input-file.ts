/**
 * Opens a file that the command line names, whatever it is: a regular file, a pipe that a program writes to (a FIFO,
 * `<(…)` of a shell), a terminal. In the project a link that leads out of it is not followed: others may have placed it,
 * and what it leads to would be sent. Anywhere else links are the user's own. Nothing that keeps a command for ever is
 * opened: devices that never end, and FIFOs that have no writer. Runs in the command line's process. Leaves reading,
 * and how much of it, to the caller.
 */
import { close, constants, fstatSync, open, openSync, closeSync, statSync, type Stats } from "node:fs";

import { CLI_FILE_OPEN_MS } from "../schemas/limits.js";
import { locateFile, resolveForReading } from "./config-file.js";
import { CliFailure, wrongUsage } from "./failure.js";
import { io } from "./io.js";
import { projectOf } from "./koor-folder.js";
import { describeSystemError, errorCodeOf } from "./system-error.js";

/** The names of stdin. Opened once more by them, a socket is refused by the system. */
const STDIN_NAMES: ReadonlySet<string> = new Set(["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]);

const RELEASE_RETRY_MS = 20;

/** Whether a flag of a file means stdin. */
export function isStdin(path: string): boolean {
  return STDIN_NAMES.has(path);
}

/** Opens a FIFO for writing for a moment: who waits for a writer goes on. */
function releaseReader(path: string): void {
  try {
    closeSync(openSync(path, constants.O_WRONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0)));
  } catch {
    // Nobody waits any more: a writer came.
  }
}

function isFifo(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFIFO() ?? false;
}

/** Opens in a thread, since a FIFO's opening waits for its writer; a FIFO that has none in time is given up. */
function openInTime(path: string): Promise<number | "no writer"> {
  return new Promise((resolve, reject) => {
    let is_late = false;
    const giveUp = (): void => {
      is_late = isFifo(path);
      if (!is_late) return;
      releaseReader(path);
      // The thread may not have come to it yet: then nobody was released.
      timer = setTimeout(giveUp, RELEASE_RETRY_MS);
    };
    let timer = setTimeout(giveUp, CLI_FILE_OPEN_MS);
    open(path, "r", (error, file) => {
      clearTimeout(timer);
      if (error) reject(error);
      else if (is_late) close(file, () => resolve("no writer"));
      else resolve(file);
    });
  });
}

/** Why an open file is not read; undefined where it ends some time. */
function endlessness(file: number, info: Stats): string | undefined {
  if (info.isDirectory()) return "it is a directory";
  if (info.isFile() || info.isFIFO() || info.isSocket()) return undefined;
  const { isatty } = process.getBuiltinModule("node:tty");
  const { devNull } = process.getBuiltinModule("node:os");
  const is_null = info.isCharacterDevice() && info.rdev === statSync(devNull, { throwIfNoEntry: false })?.rdev;
  return is_null || isatty(file) ? undefined : "it is a device";
}

/** The descriptor of a file that is not stdin, to be read and closed by the caller; a refusal has exit 2. */
export async function openInputFile(path: string): Promise<number | CliFailure> {
  try {
    const { folder } = io();
    const real = resolveForReading(locateFile(path, folder, projectOf(folder)));
    if (real instanceof CliFailure) return real;
    const file = await openInTime(real);
    if (file === "no writer") return wrongUsage(`cannot read ${path}: no program writes to this pipe`);
    const problem = endlessness(file, fstatSync(file));
    if (problem === undefined) return file;
    closeSync(file);
    return wrongUsage(`cannot read ${path}: ${problem}`);
  } catch (error) {
    const is_socket = errorCodeOf(error) === "ENXIO";
    return wrongUsage(`cannot read ${path}: ${is_socket ? "it is a socket" : describeSystemError(error)}`);
  }
}
