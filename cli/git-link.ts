/**
 * Decides whether a repository's folder belongs to a working tree. What `.git` and `commondir` say may come from other
 * people, and could name any folder of the user. So a folder outside of the working tree must name the tree in turn, as
 * git makes it do. `koor-hook` uses this module too. Runs in the CLI process.
 */
import { dirname, join, resolve } from "node:path";

import { realPath, readTextIfAny } from "./regular-file.js";

/** Returns the text of one of the files in a folder of git's; undefined if it is not a small regular file in it. */
export function readGitFile(folder: string, name: string): string | undefined {
  return readTextIfAny(join(folder, name), folder)?.replace(/[\r\n]+$/, "");
}

/** Whether the repository has this linked working tree: its folder for the tree names the tree's `.git`. */
export function isLinkedTree(root: string, gitFolder: string, commonFolder: string): boolean {
  const back = readGitFile(gitFolder, "gitdir");
  return (
    back !== undefined &&
    realPath(dirname(dirname(gitFolder))) === realPath(commonFolder) &&
    realPath(dirname(resolve(gitFolder, back))) === realPath(root)
  );
}
