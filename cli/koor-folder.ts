/**
 * Finds the `.koor/` folder of a project, and decides which of its files are trusted. instance-file.ts and
 * settings-file.ts read these files. Runs in the CLI process.
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
 * Yields a folder and its parents, up to the root of the git working tree. The search ends there even inside another
 * working tree, because each working tree is a project of its own.
 */
function* foldersFrom(folder: string): Generator<string> {
  for (let at = folder; ; at = dirname(at)) {
    yield at;
    // `.git` is a directory in a clone, and a file in a worktree or a submodule.
    if (dirname(at) === at || existsSync(join(at, ".git"))) return;
  }
}

/**
 * Whether a file belongs to the user or to root. Other files are not trusted, because anyone can place a file in a
 * folder such as `/tmp`. Commands below that folder would then use another person's instance or server.
 */
function isOwnFile(path: string): boolean {
  const user = process.getuid?.();
  if (user === undefined || user === ROOT_USER) return true;
  const owner = statSync(path, { throwIfNoEntry: false })?.uid;
  return owner === user || owner === ROOT_USER;
}

/** Finds the nearest `.koor/NAME` in `folder` or one of its parents; undefined if there is none. */
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

/**
 * Returns the folder of the project to which `folder` belongs. It is the nearest folder that has a `.koor/`, searched
 * from `folder` upwards. If there is none, it is `folder` itself.
 */
export function projectOf(folder: string): string {
  for (const at of foldersFrom(folder)) if (hasKoorFolder(at)) return at;
  return folder;
}

/** Whether `folder` itself has a `.koor/`. */
export function hasKoorFolder(folder: string): boolean {
  return statSync(join(folder, KOOR_FOLDER), { throwIfNoEntry: false })?.isDirectory() ?? false;
}
