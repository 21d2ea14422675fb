/**
 * Writes the planned changes, each file in one step. If a file cannot be written, the files that were already written
 * get their old content back. Runs in the CLI process.
 */
import { mkdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";

import { modeOf, replaceFile } from "../config-file.js";
import { failed, type CliFailure } from "../failure.js";
import { describeSystemError } from "../system-error.js";
import type { FileChange } from "./file-change.js";

function write(path: string, content: Buffer | undefined, mode: number): void {
  if (content === undefined) rmSync(path, { force: true });
  else replaceFile(path, content, mode);
}

/** Makes the missing parent folders of a file. Returns their paths, the innermost first. */
function makeFolders(path: string): readonly string[] {
  const outermost = mkdirSync(dirname(path), { recursive: true });
  const made: string[] = [];
  if (outermost === undefined) return made;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    made.push(folder);
    if (folder === outermost || dirname(folder) === folder) return made;
  }
}

/** Applies one change. Returns a function that undoes it. */
function apply({ real, before, after, mode, isModeFixed = false }: FileChange): () => void {
  const folders = after === undefined ? [] : makeFolders(real);
  const old = modeOf(real, mode);
  const undo = (): void => {
    write(real, before, old);
    removeEmptyFolders(folders);
  };
  try {
    write(real, after, isModeFixed ? mode : old);
  } catch (error) {
    removeEmptyFolders(folders);
    throw error;
  }
  return undo;
}

/** Applies the changes in order. If one fails, undoes the others and returns the reason. */
export function applyChanges(changes: readonly FileChange[]): CliFailure | undefined {
  const undos: (() => void)[] = [];
  for (const change of changes) {
    try {
      undos.push(apply(change));
    } catch (error) {
      const isUndone = undos.toReversed().every(succeeds);
      const rest = isUndone ? "nothing was changed" : "run koor uninit to remove what was written";
      return failed(`cannot write ${change.name}: ${describeSystemError(error)}; ${rest}`);
    }
  }
  return undefined;
}

function succeeds(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

/** Removes the empty folders among the given ones. Folders that have content are kept. */
export function removeEmptyFolders(paths: readonly string[]): void {
  // Sorts the innermost folders first, so that a folder is empty when its turn comes.
  for (const path of paths.toSorted((a, b) => b.length - a.length)) {
    try {
      rmdirSync(path);
    } catch {
      // The folder still has content, or does not exist any more.
    }
  }
}
