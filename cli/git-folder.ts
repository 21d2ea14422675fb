/**
 * Finds the git working tree to which a folder belongs. Reads git's own files and starts no process. git-remote.ts
 * finds the remote. Runs in the CLI process.
 *
 * git's environment variables (`GIT_DIR`, …) are ignored. git sets them for its hooks, and a hook may run a command in
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
 * The branch in HEAD if the repository does not store its branches as files (git's reftable format). HEAD then does not
 * contain the real branch.
 */
const NO_FILE_BRANCH = ".invalid";

/** A git working tree and its repository. All paths are absolute and contain no symbolic links. */
export interface WorkingTree {
  readonly root: string;
  /** The folder that contains the `HEAD` of this working tree. */
  readonly gitFolder: string;
  /** The folder of the repository. All working trees of the repository share it. */
  readonly commonFolder: string;
}

/**
 * Returns the nearest folder that contains `.git`: `folder` itself or one above it. Returns undefined if there is none.
 */
export function findGitRoot(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, GIT))) return at;
    if (dirname(at) === at) return undefined;
  }
}

/**
 * Returns the system's information about a path; undefined if there is an error. `look` follows links (`statSync`) or
 * does not (`lstatSync`).
 */
function lookAt(path: string, look: (path: string) => Stats = statSync): Stats | undefined {
  try {
    return look(path);
  } catch {
    return undefined;
  }
}

/** Whether `.git` is a file. It then contains the path of the repository's folder, as in linked working trees. */
export function hasGitFile(root: string): boolean {
  return lookAt(join(root, GIT))?.isFile() ?? false;
}

/** Returns the folder to which `.git` leads: `.git` itself, or the folder whose path it contains. */
function gitFolderOf(root: string): string | undefined {
  const path = join(root, GIT);
  if (!hasGitFile(root)) return realPath(path);
  const named = /^gitdir: (.+)$/s.exec(readGitFile(root, GIT) ?? "")?.[1];
  return named === undefined ? undefined : realPath(resolve(root, named));
}

/**
 * Finds the working tree to which a folder belongs. Returns undefined if there is none, or if the nearest `.git` leads
 * to no repository.
 */
export function findWorkingTree(folder: string): WorkingTree | undefined {
  const found = findGitRoot(folder);
  if (found === undefined) return undefined;
  const root = realPath(found);
  const gitFolder = gitFolderOf(root);
  // Do not follow HEAD if it is a symbolic link. Before the first commit, its target does not exist.
  if (gitFolder === undefined || lookAt(join(gitFolder, "HEAD"), lstatSync) === undefined) return undefined;
  // Only the folder of a linked working tree contains this file.
  const common = readGitFile(gitFolder, "commondir");
  return { root, gitFolder, commonFolder: common === undefined ? gitFolder : realPath(resolve(gitFolder, common)) };
}

/**
 * Returns the root of the repository's main working tree. Returns undefined for a bare repository, or if git's files do
 * not name the root.
 */
export function mainRootOf({ root, gitFolder, commonFolder }: WorkingTree): string | undefined {
  // A bare repository has no working tree. Its root is the repository's folder.
  if (gitFolder === commonFolder) return root === commonFolder ? undefined : root;
  const config = readGitConfig(readGitFile(commonFolder, "config") ?? "");
  const named = config("core.worktree");
  if (named !== undefined) return realPath(resolve(commonFolder, named));
  return basename(commonFolder) === GIT ? dirname(commonFolder) : undefined;
}

/**
 * Whether the repository belongs to this working tree: it is inside the tree, or its files name the tree. `.git` may
 * come from other people and lead to a foreign repository. Koor writes nothing there.
 */
export function hasOwnRepository({ root, gitFolder, commonFolder }: WorkingTree): boolean {
  if (isWithin(root, commonFolder) || isLinkedTree(root, gitFolder, commonFolder)) return true;
  // Also accept a submodule. The configuration of its repository names the submodule's folder.
  const named = readGitConfig(readGitFile(commonFolder, "config") ?? "")("core.worktree");
  return gitFolder === commonFolder && named !== undefined && realPath(resolve(commonFolder, named)) === root;
}

/**
 * Returns the name of the main working tree's folder. For a bare repository, returns the name of its folder without
 * `.git`; if this is hidden (`trucks/.bare`), returns the name of the folder above it.
 */
export function repositoryName(tree: WorkingTree): string {
  const main = mainRootOf(tree);
  if (main !== undefined) return basename(main);
  const name = basename(tree.commonFolder).replace(/\.git$/, "");
  return name === "" || name.startsWith(".") ? basename(dirname(tree.commonFolder)) : name;
}

/** The branch of a working tree. `unknown`: git must be asked for it. */
export type HeadBranch = { readonly kind: "branch"; readonly name: string } | { readonly kind: "detached" | "unknown" };

function branchOfReference(reference: string): HeadBranch {
  if (!reference.startsWith(BRANCHES)) return { kind: "detached" };
  const name = reference.slice(BRANCHES.length);
  return name === NO_FILE_BRANCH ? { kind: "unknown" } : { kind: "branch", name };
}

/** Reads the branch of a working tree. The branch need not have commits yet. */
export function readHeadBranch({ gitFolder }: WorkingTree): HeadBranch {
  const head = join(gitFolder, "HEAD");
  // Old versions of git made HEAD a symbolic link to the branch's file.
  if (lookAt(head, lstatSync)?.isSymbolicLink()) return branchOfReference(readlinkSync(head));
  const reference = /^ref:\s*(.+)$/.exec(readGitFile(gitFolder, "HEAD") ?? "")?.[1];
  return reference === undefined ? { kind: "detached" } : branchOfReference(reference.trimEnd());
}

/** Reads the repository's own configuration file; "" if it cannot be read. */
export function readRepositoryConfig({ commonFolder }: WorkingTree): string {
  return readGitFile(commonFolder, "config") ?? "";
}
