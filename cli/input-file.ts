/**
 * Opens a file that the command line names. It may be a regular file, a terminal, or a pipe of another program (a FIFO,
 * or `<(…)` in a shell). The caller reads the file and limits its size. Runs in the CLI process.
 *
 * A link inside the project must not lead out of the project. Another person may have made the link, and its target
 * would be sent to the server. Outside of the project, links are allowed. Endless devices and FIFOs without a writer
 * are refused, because they would block the command for ever.
 */
import { close, constants, fstatSync, open, openSync, closeSync, statSync, type Stats } from "node:fs";

import { CLI_FILE_OPEN_MS } from "../schemas/limits/cli.js";
import { locateFile, resolveForReading } from "./config-file.js";
import { CliFailure, wrongUsage } from "./failure.js";
import { io } from "./io.js";
import { projectOf } from "./koor-folder.js";
import { describeSystemError, errorCodeOf } from "./system-error.js";

/**
 * The names that mean stdin. They are checked before a file is opened, because stdin may be a socket, which cannot be
 * opened by its path.
 */
const STDIN_NAMES: ReadonlySet<string> = new Set(["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]);

const RELEASE_RETRY_MS = 20;

/** Whether the path of a file flag means stdin. */
export function isStdin(path: string): boolean {
  return STDIN_NAMES.has(path);
}

/** Opens a FIFO for writing and closes it again. This unblocks a reader that waits in `open` for a writer. */
function releaseReader(path: string): void {
  try {
    closeSync(openSync(path, constants.O_WRONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0)));
  } catch {
    // A real writer has opened the FIFO in the meantime. The reader is no longer blocked, so the error is ignored.
  }
}

function isFifo(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFIFO() ?? false;
}

/**
 * Opens a file in a thread of libuv's pool, because opening a FIFO blocks until it has a writer. Returns "no writer"
 * after CLI_FILE_OPEN_MS without a writer.
 */
function openInTime(path: string): Promise<number | "no writer"> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const giveUp = (): void => {
      isLate = isFifo(path);
      if (!isLate) return;
      releaseReader(path);
      // The thread may not have begun to open the FIFO yet. Then this attempt has unblocked nothing, so it is repeated.
      timer = setTimeout(giveUp, RELEASE_RETRY_MS);
    };
    let timer = setTimeout(giveUp, CLI_FILE_OPEN_MS);
    open(path, "r", (error, file) => {
      clearTimeout(timer);
      if (error) reject(error);
      else if (isLate) close(file, () => resolve("no writer"));
      else resolve(file);
    });
  });
}

/** Returns the reason why reading the file might never end; undefined if it ends. */
function endlessReason(file: number, info: Stats): string | undefined {
  if (info.isDirectory()) return "it is a directory";
  if (info.isFile() || info.isFIFO() || info.isSocket()) return undefined;
  const { isatty } = process.getBuiltinModule("node:tty");
  const { devNull } = process.getBuiltinModule("node:os");
  const isNull = info.isCharacterDevice() && info.rdev === statSync(devNull, { throwIfNoEntry: false })?.rdev;
  return isNull || isatty(file) ? undefined : "it is a device";
}

/**
 * Opens a file other than stdin and returns its descriptor. The caller reads and closes it. If the file is refused,
 * returns a failure with exit code 2.
 */
export async function openInputFile(path: string): Promise<number | CliFailure> {
  try {
    const { folder } = io();
    const real = resolveForReading(locateFile(path, folder, projectOf(folder)));
    if (real instanceof CliFailure) return real;
    const file = await openInTime(real);
    if (file === "no writer") return wrongUsage(`cannot read ${path}: no program writes to this pipe`);
    const problem = endlessReason(file, fstatSync(file));
    if (problem === undefined) return file;
    closeSync(file);
    return wrongUsage(`cannot read ${path}: ${problem}`);
  } catch (error) {
    const isSocket = errorCodeOf(error) === "ENXIO";
    return wrongUsage(`cannot read ${path}: ${isSocket ? "it is a socket" : describeSystemError(error)}`);
  }
}
