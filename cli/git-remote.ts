/**
 * Finds the URL of the remote `origin`, and asks git for facts that the repository's files do not show. Only git knows
 * its whole configuration, with the files of the user and the system, includes, and rewritten URLs (`insteadOf`).
 * remote-name.ts converts the URL to a name. Runs in the CLI process.
 */
import { dirname } from "node:path";

import { readGitConfig } from "./git-config.js";
import { readRepositoryConfig, type WorkingTree } from "./git-folder.js";
import { SAFE_OPTIONS, safeEnvironment, withoutPlace } from "./git-safety.js";

const REMOTE = "origin";
/** The maximum run time of a git command, in ms. The commands read only a few small files. */
const GIT_TIMEOUT_MS = 5_000;
const GIT_ANSWER_BYTES_MAX = 64 * 1024;

/** The output of a git command that has ended. `text` is undefined if the command failed. */
interface GitAnswer {
  readonly text: string | undefined;
}

/** Runs a git command for a repository. Returns undefined if git cannot be started or does not end in time. */
function askGit(
  { gitFolder }: WorkingTree,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
  // Start git in the folder of Node, unless it needs the working tree. Windows searches programs in the current folder
  // first, and a project may contain its own `git.exe`.
  folder = dirname(process.execPath),
): GitAnswer | undefined {
  // Load the module only when it is needed. With a static import, every command would load it.
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { error, status, stdout } = spawnSync("git", [...SAFE_OPTIONS, `--git-dir=${gitFolder}`, ...words], {
    env: safeEnvironment(withoutPlace(environment)),
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: GIT_TIMEOUT_MS,
    maxBuffer: GIT_ANSWER_BYTES_MAX,
    windowsHide: true,
  });
  if (error !== undefined) return undefined;
  return { text: status === 0 ? stdout.replace(/\r?\n$/, "") : undefined };
}

/**
 * Returns the URL of the remote `origin`; undefined if there is none. On a machine without git, reads it from the
 * repository's own configuration.
 */
export function findRemoteUrl(tree: WorkingTree, environment: NodeJS.ProcessEnv): string | undefined {
  const answer = askGit(tree, ["remote", "get-url", REMOTE], environment);
  const url = answer === undefined ? readGitConfig(readRepositoryConfig(tree))(`remote.${REMOTE}.url`) : answer.text;
  // git prints the remote's name if the remote has no URL.
  return url === REMOTE ? undefined : url;
}

/** Asks git for the branch of a working tree. Returns null if HEAD is detached, or if git cannot be asked. */
export function askForBranch(tree: WorkingTree, environment: NodeJS.ProcessEnv): string | null {
  return askGit(tree, ["symbolic-ref", "--quiet", "--short", "HEAD"], environment)?.text ?? null;
}

/**
 * Returns those of the given paths that git tracks. On a machine without git, returns none.
 * @param paths relative to the root of the working tree, separated by `/`
 */
export function findTracked(
  tree: WorkingTree,
  paths: readonly string[],
  environment: NodeJS.ProcessEnv,
): ReadonlySet<string> {
  const words = ["--literal-pathspecs", `--work-tree=${tree.root}`, "ls-files", "-z", "--", ...paths];
  const answer = paths.length === 0 ? undefined : askGit(tree, words, environment, tree.root);
  return new Set((answer?.text ?? "").split("\0").filter((path) => path !== ""));
}
