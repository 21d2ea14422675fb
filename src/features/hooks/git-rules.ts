/**
 * Describes which files, stashes, working trees or branches each git command would touch. Each command has one
 * function, which gets the parameters after the command's name. The function returns null if the command only reads, or
 * only adds or commits files that it names. Pure.
 */
import { type CommandLine, readCommandLine } from "./command-line.js";
import type { CommandWord } from "./shell-commands.js";

/** The things that a git command would touch. */
export type GitTouch =
  /** Possibly all files of the working tree. */
  | { readonly kind: "all" }
  /** The files at these paths, and below them. Each path starts at the directory in which git runs. */
  | { readonly kind: "paths"; readonly paths: readonly string[] }
  /** The list of stashes, which all working trees of the repository share. */
  | { readonly kind: "stash" }
  /** Working trees that would be deleted, with all changes in them that are not committed. */
  | { readonly kind: "worktrees"; readonly paths: readonly string[] }
  /** Branches that would be deleted, although they are not merged. */
  | { readonly kind: "branches"; readonly names: readonly string[] };

export type GitRule = (parameters: readonly CommandWord[]) => GitTouch | null;

export const GIT_RULES: ReadonlyMap<string, GitRule> = new Map<string, GitRule>([
  ["checkout", checkout],
  ["switch", switchBranch],
  ["restore", restore],
  ["reset", reset],
  ["clean", clean],
  ["stash", stash],
  ["add", add],
  ["stage", add],
  ["commit", commit],
  ["rebase", rebase],
  ["pull", pull],
  ["rm", removeFiles],
  ["mv", moveFiles],
  ["worktree", worktree],
  ["branch", branch],
  ["read-tree", readTree],
  ["checkout-index", checkoutIndex],
  ["bisect", bisect],
]);

const ALL: GitTouch = { kind: "all" };

function checkout(parameters: readonly CommandWord[]): GitTouch | null {
  const line = readCommandLine(parameters, ["-b", "-B", "--orphan", "--conflict", "--pathspec-from-file"]);
  const { operands, beforeSeparator } = line;
  if (asksForHelp(line)) return null;
  if (line.has("-b", "-B", "--orphan", "--detach", "-d", "--pathspec-from-file")) return ALL;
  if (line.hasSeparator) {
    const named = operands.slice(beforeSeparator);
    return named.length === 0 ? (beforeSeparator > 0 ? ALL : null) : pathsOf(named);
  }
  if (line.has("--ours", "--theirs", "--merge", "-m") && operands.length > 1) return pathsOf(operands);
  if (line.has("-p", "--patch") && operands.length === 0) return ALL;
  const [first] = operands;
  // With `-f` and no branch, git discards the changes of all files.
  if (first === undefined) return line.has("-f", "--force") ? ALL : null;
  // The first of several operands may be a commit or a path. It is treated as a path, like the other operands.
  if (operands.length > 1 || namesFile(first)) return pathsOf(operands);
  return ALL;
}

/**
 * Returns whether an operand names a file and not a branch. The repository is not known here, so only the form of the
 * name is examined. A name that may be a branch counts as a branch.
 */
function namesFile({ text }: CommandWord): boolean {
  return text === "." || text.endsWith("/") || /^\.\.?\//.test(text) || /[^/.\d]\.[A-Za-z][A-Za-z0-9]*$/.test(text);
}

function switchBranch(parameters: readonly CommandWord[]): GitTouch | null {
  const line = readCommandLine(parameters, ["-c", "-C", "--create", "--force-create", "--orphan"]);
  if (asksForHelp(line)) return null;
  const creates = line.has("-c", "-C", "--create", "--force-create", "--orphan");
  return creates || line.operands.length > 0 ? ALL : null;
}

function restore(parameters: readonly CommandWord[]): GitTouch | null {
  const line = readCommandLine(parameters, ["-s", "--source", "--conflict", "--pathspec-from-file"]);
  if (asksForHelp(line) || (line.has("-S", "--staged") && !line.has("-W", "--worktree"))) return null;
  if (line.has("--pathspec-from-file")) return ALL;
  if (line.operands.length > 0) return pathsOf(line.operands);
  return line.has("-p", "--patch") ? ALL : null;
}

function reset(parameters: readonly CommandWord[]): GitTouch | null {
  // `--merge` discards staged changes, and both `--merge` and `--keep` move the files to another commit.
  return readCommandLine(parameters).has("--hard", "--merge", "--keep") ? ALL : null;
}

function clean(parameters: readonly CommandWord[]): GitTouch | null {
  const line = readCommandLine(parameters, ["-e", "--exclude"]);
  if (line.has("-n", "--dry-run") || !line.has("-f", "--force")) return null;
  return line.operands.length > 0 ? pathsOf(line.operands) : ALL;
}

function stash(parameters: readonly CommandWord[]): GitTouch | null {
  const first = parameters[0]?.text;
  return first === "list" || first === "show" || first === "--help" || first === "-h" ? null : { kind: "stash" };
}

function add(parameters: readonly CommandWord[]): GitTouch | null {
  const line = readCommandLine(parameters, ["--chmod", "--pathspec-from-file"]);
  if (asksForHelp(line) || line.has("-n", "--dry-run", "--refresh")) return null;
  const wide = line.operands.filter(isWide);
  if (line.has("-A", "--all", "--no-ignore-removal", "-u", "--update"))
    return line.operands.length === 0 ? ALL : pathsOf(line.operands);
  return wide.length === 0 ? null : pathsOf(wide);
}

/** Returns whether an operand (such as `.`) means all files of a directory. */
function isWide({ text }: CommandWord): boolean {
  return /^(?:\.{1,2}|\.\/|\*|\.\/\*|:\/|:\(top\)|:)$/.test(text);
}

function commit(parameters: readonly CommandWord[]): GitTouch | null {
  // Leave out the options `-S` and `-u` with a value in the same word, as in `-uall`.
  const options = parameters.filter(({ text }) => !/^-[Su]./.test(text));
  const line = readCommandLine(options, [
    ...["-m", "-F", "-c", "-C", "-t", "--message", "--file", "--reuse-message", "--reedit-message", "--template"],
    ...["--author", "--date", "--fixup", "--squash", "--cleanup", "--trailer", "--pathspec-from-file"],
  ]);
  return line.has("-a", "--all") && !line.has("--dry-run") && !asksForHelp(line) ? ALL : null;
}

function rebase(parameters: readonly CommandWord[]): GitTouch | null {
  const line = readCommandLine(parameters);
  const reads = asksForHelp(line) || line.has("--show-current-patch", "--edit-todo", "--quit");
  return reads ? null : ALL;
}

function pull(parameters: readonly CommandWord[]): GitTouch | null {
  const line = readCommandLine(parameters);
  return asksForHelp(line) || line.has("--dry-run") ? null : ALL;
}

function removeFiles(parameters: readonly CommandWord[]): GitTouch | null {
  const line = readCommandLine(parameters, ["--pathspec-from-file"]);
  if (line.has("--cached", "-n", "--dry-run") || line.operands.length === 0) return null;
  return pathsOf(line.operands);
}

function moveFiles(parameters: readonly CommandWord[]): GitTouch | null {
  const line = readCommandLine(parameters);
  if (line.has("-n", "--dry-run") || line.operands.length < 2) return null;
  // Leave out the last operand, the target. If it is a directory, the move changes only one file in it.
  return pathsOf(line.operands.slice(0, -1));
}

function worktree(parameters: readonly CommandWord[]): GitTouch | null {
  if (parameters[0]?.text !== "remove") return null;
  const line = readCommandLine(parameters.slice(1));
  const paths = line.operands.filter(({ isLiteral }) => isLiteral).map(({ text }) => text);
  return line.has("-f", "--force") && paths.length > 0 ? { kind: "worktrees", paths } : null;
}

function branch(parameters: readonly CommandWord[]): GitTouch | null {
  const line = readCommandLine(parameters);
  const deletes = line.has("-D") || (line.has("-d", "--delete") && line.has("-f", "--force"));
  const names = line.operands.filter(({ isLiteral }) => isLiteral).map(({ text }) => text);
  return deletes && !line.has("-r", "--remotes") && names.length > 0 ? { kind: "branches", names } : null;
}

/** With `-u`, `read-tree` updates the working tree. With `--reset`, it discards changes there. */
function readTree(parameters: readonly CommandWord[]): GitTouch | null {
  const line = readCommandLine(parameters, ["--prefix", "--index-output"]);
  return line.has("-u", "--reset") && !line.has("-n", "--dry-run") && !asksForHelp(line) ? ALL : null;
}

/** Without `-f`, `checkout-index` overwrites no file. */
function checkoutIndex(parameters: readonly CommandWord[]): GitTouch | null {
  const line = readCommandLine(parameters, ["--prefix", "--stage"]);
  if (!line.has("-f", "--force") || line.has("--prefix") || asksForHelp(line)) return null;
  return line.has("-a", "--all", "--stdin") ? ALL : pathsOf(line.operands);
}

/** These subcommands only read. All others check out a commit. */
const READING_BISECT: ReadonlySet<string> = new Set(["log", "view", "visualize", "terms", "help"]);

function bisect(parameters: readonly CommandWord[]): GitTouch | null {
  const [first] = parameters;
  return first === undefined || READING_BISECT.has(first.text) || first.text.startsWith("-") ? null : ALL;
}

function asksForHelp(line: CommandLine): boolean {
  return line.has("-h", "--help");
}

/**
 * Returns the paths of the operands that name files. For a pattern (`src/*.ts`), returns the directory that contains
 * all files it can match (`src`). An operand whose value is known only when the command runs is left out.
 */
function pathsOf(operands: readonly CommandWord[]): GitTouch | null {
  const paths: string[] = [];
  for (const { text, hasExpansion } of operands) {
    if (hasExpansion || text.startsWith("~")) continue;
    if (text.startsWith(":")) return ALL;
    const wildcard = text.search(/[*?[{]/);
    if (wildcard < 0) {
      paths.push(text);
      continue;
    }
    const slash = text.lastIndexOf("/", wildcard);
    paths.push(slash < 0 ? "." : text.slice(0, slash));
  }
  return paths.length === 0 ? null : { kind: "paths", paths };
}
