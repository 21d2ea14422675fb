/** Finds the git repository of a folder: its working tree and its folders, as git itself sees them. CLI process. */
import { type CliFailure, wrongUsage } from "../failure.js";
import { findWorkingTree, realPath, type WorkingTree } from "../git-folder.js";
import { lineOf, runGit } from "./git.js";

export interface Repository {
  /** The root of the working tree. In a bare repository, the repository's own folder. */
  readonly root: string;
  readonly isBare: boolean;
  /** The folder of the working tree's own files, such as `HEAD`. */
  readonly gitFolder: string;
  /** The folder that all working trees share. */
  readonly commonFolder: string;
}

/** Asks git for a path; undefined if git has none. */
function askForPath(folder: string, flag: string): string | undefined | CliFailure {
  const result = runGit(folder, ["rev-parse", "--path-format=absolute", flag]);
  return "isSuccess" in result ? lineOf(result) : result;
}

/** Returns the repository to which a folder belongs. A folder in none is wrong usage. */
export function findRepository(folder: string): Repository | CliFailure {
  const common = runGit(folder, ["rev-parse", "--path-format=absolute", "--git-common-dir"]);
  if (!("isSuccess" in common)) return common;
  const commonFolder = lineOf(common);
  if (commonFolder === undefined) return wrongUsage("there is no git repository here", common.complaint);
  const gitFolder = askForPath(folder, "--absolute-git-dir");
  if (typeof gitFolder === "object") return gitFolder;
  const root = askForPath(folder, "--show-toplevel");
  if (typeof root === "object") return root;
  return {
    root: realPath(root ?? commonFolder),
    isBare: root === undefined,
    gitFolder: realPath(gitFolder ?? commonFolder),
    commonFolder: realPath(commonFolder),
  };
}

/** Returns the repository in the form in which the workspace's name is derived from it. */
export function treeOf({ root, isBare, gitFolder, commonFolder }: Repository): WorkingTree {
  return (isBare ? undefined : findWorkingTree(root)) ?? { root, gitFolder, commonFolder };
}
