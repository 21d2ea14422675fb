/**
 * Finds the commit to which the radar compares a working tree. It is the merge base of HEAD and the branch into which
 * HEAD will be merged. Runs in the CLI process.
 */
import { CliFailure, wrongUsage } from "../failure.js";
import { emptyTree, findCommit, lineOf, runGit } from "../guard/git.js";
import type { Repository } from "../guard/repository.js";

export interface Base {
  /** The object id of the base commit. If the repository has no commits, it is the id of the empty tree. */
  readonly id: string;
  /** Whether the base is a commit. */
  readonly isCommit: boolean;
}

const HEAD = "HEAD";
const REMOTE_HEAD = "refs/remotes/origin/HEAD";
/** The branches into which work is usually merged. The first one that exists counts. */
const MAIN_BRANCHES = ["main", "master"].flatMap((name) => [`refs/heads/${name}`, `refs/remotes/origin/${name}`]);
const BRANCH = /^refs\/(?:heads|remotes\/origin)\/(.+)$/s;
const OBJECT_ID = /^[0-9a-f]{40,64}$/;

/** Resolves references to ids of commits, with one call of git. References that do not exist are left out. */
function resolveReferences(root: string, references: readonly string[]): ReadonlyMap<string, string> | CliFailure {
  const input = references.map((reference) => `${reference}^{commit}\n`).join("");
  const result = runGit(root, ["cat-file", "--batch-check=%(objectname)"], {}, input);
  if (result instanceof CliFailure) return result;
  const lines = result.output.toString("utf8").split("\n");
  const pairs = references.map((reference, at) => [reference, lines[at] ?? ""] as const);
  return new Map(pairs.filter(([, id]) => OBJECT_ID.test(id)));
}

/** Resolves the name of a commit that the user gave. Returns a failure (wrong usage) if the name is unknown. */
export function resolveCommit(root: string, name: string): string | CliFailure {
  return findCommit(root, name) ?? wrongUsage(`unknown branch or commit: ${name}`);
}

/** Returns the first line of git's output; undefined if the command fails. */
function askForLine(root: string, words: readonly string[]): string | undefined | CliFailure {
  const result = runGit(root, words);
  return result instanceof CliFailure ? result : lineOf(result);
}

/** Returns the head of the branch into which HEAD will be merged. If no such branch is found, returns HEAD. */
function findTarget(root: string, commits: ReadonlyMap<string, string>, head: string): string | CliFailure {
  const reference = [REMOTE_HEAD, ...MAIN_BRANCHES].find((name) => commits.has(name));
  const current = askForLine(root, ["symbolic-ref", "--quiet", HEAD]);
  if (current instanceof CliFailure) return current;
  if (reference !== undefined) {
    const named = reference === REMOTE_HEAD ? askForLine(root, ["symbolic-ref", "--quiet", REMOTE_HEAD]) : reference;
    if (named instanceof CliFailure) return named;
    const name = BRANCH.exec(named ?? "")?.[1];
    if (current === undefined || name === undefined || BRANCH.exec(current)?.[1] !== name)
      return commits.get(reference) ?? head;
  }
  // HEAD is already on the branch into which work is merged. Its changes are then the commits that its upstream lacks.
  const upstream = findCommit(root, "@{upstream}");
  return upstream ?? head;
}

/**
 * Finds the base. If HEAD and the branch have no common commit, as in a shallow clone, the base is HEAD.
 * @param given the value of `--base`; undefined if it is not given. An unknown name is a failure
 * @param warn called with a line for the user
 */
export function findBase(
  { root }: Repository,
  given: string | undefined,
  warn: (line: string) => void,
): Base | CliFailure {
  const named = given === undefined ? undefined : resolveCommit(root, given);
  if (named instanceof CliFailure) return named;
  const commits = resolveReferences(root, [HEAD, REMOTE_HEAD, ...MAIN_BRANCHES]);
  if (commits instanceof CliFailure) return commits;
  const head = commits.get(HEAD);
  if (head === undefined) {
    const id = emptyTree(root);
    return id instanceof CliFailure ? id : { id, isCommit: false };
  }
  const target = named ?? findTarget(root, commits, head);
  if (target instanceof CliFailure) return target;
  if (target === head) return { id: head, isCommit: true };
  const common = askForLine(root, ["merge-base", head, target]);
  if (common instanceof CliFailure) return common;
  if (common === undefined) warn(`HEAD and ${target} have no common commit here: only uncommitted changes count`);
  return { id: common?.split("\n")[0] ?? head, isCommit: true };
}
