/** Writes the planned changes, each file in one step. Runs in the CLI process. */
import { mkdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";

import { modeOf, replaceFile } from "../config-file.js";
import { failed, type CliFailure } from "../failure.js";
import { describeSystemError } from "../system-error.js";
import type { FileChange } from "./file-change.js";

/** Applies the changes in their order. An error ends it; the record then says what to take back. */
export function applyChanges(changes: readonly FileChange[]): CliFailure | undefined {
  for (const { name, real, after, mode } of changes) {
    try {
      if (after === undefined) rmSync(real, { force: true });
      else {
        mkdirSync(dirname(real), { recursive: true });
        replaceFile(real, after, modeOf(real, mode));
      }
    } catch (error) {
      return failed(`cannot write ${name}: ${describeSystemError(error)}`);
    }
  }
  return undefined;
}

/** Removes folders that are empty. Others, and those that are gone, stay as they are. */
export function removeEmptyFolders(paths: readonly string[]): void {
  // The innermost folders come first.
  for (const path of paths.toSorted((a, b) => b.length - a.length)) {
    try {
      rmdirSync(path);
    } catch {
      // The folder has other content, or the user has removed it.
    }
  }
}
