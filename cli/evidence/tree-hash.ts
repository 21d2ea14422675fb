/**
 * Computes the id that git gives to a whole working tree: its tracked files as they are, and the files that git would
 * add. Works with a copy of the index and with a temporary object store, so the repository does not change. No program
 * that its configuration names is run. Runs in the CLI process.
 */
import { copyFileSync, mkdtempSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { CliFailure, failed } from "../failure.js";
import { NO_HOOKS } from "../git-safety.js";
import { findCommit, lineOf, runGit } from "../guard/git.js";
import { findRepository } from "../guard/repository.js";
import { withoutPrograms } from "../radar/git-programs.js";
import { objectsIn } from "../radar/scratch-objects.js";
import { describeSystemError } from "../system-error.js";

/** The files of a working tree. */
export interface HashedTree {
  /** Git's id of the tree. */
  readonly tree: string;
  /** The commit that is checked out; null if there is none yet. */
  readonly head: string | null;
  readonly root: string;
}

/**
 * The options of git's `add` and `write-tree`: no warnings, and no waiting for the disk, because the objects are
 * removed soon.
 */
const SCRATCH_OPTIONS = [
  "-c",
  "advice.addEmbeddedRepo=false",
  "-c",
  "core.safecrlf=false",
  "-c",
  "core.fsync=none",
] as const;

/** Identifies a version of the index; "" if there is none. */
function stampOf(index: string): string {
  const { mtimeMs = 0, size = 0 } = statSync(index, { throwIfNoEntry: false }) ?? {};
  return size === 0 ? "" : `${mtimeMs} ${size}`;
}

/** Copies the index, so that git hashes only files that have changed. */
function copyIndex(from: string, to: string): void {
  copyFileSync(from, to);
  // git hashes a file again if it is as new as the index. A copy that looks newer would hide such a change.
  const { atime, mtime } = statSync(from);
  utimesSync(to, atime, mtime);
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
  const added = runGit(root, [...NO_HOOKS, ...SCRATCH_OPTIONS, "add", "--all", "--", "."], variables);
  if (added instanceof CliFailure) return added;
  if (!added.isSuccess) return failed(`git cannot add the files: ${added.complaint}`);
  const written = runGit(root, [...NO_HOOKS, ...SCRATCH_OPTIONS, "write-tree"], variables);
  if (written instanceof CliFailure) return written;
  return lineOf(written) ?? failed(`git cannot write the tree: ${written.complaint}`);
}

/** The temporary files of a hasher. */
interface Scratch {
  readonly folder: string;
  /** The version of the repository's index that was copied last; "" if none was. */
  stamp: string;
}

/** Hashes a working tree several times. What git has hashed and stored once, it need not do again. */
export class TreeHasher {
  readonly #of: string;
  #scratch: Scratch | undefined;

  /** @param of the folder whose working tree is hashed */
  constructor(of: string) {
    this.#of = of;
  }

  /** Hashes the working tree. A folder in no repository, or in a bare one, is a failure. */
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
