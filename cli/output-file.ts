/**
 * Writes a file that the command line names. Inside the project, a link that leads out of the project is not followed,
 * because another person may have placed it. Elsewhere links belong to the user. Runs in the CLI process.
 */
import { writeFileSync } from "node:fs";

import { DEVICES, modeOf, locateFile, replaceFile, resolveForWriting } from "./config-file.js";
import { CliFailure, wrongUsage } from "./failure.js";
import { projectOf } from "./koor-folder.js";
import { describeSystemError } from "./system-error.js";

const NEW_MODE = 0o644;

/** Returns the real path of the file that `--output` names. Throws the system's error. */
export function resolveOutput(path: string, folder: string): string | CliFailure {
  return resolveForWriting(locateFile(path, folder, projectOf(folder)));
}

/** Replaces a file in one step. Afterwards the file has either all of the new content or its previous content. */
export function writeOutput(path: string, folder: string, content: Buffer): CliFailure | undefined {
  try {
    // Devices are written to, not replaced.
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
