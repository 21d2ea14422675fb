/** Asks git for the repository of a folder: its working tree and its own folders. Runs in the CLI process. */
import { type CliFailure, failed, refused, wrongUsage } from "../failure.js";
import { findWorkingTree, realPath, type WorkingTree } from "../git-folder.js";
import { findPipe } from "../git-pipes.js";
import { isLinkedTree } from "../git-link.js";
import { isWithin } from "../regular-file.js";
import { lineOf, runGit } from "./git.js";

export interface Repository {
  /** The root of the working tree. For a bare repository, it is the repository's own folder. */
  readonly root: string;
  readonly isBare: boolean;
  /** The folder with git's files for this working tree, such as `HEAD`. */
  readonly gitFolder: string;
  /** The folder that all working trees of the repository share. */
  readonly commonFolder: string;
}

/** Asks git for one of its paths; undefined if there is none. */
function askForPath(folder: string, flag: string): string | undefined | CliFailure {
  const result = runGit(folder, ["rev-parse", "--path-format=absolute", flag]);
  return "isSuccess" in result ? lineOf(result) : result;
}

/** Returns the repository of a folder. If there is none, the failure is wrong usage. */
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
 * Refuses a repository outside of the working tree whose files do not name the tree. `.git` may come from other people
 * and lead to a foreign repository. The guard writes nothing there.
 */
export function refuseForeign({ root, isBare, gitFolder, commonFolder }: Repository): CliFailure | undefined {
  const isOwn = isBare || gitFolder === commonFolder || isWithin(root, commonFolder);
  return isOwn || isLinkedTree(root, gitFolder, commonFolder)
    ? undefined
    : refused(`${commonFolder} does not name the working tree ${root}: run git worktree repair`);
}

/** Converts the repository to a `WorkingTree`, from which the name of the workspace is derived. */
export function treeOf({ root, isBare, gitFolder, commonFolder }: Repository): WorkingTree {
  return (isBare ? undefined : findWorkingTree(root)) ?? { root, gitFolder, commonFolder };
}
