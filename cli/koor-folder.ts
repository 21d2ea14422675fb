/**
 * The folder `.koor/` of a project: which one counts for a folder, and whose files in it are believed. Runs in the
 * command line's process. Leaves the files themselves to instance-file.ts and settings-file.ts.
 */
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

import { readTextFile } from "./config-file.js";
import { CliFailure } from "./failure.js";

export const KOOR_FOLDER = ".koor";
const ROOT_USER = 0;

export interface FoundFile {
  readonly path: string;
  readonly text: string;
}

/**
 * A folder and those above it, up to the working tree of git that it belongs to: a nested one is a project of its own.
 */
function* foldersFrom(folder: string): Generator<string> {
  for (let at = folder; ; at = dirname(at)) {
    yield at;
    // A directory in a clone, a file in a worktree and in a submodule.
    if (dirname(at) === at || existsSync(join(at, ".git"))) return;
  }
}

/**
 * Whether the file is the user's own, or the system's. In a folder that others may write to (`/tmp`) anybody could
 * place one, and who works below it would act as their instance, or ask their server.
 */
function isOwnFile(path: string): boolean {
  const user = process.getuid?.();
  if (user === undefined || user === ROOT_USER) return true;
  const owner = statSync(path, { throwIfNoEntry: false })?.uid;
  return owner === user || owner === ROOT_USER;
}

/** The nearest `.koor/NAME`, in `folder` or above; undefined where there is none. */
export function findKoorFile(folder: string, name: string): FoundFile | undefined | CliFailure {
  for (const at of foldersFrom(folder)) {
    const path = join(at, KOOR_FOLDER, name);
    if (!existsSync(path) || !isOwnFile(path)) continue;
    const text = readTextFile({ path, name: path, root: at });
    if (text instanceof CliFailure) return text;
    if (text !== undefined) return { path, text };
  }
  return undefined;
}

/** The project of a folder: the nearest one that has a `.koor/`, in it or above, else the folder itself. */
export function projectOf(folder: string): string {
  for (const at of foldersFrom(folder)) if (hasKoorFolder(at)) return at;
  return folder;
}

/** Whether `folder` itself has a `.koor/`. */
export function hasKoorFolder(folder: string): boolean {
  return statSync(join(folder, KOOR_FOLDER), { throwIfNoEntry: false })?.isDirectory() ?? false;
}
