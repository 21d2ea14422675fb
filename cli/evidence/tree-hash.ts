/**
 * Computes the id of the git tree that contains the whole working tree, as after `git add --all`. Works with a copy of
 * the index and a temporary object store, so the repository does not change. git runs none of the programs that the
 * repository's configuration names. Runs in the CLI process.
 */
import { copyFileSync, mkdtempSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { CliFailure, failed } from "../failure.js";
import { NO_HOOKS } from "../git-safety.js";
import { findCommit, lineOf, runGit, splitFields } from "../guard/git.js";
import { findRepository } from "../guard/repository.js";
import { type Variables, withoutPrograms } from "../radar/git-programs.js";
import { objectsIn } from "../radar/scratch-objects.js";
import { describeSystemError } from "../system-error.js";

/** The result of hashing a working tree. */
export interface HashedTree {
  /** The id of the git tree that contains all files. */
  readonly tree: string;
  /** The commit that is checked out; null if the repository has no commit yet. */
  readonly head: string | null;
  readonly root: string;
}

/**
 * The options for commands on the temporary index and object store. They turn off warnings. They also turn off fsync,
 * because the objects are deleted soon.
 */
const SCRATCH_OPTIONS = ["-c", "core.safecrlf=false", "-c", "core.fsync=none"] as const;

/**
 * The options for the list of changed files. git prints the kind of the change and the path in turn (`M`, `a.ts`, `D`,
 * `b.ts`).
 */
const CHANGED_FILES = ["-z", "--name-status", "--no-renames", "--ignore-submodules=dirty"] as const;
const UNTRACKED_FILES = ["-z", "--others", "--exclude-standard"] as const;
const DELETED = "D";
const END_OF_PATH = Buffer.of(0);
const SLASH = "/".charCodeAt(0);

/** Returns a text that changes when the index is written; "" if there is no index. */
function stampOf(index: string): string {
  const { mtimeMs = 0, size = 0 } = statSync(index, { throwIfNoEntry: false }) ?? {};
  return size === 0 ? "" : `${mtimeMs} ${size}`;
}

/** Copies the index. With the hashes in it, git hashes only the files that have changed. */
function copyIndex(from: string, to: string): void {
  copyFileSync(from, to);
  // Keep the times of the index. git hashes a file again if it is as new as the index. If the copy looked newer, git
  // could miss a change.
  const { atime, mtime } = statSync(from);
  utimesSync(to, atime, mtime);
}

/**
 * Adds all files to the index, like `git add --all`. That command would also run git in each submodule, with filters of
 * the submodule's own configuration. The commands used here only read which commit a submodule has checked out.
 */
function addFiles(root: string, variables: Variables): CliFailure | undefined {
  const changed = listFiles(root, ["diff-files", ...CHANGED_FILES], variables);
  if (changed instanceof CliFailure) return changed;
  const untracked = listFiles(root, ["ls-files", ...UNTRACKED_FILES], variables);
  if (untracked instanceof CliFailure) return untracked;
  const deleted: Buffer[] = [];
  const present = untracked.map(withoutSlash);
  for (let at = 0; at + 1 < changed.length; at += 2) {
    const [status, path] = changed.slice(at, at + 2);
    if (path !== undefined) (status?.toString() === DELETED ? deleted : present).push(path);
  }
  return (
    updateIndex(root, ["--force-remove"], deleted, variables) ??
    updateIndex(root, ["--add", "--remove", "--replace"], present, variables)
  );
}

function listFiles(root: string, words: readonly string[], variables: Variables): Buffer[] | CliFailure {
  const listed = runGit(root, words, variables);
  if (listed instanceof CliFailure) return listed;
  return listed.isSuccess ? splitFields(listed.output) : failed(`git cannot list the files: ${listed.complaint}`);
}

function updateIndex(
  root: string,
  words: readonly string[],
  paths: readonly Buffer[],
  variables: Variables,
): CliFailure | undefined {
  if (paths.length === 0) return undefined;
  const input = Buffer.concat(paths.flatMap((path) => [path, END_OF_PATH]));
  const command = [...NO_HOOKS, ...SCRATCH_OPTIONS, "update-index", "-z", ...words, "--stdin"];
  const updated = runGit(root, command, variables, input);
  if (updated instanceof CliFailure) return updated;
  return updated.isSuccess ? undefined : failed(`git cannot add the files: ${updated.complaint}`);
}

/** Removes the slash at the end of a nested repository's path, which git adds. */
function withoutSlash(path: Buffer): Buffer {
  return path.at(-1) === SLASH ? path.subarray(0, -1) : path;
}

function hashIn(scratch: Scratch, root: string): string | CliFailure {
  const { folder } = scratch;
  const plain = withoutPrograms(root);
  if (plain instanceof CliFailure) return plain;
  const objects = objectsIn(folder, root);
  if (objects instanceof CliFailure) return objects;
  const own = runGit(root, ["rev-parse", "--path-format=absolute", "--git-path", "index"]);
  if (own instanceof CliFailure) return own;
  const index = join(folder, "index");
  try {
    const source = lineOf(own) ?? "";
    const stamp = stampOf(source);
    if (stamp !== "" && stamp !== scratch.stamp) copyIndex(source, index);
    scratch.stamp = stamp;
  } catch (error) {
    return failed(`the index cannot be copied: ${describeSystemError(error)}`);
  }
  const variables = { ...plain.variables, ...objects, GIT_INDEX_FILE: index };
  const added = addFiles(root, variables);
  if (added instanceof CliFailure) return added;
  const written = runGit(root, [...NO_HOOKS, ...SCRATCH_OPTIONS, "write-tree"], variables);
  if (written instanceof CliFailure) return written;
  return lineOf(written) ?? failed(`git cannot write the tree: ${written.complaint}`);
}

/** The temporary folder of a hasher, and the state of its index. */
interface Scratch {
  readonly folder: string;
  /** Identifies the version of the repository's index that was copied last (`stampOf`); "" if none was copied. */
  stamp: string;
}

/** Hashes the same working tree several times. Unchanged files are hashed only the first time. */
export class TreeHasher {
  readonly #of: string;
  #scratch: Scratch | undefined;

  /** @param of a folder inside the working tree */
  constructor(of: string) {
    this.#of = of;
  }

  /** Hashes the working tree. Fails if the folder is in no repository, or in a bare one. */
  hash(): HashedTree | CliFailure {
    const repository = findRepository(this.#of);
    if (repository instanceof CliFailure) return repository;
    const { root, isBare } = repository;
    if (isBare) return failed("a bare repository has no files");
    const head = findCommit(root, "HEAD");
    if (head instanceof CliFailure) return head;
    try {
      this.#scratch ??= { folder: mkdtempSync(join(tmpdir(), "koor-tree-")), stamp: "" };
    } catch (error) {
      return failed(`there is no room for temporary files: ${describeSystemError(error)}`);
    }
    const tree = hashIn(this.#scratch, root);
    return tree instanceof CliFailure ? tree : { tree, head: head ?? null, root };
  }

  /** Removes the temporary files. */
  close(): void {
    if (this.#scratch !== undefined) rmSync(this.#scratch.folder, { recursive: true, force: true });
    this.#scratch = undefined;
  }
}

/** Hashes the working tree of a folder once. */
export function hashTree(folder: string): HashedTree | CliFailure {
  const hasher = new TreeHasher(folder);
  try {
    return hasher.hash();
  } finally {
    hasher.close();
  }
}
