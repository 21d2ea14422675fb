/**
 * Lists the paths that commits touch: the commit that git is about to make, or the commits of a range. A rename touches
 * the old path and the new one. A merge touches only the files that differ from all of its parents. Paths are relative
 * to the root of the repository. Runs in the CLI process.
 */
import { join } from "node:path";

import { CliFailure, failed, wrongUsage } from "../failure.js";
import { NO_HOOKS } from "../git-safety.js";
import { readTextIfAny } from "../regular-file.js";
import { decodePath, emptyTree, findCommit, lineOf, runGit, splitFields } from "./git.js";
import type { Repository } from "./repository.js";

/** The options of git's diff commands. They make the output independent of the user's configuration. */
const DIFF = [
  "-z",
  "--name-only",
  "--no-renames",
  "--no-relative",
  "--ignore-submodules=none",
  "--no-ext-diff",
  "--no-textconv",
] as const;
/**
 * The first character of each commit's header in git's output. No path begins with it, so it tells headers from paths.
 */
const HEADER = "/";
/** The trailer that names a fence in a commit message (`Koor-Fence: 17`). */
export const TRAILER = "Koor-Fence";
const FENCE = /^[1-9]\d{0,15}$/;
const LINE_FEED = 0x0a;
/** The maximum number of paths in one command. Systems limit the length of a command line. */
const PATHS_A_COMMAND = 100;

/**
 * The maximum size of git's file `shallow`, which lists the oldest commits of a shallow clone. It is enough for 400 000
 * commits.
 */
const SHALLOW_BYTES_MAX = 16 * 1024 * 1024;

/** A commit and the facts that the guard needs. Times are in seconds, as in git. */
export interface CommitRecord {
  readonly commit: string;
  /** The id of the commit's tree. */
  readonly tree: string;
  readonly authorS: number;
  readonly committerS: number;
  /** The fences that the commit's message names, in its order. */
  readonly fences: readonly number[];
  readonly paths: readonly string[];
}

function decodePaths(fields: readonly Buffer[]): string[] {
  return fields.map(decodePath).filter((path) => path !== undefined && path !== "") as string[];
}

/** Returns the commits that are being merged into HEAD. The list is empty if no merge is in progress. */
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

/** Returns the parents of the commit that git is about to make. The list is empty for the first commit. */
function parentsOfNext(repository: Repository, amends: boolean): string[] | CliFailure {
  const { root } = repository;
  if (amends) return parentsOfHead(root);
  const id = findCommit(root, "HEAD");
  if (id instanceof CliFailure) return id;
  return id === undefined ? [] : [id, ...mergedHeads(repository)];
}

/**
 * Lists the paths that a commit would touch if it were made from the index now.
 * @param amends whether the commit would replace HEAD
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
 * Lists the untracked files, and the files that differ from HEAD in the index or in the working tree. Ignored files are
 * left out, except those at or below one of the `named` paths.
 */
export function unlikeHead({ root }: Repository, named: readonly string[]): string[] | CliFailure {
  const others = ["ls-files", "-z", "--others"];
  const commands = [
    // Use `diff` for the working tree: it compares contents. `diff-index` would list a file of which only the time has
    // changed.
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

/** A range of commits, from the id `from` (exclusive) to the id `to`. */
export interface CommitRange {
  readonly from: string;
  readonly to: string;
}

/** Resolves a range such as `main..HEAD`. It is wrong usage if the text is no range, or if git does not know a name. */
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

/** Returns the oldest commits of a shallow clone. The clone does not contain their parents. */
function shallowCommits({ commonFolder }: Repository): ReadonlySet<string> {
  const text = readTextIfAny(join(commonFolder, "shallow"), commonFolder, SHALLOW_BYTES_MAX) ?? "";
  return new Set(text.split("\n"));
}

/**
 * Adds a path from git's output (`src/a.ts`) to `paths`. `isFirst` says that it is the first path after a commit's
 * header.
 */
function addPath(paths: string[], field: Buffer, isFirst: boolean): void {
  // Before the first path, git writes a line feed.
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

/** Lists commits, oldest first, each with the paths that it touches. */
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
 * Lists the commits of a range, oldest first, each with the paths that it touches. It is wrong usage if a shallow clone
 * lacks a part of the range.
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
