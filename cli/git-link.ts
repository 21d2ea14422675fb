/**
 * Decides whether a repository's folder belongs to a working tree. Other people may have written `.git` and
 * `commondir`, and these files could name any folder of the user. So a folder outside of the working tree belongs to it
 * only if the folder also names the tree, as folders made by git do. `koor-hook` uses this module too. Runs in the CLI
 * process.
 */
import { dirname, join, resolve } from "node:path";

import { realPath, readTextIfAny } from "./regular-file.js";

/**
 * Returns the text of a file in one of git's folders; undefined if it is not a small regular file inside of the folder.
 */
export function readGitFile(folder: string, name: string): string | undefined {
  return readTextIfAny(join(folder, name), folder)?.replace(/[\r\n]+$/, "");
}

/** Whether the repository has this linked working tree: the tree's folder in the repository names the tree's `.git`. */
export function isLinkedTree(root: string, gitFolder: string, commonFolder: string): boolean {
  const back = readGitFile(gitFolder, "gitdir");
  return (
    back !== undefined &&
    realPath(dirname(dirname(gitFolder))) === realPath(commonFolder) &&
    realPath(dirname(resolve(gitFolder, back))) === realPath(root)
  );
}
