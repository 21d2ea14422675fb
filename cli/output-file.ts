/**
 * Where a file that the command line names is written. In the project a link that leads out of it is not followed:
 * others may have placed it. Anywhere else links are the user's own. Runs in the command line's process.
 */
import { writeFileSync } from "node:fs";

import { DEVICES, modeOf, locateFile, replaceFile, resolveForWriting } from "./config-file.js";
import { CliFailure, wrongUsage } from "./failure.js";
import { projectOf } from "./koor-folder.js";
import { describeSystemError } from "./system-error.js";

const NEW_MODE = 0o644;

/** The real path of `--output PATH`, to be replaced in one step. Throws what the system says. */
export function resolveOutput(path: string, folder: string): string | CliFailure {
  return resolveForWriting(locateFile(path, folder, projectOf(folder)));
}

/** Writes a whole file, which is there with all of its content or as it was. */
export function writeOutput(path: string, folder: string, content: Buffer): CliFailure | undefined {
  try {
    // They are written to, and not replaced.
    if (DEVICES.test(path)) {
      writeFileSync(path, content);
      return undefined;
    }
    const real = resolveOutput(path, folder);
    if (real instanceof CliFailure) return real;
    replaceFile(real, content, modeOf(real, NEW_MODE));
    return undefined;
  } catch (error) {
    return wrongUsage(`cannot write ${path}: ${describeSystemError(error)}`);
  }
}
