/**
 * Finds the git working tree to which a folder belongs. Reads its repository, its main working tree and its branch from
 * git's own files, and starts no process. git-remote.ts finds the remote. Runs in the CLI process.
 * git's environment variables (`GIT_DIR`, …) are ignored. git sets them for its hooks, and a hook may call a command in
 * the folder of another repository.
 */
import { existsSync, lstatSync, readlinkSync, statSync, type Stats } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import { readGitConfig } from "./git-config.js";
import { isLinkedTree, readGitFile } from "./git-link.js";
import { isWithin, realPath } from "./regular-file.js";

export { realPath };

const GIT = ".git";
const BRANCHES = "refs/heads/";
/**
 * The name of the branch in a HEAD file that does not have the real one. It stands there if the repository does not
 * store its references as files (git's reftable format).
 */
const NO_FILE_BRANCH = ".invalid";

/** A git working tree and its repository. All paths are absolute, without symbolic links. */
export interface WorkingTree {
  readonly root: string;
  /** The folder with the `HEAD` of this working tree. */
  readonly gitFolder: string;
  /** The folder of the repository, which all of its working trees share. */
  readonly commonFolder: string;
}

/** Returns the nearest folder with a `.git`, upwards from `folder`; undefined if there is none. */
export function findGitRoot(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, GIT))) return at;
    if (dirname(at) === at) return undefined;
  }
}

/**
 * Returns what is at a path; undefined if the system reports an error. The function `look` decides whether links are
 * followed.
 */
function lookAt(path: string, look: (path: string) => Stats = statSync): Stats | undefined {
  try {
    return look(path);
  } catch {
    return undefined;
  }
}

/** Whether `.git` is a file that names the repository's folder elsewhere, as in linked working trees. */
export function hasGitFile(root: string): boolean {
  return lookAt(join(root, GIT))?.isFile() ?? false;
}

/** Returns the repository's folder for a working tree. `.git` is this folder, or is a file that names it. */
function gitFolderOf(root: string): string | undefined {
  const path = join(root, GIT);
  if (!hasGitFile(root)) return realPath(path);
  const named = /^gitdir: (.+)$/s.exec(readGitFile(root, GIT) ?? "")?.[1];
  return named === undefined ? undefined : realPath(resolve(root, named));
}

/**
 * Finds the working tree to which a folder belongs. Returns undefined if the folder is in none, or if the nearest
 * `.git` belongs to no repository.
 */
export function findWorkingTree(folder: string): WorkingTree | undefined {
  const found = findGitRoot(folder);
  if (found === undefined) return undefined;
  const root = realPath(found);
  const gitFolder = gitFolderOf(root);
  // If HEAD is a symbolic link, its target does not exist before the first commit. So the link itself is looked at.
  if (gitFolder === undefined || lookAt(join(gitFolder, "HEAD"), lstatSync) === undefined) return undefined;
  // Only a linked working tree's own folder has this file.
  const common = readGitFile(gitFolder, "commondir");
  return { root, gitFolder, commonFolder: common === undefined ? gitFolder : realPath(resolve(gitFolder, common)) };
}

/**
 * Returns the root of the repository's main working tree. Returns undefined if the repository is bare, or if its files
 * do not say where its main working tree is.
 */
export function mainRootOf({ root, gitFolder, commonFolder }: WorkingTree): string | undefined {
  // If the folder belongs to a bare repository, it is its own root, and there is no working tree.
  if (gitFolder === commonFolder) return root === commonFolder ? undefined : root;
  const config = readGitConfig(readGitFile(commonFolder, "config") ?? "");
  const named = config("core.worktree");
  if (named !== undefined) return realPath(resolve(commonFolder, named));
  return basename(commonFolder) === GIT ? dirname(commonFolder) : undefined;
}

/**
 * Whether the repository belongs to this working tree: its folder is inside of the tree, or names the tree. Other
 * people may have made the files that lead to the folder, so nothing is written to any other folder.
 */
export function hasOwnRepository({ root, gitFolder, commonFolder }: WorkingTree): boolean {
  if (isWithin(root, commonFolder) || isLinkedTree(root, gitFolder, commonFolder)) return true;
  // The configuration of a submodule's repository names the submodule's folder.
  const named = readGitConfig(readGitFile(commonFolder, "config") ?? "")("core.worktree");
  return gitFolder === commonFolder && named !== undefined && realPath(resolve(commonFolder, named)) === root;
}

/**
 * Returns the base name of the main working tree. For a bare repository, returns the name of its folder without `.git`.
 * If that folder is hidden, such as `trucks/.bare`, returns the name of its parent.
 */
export function repositoryName(tree: WorkingTree): string {
  const main = mainRootOf(tree);
  if (main !== undefined) return basename(main);
  const name = basename(tree.commonFolder).replace(/\.git$/, "");
  return name === "" || name.startsWith(".") ? basename(dirname(tree.commonFolder)) : name;
}

/** The branch of a working tree. `unknown`: only git itself can find it. */
export type HeadBranch = { readonly kind: "branch"; readonly name: string } | { readonly kind: "detached" | "unknown" };

function branchOfReference(reference: string): HeadBranch {
  if (!reference.startsWith(BRANCHES)) return { kind: "detached" };
  const name = reference.slice(BRANCHES.length);
  return name === NO_FILE_BRANCH ? { kind: "unknown" } : { kind: "branch", name };
}

/** Reads the branch of a working tree. A branch without commits counts too, as in git. */
export function readHeadBranch({ gitFolder }: WorkingTree): HeadBranch {
  const head = join(gitFolder, "HEAD");
  // With old versions of git, HEAD can be a symbolic link to the branch's file.
  if (lookAt(head, lstatSync)?.isSymbolicLink()) return branchOfReference(readlinkSync(head));
  const reference = /^ref:\s*(.+)$/.exec(readGitFile(gitFolder, "HEAD") ?? "")?.[1];
  return reference === undefined ? { kind: "detached" } : branchOfReference(reference.trimEnd());
}

/** Returns the text of the repository's own configuration file; "" if it cannot be read. */
export function readRepositoryConfig({ commonFolder }: WorkingTree): string {
  return readGitFile(commonFolder, "config") ?? "";
}
