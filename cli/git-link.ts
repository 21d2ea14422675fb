/**
 * Decides whether a repository belongs to a working tree. The files `.git` and `commondir` may come from other people,
 * and could lead to any folder of the user. So a repository outside of the tree must also name the tree, as every
 * repository does that git made. `koor-hook` uses this module too. Runs in the CLI process.
 */
import { dirname, join, resolve } from "node:path";

import { realPath, readTextIfAny } from "./regular-file.js";

/**
 * Reads a small file in one of git's folders. Returns undefined if the file is not regular, or leads out of the folder.
 */
export function readGitFile(folder: string, name: string): string | undefined {
  return readTextIfAny(join(folder, name), folder)?.replace(/[\r\n]+$/, "");
}

/**
 * Whether the repository knows this linked working tree. The repository has a folder for each such tree, and the folder
 * names the tree's `.git`.
 */
export function isLinkedTree(root: string, gitFolder: string, commonFolder: string): boolean {
  const back = readGitFile(gitFolder, "gitdir");
  return (
    back !== undefined &&
    realPath(dirname(dirname(gitFolder))) === realPath(commonFolder) &&
    realPath(dirname(resolve(gitFolder, back))) === realPath(root)
  );
}
