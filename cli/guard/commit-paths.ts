/**
 * Lists the paths that a commit touches, for the commit that git is about to make or for the commits of a range. A
 * rename is a deletion and an addition, so both of its paths are listed. A merge touches the files that differ from
 * each of its parents. Paths are relative to the root of the repository. Runs in the CLI process.
 */
import { join } from "node:path";

import { CliFailure, failed, wrongUsage } from "../failure.js";
import { NO_HOOKS } from "../git-safety.js";
import { readTextIfAny } from "../regular-file.js";
import { decodePath, emptyTree, findCommit, lineOf, runGit, splitFields } from "./git.js";
import type { Repository } from "./repository.js";

/** The options of git's diff commands. With them, the user's configuration does not change the output. */
const DIFF = [
  "-z",
  "--name-only",
  "--no-renames",
  "--no-relative",
  "--ignore-submodules=none",
  "--no-ext-diff",
  "--no-textconv",
] as const;
/** Separates the headers of commits from paths. No path in git begins with a slash. */
const HEADER = "/";
/** The name of the trailer that gives a fence in a commit message. */
export const TRAILER = "Koor-Fence";
const FENCE = /^[1-9]\d{0,15}$/;
const LINE_FEED = 0x0a;
/** The number of paths in one command line. The system limits the length of a command line. */
const PATHS_A_COMMAND = 100;

/**
 * The maximum size of git's file `shallow`, which lists where a shallow history ends. It is enough for 400 000 commits.
 */
const SHALLOW_BYTES_MAX = 16 * 1024 * 1024;

/** A commit of a range. Times are in seconds, the unit of git. */
export interface CommitRecord {
  readonly commit: string;
  /** The id of the commit's tree. */
  readonly tree: string;
  readonly authorS: number;
  readonly committerS: number;
  /** The fences in the commit's message, in their order. */
  readonly fences: readonly number[];
  readonly paths: readonly string[];
}

function decodePaths(fields: readonly Buffer[]): string[] {
  return fields.map(decodePath).filter((path) => path !== undefined && path !== "") as string[];
}

/** Returns the commits that a merge in progress merges into HEAD. */
function mergedHeads({ gitFolder }: Repository): string[] {
  return (readTextIfAny(join(gitFolder, "MERGE_HEAD"), gitFolder) ?? "")
    .split("\n")
    .filter((line) => /^[0-9a-f]{40,64}$/.test(line));
}

/** Returns the parents of HEAD. */
function parentsOfHead(root: string): string[] | CliFailure {
  const result = runGit(root, ["rev-list", "--parents", "--max-count=1", "HEAD"]);
  if (result instanceof CliFailure) return result;
  return (lineOf(result) ?? "").split(" ").slice(1);
}

/** Returns the parents of the commit that git is about to make; an empty list for the first commit. */
function parentsOfNext(repository: Repository, amends: boolean): string[] | CliFailure {
  const { root } = repository;
  if (amends) return parentsOfHead(root);
  const id = findCommit(root, "HEAD");
  if (id instanceof CliFailure) return id;
  return id === undefined ? [] : [id, ...mergedHeads(repository)];
}

/**
 * Lists the paths that a commit of the index would touch.
 * @param amends whether the commit replaces HEAD instead of following it
 */
export function stagedPaths(repository: Repository, amends = false): string[] | CliFailure {
  const { root } = repository;
  const parents = parentsOfNext(repository, amends);
  if (parents instanceof CliFailure) return parents;
  const [first = emptyTree(root), ...others] = parents;
  let touched: Set<string> | undefined;
  for (const parent of [first, ...others]) {
    if (parent instanceof CliFailure) return parent;
    const result = runGit(root, ["diff-index", "--cached", ...DIFF, parent, "--"]);
    if (result instanceof CliFailure) return result;
    if (!result.isSuccess) return failed(`git cannot compare the index: ${result.complaint}`);
    const paths: ReadonlySet<string> = new Set(decodePaths(splitFields(result.output)));
    touched = touched === undefined ? new Set(paths) : new Set([...touched].filter((path) => paths.has(path)));
  }
  return [...(touched ?? [])];
}

/** Lists the paths that HEAD touches. */
export function pathsOfHead(repository: Repository): string[] | CliFailure {
  const commits = logCommits(repository, ["--max-count=1", "HEAD"]);
  return commits instanceof CliFailure ? commits : [...(commits[0]?.paths ?? [])];
}

/**
 * Lists the files that differ from HEAD in the index or in the working tree, and the untracked files. Ignored files are
 * listed only if they are at or below one of the `named` paths.
 */
export function unlikeHead({ root }: Repository, named: readonly string[]): string[] | CliFailure {
  const others = ["ls-files", "-z", "--others"];
  const commands = [
    // `diff` compares the contents of files of which only the times have changed. `diff-index` would list such files.
    [...NO_HOOKS, "-c", "diff.autoRefreshIndex=true", "diff", ...DIFF, "HEAD", "--"],
    ["diff-index", "--cached", ...DIFF, "HEAD", "--"],
    [...others, "--exclude-standard"],
  ];
  for (let at = 0; at < named.length; at += PATHS_A_COMMAND)
    commands.push([...others, "--", ...named.slice(at, at + PATHS_A_COMMAND)]);
  const paths = new Set<string>();
  for (const words of commands) {
    const result = runGit(root, ["--literal-pathspecs", ...words]);
    if (result instanceof CliFailure) return result;
    if (!result.isSuccess) return failed(`git cannot compare the files: ${result.complaint}`);
    for (const path of decodePaths(splitFields(result.output))) paths.add(path);
  }
  return [...paths];
}

/** The ends of a range, as commit ids. */
export interface CommitRange {
  readonly from: string;
  readonly to: string;
}

/** Resolves a range `A..B`. Other texts, and names that git does not know, are wrong usage. */
export function readRange({ root }: Repository, text: string): CommitRange | CliFailure {
  const [from = "", to = "", ...more] = text.split("..");
  if (!text.includes("..") || text.includes("...") || more.length > 0)
    return wrongUsage(`"${text}" is not a range: write A..B`);
  const ends: string[] = [];
  for (const name of [from, to]) {
    const revision = name === "" ? "HEAD" : name;
    const id = findCommit(root, revision);
    if (id instanceof CliFailure) return id;
    if (id === undefined) return wrongUsage(`unknown commit: ${revision}`);
    ends.push(id);
  }
  return { from: ends[0] ?? "", to: ends[1] ?? "" };
}

/** Returns the commits at which the history of a shallow clone ends. Their parents are missing in the clone. */
function shallowCommits({ commonFolder }: Repository): ReadonlySet<string> {
  const text = readTextIfAny(join(commonFolder, "shallow"), commonFolder, SHALLOW_BYTES_MAX) ?? "";
  return new Set(text.split("\n"));
}

/** Adds a field of git's output to the paths of the last commit. `isFirst` is true for the commit's first path. */
function addPath(paths: string[], field: Buffer, isFirst: boolean): void {
  // git writes a line end between the header of a commit and its first path.
  const path = decodePath(isFirst && field[0] === LINE_FEED ? field.subarray(1) : field);
  if (path !== undefined && path !== "") paths.push(path);
}

function readHeader(text: string): Omit<CommitRecord, "paths"> {
  const [commit = "", tree = "", author = "", committer = "", ...trailers] = text.slice(HEADER.length).split(" ");
  const fences = trailers
    .join(" ")
    .split(",")
    .filter((one) => FENCE.test(one));
  return {
    commit,
    tree,
    authorS: Number(author),
    committerS: Number(committer),
    fences: fences.map(Number),
  };
}

/** Lists commits, oldest first, with the paths that each one touches. */
function logCommits({ root }: Repository, revisions: readonly string[]): CommitRecord[] | CliFailure {
  const trailers = `%(trailers:key=${TRAILER},valueonly,separator=%x2C)`;
  const words = ["-c", "log.showRoot=true", "-c", "trailer.separators=:", "log"];
  const order = ["--date-order", "--reverse", "-c", "--no-color", "--no-notes"];
  const format = `--format=%x00${HEADER}%H %T %at %ct ${trailers}%x00`;
  const result = runGit(root, [...words, ...DIFF, ...order, format, ...revisions, "--"]);
  if (result instanceof CliFailure) return result;
  if (!result.isSuccess) return failed(`git cannot list the commits: ${result.complaint}`);
  const commits: (CommitRecord & { readonly paths: string[] })[] = [];
  let isFirst = false;
  for (const field of splitFields(result.output)) {
    if (field[0] === HEADER.charCodeAt(0)) {
      commits.push({ ...readHeader(field.toString("utf8").replaceAll(/\s+/g, " ")), paths: [] });
      isFirst = true;
      continue;
    }
    if (field.length === 0) continue;
    addPath(commits.at(-1)?.paths ?? [], field, isFirst);
    isFirst = false;
  }
  return commits;
}

/**
 * Lists the commits of a range, oldest first, with the paths that each one touches. It is wrong usage if the history of
 * a shallow clone ends inside of the range.
 */
export function commitsOf(repository: Repository, { from, to }: CommitRange): CommitRecord[] | CliFailure {
  const commits = logCommits(repository, [to, `^${from}`]);
  if (commits instanceof CliFailure) return commits;
  const shallow = shallowCommits(repository);
  const cut = commits.find(({ commit }) => shallow.has(commit));
  return cut === undefined
    ? commits
    : wrongUsage(`the history is cut off at ${cut.commit}`, "run: git fetch --unshallow");
}
