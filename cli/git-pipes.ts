/**
 * Finds named pipes and devices in places where git expects files. git would wait for a pipe for ever, and would read a
 * device for ever. Only the paths that every git command reads are checked. For all others, the run time of git is
 * limited (guard/git.ts). Runs in the CLI process.
 */
import { devNull } from "node:os";
import { join } from "node:path";
import { statSync } from "node:fs";

import { findWorkingTree, realPath } from "./git-folder.js";

const IN_TREE = [".gitignore", ".gitattributes"] as const;
const IN_GIT_FOLDER = ["HEAD", "index", "config.worktree"] as const;
const IN_COMMON_FOLDER = ["config", "packed-refs", "info/exclude", "info/attributes", "info/grafts"] as const;

/**
 * Checks the files that git reads in a folder. Returns the path of the first pipe or device; undefined if there is
 * none.
 */
export function findPipe(folder: string): string | undefined {
  const tree = findWorkingTree(folder);
  if (tree === undefined) return undefined;
  const { root, gitFolder, commonFolder } = tree;
  const paths = [
    ...IN_TREE.map((name) => join(root, name)),
    ...IN_GIT_FOLDER.map((name) => join(gitFolder, name)),
    ...IN_COMMON_FOLDER.map((name) => join(commonFolder, name)),
  ];
  return paths.find(isPipe);
}

/**
 * Whether a path leads to a pipe, or to a device that can be read for ever. The null device is fine, because it ends at
 * once.
 */
function isPipe(path: string): boolean {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    const isEndless = stats?.isFIFO() || stats?.isCharacterDevice() || stats?.isBlockDevice();
    return isEndless === true && realPath(path) !== devNull;
  } catch {
    // The path is a link to itself, or cannot be read. It is not a pipe: git reports this error at once.
    return false;
  }
}
