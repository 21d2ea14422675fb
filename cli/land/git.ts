/**
 * Runs git for a landing. These commands may connect to remotes and take minutes. They run asynchronously, so that the
 * landing can send heartbeats for its lease meanwhile. Runs in the CLI process.
 */
import { dirname } from "node:path";

import { CLI_LAND_GIT_MS_LONGEST, CLI_LAND_GIT_MS_MAX } from "../../schemas/limits/cli.js";
import { formatDuration } from "../../shared/duration.js";
import { parseFlagDuration } from "../duration.js";
import { CliFailure, failed } from "../failure.js";
import { commitWords } from "../guard/git.js";
import { NO_HOOKS, SAFE_OPTIONS, withoutPlace } from "../git-safety.js";
import { io } from "../io.js";
import { describeSystemError } from "../system-error.js";

export interface GitRun {
  readonly isSuccess: boolean;
  readonly output: Buffer;
  /** The output as text, without its last line end. */
  readonly text: string;
  /** The text that git wrote to stderr, trimmed. */
  readonly complaint: string;
}

export interface GitOptions {
  /** Terminates git when it fires. */
  readonly signal?: AbortSignal;
  readonly input?: Buffer;
  /** Variables that are added to the environment. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** The environment variable with the time limit of each git command, for example `2h`. */
const LIMIT = "KOOR_GIT_LIMIT";
/** The time between the time limit and the kill, in which git can remove its lock files. */
const ENDING_MS = 1_000;

/**
 * Returns the time limit of a git command, in ms. It prevents a remote that never answers from blocking the lane for
 * ever.
 */
function limitMs(): number | CliFailure {
  const text = io().environment[LIMIT] ?? "";
  const ms = text === "" ? CLI_LAND_GIT_MS_MAX : parseFlagDuration(text);
  return ms === undefined || ms === 0 || ms > CLI_LAND_GIT_MS_LONGEST
    ? failed(`${LIMIT} must be a duration such as 90s or 2h, at most ${formatDuration(CLI_LAND_GIT_MS_LONGEST)}`)
    : ms;
}

/** Returns this process's environment without the variables that point git to a repository. */
export function ownEnvironment(): NodeJS.ProcessEnv {
  return withoutPlace(io().environment);
}

/**
 * Runs git in a folder and waits until it ends. A failed command is not a failure here. Returns a failure only if git
 * could not be started, if the signal ended it, or if it reached the time limit.
 */
export async function git(
  folder: string,
  words: readonly string[],
  { signal, input, variables = {} }: GitOptions = {},
): Promise<GitRun | CliFailure> {
  const { spawn } = await import("node:child_process");
  const limit = limitMs();
  if (limit instanceof CliFailure) return limit;
  return await new Promise((resolve) => {
    // git is started in the folder of Node. Windows searches a program in the current folder first, and a project may
    // contain its own `git.exe`.
    const child = spawn("git", ["-C", folder, ...SAFE_OPTIONS, ...words], {
      env: { ...ownEnvironment(), ...variables },
      cwd: dirname(process.execPath),
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
      ...(signal === undefined ? {} : { signal }),
    });
    const output: Buffer[] = [];
    const complaint: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => complaint.push(chunk));
    // git may end before it has read all of its input. The error of the stream is then ignored.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input ?? "");
    const timer = setTimeout(() => {
      child.kill("SIGTERM");
      setTimeout(() => child.kill("SIGKILL"), ENDING_MS).unref();
      // A process that git has started may keep these streams open for a long time, so do not wait for their end.
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
      const verb = words.find((word) => /^[a-z][a-z-]*$/.test(word)) ?? "";
      resolve(failed(`git ${verb} did not end within ${formatDuration(limit)}: ${LIMIT} sets another limit`));
    }, limit);
    child.once("exit", () => clearTimeout(timer));
    child.once("error", (error) => {
      clearTimeout(timer);
      resolve(failed(signal?.aborted ? "git was stopped" : `git cannot be started: ${describeSystemError(error)}`));
    });
    child.once("close", (code) => {
      const bytes = Buffer.concat(output);
      resolve({
        isSuccess: code === 0,
        output: bytes,
        text: bytes.toString("utf8").replace(/\r?\n$/, ""),
        complaint: Buffer.concat(complaint).toString("utf8").trim(),
      });
    });
  });
}

/** Runs git without the repository's hooks. */
export async function gitWithoutHooks(
  folder: string,
  words: readonly string[],
  options: GitOptions = {},
): Promise<GitRun | CliFailure> {
  return await git(folder, [...NO_HOOKS, ...words], options);
}

/**
 * Runs git without the repository's hooks, and returns the text of its output.
 * @param doing the phrase that an error message uses for this step, for example `add a worktree`
 */
export async function gitText(
  folder: string,
  words: readonly string[],
  doing: string,
  options: GitOptions = {},
): Promise<string | CliFailure> {
  const run = await gitWithoutHooks(folder, words, options);
  if (run instanceof CliFailure) return run;
  return run.isSuccess ? run.text : failed(`git cannot ${doing}: ${lastLineOf(run.complaint)}`, run.complaint);
}

/** Returns the last non-empty line of a text, for a message that has one line. */
export function lastLineOf(text: string): string {
  return text.split(/\r?\n/).findLast((line) => line.trim() !== "") ?? "";
}

/** Returns the id of the commit that a revision names; undefined if git knows no such commit. */
export async function findCommit(folder: string, revision: string): Promise<string | undefined | CliFailure> {
  const run = await gitWithoutHooks(folder, commitWords(revision));
  if (run instanceof CliFailure) return run;
  return run.isSuccess && run.text !== "" ? run.text : undefined;
}

/** Whether a commit is an ancestor of another one, or the same. An unknown commit is not. */
export async function isAncestor(folder: string, commit: string, of: string): Promise<boolean> {
  const run = await gitWithoutHooks(folder, ["merge-base", "--is-ancestor", "--end-of-options", commit, of]);
  return !(run instanceof CliFailure) && run.isSuccess;
}
