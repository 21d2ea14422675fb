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
import { describeSystemError, errorCodeOf } from "../system-error.js";

/** The files of a working tree. */
export interface HashedTree {
  /** Git's id of the tree. */
  readonly tree: string;
  /** The commit that is checked out; null if there is none yet. */
  readonly head: string | null;
  readonly root: string;
}

/** Copies the index, so that git hashes only files that have changed. */
function copyIndex(from: string, to: string): void {
  try {
    copyFileSync(from, to);
    // git hashes a file again if it is as new as the index. A copy that looks newer would hide such a change.
    const { atime, mtime } = statSync(from);
    utimesSync(to, atime, mtime);
  } catch (error) {
    if (errorCodeOf(error) !== "ENOENT") throw error;
  }
}

function hashIn(folder: string, root: string): string | CliFailure {
  const plain = withoutPrograms(root);
  if (plain instanceof CliFailure) return plain;
  const objects = objectsIn(folder, root);
  if (objects instanceof CliFailure) return objects;
  const own = runGit(root, ["rev-parse", "--path-format=absolute", "--git-path", "index"]);
  if (own instanceof CliFailure) return own;
  const index = join(folder, "index");
  try {
    copyIndex(lineOf(own) ?? "", index);
  } catch (error) {
    return failed(`the index cannot be copied: ${describeSystemError(error)}`);
  }
  const variables = { ...plain.variables, ...objects, GIT_INDEX_FILE: index };
  const quiet = ["-c", "advice.addEmbeddedRepo=false", "-c", "core.safecrlf=false"];
  const added = runGit(root, [...NO_HOOKS, ...quiet, "add", "--all", "--", "."], variables);
  if (added instanceof CliFailure) return added;
  if (!added.isSuccess) return failed(`git cannot add the files: ${added.complaint}`);
  const written = runGit(root, [...NO_HOOKS, "write-tree"], variables);
  if (written instanceof CliFailure) return written;
  return lineOf(written) ?? failed(`git cannot write the tree: ${written.complaint}`);
}

/** Hashes the working tree of a folder. A folder in no repository, or in a bare one, is a failure. */
export function hashTree(folder: string): HashedTree | CliFailure {
  const repository = findRepository(folder);
  if (repository instanceof CliFailure) return repository;
  const { root, isBare } = repository;
  if (isBare) return failed("a bare repository has no files");
  const head = findCommit(root, "HEAD");
  if (head instanceof CliFailure) return head;
  const scratch = mkdtempSync(join(tmpdir(), "koor-tree-"));
  try {
    const tree = hashIn(scratch, root);
    return tree instanceof CliFailure ? tree : { tree, head: head ?? null, root };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
