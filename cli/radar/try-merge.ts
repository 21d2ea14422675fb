/**
 * Implements `radar merge`. It merges two branches without a working tree, and reports the files that conflict. New
 * objects go to a temporary folder. No merge driver runs: a file with a driver that both branches changed counts as a
 * conflict. Runs in the CLI process.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Args, CommandContext } from "../command-row.js";
import { CliFailure, failed, wrongUsage } from "../failure.js";
import { lineOf, runGit, splitFields } from "../guard/git.js";
import { findRepository, type Repository } from "../guard/repository.js";
import { printAnswer } from "../output.js";
import { resolveCommit } from "./base-commit.js";
import { withoutPrograms } from "./git-programs.js";
import { objectsIn } from "./scratch-objects.js";

/** The first minor version of git 2 that has `merge-tree --write-tree`. */
const MINOR_LEAST = 38;
const OPTIONS = ["--write-tree", "--name-only", "--no-messages", "-z", "--allow-unrelated-histories"] as const;

interface Merged {
  readonly clean: boolean;
  /** The paths of the conflicting files, sorted. */
  readonly conflicts: readonly string[];
}

/** Returns a failure if git is too old to merge without a working tree. */
function refuseOldGit(root: string): CliFailure | undefined {
  const result = runGit(root, ["version"]);
  if (result instanceof CliFailure) return result;
  const [, version = "", major, minor] = /((\d+)\.(\d+)\S*)/.exec(lineOf(result) ?? "") ?? [];
  const isNew = Number(major) > 2 || (Number(major) === 2 && Number(minor) >= MINOR_LEAST);
  return isNew
    ? undefined
    : wrongUsage(`git ${version} cannot merge without a working tree: install 2.${MINOR_LEAST} or newer`);
}

/** Merges two commits, and stores the new objects in a folder. */
function mergeIn(folder: string, { root }: Repository, a: string, b: string): Merged | CliFailure {
  const plain = withoutPrograms(root);
  if (plain instanceof CliFailure) return plain;
  const objects = objectsIn(folder, root);
  if (objects instanceof CliFailure) return objects;
  const result = runGit(root, ["merge-tree", ...OPTIONS, a, b], { ...plain.variables, ...objects });
  if (result instanceof CliFailure) return result;
  // The first field is the id of the merged tree, and the other fields are paths. A path occurs several times if it has
  // several conflicts.
  const [tree, ...fields] = splitFields(result.output).map((field) => field.toString("utf8"));
  if (tree === undefined || (!result.isSuccess && fields.length === 0))
    return failed(`git cannot merge the branches: ${result.complaint}`);
  return { clean: result.isSuccess, conflicts: [...new Set(fields.filter((path) => path !== ""))].toSorted() };
}

export async function tryMerge(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const repository = findRepository(context.folder);
  if (repository instanceof CliFailure) return repository;
  const { root } = repository;
  const tooOld = refuseOldGit(root);
  if (tooOld !== undefined) return tooOld;
  const [a, b] = [resolveCommit(root, args.need("a")), resolveCommit(root, args.need("b"))];
  if (a instanceof CliFailure) return a;
  if (b instanceof CliFailure) return b;
  const folder = mkdtempSync(join(tmpdir(), "koor-merge-"));
  try {
    const merged = mergeIn(folder, repository, a, b);
    if (merged instanceof CliFailure) return merged;
    return (await printAnswer(Buffer.from(JSON.stringify(merged)), context)) ?? (merged.clean ? 0 : 1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
