/**
 * Runs git in a folder, with the environment of this process. So in a hook, git uses the index and the repository that
 * it has set for the hook. Paths are handled as bytes, because git allows any bytes in them. Runs in the CLI process.
 */
import { dirname } from "node:path";

import { CliFailure, failed } from "../failure.js";
import { SAFE_OPTIONS, safeEnvironment } from "../git-safety.js";
import { io } from "../io.js";
import { describeSystemError } from "../system-error.js";

/** The maximum output of a git command, in bytes. It is enough for a commit that touches millions of files. */
const OUTPUT_BYTES_MAX = 512 * 1024 * 1024;
/**
 * The commands that read only the configuration and the refs. They have a short time limit, because git would wait for
 * ever for a named pipe among these files.
 */
const QUICK: ReadonlySet<string | undefined> = new Set(["config", "rev-parse", "version"]);
const QUICK_MS_MAX = 10_000;
/** The time limit for all other commands, which read the files of a working tree or the history. */
const READING_MS_MAX = 60_000;
const NUL = 0;

export interface GitResult {
  readonly isSuccess: boolean;
  readonly output: Buffer;
  /** The trimmed text that git wrote to stderr. */
  readonly complaint: string;
}

/**
 * Runs git in a folder to its end. Fails only if git cannot be started or takes too long.
 * @param more variables that replace those of the environment; the value undefined removes a variable
 * @param input the bytes that git reads from stdin
 */
export function runGit(
  folder: string,
  words: readonly string[],
  more: Readonly<Record<string, string | undefined>> = {},
  input: string | Buffer = "",
): GitResult | CliFailure {
  // Load the module only when it is needed. With a static import, every command would load it.
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const timeout = QUICK.has(words[0]) ? QUICK_MS_MAX : READING_MS_MAX;
  const { error, status, stdout, stderr } = spawnSync("git", ["-C", folder, ...SAFE_OPTIONS, ...words], {
    env: safeEnvironment({ ...io().environment, ...more }),
    // Start git in the folder of Node. Windows searches programs in the current folder first, and a project may contain
    // its own `git.exe`.
    cwd: dirname(process.execPath),
    input,
    maxBuffer: OUTPUT_BYTES_MAX,
    timeout,
    killSignal: "SIGKILL",
    windowsHide: true,
  });
  if (error !== undefined && "code" in error && error.code === "ETIMEDOUT")
    return failed(`git did not end within ${timeout / 1000} s: does it read a named pipe, such as a .gitignore?`);
  if (error !== undefined) return failed(`git cannot be started: ${describeSystemError(error)}`);
  return { isSuccess: status === 0, output: stdout, complaint: stderr.toString("utf8").trim() };
}

/**
 * Returns the output of a git command that prints one line. Returns undefined if the command failed or printed nothing.
 */
export function lineOf(result: GitResult): string | undefined {
  const text = result.isSuccess ? result.output.toString("utf8").replace(/\r?\n$/, "") : "";
  return text === "" ? undefined : text;
}

/**
 * Returns the git command that prints the id of a commit. `revision` names the commit, for example `HEAD~1`. git fails
 * if there is no such commit.
 */
export function commitWords(revision: string): string[] {
  return ["rev-parse", "--quiet", "--verify", "--end-of-options", `${revision}^{commit}`];
}

/** Returns the id of the commit that a revision names (`HEAD~1`); undefined if there is no such commit. */
export function findCommit(folder: string, revision: string): string | undefined | CliFailure {
  const result = runGit(folder, commitWords(revision));
  return result instanceof CliFailure ? result : lineOf(result);
}

/** Returns the id of the empty tree. It depends on the hash function of the repository. */
export function emptyTree(root: string): string | CliFailure {
  const result = runGit(root, ["hash-object", "-t", "tree", "--stdin"]);
  if (result instanceof CliFailure) return result;
  return lineOf(result) ?? failed(`git has no empty tree: ${result.complaint}`);
}

/** Decodes a path; undefined if the bytes are not UTF-8. No lease can name such a path. */
export function decodePath(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Splits output in which each field ends with a NUL (git's option `-z`). */
export function splitFields(output: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at < output.length; ) {
    const found = output.indexOf(NUL, at);
    const end = found < 0 ? output.length : found;
    fields.push(output.subarray(at, end));
    at = end + 1;
  }
  return fields;
}
