/**
 * Finds the git repository of a folder, with its working tree and its folders. Asks git for them. Runs in the CLI
 * process.
 */
import { type CliFailure, failed, refused, wrongUsage } from "../failure.js";
import { findWorkingTree, realPath, type WorkingTree } from "../git-folder.js";
import { findPipe } from "../git-pipes.js";
import { isLinkedTree } from "../git-link.js";
import { isWithin } from "../regular-file.js";
import { lineOf, runGit } from "./git.js";

export interface Repository {
  /** The root of the working tree. A bare repository has none, so it is the repository's own folder. */
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

/** Returns the repository to which a folder belongs. It is wrong usage if there is none. */
export function findRepository(folder: string): Repository | CliFailure {
  const pipe = findPipe(folder);
  if (pipe !== undefined) return failed(`git cannot be asked: ${pipe} is a named pipe or a device`);
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

/**
 * Refuses a repository whose folder is outside of the working tree and does not name the tree. Other people may have
 * made the files that lead to the folder, and nothing may be written to another repository.
 */
export function refuseForeign({ root, isBare, gitFolder, commonFolder }: Repository): CliFailure | undefined {
  const isOwn = isBare || gitFolder === commonFolder || isWithin(root, commonFolder);
  return isOwn || isLinkedTree(root, gitFolder, commonFolder)
    ? undefined
    : refused(`${commonFolder} does not name the working tree ${root}: run git worktree repair`);
}

/** Converts the repository to the form from which the workspace's name is derived. */
export function treeOf({ root, isBare, gitFolder, commonFolder }: Repository): WorkingTree {
  return (isBare ? undefined : findWorkingTree(root)) ?? { root, gitFolder, commonFolder };
}
