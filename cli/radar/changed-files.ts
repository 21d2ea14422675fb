/**
 * Lists the files in which a working tree differs from a base commit. The changes may be committed, staged, unstaged or
 * untracked; ignored files do not count. Writes nothing to the repository, and runs no program that the repository's
 * configuration names. Runs in the CLI process.
 */
import { RADAR_FILES_MAX, RADAR_RANGES_MAX } from "../../schemas/limits/radar.js";
import type { ChangedFile } from "../../schemas/radar.js";
import { CliFailure, failed } from "../failure.js";
import { decodePath, runGit, splitFields } from "../guard/git.js";
import { isLeasable } from "../guard/leasable.js";
import {
  FILE,
  NO_FILE,
  parseDiff,
  PATCH_OPTIONS,
  RAW_OPTIONS,
  SUBMODULE,
  SYMBOLIC_LINK,
  type FileDiff,
} from "./diff-output.js";
import type { PlainGit } from "./git-programs.js";
import { hashFiles } from "./hash-files.js";
import { joinRanges } from "./join-ranges.js";

/** The maximum number of paths in one command line, because the system limits its length. */
const PATHS_A_COMMAND = 100;
/**
 * The number of leading digits of a file mode that tell files (100), symbolic links (120) and submodules (160) apart.
 */
const KIND_DIGITS = 3;

/** A file that differs from the base. Its path is UTF-8. */
interface Change {
  readonly path: string;
  readonly diff: FileDiff;
}

/** The files that a report describes, and the total number of changed files, which may be larger. */
export interface ChangedFiles {
  readonly files: readonly ChangedFile[];
  readonly total: number;
}

/** Decodes a path from git's output. Returns undefined if the path is not UTF-8 or not allowed in a report. */
function readPath(bytes: Buffer): string | undefined {
  const path = decodePath(bytes);
  return path !== undefined && isLeasable(path) ? path : undefined;
}

/** The working tree that is compared, and the values that are needed to run git in it. */
interface Tree {
  readonly root: string;
  readonly plain: PlainGit;
  /** Called with a line for the user. */
  readonly warn: (line: string) => void;
}

/**
 * Compares files by `git diff-index`. If this fails because contents are missing, as in a partial clone, repeats it
 * without comparing lines. The files then have no line ranges.
 */
function compare(
  { root, plain, warn }: Tree,
  words: readonly string[],
  wantsPatches: boolean,
): FileDiff[] | CliFailure {
  const run = (hasPatches: boolean): FileDiff[] | CliFailure => {
    const options = [...RAW_OPTIONS, ...(hasPatches ? PATCH_OPTIONS : [])];
    const command = ["--literal-pathspecs", "-c", "core.quotePath=true", "diff-index", ...options, ...words];
    const result = runGit(root, command, plain.variables);
    if (result instanceof CliFailure) return result;
    return result.isSuccess
      ? parseDiff(result.output, hasPatches)
      : failed(`git cannot compare the files: ${result.complaint}`);
  };
  const found = run(wantsPatches);
  if (!wantsPatches || !(found instanceof CliFailure)) return found;
  const listed = run(false);
  if (listed instanceof CliFailure) return listed;
  warn("git cannot compare the files by lines, so each counts as changed as a whole");
  return listed;
}

/** Decodes the paths of changed files. Leaves out files whose path is not allowed in a report. */
export function withPaths(diffs: readonly FileDiff[]): Change[] {
  return diffs.flatMap((diff) => {
    const path = readPath(Buffer.from(diff.path, "latin1"));
    return path === undefined ? [] : [{ path, diff }];
  });
}

/**
 * Lists files whose staged content differs from the base although the working tree has the base's content. They count,
 * because the next commit would change them.
 * @param known the paths of the files that differ in the working tree
 */
function stagedOnly(tree: Tree, base: string, known: ReadonlySet<string>): Change[] | CliFailure {
  const listed = compare(tree, ["--cached", base, "--"], false);
  if (listed instanceof CliFailure) return listed;
  const paths = withPaths(listed.filter(({ path }) => !known.has(path))).map(({ path }) => path);
  const found: Change[] = [];
  for (let at = 0; at < paths.length; at += PATHS_A_COMMAND) {
    const words = ["--cached", base, "--", ...paths.slice(at, at + PATHS_A_COMMAND)];
    const diffs = compare(tree, words, true);
    if (diffs instanceof CliFailure) return diffs;
    found.push(...withPaths(diffs));
  }
  return found;
}

/** Lists the untracked files that are not ignored. Leaves out folders that are repositories themselves. */
function untracked({ root, plain }: Tree): Change[] | CliFailure {
  const result = runGit(root, ["ls-files", "-z", "--others", "--exclude-standard"], plain.variables);
  if (result instanceof CliFailure) return result;
  if (!result.isSuccess) return failed(`git cannot list the files: ${result.complaint}`);
  return splitFields(result.output).flatMap((bytes) => {
    const path = readPath(bytes);
    if (path === undefined || path.endsWith("/")) return [];
    const diff = { path, oldMode: NO_FILE, newMode: FILE, isFromTree: true, blob: undefined, ranges: undefined };
    return [{ path, diff }];
  });
}

/**
 * Returns the paths of files that have a filter, such as those of git LFS. git stores the filter's output and not the
 * file itself.
 */
function filteredPaths({ root, plain }: Tree, changes: readonly Change[]): ReadonlySet<string> | CliFailure {
  const { hasFilters, variables } = plain;
  const asked = changes.filter(({ diff }) => diff.isFromTree);
  if (!hasFilters || asked.length === 0) return new Set();
  const input = asked.map(({ path }) => `${path}\0`).join("");
  const result = runGit(root, ["check-attr", "-z", "--stdin", "filter"], variables, input);
  if (result instanceof CliFailure) return result;
  if (!result.isSuccess) return failed(`git cannot read the attributes: ${result.complaint}`);
  const fields = splitFields(result.output).map((field) => field.toString("utf8"));
  const filtered = new Set<string>();
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const value = fields[at + 2] ?? "";
    if (value !== "unspecified" && value !== "unset") filtered.add(fields[at] ?? "");
  }
  return filtered;
}

/** Whether git would merge the file line by line. This needs a regular file both in the base and now. */
function isMergedByLines({ oldMode, newMode }: FileDiff): boolean {
  return (
    oldMode.slice(0, KIND_DIGITS) === newMode.slice(0, KIND_DIGITS) && ![SYMBOLIC_LINK, SUBMODULE].includes(newMode)
  );
}

/**
 * Describes a changed file as the server's API expects it.
 * @param isFiltered whether the file has a filter; its object id and its lines are then unknown
 * @param hash the object id of the file, if `diff` does not have it
 */
export function describeFile({ path, diff }: Change, isFiltered = false, hash?: string): ChangedFile {
  if (diff.newMode === NO_FILE) return { path, deleted: true };
  const blob = isFiltered ? undefined : (diff.blob ?? hash);
  const known = blob === undefined ? { path } : { path, blob };
  if (diff.oldMode === NO_FILE) return { ...known, ranges: [[1, 0]] };
  if (isFiltered || diff.ranges === undefined || !isMergedByLines(diff)) return known;
  return { ...known, ranges: joinRanges(diff.ranges, RADAR_RANGES_MAX).map(([from, to]) => [from, to]) };
}

/**
 * Lists the files that differ from a base, sorted by path. If there are more than RADAR_FILES_MAX, describes only the
 * first ones.
 * @param base the object id of a commit or a tree
 */
export function listChangedFiles(tree: Tree, base: string): ChangedFiles | CliFailure {
  const diffs = compare(tree, [base, "--"], true);
  if (diffs instanceof CliFailure) return diffs;
  const staged = stagedOnly(tree, base, new Set(diffs.map(({ path }) => path)));
  if (staged instanceof CliFailure) return staged;
  const others = untracked(tree);
  if (others instanceof CliFailure) return others;
  // For a path in several lists, the last one counts, which is that of `diff-index`. For example, a file may be removed
  // from the index but still exist. It counts as deleted, because the next commit deletes it.
  const changes = new Map([...others, ...staged, ...withPaths(diffs)].map((change) => [change.path, change]));
  const all = [...changes.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const kept = all.slice(0, RADAR_FILES_MAX);
  const filtered = filteredPaths(tree, kept);
  if (filtered instanceof CliFailure) return filtered;
  const unhashed = kept.flatMap(({ path, diff }) =>
    diff.isFromTree && diff.blob === undefined && !filtered.has(path) ? [path] : [],
  );
  const hashes = hashFiles(tree.root, tree.plain.variables, unhashed, base.length);
  if (hashes instanceof CliFailure) return hashes;
  const files = kept.map((change) => describeFile(change, filtered.has(change.path), hashes.get(change.path)));
  return { files, total: all.length };
}
