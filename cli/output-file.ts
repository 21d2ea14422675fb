/**
 * Writes a file that the command line names. A link inside the project must not lead out of the project, because
 * another person may have made it. Outside of the project, all links are followed. Runs in the CLI process.
 */
import { writeFileSync } from "node:fs";

import { DEVICES, modeOf, locateFile, replaceFile, resolveForWriting } from "./config-file.js";
import { CliFailure, wrongUsage } from "./failure.js";
import { projectOf } from "./koor-folder.js";
import { describeSystemError } from "./system-error.js";

const NEW_MODE = 0o644;

/** Returns the path of the file that `--output` names, with links resolved. Throws the system's error. */
export function resolveOutput(path: string, folder: string): string | CliFailure {
  return resolveForWriting(locateFile(path, folder, projectOf(folder)));
}

/** Replaces a file in one step. If the write fails, the old file stays complete. */
export function writeOutput(path: string, folder: string, content: Buffer): CliFailure | undefined {
  try {
    // A device cannot be replaced, so it is written to.
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
